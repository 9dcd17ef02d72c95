/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#include "block-nodes.h"
#include "config.h"

/* A protocol: what the emulator must have, the port it uses when none is said, its members. */
struct protocol {
    const char *driver;
    enum emulator_flag flag;
    const char *port;
    struct json_object *(*build)(const struct protocol *protocol,
                                 const struct domain_source *source,
                                 const struct arguments_context *context);
};

static const struct source_host no_host = {.name = "localhost"};

static const struct source_host *first_host(const struct domain_source *source)
{
    return source->hosts.count ? source->hosts.items[0] : &no_host;
}

static const char *port_of(const struct protocol *protocol, const struct source_host *host)
{
    return host->port ? host->port : protocol->port;
}

/* {"type":"inet","host":...} or {"type":"unix","path":...} */
static struct json_object *server(const struct protocol *protocol, const struct source_host *host)
{
    if (host->transport == SOURCE_TRANSPORT_UNIX)
        return json_build("s:type", "unix", "s:path", host->socket ? host->socket : "", NULL);
    return json_build("s:type", "inet", "s:host", host->name ? host->name : "", "s:port",
                      port_of(protocol, host), NULL);
}

static struct json_object *build_nbd(const struct protocol *protocol,
                                     const struct domain_source *source,
                                     const struct arguments_context *context)
{
    struct json_object *node =
        json_build("s:driver", protocol->driver, "j:server", server(protocol, first_host(source)),
                   "S:export", source->name, NULL);

    if (source->network && source->network->reconnect_delay)
        json_add(node, "u:reconnect-delay", source->network->reconnect_delay, NULL);
    return node;
}

static struct json_object *build_curl(const struct protocol *protocol,
                                      const struct domain_source *source,
                                      const struct arguments_context *context)
{
    const struct source_host *host = first_host(source);
    const struct source_network *network = source->network;
    const char *name = source->name ? source->name : "";
    bool v6 = host->name && strchr(host->name, ':');
    const char *query = network ? network->query : NULL;
    g_autofree char *url = g_strdup_printf(
        "%s://%s%s%s:%s%s%s%s%s", names_word(&source_protocol_names, source->protocol),
        v6 ? "[" : "", host->name ? host->name : "", v6 ? "]" : "", port_of(protocol, host),
        name[0] == '/' ? "" : "/", name, query ? "?" : "", query ? query : "");
    struct json_object *node = json_build("s:driver", protocol->driver, "s:url", url, NULL);

    if (network && network->ssl_verify != TRISTATE_ABSENT)
        json_add(node, "b:sslverify", network->ssl_verify == TRISTATE_YES, NULL);
    if (network && network->readahead)
        json_add(node, "U:readahead", network->readahead, NULL);
    if (network && network->timeout)
        json_add(node, "U:timeout", network->timeout, NULL);
    return node;
}

/* "iqn.2017-12.com.example:disk/1": the last part is the unit */
static struct json_object *build_iscsi(const struct protocol *protocol,
                                       const struct domain_source *source,
                                       const struct arguments_context *context)
{
    const struct source_host *host = first_host(source);
    const char *name = source->name ? source->name : "";
    const char *unit = strrchr(name, '/');
    bool v6 = host->name && strchr(host->name, ':');
    g_autofree char *portal =
        g_strdup_printf(v6 ? "[%s]:%s" : "%s:%s", host->name, port_of(protocol, host));
    g_autofree char *target = unit ? g_strndup(name, unit - name) : g_strdup(name);

    return json_build("s:driver", protocol->driver, "s:portal", portal, "s:target", target, "u:lun",
                      unit ? (unsigned)strtoul(unit + 1, NULL, 10) : 0, "s:transport", "tcp",
                      "S:initiator-name", source->network ? source->network->initiator_iqn : NULL,
                      NULL);
}

static struct json_object *build_ssh(const struct protocol *protocol,
                                     const struct domain_source *source,
                                     const struct arguments_context *context)
{
    const struct source_host *host = first_host(source);
    const char *user = source->network ? source->network->ssh_user : NULL;

    return json_build(
        "s:driver", protocol->driver, "s:path", source->name ? source->name : "", "j:server",
        json_build("s:host", host->name ? host->name : "", "s:port", port_of(protocol, host), NULL),
        "S:user", user, NULL);
}

static struct json_object *build_nfs(const struct protocol *protocol,
                                     const struct domain_source *source,
                                     const struct arguments_context *context)
{
    const struct source_host *host = first_host(source);

    return json_build("s:driver", protocol->driver, "j:server",
                      json_build("s:host", host->name ? host->name : "", "s:type", "inet", NULL),
                      "s:path", source->name ? source->name : "", NULL);
}

static struct json_object *servers(const struct protocol *protocol,
                                   const struct domain_source *source, bool typed)
{
    struct json_object *list = json_object_new_array();

    LIST_EACH (host, &source->hosts)
        json_object_array_add(list, typed ? server(protocol, host)
                                          : json_build("s:host", host->name ? host->name : "",
                                                       "s:port", port_of(protocol, host), NULL));
    return list;
}

