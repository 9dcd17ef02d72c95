/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "chardev-json.h"

#include <json-c/json.h>
#include <string.h>

#include "base/error.h"

#include "json.h"

enum value { VALUE_TEXT, VALUE_BOOL, VALUE_NUMBER };

/* Where the value of a key goes in the backend's data: "addr/data/host". */
struct key {
    const char *name;
    const char *place;
    enum value value;
};

#define COMMON                                                                                     \
    {"logfile", "logfile", VALUE_TEXT},                                                            \
    {                                                                                              \
        "logappend", "logappend", VALUE_BOOL                                                       \
    }

static const struct key no_keys[] = {COMMON, {NULL}};
static const struct key device_keys[] = {{"path", "device", VALUE_TEXT}, COMMON, {NULL}};
static const struct key spicevmc_keys[] = {{"name", "type", VALUE_TEXT}, COMMON, {NULL}};
static const struct key spiceport_keys[] = {{"name", "fqdn", VALUE_TEXT}, COMMON, {NULL}};

static const struct key file_keys[] = {
    {"path", "out", VALUE_TEXT},
    {"append", "append", VALUE_BOOL},
    COMMON,
    {NULL},
};

static const struct key udp_keys[] = {
    {"host", "remote/data/host", VALUE_TEXT},
    {"port", "remote/data/port", VALUE_TEXT},
    {"localaddr", "local/data/host", VALUE_TEXT},
    {"localport", "local/data/port", VALUE_TEXT},
    COMMON,
    {NULL},
};

static const struct key socket_keys[] = {
    {"path", "addr/data/path", VALUE_TEXT},
    {"host", "addr/data/host", VALUE_TEXT},
    {"port", "addr/data/port", VALUE_TEXT},
    {"fd", "addr/data/str", VALUE_TEXT},
    {"server", "server", VALUE_BOOL},
    {"wait", "wait", VALUE_BOOL},
    {"telnet", "telnet", VALUE_BOOL},
    {"tls-creds", "tls-creds", VALUE_TEXT},
    {"reconnect", "reconnect", VALUE_NUMBER},
    {"reconnect-ms", "reconnect-ms", VALUE_NUMBER},
    COMMON,
    {NULL},
};

static const struct key bus_keys[] = {
    {"name", "name", VALUE_TEXT},
    COMMON,
    {NULL},
};

static const struct key vdagent_keys[] = {
    {"name", NULL}, /* said by the type */
    {"clipboard", "clipboard", VALUE_BOOL},
    {"mouse", "mouse", VALUE_BOOL},
    COMMON,
    {NULL},
};

static const struct backend {
    const char *word;
    const struct key *keys;
} backends[] = {
    {"null", no_keys},
    {"vc", no_keys},
    {"pty", no_keys},
    {"stdio", no_keys},
    {"serial", device_keys},
    {"parallel", device_keys},
    {"pipe", device_keys},
    {"file", file_keys},
    {"udp", udp_keys},
    {"socket", socket_keys},
    {"spicevmc", spicevmc_keys},
    {"spiceport", spiceport_keys},
    {"qemu-vdagent", vdagent_keys},
    {"dbus", bus_keys},
};

/* The kind of an address follows from its members. */
static const struct {
    const char *member, *type;
} address_types[] = {{"path", "unix"}, {"host", "inet"}, {"port", "inet"}, {"str", "fd"}};

/* ---- reading the option ---- */

/* The next part up to a single comma, doubled ones made one; *at moves behind it. The caller frees.
 */
static char *take_part(const char **at)
{
    GString *part = g_string_new(NULL);
    const char *next = *at;

    for (; *next; next++) {
        if (*next == ',' && *++next != ',')
            break;
        g_string_append_c(part, *next);
    }
    *at = next;
    return g_string_free(part, FALSE);
}

static struct json_object *value_of(const struct key *key, const char *text)
{
    switch (key->value) {
    case VALUE_BOOL:
        return json_object_new_boolean(strcmp(text, "on") == 0);
    case VALUE_NUMBER:
        return json_object_new_int64(g_ascii_strtoll(text, NULL, 10));
    default:
        return json_object_new_string(text);
    }
}

/* ---- writing the data ---- */

static struct json_object *make_member(struct json_object *object, const char *name)
{
    struct json_object *member = json_object_member(object, name);

    if (!member) {
        member = json_object_new_object();
        json_object_object_add(object, name, member);
    }
    return member;
}

static void put(struct json_object *data, const char *place, struct json_object *value)
{
    g_auto(GStrv) names = g_strsplit(place, "/", 0);
    char **name = names;

    for (; name[1]; name++)
        data = make_member(data, *name);
    json_object_object_add(data, *name, value);
}

static void set_address_type(struct json_object *data, const char *name)
{
    struct json_object *address = json_object_member(data, name);
    struct json_object *members = json_object_member(address, "data");

    for (size_t i = 0; members && i < G_N_ELEMENTS(address_types); i++)
        if (json_string_member(members, address_types[i].member))
            json_add(address, "s:type", address_types[i].type, NULL);
}

/* ---- all together ---- */

static const struct backend *find_backend(const char *word)
{
    for (size_t i = 0; i < G_N_ELEMENTS(backends); i++)
        if (strcmp(backends[i].word, word) == 0)
            return &backends[i];
    return NULL;
}

static int fail(const char *word, const char *what, GError **error)
{
    error_set(error, VIR_ERR_INTERNAL_ERROR, "a character device '%s' with '%s' can't be plugged",
              word, what);
    return -1;
}

static int add_pair(const struct backend *backend, const char *pair, struct json_object *json,
                    struct json_object *data, GError **error)
{
    const char *equals = strchr(pair, '=');
    g_autofree char *name = g_strndup(pair, equals ? (size_t)(equals - pair) : strlen(pair));
    const struct key *key = backend->keys;

    if (!equals)
        return fail(backend->word, pair, error);
    if (strcmp(name, "id") == 0) {
        json_add(json, "s:id", equals + 1, NULL);
        return 0;
    }
    while (key->name && strcmp(key->name, name) != 0)
        key++;
    if (!key->name)
        return fail(backend->word, name, error);
    if (key->place)
        put(data, key->place, value_of(key, equals + 1));
    return 0;
}

int chardev_json(const char *option, struct json_object **ret_json, GError **error)
{
    const char *at = option;
    g_autofree char *word = take_part(&at);
    const struct backend *backend = find_backend(word);
    struct json_object *json JSON_AUTO = json_object_new_object();
    struct json_object *data = json_object_new_object();

    /* the command's own default is another one than the option's */
    if (strcmp(word, "socket") == 0)
        json_add(data, "b:server", false, NULL);
    json_add(json, "j:backend", json_build("s:type", word, "j:data", data, NULL), NULL);
    if (!backend)
        return fail(word, option, error);
    while (*at) {
        g_autofree char *pair = take_part(&at);
        if (add_pair(backend, pair, json, data, error) < 0)
            return -1;
    }
    set_address_type(data, "addr");
    set_address_type(data, "remote");
    set_address_type(data, "local");
    *ret_json = g_steal_pointer(&json);
    return 0;
}
