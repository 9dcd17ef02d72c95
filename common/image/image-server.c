/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/image-server.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* What is being read, and where it goes. */
struct reading {
    const char *image, *words;
    struct arena *arena;
    struct domain_source *source;
};

static int refuse(const struct reading *reading, GError **error, const char *reason)
{
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
              "image '%s': the image below is '%s': %s; a <backingStore> can tell more",
              reading->image, reading->words, reason);
    return -1;
}

static struct source_network *network(struct reading *reading)
{
    if (!reading->source->network)
        reading->source->network = arena_new(reading->arena, struct source_network);
    return reading->source->network;
}

static char *copy(struct reading *reading, const char *text)
{
    return text && *text ? arena_strdup(reading->arena, text) : NULL;
}

static void add_host(struct reading *reading, const char *name, const char *port)
{
    struct source_host *host = arena_new(reading->arena, struct source_host);

    host->name = arena_strdup(reading->arena, name);
    host->port = copy(reading, port);
    LIST_APPEND(reading->arena, &reading->source->hosts, host);
}

static void add_socket(struct reading *reading, const char *path)
{
    struct source_host *host = arena_new(reading->arena, struct source_host);

    host->transport = SOURCE_TRANSPORT_UNIX;
    host->socket = arena_strdup(reading->arena, path);
    LIST_APPEND(reading->arena, &reading->source->hosts, host);
}

/* ---- URIs ---- */

struct uri {
    const char *transport; /* behind the '+' of its scheme; NULL: none */
    char *scheme, *user, *host, *path, *query;
    int port; /* -1: not said */
};

static void uri_clear(struct uri *uri)
{
    g_free(uri->scheme);
    g_free(uri->user);
    g_free(uri->host);
    g_free(uri->path);
    g_free(uri->query);
}

/* The one that QEMU knows: socket=PATH */
static char *socket_of(const struct uri *uri)
{
    static const char word[] = "socket=";

    if (!uri->query || !g_str_has_prefix(uri->query, word) || strchr(uri->query, '&'))
        return NULL;
    char *path = g_uri_unescape_string(uri->query + strlen(word), NULL);
    if (path && *path == '/')
        return path;
    g_free(path);
    return NULL;
}

static int find_host(struct reading *reading, const struct uri *uri, GError **error)
{
    char port[12];

    if (g_strcmp0(uri->transport, "unix") == 0) {
        g_autofree char *path = socket_of(uri);

        if (!path)
            return refuse(reading, error, "the path of its socket is missing");
        add_socket(reading, path);
        return 0;
    }
    if (uri->transport && strcmp(uri->transport, "tcp") != 0)
        return refuse(reading, error, "unknown transport");
    if (!uri->host || !*uri->host)
        return refuse(reading, error, "the server's name is missing");
    g_snprintf(port, sizeof(port), "%d", uri->port);
    add_host(reading, uri->host, uri->port > 0 ? port : NULL);
    return 0;
}

/* "target" is its first unit */
static void set_unit(struct reading *reading)
{
    struct domain_source *source = reading->source;

    if (source->name && !strchr(source->name, '/'))
        source->name = arena_printf(reading->arena, "%s/0", source->name);
}

static int find_parts(struct reading *reading, const struct uri *uri, GError **error)
{
    struct domain_source *source = reading->source;
    bool whole = source->protocol == SOURCE_PROTOCOL_SSH || source->protocol == SOURCE_PROTOCOL_NFS;
    bool curl =
        source->protocol >= SOURCE_PROTOCOL_HTTP && source->protocol <= SOURCE_PROTOCOL_FTPS;
    const char *path = uri->path ? uri->path : "";

    if (uri->user && source->protocol != SOURCE_PROTOCOL_SSH)
        return refuse(reading, error, "it names a user");
    if (uri->query && !curl && g_strcmp0(uri->transport, "unix") != 0)
        return refuse(reading, error, "what stands behind its '?' is not understood");
    if (find_host(reading, uri, error) < 0)
        return -1;
    source->name = copy(reading, whole ? path : path + (*path == '/'));
    if (!source->name && source->protocol != SOURCE_PROTOCOL_NBD)
        return refuse(reading, error, "the image's name is missing");
    if (uri->user)
        network(reading)->ssh_user = copy(reading, uri->user);
    if (uri->query && curl)
        network(reading)->query = copy(reading, uri->query);
    if (source->protocol == SOURCE_PROTOCOL_ISCSI)
        set_unit(reading);
    return 0;
}

