/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stddef.h>

/* The syntax of configuration files, without what keys mean; private to config.c. */
enum config_text_type {
    CONFIG_TEXT_NUMBER,
    CONFIG_TEXT_STRING,
    CONFIG_TEXT_LIST,
};

struct config_entry {
    char *key;
    unsigned line; /* of the key */
    enum config_text_type type;
    long long number;
    char *string;
    char **list; /* NULL at the end */
};

/* Every "key = value" of the text, in order; frees itself. VIR_ERR_CONF_SYNTAX begins with
 * name:line. */
int config_text_read(const char *name, const char *text, size_t length, GPtrArray **ret_entries,
                     GError **error);

/* One value alone, as in a row's default; free with config_entry_free. */
int config_text_read_value(const char *text, struct config_entry **ret_entry, GError **error);
void config_entry_free(void *entry);
