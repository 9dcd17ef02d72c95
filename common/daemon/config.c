/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/file.h"
#include "base/names.h"
#include "daemon/config-text.h"

#define LARGEST_FILE (1024 * 1024)
#define MOST_MODE 07777
#define NEAR_KEY 2

static const char *const type_words[] = {
    [CONFIG_INT] = "a number",
    [CONFIG_UINT] = "a number from 0 up",
    [CONFIG_BOOL] = "0 or 1",
    [CONFIG_MODE] = "an octal mode in quotes, such as \"0770\"",
    [CONFIG_STRING] = "a text in quotes",
    [CONFIG_WORD] = "a text in quotes or a number",
    [CONFIG_LIST] = "a list of texts: [ \"one\", \"two\" ]",
};

static void *member_of(const struct config_part *part, const struct config_row *row)
{
    return (char *)part->values + row->offset;
}

static bool fits_range(const struct config_row *row, long long number)
{
    if (row->least || row->most)
        return number >= row->least && number <= row->most;
    if (row->type == CONFIG_BOOL)
        return number == 0 || number == 1;
    return row->type == CONFIG_INT || (number >= 0 && number <= G_MAXUINT);
}

static bool read_mode(const char *text, mode_t *ret_mode)
{
    char *end;
    unsigned long mode = strtoul(text, &end, 8);

    if (!*text || !g_ascii_isdigit(*text) || *end || mode > MOST_MODE)
        return false;
    *ret_mode = (mode_t)mode;
    return true;
}

static bool fits_words(const struct config_row *row, const char *text)
{
    return !row->words || g_strv_contains(row->words, text);
}

/* True if the value is of the row's type and within its bounds. */
static bool fits(const struct config_row *row, const struct config_entry *entry)
{
    mode_t mode;

    switch (row->type) {
    case CONFIG_INT:
    case CONFIG_UINT:
    case CONFIG_BOOL:
        return entry->type == CONFIG_TEXT_NUMBER && fits_range(row, entry->number);
    case CONFIG_MODE:
        return entry->type == CONFIG_TEXT_STRING && read_mode(entry->string, &mode);
    case CONFIG_STRING:
        return entry->type == CONFIG_TEXT_STRING && fits_words(row, entry->string);
    case CONFIG_WORD:
        return entry->type != CONFIG_TEXT_LIST;
    case CONFIG_LIST:
        break;
    }
    if (entry->type == CONFIG_TEXT_STRING)
        return fits_words(row, entry->string);
    for (char **item = entry->list; item && *item; item++)
        if (!fits_words(row, *item))
            return false;
    return entry->type == CONFIG_TEXT_LIST;
}

static int report_value(const char *name, const struct config_row *row,
                        const struct config_entry *entry, GError **error)
{
    g_autoptr(GString) wanted = g_string_new(type_words[row->type]);

    if (row->least || row->most)
        g_string_printf(wanted, "a number from %lld to %lld", row->least, row->most);
    if (row->words) {
        g_autofree char *words = g_strjoinv("\", \"", (char **)row->words);
        g_string_printf(wanted, "%s \"%s\"", row->type == CONFIG_LIST ? "a list out of" : "one of",
                        words);
    }
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "%s:%u: '%s' takes %s", name, entry->line,
              row->key, wanted->str);
    return -1;
}

/* Hands the value, known to fit, to its member; takes strings and lists out of the entry. */
static void apply(const struct config_part *part, const struct config_row *row,
                  struct config_entry *entry)
{
    void *member = member_of(part, row);

    switch (row->type) {
    case CONFIG_INT:
        *(long long *)member = entry->number;
        return;
    case CONFIG_UINT:
        *(unsigned *)member = (unsigned)entry->number;
        return;
    case CONFIG_BOOL:
        *(bool *)member = entry->number;
        return;
    case CONFIG_MODE:
        read_mode(entry->string, member);
        return;
    case CONFIG_STRING:
        g_free(*(char **)member);
        *(char **)member = g_steal_pointer(&entry->string);
        return;
    case CONFIG_WORD:
        g_free(*(char **)member);
        *(char **)member = entry->string ? g_steal_pointer(&entry->string)
                                         : g_strdup_printf("%lld", entry->number);
        return;
    case CONFIG_LIST:
        g_strfreev(*(char ***)member);
        *(char ***)member =
            entry->list ? g_steal_pointer(&entry->list) : g_strsplit(entry->string, "\n", 1);
        return;
    }
}

