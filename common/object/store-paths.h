/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "object/store.h"

/*
 * What saving and loading share. Only for store*.c and startup.c.
 */
struct store {
    const struct object_kind *kind;
    char *config_folder;
    char *autostart_folder; /* NULL: no autostart */
    char *status_folder;    /* NULL: no status files */
    char *edit_command;
    const struct store_status *status;
};

/* What ends the names of links: for each start of the host, and for the next one alone. */
#define STORE_LINK ".xml"
#define STORE_LINK_ONCE ".xml.once"

/* The autostart link of an object; the caller frees. */
char *store_link_path(const struct store *store, const char *name, const char *ending);

/* Renames the document and its link, the document's contents being right already. Blocks. */
int store_move(const struct store *store, const char *old_name, const char *new_name,
               GError **error);

/* The functions of struct store_status, or what is done where only the live definition counts. */
int store_write_status(const struct store *store, struct object *object,
                       const struct object_view *view, char **ret_text, GError **error);
int store_restore_status(const struct store *store, struct registry *registry, struct job *job,
                         struct definition *live, void *rest, GError **error);
