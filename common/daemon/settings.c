/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/settings.h"

#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/uuid.h"
#include "daemon/auth.h"

#define AT(member) offsetof(struct settings, member)

/* Keys that files of the ecosystem carry and that do nothing in a daemon with unix sockets only. */
#define NO_NETWORK "TCP and TLS are served by virtproxyd"
#define NO_AUDIT "this version writes no audit records"
#define NO_KEEPALIVE_REQUIRED "a client must connect before it can say that it lacks keepalive"
#define NO_ADMIN_KEEPALIVE "a client of the admin socket has no way to say that it answers pings"

static const char *const uuid_sources[] = {"smbios", "machine-id", NULL};

#define IGNORED(name, why)                                                                         \
    {                                                                                              \
        .key = name, .no_effect = why                                                              \
    }

static const struct config_row rows[] = {
    {"unix_sock_group", CONFIG_STRING, AT(unix_sock_group), .restart = true,
     .example = "\"libvirt\"",
     .doc = "Sockets. With socket activation the .socket units decide instead.\n\n"
            "Group that owns the rw and ro sockets; its members get in as the modes below say.\n"
            "Default: root's. Whoever may use the rw socket can become root."},
    {"unix_sock_ro_perms", CONFIG_MODE, AT(unix_sock_ro_perms), "\"0777\"", .restart = true,
     .doc = "Modes of the sockets: ro (looking only), rw, admin."},
    {"unix_sock_rw_perms", CONFIG_MODE, AT(unix_sock_rw_perms), "\"0700\"", .restart = true,
     .doc = ""},
    {"unix_sock_admin_perms", CONFIG_MODE, AT(unix_sock_admin_perms), "\"0700\"", .restart = true,
     .doc = ""},
    {"unix_sock_dir", CONFIG_STRING, AT(unix_sock_dir), .restart = true,
     .example = "\"/run/libvirt\"", .doc = "Folder of the sockets."},

    {"auth_unix_ro", CONFIG_STRING, AT(auth_unix_ro), "\"none\"",
     .doc = "Authentication on the ro and rw sockets. \"none\" leaves it to their modes; "
            "\"polkit\" asks\n"
            "the host's policy for org.libvirt.unix.monitor or .manage, except for root; \"sasl\" "
            "asks\n"
            "for a user. With the last two the modes may be 0777: only who passes gets further."},
    {"auth_unix_rw", CONFIG_STRING, AT(auth_unix_rw), "\"none\"", .doc = ""},
    {"sasl_allowed_username_list", CONFIG_LIST, AT(sasl_allowed_username_list),
     .example = "[ \"joe@EXAMPLE.COM\", \"*@ADMIN.EXAMPLE.COM\" ]",
     .doc = "Patterns of users that SASL may let in. Default: all. Mechanisms and passwords are\n"
            "those of /etc/sasl2/libvirt.conf."},
    {"access_drivers", CONFIG_LIST, AT(access_drivers), .restart = true,
     .example = "[ \"polkit\" ]",
     .doc = "Who may do what to which object. \"none\", the default, allows everything on the rw\n"
            "socket and looking on the ro one. \"polkit\" asks the host's policy, for users other\n"
            "than root, for org.libvirt.api.KIND.PERMISSION. Takes effect with a restart."},

    {"max_clients", CONFIG_UINT, AT(max_clients), "5000", 1, 1000000,
     .doc = "Clients at a time. Those beyond wait to be accepted."},
    {"max_queued_clients", CONFIG_UINT, AT(max_queued_clients), "1000", 1, 65535,
     .doc = "Clients that may wait to be accepted; the kernel refuses others."},
    {"max_anonymous_clients", CONFIG_UINT, AT(max_anonymous_clients), "20", 0, 1000000,
     .doc = "Clients that have connected and not yet said who they are. Beyond it the one silent\n"
            "longest makes room. 0: as many as max_clients."},

    {"min_workers", CONFIG_UINT, AT(min_workers), "5", 0, 10000,
     .doc = "Threads for calls that may block: how many stay when idle, how many there may be."},
    {"max_workers", CONFIG_UINT, AT(max_workers), "20", 1, 10000, .doc = ""},
    {"prio_workers", CONFIG_UINT, AT(prio_workers), "5", 0, 10000,
     .doc =
         "Threads kept for urgent calls, such as destroying a guest, when all others are stuck."},
    {"max_client_requests", CONFIG_UINT, AT(max_client_requests), "5", 1, 65535,
     .doc = "Calls of one client at work at a time; further ones wait their turn. Keepalive and\n"
            "events never wait behind them."},

    {"admin_min_workers", CONFIG_UINT, AT(admin_min_workers), "1", 0, 10000,
     .doc = "The same limits for the admin socket."},
    {"admin_max_workers", CONFIG_UINT, AT(admin_max_workers), "5", 1, 10000, .doc = ""},
    {"admin_max_clients", CONFIG_UINT, AT(admin_max_clients), "5", 1, 1000000, .doc = ""},
    {"admin_max_queued_clients", CONFIG_UINT, AT(admin_max_queued_clients), "5", 1, 65535,
     .doc = ""},
    {"admin_max_client_requests", CONFIG_UINT, AT(admin_max_client_requests), "5", 1, 65535,
     .doc = ""},

    {"log_level", CONFIG_UINT, AT(log_level), "3", 1, 4,
     .doc =
         "Log: 1 debug, 2 information, 3 warnings, 4 errors. The options of the command line go\n"
         "first, then LIBVIRT_DEBUG, LIBVIRT_LOG_FILTERS and LIBVIRT_LOG_OUTPUTS of the\n"
         "environment, then this file."},
    {"log_filters", CONFIG_STRING, AT(log_filters), .example = "\"1:virtqemud 4:object\"",
     .doc = "Levels by part of the daemon, LEVEL:WORD, separated by blanks. Parts are named\n"
            "folder.file; the first filter whose word is in the name counts."},
    {"log_outputs", CONFIG_STRING, AT(log_outputs), .example = "\"3:syslog:virtqemud\"",
     .doc =
         "Where lines of at least a level go, separated by blanks: LEVEL:stderr,\n"
         "LEVEL:syslog:NAME, LEVEL:file:/PATH, LEVEL:journald. Default: the journal if there is\n"
         "one and no terminal, else syslog (-d) or stderr."},

    {"host_uuid", CONFIG_STRING, AT(host_uuid),
     .example = "\"8510a1c8-6b3a-4e57-9d1a-0b6b6f0c2f4e\"",
     .doc =
         "The host's uuid, for hosts whose firmware has none or a wrong one; or where to take it\n"
         "from: \"smbios\" or \"machine-id\"."},
    {"host_uuid_source", CONFIG_STRING, AT(host_uuid_source), "\"smbios\"", .words = uuid_sources,
     .doc = ""},

    {"keepalive_interval", CONFIG_INT, AT(keepalive_interval), "5", -1, 86400,
     .doc =
         "Seconds of silence after which a client is pinged, and how many pings in a row may stay\n"
         "unanswered before the link is dropped. An interval of -1 turns pings off."},
    {"keepalive_count", CONFIG_UINT, AT(keepalive_count), "5", 0, 1000, .doc = ""},

    IGNORED("admin_keepalive_interval", NO_ADMIN_KEEPALIVE),
    IGNORED("admin_keepalive_count", NO_ADMIN_KEEPALIVE),
    IGNORED("keepalive_required", NO_KEEPALIVE_REQUIRED),
    IGNORED("admin_keepalive_required", NO_KEEPALIVE_REQUIRED),
    IGNORED("audit_level", NO_AUDIT),
    IGNORED("audit_logging", NO_AUDIT),
    IGNORED("ovs_timeout", "a call of ovs-vsctl has 5 seconds"),
    IGNORED("listen_tls", NO_NETWORK),
    IGNORED("listen_tcp", NO_NETWORK),
    IGNORED("tls_port", NO_NETWORK),
    IGNORED("tcp_port", NO_NETWORK),
    IGNORED("listen_addr", NO_NETWORK),
    IGNORED("mdns_adv", NO_NETWORK),
    IGNORED("mdns_name", NO_NETWORK),
    IGNORED("auth_tcp", NO_NETWORK),
    IGNORED("auth_tls", NO_NETWORK),
    IGNORED("tcp_min_ssf", NO_NETWORK),
    IGNORED("key_file", NO_NETWORK),
    IGNORED("cert_file", NO_NETWORK),
    IGNORED("ca_file", NO_NETWORK),
    IGNORED("crl_file", NO_NETWORK),
    IGNORED("tls_no_sanity_certificate", NO_NETWORK),
    IGNORED("tls_no_verify_certificate", NO_NETWORK),
    IGNORED("tls_allowed_dn_list", NO_NETWORK),
    IGNORED("tls_priority", NO_NETWORK),
};

