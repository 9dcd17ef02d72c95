/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/schemata.h"

#include <string.h>

#include "base/error.h"

#define ENTRIES_MAX 4096
#define MASK_BITS 64

static bool is_mask(const char *resource)
{
    return resource[0] == 'L';
}

/* "0= 50", "1=7ff" */
static bool parse_entry(const char *text, struct schemata_entry *entry)
{
    const char *equals = strchr(text, '=');
    char *id_end, *end;

    if (!equals || !g_ascii_isdigit(*text))
        return false;
    uint64_t id = g_ascii_strtoull(text, &id_end, 10);
    const char *value = equals + 1 + strspn(equals + 1, " ");
    if (id_end != equals || id > G_MAXUINT || !g_ascii_isxdigit(*value))
        return false;
    entry->id = (unsigned)id;
    entry->value = g_ascii_strtoull(value, &end, is_mask(entry->resource) ? 16 : 10);
    return end[strspn(end, " ")] == '\0';
}

/* "    L3:0=7ff;1=7ff" */
static bool parse_line(const char *line, GArray *entries)
{
    const char *name = line + strspn(line, " ");
    const char *colon = strchr(name, ':');
    struct schemata_entry entry = {0};

    if (!colon || colon == name || colon - name >= SCHEMATA_NAME)
        return false;
    memcpy(entry.resource, name, (size_t)(colon - name));
    g_auto(GStrv) values = g_strsplit(colon + 1, ";", ENTRIES_MAX);
    for (char **value = values; *value; value++) {
        if (!parse_entry(*value, &entry) || entries->len >= ENTRIES_MAX)
            return false;
        g_array_append_val(entries, entry);
    }
    return true;
}

int schemata_parse(const char *text, GArray **ret_entries, GError **error)
{
    g_autoptr(GArray) entries = g_array_new(FALSE, FALSE, sizeof(struct schemata_entry));
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (char **line = lines; *line; line++) {
        /* of a group that is being made for pseudo-locking */
        if (**line == '\0' || g_str_has_suffix(*line, ":uninitialized") ||
            parse_line(*line, entries))
            continue;
        error_set(error, VIR_ERR_INTERNAL_ERROR, "'%s' is no line of a group of resctrl", *line);
        return -1;
    }
    *ret_entries = g_steal_pointer(&entries);
    return 0;
}

char *schemata_format(const GArray *entries)
{
    GString *text = g_string_new(NULL);
    const char *last = "";

    for (unsigned i = 0; i < entries->len; i++) {
        const struct schemata_entry *entry = &g_array_index(entries, struct schemata_entry, i);

        if (strcmp(entry->resource, last) == 0)
            g_string_append_c(text, ';');
        else
            g_string_append_printf(text, "%s%s:", *last ? "\n" : "", entry->resource);
        g_string_append_printf(text,
                               is_mask(last = entry->resource) ? "%u=%" G_GINT64_MODIFIER "x"
                                                               : "%u=%" G_GUINT64_FORMAT,
                               entry->id, entry->value);
    }
    return g_string_free(g_string_append(text, entries->len ? "\n" : ""), FALSE);
}

struct schemata_entry *schemata_find(const GArray *entries, const char *resource, unsigned id)
{
    for (unsigned i = 0; i < entries->len; i++) {
        struct schemata_entry *entry = &g_array_index(entries, struct schemata_entry, i);

        if (entry->id == id && strcmp(entry->resource, resource) == 0)
            return entry;
    }
    return NULL;
}

/* How many bits are set side by side from this one on. */
static unsigned run_length(uint64_t bits, unsigned from)
{
    unsigned length = 0;

    while (from + length < MASK_BITS && bits >> (from + length) & 1)
        length++;
    return length;
}

bool schemata_choose_bits(uint64_t free_bits, unsigned count, uint64_t *ret_mask)
{
    unsigned best = MASK_BITS + 1, best_from = 0;

    for (unsigned from = 0; from < MASK_BITS; from++) {
        unsigned length = run_length(free_bits, from);

        if (length >= count && length < best) {
            best = length;
            best_from = from;
        }
        from += length;
    }
    if (count == 0 || best > MASK_BITS)
        return false;
    *ret_mask = (count < MASK_BITS ? (UINT64_C(1) << count) - 1 : ~UINT64_C(0)) << best_from;
    return true;
}
