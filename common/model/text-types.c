/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/text-types.h"

#include <string.h>

#include "base/mac.h"

#define DEVICE_NAME_MOST 15
#define DNS_NAME_MOST 253
#define DNS_LABEL_MOST 63
#define LINE_MOST 4096
#define CLIENT_ID_MOST 128

static int refuse(GString *problem, const char *text, const char *what)
{
    g_autofree char *shown = g_strndup(text, 60);
    g_autofree char *escaped = g_strescape(shown, NULL);

    g_string_append_printf(problem, "'%s' %s", escaped, what);
    return -1;
}

static int keep(const char *text, struct arena *arena, void *member)
{
    *(char **)member = arena_strdup(arena, text);
    return 0;
}

static void format_text(const struct xml_row *row, const void *member, GString *out)
{
    const char *text = *(const char *const *)member;

    if (text)
        g_string_append(out, text);
}

static size_t text_payload(const void *block)
{
    return strlen(block) + 1;
}

/* ---- what is valid ---- */

bool device_name_is_valid(const char *text)
{
    size_t length = strlen(text);

    if (!length || length > DEVICE_NAME_MOST || strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
        return false;
    for (const char *c = text; *c; c++)
        if (!g_ascii_isgraph(*c) || strchr("/\"'\\", *c) || (*c == '%' && strcmp(c, "%d") != 0))
            return false;
    return true;
}

static bool label_is_valid(const char *text, size_t length)
{
    if (!length || length > DNS_LABEL_MOST || text[0] == '-')
        return false;
    for (size_t i = 0; i < length; i++)
        if (!g_ascii_isalnum(text[i]) && text[i] != '-' && text[i] != '_')
            return false;
    return true;
}

bool dns_name_is_valid(const char *text)
{
    size_t length = strlen(text);

    if (!length || length > DNS_NAME_MOST + 1)
        return false;
    if (strcmp(text, ".") == 0) /* the root, which SRV records have as "none" */
        return true;
    for (const char *label = text; *label;) {
        size_t size = strcspn(label, ".");

        if (!label_is_valid(label, size))
            return false;
        label += size;
        if (*label)
            label++;
    }
    return true;
}

bool line_is_valid(const char *text)
{
    if (strlen(text) > LINE_MOST)
        return false;
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return false;
    return true;
}

static bool client_id_is_valid(const char *text)
{
    size_t length = strlen(text);

    if (!length || length > 3 * CLIENT_ID_MOST)
        return false;
    for (const char *c = text; *c; c += *c == ':') {
        unsigned digits = 0;

        for (; g_ascii_isxdigit(*c); c++)
            digits++;
        if (digits < 1 || digits > 2 || (*c && (*c != ':' || !c[1])))
            return false;
    }
    return true;
}

/* ---- types ---- */

static int parse_ip(const struct xml_row *row, const char *text, struct arena *arena, void *member,
                    GString *problem)
{
    if (ip_parse(text, member) < 0)
        return refuse(problem, text, "is not an IP address");
    return 0;
}

static void format_ip(const struct xml_row *row, const void *member, GString *out)
{
    char text[IP_TEXT];

    g_string_append(out, ip_format(member, text));
}

static int parse_device(const struct xml_row *row, const char *text, struct arena *arena,
                        void *member, GString *problem)
{
    if (!device_name_is_valid(text))
        return refuse(
            problem, text,
            "is not the name of a network device: 1 to 15 characters without space, slash "
            "or quote");
    return keep(text, arena, member);
}

static int parse_dns_name(const struct xml_row *row, const char *text, struct arena *arena,
                          void *member, GString *problem)
{
    if (!dns_name_is_valid(text))
        return refuse(problem, text,
                      "is not a DNS name: letters, digits, hyphens and underscores between dots");
    return keep(text, arena, member);
}

static int parse_dns_label(const struct xml_row *row, const char *text, struct arena *arena,
                           void *member, GString *problem)
{
    if (!label_is_valid(text, strlen(text)))
        return refuse(
            problem, text,
            "is not a name of letters, digits, hyphens and underscores, up to 63 of them");
    return keep(text, arena, member);
}

static int parse_line(const struct xml_row *row, const char *text, struct arena *arena,
                      void *member, GString *problem)
{
    if (!line_is_valid(text))
        return refuse(problem, text, "is not one line of text, up to 4096 bytes");
    return keep(text, arena, member);
}

static int parse_path(const struct xml_row *row, const char *text, struct arena *arena,
                      void *member, GString *problem)
{
    if (text[0] != '/' || !line_is_valid(text))
        return refuse(problem, text, "is not a path from / in one line");
    return keep(text, arena, member);
}

static int parse_client_id(const struct xml_row *row, const char *text, struct arena *arena,
                           void *member, GString *problem)
{
    if (!client_id_is_valid(text))
        return refuse(problem, text, "is not a row of hexadecimal bytes like 00:03:00:01:52:54");
    return keep(text, arena, member);
}

static int parse_mac_text(const struct xml_row *row, const char *text, struct arena *arena,
                          void *member, GString *problem)
{
    uint8_t mac[MAC_BYTES];

    if (mac_parse(text, mac) < 0)
        return refuse(problem, text, "is not a MAC address like 52:54:00:12:34:56");
    if (mac_is_multicast(mac))
        return refuse(problem, text, "is a multicast address, not that of one machine");
    return keep(text, arena, member);
}

static int parse_filled(const struct xml_row *row, const char *text, struct arena *arena,
                        void *member, GString *problem)
{
    if (!*text)
        return refuse(problem, text, "is empty");
    return keep(text, arena, member);
}

static int parse_word(const struct xml_row *row, const char *text, struct arena *arena,
                      void *member, GString *problem)
{
    if (!*text || text[strcspn(text, " \t\r\n")])
        return refuse(problem, text, "is not one word");
    return keep(text, arena, member);
}

static int parse_identifier(const struct xml_row *row, const char *text, struct arena *arena,
                            void *member, GString *problem)
{
    if (!*text || text[strspn(text, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_-")])
        return refuse(problem, text, "is not a name of letters, digits, hyphens and underscores");
    return keep(text, arena, member);
}

static int parse_ip_text(const struct xml_row *row, const char *text, struct arena *arena,
                         void *member, GString *problem)
{
    struct ip_address address;

    if (ip_parse(text, &address) < 0)
        return refuse(problem, text, "is not an IP address");
    return keep(text, arena, member);
}

#define PATTERN(regex) "<data type='string'><param name='pattern'>" regex "</param></data>"
#define TEXT_TYPE(words, pattern, function)                                                        \
    {                                                                                              \
        .name = words, .rng = pattern, .size = sizeof(char *), .parse = function,                  \
        .format = format_text, .payload = text_payload, .payload_unaligned = true                  \
    }

#define IP_PATTERN PATTERN("[0-9]+(\\.[0-9]+){3}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*")

const struct xml_type ip_address_type = {
    .name = "IP address",
    .rng = IP_PATTERN,
    .size = sizeof(struct ip_address),
    .parse = parse_ip,
    .format = format_ip,
};
const struct xml_type device_name_type =
    TEXT_TYPE("name of a network device", PATTERN("[^/\\s\"'\\\\]{1,15}"), parse_device);
const struct xml_type dns_name_type =
    TEXT_TYPE("DNS name", PATTERN("[a-zA-Z0-9._\\-]{1,254}"), parse_dns_name);
const struct xml_type dns_label_type =
    TEXT_TYPE("part of a DNS name", PATTERN("[a-zA-Z0-9_\\-]{1,63}"), parse_dns_label);
const struct xml_type line_type = TEXT_TYPE("one line of text", NULL, parse_line);
const struct xml_type absolute_path_type = TEXT_TYPE("path", PATTERN("/.*"), parse_path);
const struct xml_type client_id_type = TEXT_TYPE(
    "hexadecimal bytes", PATTERN("[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2})*"), parse_client_id);
const struct xml_type mac_text_type =
    TEXT_TYPE("MAC address", PATTERN("[a-fA-F0-9]{1,2}(:[a-fA-F0-9]{1,2}){5}"), parse_mac_text);
const struct xml_type filled_type =
    TEXT_TYPE("text, not empty", "<data type='string'><param name='minLength'>1</param></data>",
              parse_filled);
const struct xml_type word_type = TEXT_TYPE("one word", PATTERN("\\S+"), parse_word);
const struct xml_type identifier_type = TEXT_TYPE("letters, digits, hyphens and underscores",
                                                  PATTERN("[a-zA-Z0-9_\\-]+"), parse_identifier);
const struct xml_type ip_text_type = TEXT_TYPE("IP address", IP_PATTERN, parse_ip_text);