/* Of a URL the server gets the path as it is written. */
static int read_uri(struct reading *reading, const char *name, GError **error)
{
    __attribute__((cleanup(uri_clear))) struct uri uri = {0};
    bool curl = reading->source->protocol >= SOURCE_PROTOCOL_HTTP &&
                reading->source->protocol <= SOURCE_PROTOCOL_FTPS;
    GUriFlags flags = G_URI_FLAGS_ENCODED_QUERY | (curl ? G_URI_FLAGS_ENCODED_PATH : 0);

    if (!g_uri_split(name, flags, &uri.scheme, &uri.user, &uri.host, &uri.port, &uri.path,
                     &uri.query, NULL, NULL) ||
        !uri.scheme)
        return refuse(reading, error, "that is no URI");
    const char *plus = strchr(uri.scheme, '+');
    uri.transport = plus ? plus + 1 : NULL;
    return find_parts(reading, &uri, error);
}

/* ---- older words ---- */

/* "HOST:PORT" or "unix:PATH", and ":exportname=NAME" behind either */
static int read_nbd(struct reading *reading, const char *name, GError **error)
{
    static const char word[] = ":exportname=";
    const char *export = strstr(name, word);
    g_autofree char *server = export ? g_strndup(name, export - name) : g_strdup(name);
    char *colon = strrchr(server, ':');

    if (g_str_has_prefix(server, "unix:/")) {
        add_socket(reading, server + strlen("unix:"));
    } else if (colon && colon > server && colon[1]) {
        size_t length = colon - server;
        bool v6 = server[0] == '[' && colon[-1] == ']' && length > 2;

        *colon = '\0';
        if (v6)
            colon[-1] = '\0';
        add_host(reading, server + v6, colon + 1);
    } else {
        return refuse(reading, error, "the server's name or port is missing");
    }
    reading->source->name = copy(reading, export ? export + strlen(word) : NULL);
    return 0;
}

/* The next part of "a:b:c", in which '\' takes the meaning from what follows; NULL: that was all.
 */
static char *next_part(const char **rest)
{
    if (!*rest)
        return NULL;
    GString *part = g_string_new(NULL);
    const char *at = *rest;

    for (; *at && *at != ':'; at++) {
        if (*at == '\\' && at[1])
            at++;
        g_string_append_c(part, *at);
    }
    *rest = *at ? at + 1 : NULL;
    return g_string_free(part, FALSE);
}

/* "127.0.0.1:6789;[::1]:6789" */
static void add_monitors(struct reading *reading, const char *list)
{
    g_auto(GStrv) monitors = g_strsplit_set(list, ";,", -1);

    for (char **at = monitors; *at; at++) {
        char *name = g_strstrip(*at), *colon = strrchr(name, ':');

        if (colon && (name[0] != '[' || colon[-1] == ']'))
            *colon++ = '\0';
        else
            colon = NULL;
        if (name[0] == '[' && g_str_has_suffix(name, "]")) {
            name++;
            name[strlen(name) - 1] = '\0';
        }
        if (*name)
            add_host(reading, name, colon);
    }
}

static int set_rbd_option(struct reading *reading, char *option, GError **error)
{
    char *value = strchr(option, '=');

    if (!value)
        return refuse(reading, error, "an option of it has no value");
    *value++ = '\0';
    if (strcmp(option, "conf") == 0)
        network(reading)->config_file = copy(reading, value);
    else if (strcmp(option, "mon_host") == 0)
        add_monitors(reading, value);
    else if (strcmp(option, "id") == 0 || strcmp(option, "key") == 0)
        return refuse(reading, error, "it names a user");
    return 0;
}

/* "POOL/IMAGE@SNAPSHOT:OPTION=VALUE:..." */
static int read_rbd(struct reading *reading, const char *rest, GError **error)
{
    g_autofree char *name = next_part(&rest);
    char *at = strrchr(name, '@');
    char *option;

    if (at) {
        *at++ = '\0';
        network(reading)->snapshot = copy(reading, at);
    }
    if (!strchr(name, '/') || name[0] == '/' || g_str_has_suffix(name, "/"))
        return refuse(reading, error, "the names of its pool and image are missing");
    reading->source->name = copy(reading, name);
    while ((option = next_part(&rest))) {
        int result = set_rbd_option(reading, option, error);
        g_free(option);
        if (result < 0)
            return -1;
    }
    return 0;
}

