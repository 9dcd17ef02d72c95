/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Configuration files of the ecosystem, read by table:
 *
 *     # comment
 *     max_clients = 5000
 *     log_outputs = "3:syslog:virtqemud"
 *     access_drivers = [ "polkit", "nop" ]
 *
 * A row per key is the single source of what the file may say: its type, where the value goes, its
 * default, and its words in the shipped file.
 */
enum config_type {
    CONFIG_INT,    /* long long */
    CONFIG_UINT,   /* unsigned */
    CONFIG_BOOL,   /* bool; written 0 or 1 */
    CONFIG_MODE,   /* mode_t; an octal number in quotes */
    CONFIG_STRING, /* char *, NULL when not given and without a default */
    CONFIG_LIST,   /* char **, NULL when not given; a single string is a list of one */
};

struct config_row {
    const char *key;
    enum config_type type;
    size_t offset;            /* of the member in the struct that config_load() fills */
    const char *value;        /* default, as written in a file; NULL: zero, no string, no list */
    long long least, most;    /* of numbers; both 0: any that fits */
    const char *const *words; /* allowed strings, NULL at the end; NULL: any */
    const char *no_effect;    /* why the key is taken but ignored here; offset is unused then */
    const char *doc;          /* comment in the shipped file; NULL: an old spelling, not shown */
    const char *example;      /* value shown in the shipped file when there is no default */
};

struct config_table {
    const struct config_row *rows;
    size_t count;
};

/* What is odd in a file and does not stop a start: "virtqemud.conf:12: 'listen_tcp' has no ..." */
typedef void config_warning_func(const char *text, void *data);

/*
 * Sets every member to its default, then to what the file at path says. An absent file leaves the
 * defaults and is an error only if required. Unknown keys (with a suggestion), repeated keys and
 * keys without effect go to warn. VIR_ERR_CONF_SYNTAX or VIR_ERR_CONFIG_UNSUPPORTED names file and
 * line; values is untouched then. Several tables may fill one struct.
 */
int config_load(const char *path, bool required, const struct config_table *tables, size_t count,
                void *values, config_warning_func *warn, void *data, GError **error);

/* Same from memory; name is shown in messages. Does not block. */
int config_read(const char *name, const char *text, size_t length,
                const struct config_table *tables, size_t count, void *values,
                config_warning_func *warn, void *data, GError **error);

/* Frees strings and lists of the rows and zeroes them. */
void config_clear(const struct config_table *tables, size_t count, void *values);

/* The shipped file: every row as a comment with its default or example; the caller frees. */
char *config_sample(const char *heading, const struct config_table *tables, size_t count);
