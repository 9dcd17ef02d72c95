/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "native-words.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#include "json.h"

#define JSON_DEPTH 8
#define JSON_MEMORY (4 * 1024 * 1024)
#define LARGEST_LIST 64

/* What ends a command, in the shell's words. */
static const char *const ends_of_commands[] = {"&", "&&", ";", "|", "||", ">", "2>", ">>", NULL};

static int check_words(char **words, GError **error)
{
    unsigned count = g_strv_length(words);

    if (count > NATIVE_MAX_WORDS) {
        error_set(error, VIR_ERR_INVALID_ARG, "the command line has %u words, more than %d", count,
                  NATIVE_MAX_WORDS);
        return -1;
    }
    for (unsigned i = 0; i < count; i++)
        if (g_strv_contains(ends_of_commands, words[i])) {
            error_set(error, VIR_ERR_INVALID_ARG,
                      "'%s' in a command line: one command is wanted, and nothing else", words[i]);
            return -1;
        }
    return 0;
}

/* What a document may hold. */
static bool is_text(const char *text)
{
    if (!g_utf8_validate(text, -1, NULL))
        return false;
    for (const char *at = text; *at; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);
        if ((c < 0x20 && c != '\n' && c != '\t') || c == 0xfffe || c == 0xffff)
            return false;
    }
    return true;
}

int native_split(const char *text, char ***ret_words, GError **error)
{
    g_auto(GStrv) words = NULL;
    g_autoptr(GError) inner = NULL;

    if (strlen(text) > NATIVE_MAX_TEXT) {
        error_set(error, VIR_ERR_INVALID_ARG, "the command line is longer than %d bytes",
                  NATIVE_MAX_TEXT);
        return -1;
    }
    if (!is_text(text)) {
        error_set(error, VIR_ERR_INVALID_ARG, "the command line is no text in UTF-8");
        return -1;
    }
    if (!g_shell_parse_argv(text, NULL, &words, &inner)) {
        error_set(error, VIR_ERR_INVALID_ARG, "the command line can't be read: %s", inner->message);
        return -1;
    }
    if (check_words(words, error) < 0)
        return -1;
    *ret_words = g_steal_pointer(&words);
    return 0;
}

