/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/config-text.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/error.h"

#define LONGEST_NUMBER 20

struct reader {
    const char *name;
    const char *at, *end;
    unsigned line;
};

void config_entry_free(void *data)
{
    struct config_entry *entry = data;

    g_free(entry->key);
    g_free(entry->string);
    g_strfreev(entry->list);
    g_free(entry);
}

static int syntax_error(const struct reader *reader, GError **error, const char *what)
{
    error_set(error, VIR_ERR_CONF_SYNTAX, "%s:%u: %s", reader->name, reader->line, what);
    return -1;
}

static int current(const struct reader *reader)
{
    return reader->at < reader->end ? (unsigned char)*reader->at : -1;
}

static void skip_blanks(struct reader *reader)
{
    while (current(reader) == ' ' || current(reader) == '\t' || current(reader) == '\r')
        reader->at++;
}

static void skip_comment(struct reader *reader)
{
    while (current(reader) >= 0 && current(reader) != '\n')
        reader->at++;
}

/* Blanks, comments and ends of lines. */
static void skip_space(struct reader *reader)
{
    for (;;) {
        skip_blanks(reader);
        if (current(reader) == '#')
            skip_comment(reader);
        if (current(reader) != '\n')
            return;
        reader->at++;
        reader->line++;
    }
}

static bool is_key_byte(int byte)
{
    return byte >= 0 && (g_ascii_isalnum(byte) || byte == '_' || byte == '.' || byte == '-');
}

static char *read_key(struct reader *reader)
{
    const char *begin = reader->at;

    if (current(reader) < 0 || !g_ascii_isalpha(current(reader)))
        return NULL;
    while (is_key_byte(current(reader)))
        reader->at++;
    return g_strndup(begin, (size_t)(reader->at - begin));
}

static int read_number(struct reader *reader, long long *ret_number, GError **error)
{
    char digits[LONGEST_NUMBER + 1] = "";
    size_t length = 0;

    while (current(reader) == '-' || (current(reader) >= 0 && g_ascii_isdigit(current(reader)))) {
        if (length == LONGEST_NUMBER)
            return syntax_error(reader, error, "the number is too large");
        digits[length++] = *reader->at++;
    }
    char *end;
    errno = 0;
    long long number = g_ascii_strtoll(digits, &end, 10);
    if (errno)
        return syntax_error(reader, error, "the number is too large");
    if (!length || *end || end == digits)
        return syntax_error(reader, error, "a '-' stands for no number");
    *ret_number = number;
    return 0;
}

/* """text over several lines""" */
static int read_long_string(struct reader *reader, char **ret_string, GError **error)
{
    const char *begin = reader->at + 3;
    const char *end = memmem(begin, (size_t)(reader->end - begin), "\"\"\"", 3);

    if (!end)
        return syntax_error(reader, error, "the text that begins here has no closing \"\"\"");
    for (const char *c = begin; c < end; c++)
        reader->line += *c == '\n';
    *ret_string = g_strndup(begin, (size_t)(end - begin));
    reader->at = end + 3;
    return 0;
}

static int read_string(struct reader *reader, char **ret_string, GError **error)
{
    char quote = *reader->at;

    if (reader->end - reader->at >= 3 && memcmp(reader->at, "\"\"\"", 3) == 0)
        return read_long_string(reader, ret_string, error);
    const char *begin = ++reader->at;
    while (current(reader) >= 0 && current(reader) != quote && current(reader) != '\n')
        reader->at++;
    if (current(reader) != quote)
        return syntax_error(reader, error, "the text in quotes has no closing quote");
    *ret_string = g_strndup(begin, (size_t)(reader->at - begin));
    reader->at++;
    return 0;
}

