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
    CONFIG_WORD,   /* the same; a number without quotes is taken as its text */
    CONFIG_LIST,   /* char **, NULL when not given; a single string is a list of one */
};

struct config_row {
    const char *key;
    enum config_type type;
    size_t offset;            /* of the member in the struct that config_load() fills */
    const char *value;        /* default, as a file would say it; NULL: zero, no string, no list */
    long long least, most;    /* of numbers; both 0: any that fits */
    const char *const *words; /* allowed strings, NULL at the end; NULL: any */
    bool restart;             /* a change takes effect when the daemon is started again */
    const char *no_effect;    /* why the key is taken but ignored here; offset is unused then */
    const char
        *doc; /* comment in the shipped file; "": under that of the row above; NULL: not there */
    const char *example; /* shown in the shipped file instead of the default */
};

struct config_table {
    const struct config_row *rows;
    size_t count;
};

/* A table and the struct that its offsets are in. */
struct config_part {
    const struct config_table *table;
    void *values;
};

/* What is odd in a file and does not stop a start: "virtqemud.conf:12: unknown key ..." */
typedef void (*config_warning_function)(const char *text, void *data);

/*
 * Sets the members of all parts (zeroed structs) to their defaults, then to what the file at path
 * says; a key in two tables belongs to the first. An absent file leaves the defaults, and is an
 * error only if required. Unknown keys (with a suggestion), repeated keys and keys without effect
 * go to warn, which may be NULL. VIR_ERR_CONF_SYNTAX and VIR_ERR_CONFIG_UNSUPPORTED name file and
 * line; nothing is set then. config_clear() frees the result. Blocks on the disk; any thread.
 */
int config_load(const char *path, bool required, const struct config_part *parts, size_t count,
                config_warning_function warn, void *data, GError **error);

/* Same from memory; name is shown in messages. */
int config_read(const char *name, const char *text, size_t length, const struct config_part *parts,
                size_t count, config_warning_function warn, void *data, GError **error);

/* Tells warn of each key marked restart whose value in two structs of a table is not the same. */
void config_warn_of_restart(const struct config_table *table, const void *old, const void *current,
                            config_warning_function warn, void *data);

/* Frees the strings and lists and sets their members to NULL. */
void config_clear(const struct config_part *parts, size_t count);

/* The shipped file: heading, then every documented row as a comment; the caller frees. */
char *config_sample(const char *heading, const struct config_table *const *tables, size_t count);