static const struct {
    const char *word;              /* of a scheme, and of a driver in JSON */
    enum source_protocol protocol; /* NONE: documents have none */
    int (*read)(struct reading *reading, const char *rest, GError **error);
} servers[] = {
    {"nbd", SOURCE_PROTOCOL_NBD, read_nbd}, {"rbd", SOURCE_PROTOCOL_RBD, read_rbd},
    {"iscsi", SOURCE_PROTOCOL_ISCSI, NULL}, {"gluster", SOURCE_PROTOCOL_GLUSTER, NULL},
    {"http", SOURCE_PROTOCOL_HTTP, NULL},   {"https", SOURCE_PROTOCOL_HTTPS, NULL},
    {"ftp", SOURCE_PROTOCOL_FTP, NULL},     {"ftps", SOURCE_PROTOCOL_FTPS, NULL},
    {"ssh", SOURCE_PROTOCOL_SSH, NULL},     {"nfs", SOURCE_PROTOCOL_NFS, NULL},
    {"iser", SOURCE_PROTOCOL_NONE, NULL},
};

/* Of "nbd+unix" the part before the '+' counts. -1: none. */
static int find_server(const char *word, size_t length)
{
    const char *plus = memchr(word, '+', length);
    size_t until = plus ? (size_t)(plus - word) : length;

    for (size_t i = 0; i < G_N_ELEMENTS(servers); i++)
        if (strlen(servers[i].word) == until && strncmp(servers[i].word, word, until) == 0)
            return (int)i;
    return -1;
}

bool image_server_is_word(const char *word, size_t length)
{
    return find_server(word, length) >= 0;
}

static int begin(struct reading *reading, const char *word, size_t length, int *ret_server,
                 GError **error)
{
    int server = find_server(word, length);

    if (server < 0 || !servers[server].protocol)
        return refuse(reading, error, "that is no server of a kind that is known");
    reading->source->type = SOURCE_NETWORK;
    reading->source->protocol = (uint8_t)servers[server].protocol;
    *ret_server = server;
    return 0;
}

static int read_name(struct reading *reading, const char *name, GError **error)
{
    size_t word = strcspn(name, ":/");
    int server;

    if (name[word] != ':')
        return refuse(reading, error, "that is no server");
    if (begin(reading, name, word, &server, error) < 0)
        return -1;
    if (servers[server].read && !g_str_has_prefix(name + word, "://"))
        return servers[server].read(reading, name + word + 1, error);
    return read_uri(reading, name, error);
}

/* ---- JSON ---- */

#define LEVELS 8 /* of JSON */

/* "server.0.host" is found as {"server":[{"host":...}]}, {"server.0.host":...} and the like. */
static json_object *find(json_object *object, const char *path)
{
    json_object *found = NULL;

    if (json_object_is_type(object, json_type_array))
        return g_ascii_isdigit(*path)
                   ? find(json_object_array_get_idx(object, strtoul(path, NULL, 10)),
                          path + strcspn(path, ".") + (strchr(path, '.') != NULL))
                   : NULL;
    if (!*path)
        return object;
    if (!json_object_is_type(object, json_type_object))
        return NULL;
    for (const char *end = path + strcspn(path, "."); !found; end += 1 + strcspn(end + 1, ".")) {
        g_autofree char *word = g_strndup(path, end - path);
        json_object *below;

        if (json_object_object_get_ex(object, word, &below))
            found = find(below, *end ? end + 1 : end);
        if (!*end)
            break;
    }
    return found;
}

/* A number goes as its digits; NULL: it is not there, or something else. */
static const char *text_of(json_object *object, const char *path)
{
    json_object *found = find(object, path);

    return json_object_is_type(found, json_type_string) || json_object_is_type(found, json_type_int)
               ? json_object_get_string(found)
               : NULL;
}