static void apply_default(const struct config_part *part, const struct config_row *row)
{
    g_autoptr(GError) error = NULL;
    struct config_entry *entry;

    if (!row->value)
        return;
    if (config_text_read_value(row->value, &entry, &error) < 0 || !fits(row, entry))
        g_error("default of '%s': %s", row->key, error ? error->message : "does not fit its row");
    apply(part, row, entry);
    config_entry_free(entry);
}

static void apply_defaults(const struct config_part *parts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < parts[i].table->count; j++)
            if (!parts[i].table->rows[j].no_effect)
                apply_default(&parts[i], &parts[i].table->rows[j]);
}

static const struct config_row *find_row(const struct config_part *parts, size_t count,
                                         const char *key, const struct config_part **ret_part)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < parts[i].table->count; j++)
            if (strcmp(parts[i].table->rows[j].key, key) == 0) {
                *ret_part = &parts[i];
                return &parts[i].table->rows[j];
            }
    return NULL;
}

static const char *nearest_key(const struct config_part *parts, size_t count, const char *key)
{
    const char *nearest = NULL;
    unsigned limit = NEAR_KEY;

    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < parts[i].table->count; j++) {
            unsigned distance = word_distance(key, parts[i].table->rows[j].key, limit);
            if (distance > limit || (nearest && distance == limit))
                continue;
            nearest = parts[i].table->rows[j].key;
            limit = distance;
        }
    return nearest;
}

/* One reading of one file. */
struct reading {
    const char *name;
    const struct config_part *parts;
    size_t count;
    config_warning_function warn;
    void *data;
};

static void G_GNUC_PRINTF(3, 4)
    warn_at(const struct reading *reading, unsigned line, const char *format, ...)
{
    va_list args;

    if (!reading->warn)
        return;
    va_start(args, format);
    g_autofree char *what = g_strdup_vprintf(format, args);
    va_end(args);
    g_autofree char *text = g_strdup_printf("%s:%u: %s", reading->name, line, what);
    reading->warn(text, reading->data);
}

static void warn_unknown(const struct reading *reading, const struct config_entry *entry)
{
    const char *near = nearest_key(reading->parts, reading->count, entry->key);

    if (near)
        warn_at(reading, entry->line, "unknown key '%s' (did you mean '%s'?)", entry->key, near);
    else
        warn_at(reading, entry->line, "unknown key '%s'", entry->key);
}

static int check_entry(const struct reading *reading, const struct config_entry *entry,
                       GHashTable *seen, GError **error)
{
    const struct config_part *part;
    const struct config_row *row = find_row(reading->parts, reading->count, entry->key, &part);

    if (!row) {
        warn_unknown(reading, entry);
        return 0;
    }
    if (row->no_effect) {
        warn_at(reading, entry->line, "'%s' has no effect here: %s", entry->key, row->no_effect);
        return 0;
    }
    if (!fits(row, entry))
        return report_value(reading->name, row, entry, error);
    gpointer line = g_hash_table_lookup(seen, entry->key);
    if (line)
        warn_at(reading, entry->line, "'%s' replaces the value of line %u", entry->key,
                GPOINTER_TO_UINT(line));
    g_hash_table_insert(seen, entry->key, GUINT_TO_POINTER(entry->line));
    return 0;
}

static int check_entries(const struct reading *reading, const GPtrArray *entries, GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < entries->len; i++)
        if (check_entry(reading, entries->pdata[i], seen, error) < 0)
            return -1;
    return 0;
}