/* Numbers in lists are kept as their digits. */
static int read_item(struct reader *reader, GPtrArray *items, GError **error)
{
    char *string;
    long long number;

    if (current(reader) == '"' || current(reader) == '\'') {
        if (read_string(reader, &string, error) < 0)
            return -1;
        g_ptr_array_add(items, string);
        return 0;
    }
    if (current(reader) != '-' && (current(reader) < 0 || !g_ascii_isdigit(current(reader))))
        return syntax_error(reader, error, "a list holds texts in quotes, or numbers");
    if (read_number(reader, &number, error) < 0)
        return -1;
    g_ptr_array_add(items, g_strdup_printf("%lld", number));
    return 0;
}

static int read_items(struct reader *reader, GPtrArray *items, GError **error)
{
    reader->at++;
    skip_space(reader);
    while (current(reader) != ']') {
        if (current(reader) < 0)
            return syntax_error(reader, error, "the list has no closing ']'");
        if (read_item(reader, items, error) < 0)
            return -1;
        skip_space(reader);
        if (current(reader) == ',')
            reader->at++;
        else if (current(reader) != ']')
            return syntax_error(reader, error, "expected ',' or ']' in the list");
        skip_space(reader);
    }
    reader->at++;
    return 0;
}

static int read_list(struct reader *reader, char ***ret_list, GError **error)
{
    g_autoptr(GPtrArray) items = g_ptr_array_new_with_free_func(g_free);

    if (read_items(reader, items, error) < 0)
        return -1;
    g_ptr_array_add(items, NULL);
    *ret_list = (char **)g_ptr_array_free(g_steal_pointer(&items), FALSE);
    return 0;
}

static int read_value(struct reader *reader, struct config_entry *entry, GError **error)
{
    switch (current(reader)) {
    case '"':
    case '\'':
        entry->type = CONFIG_TEXT_STRING;
        return read_string(reader, &entry->string, error);
    case '[':
        entry->type = CONFIG_TEXT_LIST;
        return read_list(reader, &entry->list, error);
    case '-':
    case '0' ... '9':
        entry->type = CONFIG_TEXT_NUMBER;
        return read_number(reader, &entry->number, error);
    default:
        return syntax_error(reader, error,
                            "expected a value: a number, \"text\", or [ \"text\", ... ]");
    }
}

/* From the key to the end of the line. */
static int read_entry(struct reader *reader, struct config_entry *entry, GError **error)
{
    entry->line = reader->line;
    entry->key = read_key(reader);
    if (!entry->key)
        return syntax_error(reader, error, "expected a key at the beginning of the line");
    skip_blanks(reader);
    if (current(reader) != '=')
        return syntax_error(reader, error, "expected '=' after the key");
    reader->at++;
    skip_blanks(reader);
    if (read_value(reader, entry, error) < 0)
        return -1;
    skip_blanks(reader);
    if (current(reader) >= 0 && current(reader) != '\n' && current(reader) != '#')
        return syntax_error(reader, error, "unexpected text after the value");
    return 0;
}

int config_text_read(const char *name, const char *text, size_t length, GPtrArray **ret_entries,
                     GError **error)
{
    g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func(config_entry_free);
    struct reader reader = {name, text, text + length, 1};

    if (memchr(text, '\0', length)) {
        error_set(error, VIR_ERR_CONF_SYNTAX, "%s: this is no text file", name);
        return -1;
    }
    for (skip_space(&reader); current(&reader) >= 0; skip_space(&reader)) {
        struct config_entry *entry = g_new0(struct config_entry, 1);
        g_ptr_array_add(entries, entry);
        if (read_entry(&reader, entry, error) < 0)
            return -1;
    }
    *ret_entries = g_steal_pointer(&entries);
    return 0;
}

int config_text_read_value(const char *text, struct config_entry **ret_entry, GError **error)
{
    struct reader reader = {"default", text, text + strlen(text), 1};
    struct config_entry *entry = g_new0(struct config_entry, 1);

    if (read_value(&reader, entry, error) < 0) {
        config_entry_free(entry);
        return -1;
    }
    *ret_entry = entry;
    return 0;
}