/* One server: inet with host and port, or a socket. prefix: "server." */
static int find_server_of(struct reading *reading, json_object *object, const char *prefix,
                          GError **error)
{
    g_autofree char *host = g_strconcat(prefix, "host", NULL);
    g_autofree char *port = g_strconcat(prefix, "port", NULL);
    g_autofree char *path = g_strconcat(prefix, "path", NULL);
    g_autofree char *socket = g_strconcat(prefix, "socket", NULL);
    const char *name = text_of(object, host);
    const char *unix_path = text_of(object, path) ?: text_of(object, socket);

    if (name && *name)
        add_host(reading, name, text_of(object, port));
    else if (unix_path && *unix_path == '/')
        add_socket(reading, unix_path);
    else
        return refuse(reading, error, "the server's name is missing");
    return 0;
}

static int find_servers(struct reading *reading, json_object *object, GError **error)
{
    for (unsigned i = 0;; i++) {
        g_autofree char *prefix = g_strdup_printf("server.%u.", i);
        g_autofree char *host = g_strconcat(prefix, "host", NULL);
        g_autofree char *type = g_strconcat(prefix, "type", NULL);

        if (!find(object, host) && !find(object, type))
            return 0;
        if (find_server_of(reading, object, prefix, error) < 0)
            return -1;
    }
}

static int read_nbd_json(struct reading *reading, json_object *object, GError **error)
{
    reading->source->name = copy(reading, text_of(object, "export"));
    return find_server_of(reading, object, find(object, "server.type") ? "server." : "", error);
}

static int read_url_json(struct reading *reading, json_object *object, GError **error)
{
    const char *url = text_of(object, "url"), *verify = text_of(object, "sslverify");
    const char *readahead = text_of(object, "readahead"), *timeout = text_of(object, "timeout");
    json_object *flag = find(object, "sslverify");

    if (find(object, "cookie") || find(object, "cookie-secret"))
        return refuse(reading, error, "cookies are not in this version");
    if (!url)
        return refuse(reading, error, "its URL is missing");
    if (json_object_is_type(flag, json_type_boolean))
        network(reading)->ssl_verify = json_object_get_boolean(flag) ? TRISTATE_YES : TRISTATE_NO;
    else if (verify)
        network(reading)->ssl_verify = strcmp(verify, "off") == 0 ? TRISTATE_NO : TRISTATE_YES;
    if (readahead)
        network(reading)->readahead = g_ascii_strtoull(readahead, NULL, 10);
    if (timeout)
        network(reading)->timeout = g_ascii_strtoull(timeout, NULL, 10);
    return read_uri(reading, url, error);
}

static int read_iscsi_json(struct reading *reading, json_object *object, GError **error)
{
    const char *portal = text_of(object, "portal"), *target = text_of(object, "target");
    const char *unit = text_of(object, "lun"), *initiator = text_of(object, "initiator-name");
    const char *transport = text_of(object, "transport");

    if (!portal || !target || (transport && strcmp(transport, "tcp") != 0))
        return refuse(reading, error, "its portal or target is missing, or not reached by TCP");
    add_monitors(reading, portal); /* "HOST:PORT" */
    reading->source->name = arena_printf(reading->arena, "%s/%s", target, unit ? unit : "0");
    if (initiator)
        network(reading)->initiator_iqn = copy(reading, initiator);
    return 0;
}

static int read_rbd_json(struct reading *reading, json_object *object, GError **error)
{
    const char *pool = text_of(object, "pool"), *image = text_of(object, "image");
    const char *space = text_of(object, "namespace"), *conf = text_of(object, "conf");
    const char *snapshot = text_of(object, "snapshot"), *name = text_of(object, "filename");

    if (name)
        return read_rbd(reading, name, error);
    if (!pool || !image)
        return refuse(reading, error, "the names of its pool and image are missing");
    reading->source->name = arena_printf(reading->arena, "%s/%s%s%s", pool, space ? space : "",
                                         space ? "/" : "", image);
    if (conf)
        network(reading)->config_file = copy(reading, conf);
    if (snapshot)
        network(reading)->snapshot = copy(reading, snapshot);
    return find_servers(reading, object, error);
}

static int read_gluster_json(struct reading *reading, json_object *object, GError **error)
{
    const char *volume = text_of(object, "volume"), *path = text_of(object, "path");

    if (!volume || !path)
        return refuse(reading, error, "its volume or path is missing");
    reading->source->name = arena_printf(reading->arena, "%s/%s", volume, path + (*path == '/'));
    if (find_servers(reading, object, error) < 0)
        return -1;
    return reading->source->hosts.count ? 0
                                        : refuse(reading, error, "the server's name is missing");
}