const struct config_table settings_table = {rows, G_N_ELEMENTS(rows)};

static void warn(const char *text, void *data)
{
    log_warn("%s", text);
    g_strv_builder_add(data, text);
}

static int check_access_drivers(const struct settings *settings, GError **error)
{
    for (char **name = settings->access_drivers; name && *name; name++) {
        if (strcmp(*name, "none") == 0 || strcmp(*name, "nop") == 0 || strcmp(*name, "polkit") == 0)
            continue;
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "access_drivers: this version does not know \"%s\", only \"none\" and \"polkit\"",
                  *name);
        return -1;
    }
    return 0;
}

static int check_workers(const char *key, unsigned least, unsigned most, GError **error)
{
    if (least <= most)
        return 0;
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "%smin_workers (%u) is above %smax_workers (%u)",
              key, least, key, most);
    return -1;
}

static int check_uuid(const struct settings *settings, GError **error)
{
    uint8_t uuid[UUID_BYTES];

    if (!settings->host_uuid || (uuid_parse(settings->host_uuid, uuid) == 0 && uuid_is_valid(uuid)))
        return 0;
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "host_uuid: '%s' is not the uuid of a host",
              settings->host_uuid);
    return -1;
}

static int check_log(const struct settings *settings, GError **error)
{
    if (settings->log_filters && log_check_filters(settings->log_filters, error) < 0)
        return -1;
    return settings->log_outputs ? log_check_outputs(settings->log_outputs, error) : 0;
}

