/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "option.h"

#include <json-c/json.h>

#include "json.h"

#define FIRST_FD 3

void words_add(struct arguments *arguments, const char *first, ...)
{
    va_list args;

    va_start(args, first);
    for (const char *word = first; word; word = va_arg(args, const char *))
        g_ptr_array_add(arguments->words, g_strdup(word));
    va_end(args);
}

void words_add_json(struct arguments *arguments, const char *option, struct json_object *json)
{
    words_add(arguments, option,
              json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN |
                                                       JSON_C_TO_STRING_NOSLASHESCAPE),
              NULL);
    json_clear(&json);
}

void words_add_option(struct arguments *arguments, const char *option, GString *list)
{
    words_add(arguments, option, list->str, NULL);
    g_string_free(list, TRUE);
}

void words_add_variable(struct arguments *arguments, const char *name, const char *value)
{
    g_ptr_array_add(arguments->environment, g_strdup_printf("%s=%s", name, value));
}

int words_add_fd(struct arguments *arguments, int from)
{
    struct process_fd fd = {.from = from, .to = FIRST_FD + (int)arguments->fds->len};

    g_array_append_val(arguments->fds, fd);
    return fd.to;
}

char *words_add_fd_set(struct arguments *arguments, int from)
{
    int number = words_add_fd(arguments, from);
    g_autofree char *set = g_strdup_printf("set=%d,fd=%d", number, number);

    words_add(arguments, "-add-fd", set, NULL);
    return g_strdup_printf("/dev/fdset/%d", number);
}

GString *option_new(const char *word)
{
    return g_string_new(word);
}

void option_add(GString *list, const char *key, const char *value)
{
    if (!value)
        return;
    g_string_append_printf(list, "%s%s=", list->len ? "," : "", key);
    for (const char *at = value; *at; at++) {
        if (*at == ',')
            g_string_append_c(list, ',');
        g_string_append_c(list, *at);
    }
}

void option_addf(GString *list, const char *key, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *value = g_strdup_vprintf(format, args);
    va_end(args);
    option_add(list, key, value);
}

void option_add_bool(GString *list, const char *key, bool on)
{
    option_add(list, key, on ? "on" : "off");
}

void option_add_tristate(GString *list, const char *key, unsigned tristate)
{
    if (tristate != TRISTATE_ABSENT)
        option_add_bool(list, key, tristate == TRISTATE_YES);
}
