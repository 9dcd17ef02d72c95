/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "object/store.h"
#include "thing.h"

/*
 * A store of things in a temporary folder, and what tests do with it.
 */
struct world {
    char *root, *config, *autostart, *status;
    struct store *store;
    struct registry *registry;
    GPtrArray *notes; /* of the last load */
};

/* Empty folders that do not exist yet, under root (NULL: a new temporary folder). */
struct world *world_new(const char *root);

/* Removes the folders. */
void world_free(struct world *world);

/* As a restarted daemon: a new registry, loaded from the folders. */
void world_load(struct world *world);

/* Define, save and publish; then autostart if asked. Fails the test on errors. */
void world_define(struct world *world, const char *name, uint8_t number, const char *text,
                  bool autostart);

/* The steps of a driver; 0 or -1. */
int world_save(struct world *world, const char *name, uint8_t number, const char *text,
               GError **error);
int world_undefine(struct world *world, const char *name, GError **error);
int world_rename(struct world *world, const char *name, const char *new_name, GError **error);
int world_set_autostart(struct world *world, const char *name, bool autostart, GError **error);

/* A file below root; fails the test on errors. */
void world_write(struct world *world, const char *name, const char *text);
bool world_has(struct world *world, const char *name);

/* "a.xml b.xml": what is in a folder, sorted; the caller frees. */
char *world_ls(const char *folder);

/* "a=text b=text*": what is loaded, in order, with * for autostart; the caller frees. */
char *world_objects(struct world *world);