static int check(const struct settings *settings, GError **error)
{
    enum auth_method method;

    if (auth_method_read("auth_unix_ro", settings->auth_unix_ro, true, &method, error) < 0 ||
        auth_method_read("auth_unix_rw", settings->auth_unix_rw, true, &method, error) < 0 ||
        check_access_drivers(settings, error) < 0 ||
        check_workers("", settings->min_workers, settings->max_workers, error) < 0 ||
        check_workers("admin_", settings->admin_min_workers, settings->admin_max_workers, error) <
            0 ||
        check_log(settings, error) < 0)
        return -1;
    return check_uuid(settings, error);
}

int settings_load(const char *path, bool required, const struct config_table *extra_table,
                  void *extra, struct settings *ret_settings, GError **error)
{
    static const struct config_table none = {NULL, 0};
    g_autoptr(GStrvBuilder) oddities = g_strv_builder_new();
    struct settings settings = {0};
    const struct config_part parts[] = {{extra ? extra_table : &none, extra},
                                        {&settings_table, &settings}};

    if (config_load(path, required, parts, G_N_ELEMENTS(parts), warn, oddities, error) < 0)
        return -1;
    if (check(&settings, error) < 0) {
        g_prefix_error(error, "%s: ", path);
        config_clear(parts, G_N_ELEMENTS(parts));
        return -1;
    }
    settings.oddities = g_strv_builder_end(oddities);
    *ret_settings = settings;
    return 0;
}

void settings_clear(struct settings *settings)
{
    const struct config_part part = {&settings_table, settings};

    config_clear(&part, 1);
    g_clear_pointer(&settings->oddities, g_strfreev);
}