static void apply_entries(const struct reading *reading, const GPtrArray *entries)
{
    const struct config_part *part;

    for (guint i = 0; i < entries->len; i++) {
        struct config_entry *entry = entries->pdata[i];
        const struct config_row *row = find_row(reading->parts, reading->count, entry->key, &part);
        if (row && !row->no_effect)
            apply(part, row, entry);
    }
}

int config_read(const char *name, const char *text, size_t length, const struct config_part *parts,
                size_t count, config_warning_function warn, void *data, GError **error)
{
    struct reading reading = {name, parts, count, warn, data};
    g_autoptr(GPtrArray) entries = NULL;

    if (config_text_read(name, text, length, &entries, error) < 0 ||
        check_entries(&reading, entries, error) < 0)
        return -1;
    apply_defaults(parts, count);
    apply_entries(&reading, entries);
    return 0;
}

int config_load(const char *path, bool required, const struct config_part *parts, size_t count,
                config_warning_function warn, void *data, GError **error)
{
    g_autofree char *text = NULL;
    size_t length;
    int result = required ? file_read_all(path, LARGEST_FILE, &text, &length, error)
                          : file_read_optional(path, LARGEST_FILE, &text, &length, error);

    if (result < 0)
        return -1;
    return config_read(path, text ? text : "", length, parts, count, warn, data, error);
}

static void clear_member(const struct config_part *part, const struct config_row *row)
{
    if (row->type == CONFIG_STRING || row->type == CONFIG_WORD)
        g_clear_pointer((char **)member_of(part, row), g_free);
    if (row->type == CONFIG_LIST)
        g_clear_pointer((char ***)member_of(part, row), g_strfreev);
}

static bool same_value(const struct config_row *row, const void *a, const void *b)
{
    char *const *const *lists[] = {a, b};
    char *const *texts[] = {a, b};

    switch (row->type) {
    case CONFIG_INT:
        return *(const long long *)a == *(const long long *)b;
    case CONFIG_UINT:
        return *(const unsigned *)a == *(const unsigned *)b;
    case CONFIG_BOOL:
        return *(const bool *)a == *(const bool *)b;
    case CONFIG_MODE:
        return *(const mode_t *)a == *(const mode_t *)b;
    case CONFIG_STRING:
    case CONFIG_WORD:
        return g_strcmp0(*texts[0], *texts[1]) == 0;
    case CONFIG_LIST:
        break;
    }
    if (!*lists[0] || !*lists[1])
        return !*lists[0] && !*lists[1];
    return g_strv_equal((const char *const *)*lists[0], (const char *const *)*lists[1]);
}

void config_warn_of_restart(const struct config_table *table, const void *old, const void *current,
                            config_warning_function warn, void *data)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct config_row *row = &table->rows[i];
        g_autofree char *text = NULL;

        if (!row->restart ||
            same_value(row, (const char *)old + row->offset, (const char *)current + row->offset))
            continue;
        text = g_strdup_printf("%s has changed: that takes effect when the daemon is restarted",
                               row->key);
        warn(text, data);
    }
}

void config_clear(const struct config_part *parts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < parts[i].table->count; j++)
            if (!parts[i].table->rows[j].no_effect)
                clear_member(&parts[i], &parts[i].table->rows[j]);
}

static void append_comment(GString *text, const char *comment)
{
    g_auto(GStrv) lines = g_strsplit(comment, "\n", -1);

    for (char **line = lines; *line; line++)
        g_string_append_printf(text, "#%s%s\n", **line ? " " : "", *line);
}

char *config_sample(const char *heading, const struct config_table *const *tables, size_t count)
{
    GString *text = g_string_new(NULL);

    append_comment(text, heading);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < tables[i]->count; j++) {
            const struct config_row *row = &tables[i]->rows[j];
            const char *value = row->example ? row->example : row->value;
            if (!row->doc || row->no_effect)
                continue;
            if (*row->doc) {
                g_string_append_c(text, '\n');
                append_comment(text, row->doc);
            }
            g_string_append_printf(text, "#%s = %s\n", row->key, value ? value : "0");
        }
    return g_string_free(text, FALSE);
}