static int read_path_json(struct reading *reading, json_object *object, GError **error)
{
    const char *path = text_of(object, "path");

    if (!path)
        return refuse(reading, error, "the image's name is missing");
    reading->source->name = copy(reading, path);
    return find_server_of(reading, object, find(object, "server.host") ? "server." : "", error);
}

static int read_ssh_json(struct reading *reading, json_object *object, GError **error)
{
    const char *user = text_of(object, "user");

    if (find(object, "host-key-check") || find(object, "host_key_check"))
        return refuse(reading, error, "the server's key is checked as ever");
    if (user)
        network(reading)->ssh_user = copy(reading, user);
    return read_path_json(reading, object, error);
}

static int read_nfs_json(struct reading *reading, json_object *object, GError **error)
{
    if (find(object, "user") || find(object, "group"))
        return refuse(reading, error, "it names a user");
    return read_path_json(reading, object, error);
}

static int read_driver(struct reading *reading, json_object *object, GError **error)
{
    static int (*const readers[])(struct reading *, json_object *, GError **) = {
        [SOURCE_PROTOCOL_NBD] = read_nbd_json,         [SOURCE_PROTOCOL_RBD] = read_rbd_json,
        [SOURCE_PROTOCOL_GLUSTER] = read_gluster_json, [SOURCE_PROTOCOL_ISCSI] = read_iscsi_json,
        [SOURCE_PROTOCOL_HTTP] = read_url_json,        [SOURCE_PROTOCOL_HTTPS] = read_url_json,
        [SOURCE_PROTOCOL_FTP] = read_url_json,         [SOURCE_PROTOCOL_FTPS] = read_url_json,
        [SOURCE_PROTOCOL_SSH] = read_ssh_json,         [SOURCE_PROTOCOL_NFS] = read_nfs_json,
    };
    static const char *const users[] = {"username", "password-secret", "key-secret",
                                        "proxy-username", "tls-creds"};
    const char *driver = text_of(object, "driver"), *name = text_of(object, "filename");
    bool ssh = driver && strcmp(driver, "ssh") == 0;
    int server;

    if (!driver)
        return name ? read_name(reading, name, error)
                    : refuse(reading, error, "its driver is missing");
    for (size_t i = 0; i < G_N_ELEMENTS(users); i++)
        if (find(object, users[i]))
            return refuse(reading, error, "it names a user");
    if (!ssh && strcmp(driver, "nfs") != 0 && find(object, "user"))
        return refuse(reading, error, "it names a user");
    if (begin(reading, driver, strlen(driver), &server, error) < 0)
        return -1;
    return readers[reading->source->protocol](reading, object, error);
}

/* A format above a driver, or the latter alone; each name may have its own "file." instead. */
static json_object *find_driver(json_object *object)
{
    json_object *file = find(object, "file"), *flat;

    if (file)
        return json_object_get(file);
    if (!find(object, "file.driver") && !find(object, "file.filename"))
        return json_object_get(object);
    flat = json_object_new_object();
    json_object_object_foreach(object, key, value) if (g_str_has_prefix(key, "file."))
        json_object_object_add(flat, key + strlen("file."), json_object_get(value));
    return flat;
}

static int read_json(struct reading *reading, const char *text, GError **error)
{
    struct json_tokener *tokener = json_tokener_new_ex(LEVELS);
    json_object *object = json_tokener_parse_ex(tokener, text, (int)MIN(strlen(text), G_MAXINT));
    json_object *driver =
        json_object_is_type(object, json_type_object) ? find_driver(object) : NULL;
    int result = driver ? read_driver(reading, driver, error)
                        : refuse(reading, error, "that is no JSON, or too deep");

    json_object_put(driver);
    json_object_put(object);
    json_tokener_free(tokener);
    return result;
}

int image_server_read(const char *image, const char *words, struct arena *arena,
                      struct domain_source *source, GError **error)
{
    struct reading reading = {image, words, arena, source};

    return g_str_has_prefix(words, "json:") ? read_json(&reading, words + strlen("json:"), error)
                                            : read_name(&reading, words, error);
}