bool native_is_variable(const char *word)
{
    size_t length = strspn(word, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_");

    return length > 0 && word[length] == '=' && !g_ascii_isdigit(word[0]);
}

static void add_pair(struct native_list *list, const char *key, const char *value)
{
    if (list->count < LARGEST_LIST)
        list->pairs[list->count++] = (struct native_pair){.key = key, .value = value};
}

static void add_json(struct native_list *list, const char *key, struct json_object *value,
                     struct arena *arena)
{
    switch (json_object_get_type(value)) {
    case json_type_object: {
        json_object_object_foreach(value, name, member) add_json(
            list, *key ? arena_printf(arena, "%s.%s", key, name) : arena_strdup(arena, name),
            member, arena);
        return;
    }
    case json_type_array:
        for (size_t i = 0; i < json_object_array_length(value) && i < LARGEST_LIST; i++)
            add_json(list, arena_printf(arena, "%s.%zu", key, i),
                     json_object_array_get_idx(value, i), arena);
        return;
    case json_type_boolean:
        add_pair(list, key, json_object_get_boolean(value) ? "on" : "off");
        return;
    default:
        add_pair(list, key, value ? arena_strdup(arena, json_object_get_string(value)) : "");
    }
}

/* The next part up to a comma that is not doubled, unescaped to *to; both are after it then. */
static char *next_part(const char **text, char **to)
{
    char *part = *to, *end = part;
    const char *at = *text;

    for (; *at && (*at != ',' || at[1] == ','); at++) {
        *end++ = *at;
        if (*at == ',')
            at++;
    }
    *end = '\0';
    *to = end + 1;
    *text = *at ? at + 1 : at;
    return part;
}

static void add_part(struct native_list *list, char *part, const char *first)
{
    char *value = strchr(part, '=');

    if (value) {
        *value = '\0';
        add_pair(list, part, value + 1);
    } else if (first) {
        add_pair(list, first, part);
    } else if (*part) {
        add_pair(list, part, "on");
    }
}

struct native_list native_list_read(const char *text, const char *first, struct arena *arena)
{
    struct native_list list = {.pairs = arena_array(arena, LARGEST_LIST, sizeof(*list.pairs))};

    if (*text == '{') {
        struct json_object *json JSON_AUTO = NULL;

        if (json_read(text, strlen(text), JSON_DEPTH, JSON_MEMORY, &json, NULL) == 0)
            add_json(&list, "", json, arena);
    } else {
        char *to = arena_alloc(arena, strlen(text) + 1);

        for (bool is_first = true; *text; is_first = false)
            add_part(&list, next_part(&text, &to), is_first ? first : NULL);
    }
    if (list.count == LARGEST_LIST)
        list.count = 0;
    return list;
}

static struct native_pair *find(const struct native_list *list, const char *key)
{
    for (unsigned i = list->count; i > 0; i--)
        if (g_str_equal(list->pairs[i - 1].key, key))
            return &list->pairs[i - 1];
    return NULL;
}

const char *native_list_find(const struct native_list *list, const char *key)
{
    const struct native_pair *pair = find(list, key);

    return pair ? pair->value : NULL;
}

const char *native_list_take(struct native_list *list, const char *key)
{
    struct native_pair *pair = find(list, key);

    if (!pair)
        return NULL;
    pair->taken = true;
    return pair->value;
}

void native_list_ignore(struct native_list *list, ...)
{
    va_list keys;
    const char *key;

    va_start(keys, list);
    while ((key = va_arg(keys, const char *)))
        native_list_take(list, key);
    va_end(keys);
}

bool native_list_take_bool(struct native_list *list, const char *key, bool *ret_value)
{
    static const char *const yes[] = {"on", "yes", "true", "y", NULL};
    static const char *const no[] = {"off", "no", "false", "n", NULL};
    struct native_pair *pair = find(list, key);

    if (!pair || (!g_strv_contains(yes, pair->value) && !g_strv_contains(no, pair->value)))
        return false;
    pair->taken = true;
    *ret_value = g_strv_contains(yes, pair->value);
    return true;
}

bool native_list_take_tristate(struct native_list *list, const char *key, uint8_t *ret_value)
{
    bool value;

    if (!native_list_take_bool(list, key, &value))
        return false;
    *ret_value = tristate_of(value);
    return true;
}

bool native_number(const char *text, uint64_t *ret_value)
{
    bool hexadecimal = g_str_has_prefix(text, "0x");
    char *end;

    if (!(hexadecimal ? g_ascii_isxdigit(text[2]) : g_ascii_isdigit(text[0])))
        return false;
    errno = 0;
    uint64_t value = g_ascii_strtoull(text, &end, hexadecimal ? 16 : 10);
    if (errno || *end)
        return false;
    *ret_value = value;
    return true;
}

bool native_list_take_uint(struct native_list *list, const char *key, unsigned *ret_value)
{
    struct native_pair *pair = find(list, key);
    uint64_t value;

    if (!pair || !native_number(pair->value, &value) || value > G_MAXINT)
        return false;
    pair->taken = true;
    *ret_value = (unsigned)value;
    return true;
}

bool native_list_done(const struct native_list *list)
{
    for (unsigned i = 0; i < list->count; i++)
        if (!list->pairs[i].taken)
            return false;
    return list->count > 0;
}

const char *native_list_rest(const struct native_list *list, struct arena *arena)
{
    g_autoptr(GString) rest = g_string_new(NULL);

    for (unsigned i = 0; i < list->count; i++) {
        g_auto(GStrv) parts = g_strsplit(list->pairs[i].value, ",", -1);
        g_autofree char *value = g_strjoinv(",,", parts);

        if (!list->pairs[i].taken)
            g_string_append_printf(rest, "%s%s=%s", rest->len ? "," : "", list->pairs[i].key,
                                   value);
    }
    return rest->len ? arena_strdup(arena, rest->str) : NULL;
}