/* "volume/some/path" */
static struct json_object *build_gluster(const struct protocol *protocol,
                                         const struct domain_source *source,
                                         const struct arguments_context *context)
{
    const char *name = source->name ? source->name : "";
    const char *slash = strchr(name, '/');
    g_autofree char *volume = slash ? g_strndup(name, slash - name) : g_strdup(name);

    return json_build("s:driver", protocol->driver, "s:volume", volume, "s:path",
                      slash ? slash + 1 : "", "j:server", servers(protocol, source, true),
                      "u:debug", context->config ? context->config->gluster_debug_level : 4, NULL);
}

/* "pool/image" or "pool/namespace/image" */
static struct json_object *build_rbd(const struct protocol *protocol,
                                     const struct domain_source *source,
                                     const struct arguments_context *context)
{
    g_auto(GStrv) parts = g_strsplit(source->name ? source->name : "", "/", 3);
    guint count = g_strv_length(parts);
    const struct source_network *network = source->network;
    struct json_object *node = json_build(
        "s:driver", protocol->driver, "s:pool", count ? parts[0] : "", "S:namespace",
        count == 3 ? parts[1] : NULL, "s:image", count > 1 ? parts[count - 1] : "", NULL);

    if (source->hosts.count)
        json_add(node, "j:server", servers(protocol, source, false), NULL);
    json_add(node, "S:snapshot", network ? network->snapshot : NULL, "S:conf",
             network ? network->config_file : NULL, NULL);
    return node;
}

static const struct protocol protocols[] = {
    [SOURCE_PROTOCOL_NBD] = {"nbd", EMULATOR_BLOCK_NBD, "10809", build_nbd},
    [SOURCE_PROTOCOL_RBD] = {"rbd", EMULATOR_BLOCK_RBD, "0", build_rbd},
    [SOURCE_PROTOCOL_GLUSTER] = {"gluster", EMULATOR_BLOCK_GLUSTER, "24007", build_gluster},
    [SOURCE_PROTOCOL_ISCSI] = {"iscsi", EMULATOR_BLOCK_ISCSI, "3260", build_iscsi},
    [SOURCE_PROTOCOL_HTTP] = {"http", EMULATOR_BLOCK_HTTPS, "80", build_curl},
    [SOURCE_PROTOCOL_HTTPS] = {"https", EMULATOR_BLOCK_HTTPS, "443", build_curl},
    [SOURCE_PROTOCOL_FTP] = {"ftp", EMULATOR_BLOCK_HTTPS, "21", build_curl},
    [SOURCE_PROTOCOL_FTPS] = {"ftps", EMULATOR_BLOCK_HTTPS, "990", build_curl},
    [SOURCE_PROTOCOL_SSH] = {"ssh", EMULATOR_BLOCK_SSH, "22", build_ssh},
    [SOURCE_PROTOCOL_NFS] = {"nfs", EMULATOR_BLOCK_NFS, "2049", build_nfs},
};

/* Words for nbdkit: QEMU's own SSH has the keys of its user. */
static int check_ssh(const struct domain_source *source, GError **error)
{
    const struct source_network *network = source->network;

    if (!network || (!network->known_hosts && !network->key_file && !network->agent_socket))
        return 0;
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
              "image '%s': <knownHosts> and the keyfile and agentsock of <identity> need nbdkit, "
              "which virtqemud does not start",
              source->name ? source->name : "?");
    return -1;
}

/* Who an NFS server takes us for. */
static int add_identity(const struct domain_source *source, struct json_object *node,
                        GError **error)
{
    const struct source_network *network = source->network;
    bool has_user = network && network->user, has_group = network && network->group;
    uid_t uid;
    gid_t gid;

    if ((has_user && !qemu_find_user(network->user, &uid, &gid)) ||
        (has_group && !qemu_find_group(network->group, &gid))) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "image '%s': <identity> names a user or group that this host does not have",
                  source->name ? source->name : "?");
        return -1;
    }
    if (has_user)
        json_add(node, "u:user", uid, NULL);
    if (has_group)
        json_add(node, "u:group", gid, NULL);
    return 0;
}

int block_network_properties(const struct domain_source *source,
                             const struct arguments_context *context,
                             struct json_object **ret_properties, GError **error)
{
    const struct protocol *protocol =
        source->protocol < G_N_ELEMENTS(protocols) ? &protocols[source->protocol] : NULL;
    const char *name = source->name ? source->name : "?";

    if (!protocol || !protocol->build) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "image '%s': the protocol %s is not in this version", name,
                  names_word(&source_protocol_names, source->protocol));
        return -1;
    }
    if (!emulator_has(context->emulator, protocol->flag)) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "image '%s': the emulator %s has no block driver '%s'", name,
                  context->emulator->path, protocol->driver);
        return -1;
    }
    if (source->protocol == SOURCE_PROTOCOL_SSH && check_ssh(source, error) < 0)
        return -1;
    struct json_object *node JSON_AUTO = protocol->build(protocol, source, context);
    if (source->protocol == SOURCE_PROTOCOL_NFS && add_identity(source, node, error) < 0)
        return -1;
    *ret_properties = g_steal_pointer(&node);
    return 0;
}
