/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xml/text.h"

#include <stdbool.h>

/* How a byte is spelled. NULL: as it is. "": not at all. */
#define SPELLINGS 128

#define CONTROL                                                                                    \
    [1] = "", [2] = "", [3] = "", [4] = "", [5] = "", [6] = "", [7] = "", [8] = "", [11] = "",     \
    [12] = "", [14 ... 31] = ""
#define MARKUP ['<'] = "&lt;", ['>'] = "&gt;", ['&'] = "&amp;"

static const char *const in_text[SPELLINGS] = {
    CONTROL, MARKUP, ['\r'] = "&#13;", ['"'] = "&quot;", ['\''] = "&apos;"};
static const char *const in_attribute[SPELLINGS] = {
    CONTROL,         MARKUP,           ['\r'] = "&#13;", ['\n'] = "&#10;",
    ['\t'] = "&#9;", ['"'] = "&quot;", ['\''] = "&apos;"};
static const char *const in_raw_text[SPELLINGS] = {CONTROL, MARKUP, ['\r'] = "&#13;"};
static const char *const in_raw_attribute[SPELLINGS] = {
    CONTROL, MARKUP, ['\r'] = "&#13;", ['\n'] = "&#10;", ['\t'] = "&#9;", ['"'] = "&quot;"};

/* U+FFFE and U+FFFF are UTF-8 but not XML. */
static bool is_not_a_character(const char *text)
{
    return (unsigned char)text[0] == 0xef && (unsigned char)text[1] == 0xbf &&
           ((unsigned char)text[2] & 0xfe) == 0xbe;
}

static void append_valid(GString *out, const char *text, const char *const *spell)
{
    const char *plain = text; /* start of what can be copied as it is */

    for (; *text; text++) {
        const char *word = (unsigned char)*text < 128 ? spell[(unsigned char)*text] : NULL;
        bool skip = is_not_a_character(text);

        if (!word && !skip)
            continue;
        g_string_append_len(out, plain, text - plain);
        if (word)
            g_string_append(out, word);
        text += skip ? 2 : 0;
        plain = text + 1;
    }
    g_string_append_len(out, plain, text - plain);
}

static void append(GString *out, const char *text, const char *const *spell)
{
    if (g_utf8_validate(text, -1, NULL)) {
        append_valid(out, text, spell);
        return;
    }
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    append_valid(out, valid, spell);
}

void xml_append_text(GString *out, const char *text)
{
    append(out, text, in_text);
}

void xml_append_attribute_value(GString *out, const char *text)
{
    append(out, text, in_attribute);
}

void xml_append_raw_text(GString *out, const char *text)
{
    append(out, text, in_raw_text);
}

void xml_append_raw_attribute_value(GString *out, const char *text)
{
    append(out, text, in_raw_attribute);
}

void xml_append_indent(GString *out, unsigned spaces)
{
    static const char blank[] = "                                ";

    for (; spaces >= sizeof(blank) - 1; spaces -= sizeof(blank) - 1)
        g_string_append_len(out, blank, sizeof(blank) - 1);
    g_string_append_len(out, blank, spaces);
}
