/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/error.h"
#include "base/uuid.h"

#define AT(member) offsetof(struct qemu_config, member)
#define TLS(use, member) offsetof(struct qemu_config, tls[QEMU_TLS_##use].member)
#define TLS_FOLDER "/etc/pki/qemu"
#define PORT_MOST 65535
#define NAME_BUFFER_BYTES 16384

#define NO_TLS "QEMU has no VxHS disks, and backups are not in this version"
#define NO_AUDIO "sound goes where the <audio> elements of a guest say"
#define NO_SECURITY "this version separates guests by user and group alone"
#define NO_SAVE "saving and dumping guests is not in this version"
#define NO_MIGRATION "migration is not in this version"
#define NO_HELPER "this version does not need the helper"

#define IGNORED(name, why)                                                                         \
    {                                                                                              \
        .key = name, .no_effect = why                                                              \
    }

static const struct config_row rows[] = {
    {"user", CONFIG_STRING, AT(user), .example = "\"" QEMU_USER "\"",
     .doc = "User and group of QEMU processes: names, or \"+\" and a number. Without the keys\n"
            "\"" QEMU_USER "\" or, where that does not exist, \"qemu\", or root."},
    {"group", CONFIG_STRING, AT(group), .example = "\"" QEMU_GROUP "\"", .doc = ""},
    {"dynamic_ownership", CONFIG_BOOL, AT(dynamic_ownership), "1",
     .doc = "Whether files of a guest are handed over to that user while it runs, and whether\n"
            "their owner before is remembered and gets them back."},
    {"remember_owner", CONFIG_BOOL, AT(remember_owner), "1", .doc = ""},

    {"vnc_listen", CONFIG_STRING, AT(vnc_listen), "\"127.0.0.1\"",
     .doc = "Address of VNC displays that name none. \"0.0.0.0\" lets anybody in who reaches the\n"
            "port and knows the password below, or that of the display."},
    {"vnc_password", CONFIG_STRING, AT(vnc_password), .example = "\"XYZ12345\"", .doc = ""},
    {"vnc_auto_unix_socket", CONFIG_BOOL, AT(vnc_auto_unix_socket), "0",
     .doc = "VNC displays whose <listen type='address'> has no address listen on a unix socket in "
            "the\n"
            "guest's folder instead."},
    {"spice_listen", CONFIG_STRING, AT(spice_listen), "\"127.0.0.1\"",
     .doc = "The same for SPICE displays."},
    {"spice_password", CONFIG_STRING, AT(spice_password), .example = "\"XYZ12345\"", .doc = ""},
    {"spice_auto_unix_socket", CONFIG_BOOL, AT(spice_auto_unix_socket), "0", .doc = ""},
    {"remote_display_port_min", CONFIG_UINT, AT(remote_display_port_min), "5900", 5900, PORT_MOST,
     .doc = "Ports for displays that leave the choice to us."},
    {"remote_display_port_max", CONFIG_UINT, AT(remote_display_port_max), "65535", 5900, PORT_MOST,
     .doc = ""},
    {"remote_websocket_port_min", CONFIG_UINT, AT(remote_websocket_port_min), "5700", 1, PORT_MOST,
     .doc = "The same for the web sockets of VNC displays."},
    {"remote_websocket_port_max", CONFIG_UINT, AT(remote_websocket_port_max), "65535", 1, PORT_MOST,
     .doc = ""},

    {"cgroup_controllers", CONFIG_LIST, AT(cgroup_controllers),
     .example = "[ \"cpu\", \"memory\", \"blkio\", \"cpuset\", \"cpuacct\" ]",
     .doc = "Controllers that limit and account guests. Default: those that the host has."},
    {"max_processes", CONFIG_UINT, AT(max_processes), "0",
     .doc = "Limits of each QEMU: processes of its user, open files. 0: as many as we may have\n"
            "ourselves."},
    {"max_files", CONFIG_UINT, AT(max_files), "0", .doc = ""},
    IGNORED("max_threads_per_process", "threads are limited by the control group of the service"),
    {"max_core", CONFIG_WORD, AT(max_core), .example = "\"unlimited\"",
     .doc = "Size of a core dump when QEMU crashes, in bytes or \"unlimited\", and whether the\n"
            "memory of the guest is part of it."},
    {"dump_guest_core", CONFIG_BOOL, AT(dump_guest_core), "0", .doc = ""},
    {"seccomp_sandbox", CONFIG_INT, AT(seccomp_sandbox), "-1", -1, 1,
     .doc = "System calls that QEMU has no need of are forbidden to it: 1 always, 0 never, -1 if\n"
            "QEMU is built for it."},
    {"set_process_name", CONFIG_BOOL, AT(set_process_name), "0",
     .doc = "Name processes qemu:GUEST."},
    {"log_timestamp", CONFIG_BOOL, AT(log_timestamp), "1",
     .doc = "QEMU puts the time before the lines of its log."},
    {"gluster_debug_level", CONFIG_UINT, AT(gluster_debug_level), "4", 0, 9,
     .doc = "What gluster disks write to the log, from 0 nothing to 9 everything."},
    {"memory_backing_dir", CONFIG_STRING, AT(memory_backing_folder),
     .example = "\"/var/lib/libvirt/qemu/ram\"",
     .doc = "Folder of the files that hold the memory of guests with <source type='file'/>."},
    {"bridge_helper", CONFIG_STRING, AT(bridge_helper), "\"/usr/lib/qemu/qemu-bridge-helper\"",
     .doc = "Program that attaches interfaces of guests to bridges for users who may not."},
    {"nvram", CONFIG_LIST, AT(nvram),
     .example = "[ \"/usr/share/OVMF/OVMF_CODE.fd:/usr/share/OVMF/OVMF_VARS.fd\" ]",
     .doc = "Firmware and the template of its variables, for guests that name the firmware and no\n"
            "template. Firmware that is left to us is chosen by its descriptors."},

    {"default_tls_x509_cert_dir", CONFIG_STRING, TLS(DEFAULT, folder),
     .example = "\"" TLS_FOLDER "\"",
     .doc =
         "TLS of QEMU's own connections. The folder has ca-cert.pem, server-cert.pem and\n"
         "server-key.pem, and for connections to others client-cert.pem and client-key.pem, which\n"
         "the user above can read. \"verify\": clients must have a certificate of that authority.\n"
         "The secret, by its UUID, decrypts the key. Each use below may have its own; the folder\n"
         "/etc/pki/libvirt-USE goes first if it exists."},
    {"default_tls_x509_verify", CONFIG_INT, TLS(DEFAULT, verify), "-1", -1, 1, .example = "1",
     .doc = ""},
    {"default_tls_x509_secret_uuid", CONFIG_STRING, TLS(DEFAULT, secret),
     .example = "\"b9a6e9f2-2f9c-4b0e-9d6e-3c6f3a0c1d11\"", .doc = ""},
    {"vnc_tls", CONFIG_BOOL, TLS(VNC, enabled), "0",
     .doc = "VNC displays are encrypted (VeNCrypt)."},
    {"vnc_tls_x509_cert_dir", CONFIG_STRING, TLS(VNC, folder),
     .example = "\"/etc/pki/libvirt-vnc\"", .doc = ""},
    {"vnc_tls_x509_verify", CONFIG_INT, TLS(VNC, verify), "-1", -1, 1, .example = "0", .doc = ""},
    {"vnc_tls_x509_secret_uuid", CONFIG_STRING, TLS(VNC, secret),
     .example = "\"b9a6e9f2-2f9c-4b0e-9d6e-3c6f3a0c1d11\"", .doc = ""},
    {"vnc_sasl", CONFIG_BOOL, AT(vnc_sasl), "0",
     .doc = "Who connects to a VNC display authenticates by SASL; \"dir\" has its qemu.conf, "
            "instead of\n"
            "/etc/sasl2."},
    {"vnc_sasl_dir", CONFIG_STRING, AT(vnc_sasl_folder), .example = "\"/etc/libvirt/sasl2\"",
     .doc = ""},
    IGNORED("vnc_allow_host_audio", NO_AUDIO),
    IGNORED("nographics_allow_host_audio", NO_AUDIO),
    {"spice_tls", CONFIG_BOOL, TLS(SPICE, enabled), "0",
     .doc = "The same of SPICE displays, which then have a port for TLS as well."},
    {"spice_tls_x509_cert_dir", CONFIG_STRING, TLS(SPICE, folder),
     .example = "\"/etc/pki/libvirt-spice\"", .doc = ""},
    {"spice_sasl", CONFIG_BOOL, AT(spice_sasl), "0", .doc = ""},
    {"spice_sasl_dir", CONFIG_STRING, AT(spice_sasl_folder), .example = "\"/etc/libvirt/sasl2\"",
     .doc = ""},
    {"chardev_tls", CONFIG_BOOL, TLS(CHARDEV, enabled), "0",
     .doc = "TCP streams of serial ports, channels and the like are encrypted if they do not say "
            "tls='no'."},
    {"chardev_tls_x509_cert_dir", CONFIG_STRING, TLS(CHARDEV, folder),
     .example = "\"/etc/pki/libvirt-chardev\"", .doc = ""},
    {"chardev_tls_x509_verify", CONFIG_INT, TLS(CHARDEV, verify), "-1", -1, 1, .example = "1",
     .doc = ""},
    {"chardev_tls_x509_secret_uuid", CONFIG_STRING, TLS(CHARDEV, secret),
     .example = "\"b9a6e9f2-2f9c-4b0e-9d6e-3c6f3a0c1d11\"", .doc = ""},
    {"nbd_tls", CONFIG_BOOL, TLS(NBD, enabled), "0", .doc = "The same of NBD disks."},
    {"nbd_tls_x509_cert_dir", CONFIG_STRING, TLS(NBD, folder),
     .example = "\"/etc/pki/libvirt-nbd\"", .doc = ""},
    {"nbd_tls_x509_secret_uuid", CONFIG_STRING, TLS(NBD, secret),
     .example = "\"b9a6e9f2-2f9c-4b0e-9d6e-3c6f3a0c1d11\"", .doc = ""},
    IGNORED("vxhs_tls", NO_TLS),
    IGNORED("vxhs_tls_x509_cert_dir", NO_TLS),
    IGNORED("vxhs_tls_x509_secret_uuid", NO_TLS),
    IGNORED("migrate_tls_x509_cert_dir", NO_MIGRATION),
    IGNORED("migrate_tls_x509_verify", NO_MIGRATION),
    IGNORED("migrate_tls_x509_secret_uuid", NO_MIGRATION),
    IGNORED("migrate_tls_force", NO_MIGRATION),
    IGNORED("backup_tls_x509_cert_dir", NO_TLS),
    IGNORED("backup_tls_x509_verify", NO_TLS),
    IGNORED("backup_tls_x509_secret_uuid", NO_TLS),
    IGNORED("security_driver", NO_SECURITY),
    IGNORED("security_default_confined", NO_SECURITY),
    IGNORED("security_require_confined", NO_SECURITY),
    IGNORED("cgroup_device_acl", "guests' cgroups do not filter devices in this version"),
    IGNORED("save_image_format", NO_SAVE),
    IGNORED("dump_image_format", NO_SAVE),
    IGNORED("snapshot_image_format", NO_SAVE),
    IGNORED("auto_dump_path", NO_SAVE),
    IGNORED("auto_dump_bypass_cache", NO_SAVE),
    IGNORED("auto_start_bypass_cache", NO_SAVE),
    IGNORED("hugetlbfs_mount", "huge pages come from memfd, which needs no mount"),
    IGNORED("mac_filter", "this version does not filter packets"),
    IGNORED("relaxed_acs_check", "IOMMU groups are the kernel's to judge"),
    IGNORED("lock_manager", "disks are locked by QEMU alone in this version"),
    IGNORED("max_queued", "calls are limited by client: max_client_requests of virtqemud.conf"),
    IGNORED("keepalive_interval", NO_MIGRATION),
    IGNORED("keepalive_count", NO_MIGRATION),
    IGNORED("migration_address", NO_MIGRATION),
    IGNORED("migration_host", NO_MIGRATION),
    IGNORED("migration_port_min", NO_MIGRATION),
    IGNORED("migration_port_max", NO_MIGRATION),
    IGNORED("stdio_handler", "logs are files that QEMU appends to; virtlogd is not needed"),
    {"virtiofsd_debug", CONFIG_BOOL, AT(virtiofsd_debug), "0",
     .doc = "Programs of shared folders log all that they do."},
    IGNORED("namespaces", "QEMU runs in our own mount namespace in this version"),
    {"pr_helper", CONFIG_STRING, AT(pr_helper), "\"qemu-pr-helper\"",
     .doc =
         "Programs that guests need: of persistent reservations, of the bus of a display. Names\n"
         "without a '/' are looked up in PATH."},
    IGNORED("slirp_helper", NO_HELPER),
    {"dbus_daemon", CONFIG_STRING, AT(dbus_daemon), "\"dbus-daemon\"", .doc = ""},
    {"swtpm_user", CONFIG_STRING, AT(swtpm_user), .example = "\"tss\"",
     .doc = "User and group of emulated TPMs. Without the keys \"swtpm\" or, where that does not\n"
            "exist, \"tss\", or that of QEMU."},
    {"swtpm_group", CONFIG_STRING, AT(swtpm_group), .example = "\"tss\"", .doc = ""},
    IGNORED("capability_filters", "what an emulator can do is asked of it, and not overruled"),
    {"deprecation_behavior", CONFIG_STRING, AT(deprecation_behavior), .example = "\"none\"",
     .doc = "What QEMU does with what it will lose one day, for tests: \"none\", \"omit\" it from\n"
            "replies, \"reject\" it, or \"crash\". <qemu:deprecation> of a guest goes first."},
    IGNORED("sched_core", "core scheduling is not in this version"),
};

const struct config_table qemu_config_table = {rows, G_N_ELEMENTS(rows)};

static void G_GNUC_PRINTF(3, 4)
    warn_about(config_warning_function warn, void *data, const char *format, ...)
{
    va_list args;

    if (!warn)
        return;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    warn(text, data);
}

/* "+107": a number that need not be in the database. */
static bool read_number(const char *name, unsigned *ret_number)
{
    char *end;

    if (name[0] != '+' || !g_ascii_isdigit(name[1]))
        return false;
    errno = 0;
    unsigned long number = strtoul(name + 1, &end, 10);
    if (errno || *end || number >= G_MAXUINT)
        return false;
    *ret_number = (unsigned)number;
    return true;
}

bool qemu_find_user(const char *name, uid_t *ret_uid, gid_t *ret_gid)
{
    g_autofree char *buffer = g_malloc(NAME_BUFFER_BYTES);
    struct passwd entry, *found;

    if (read_number(name, ret_uid)) {
        *ret_gid = (gid_t)*ret_uid;
        return true;
    }
    if (getpwnam_r(name, &entry, buffer, NAME_BUFFER_BYTES, &found) || !found)
        return false;
    *ret_uid = found->pw_uid;
    *ret_gid = found->pw_gid;
    return true;
}

bool qemu_find_group(const char *name, gid_t *ret_gid)
{
    g_autofree char *buffer = g_malloc(NAME_BUFFER_BYTES);
    struct group entry, *found;

    if (read_number(name, ret_gid))
        return true;
    if (getgrnam_r(name, &entry, buffer, NAME_BUFFER_BYTES, &found) || !found)
        return false;
    *ret_gid = found->gr_gid;
    return true;
}

static int resolve_user(const char *path, struct qemu_config *config, config_warning_function warn,
                        void *data, GError **error)
{
    static const char *const usual[] = {QEMU_USER, "qemu"};

    if (config->user && !qemu_find_user(config->user, &config->uid, &config->gid)) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "%s: there is no user '%s'", path,
                  config->user);
        return -1;
    }
    if (config->user)
        return 0;
    for (size_t i = 0; i < G_N_ELEMENTS(usual); i++)
        if (qemu_find_user(usual[i], &config->uid, &config->gid))
            return 0;
    warn_about(warn, data, "there is no user '%s': guests run as root (set 'user' in %s)", usual[0],
               path);
    config->uid = 0;
    config->gid = 0;
    return 0;
}

/* A group of the file; else the usual one beside a usual user, whose own group it mostly is. */
static int resolve_group(const char *path, struct qemu_config *config, GError **error)
{
    if (config->group && !qemu_find_group(config->group, &config->gid)) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "%s: there is no group '%s'", path,
                  config->group);
        return -1;
    }
    if (!config->group && !config->user && config->uid != 0)
        qemu_find_group(QEMU_GROUP, &config->gid);
    return 0;
}

/* Of swtpm: the user of its package, or that of other software for TPMs. */
static int resolve_swtpm(const char *path, struct qemu_config *config, GError **error)
{
    static const char *const usual[] = {"swtpm", "tss"};
    bool found = false;

    config->swtpm_uid = config->uid;
    config->swtpm_gid = config->gid;
    for (size_t i = 0; !config->swtpm_user && !found && i < G_N_ELEMENTS(usual); i++)
        found = qemu_find_user(usual[i], &config->swtpm_uid, &config->swtpm_gid);
    if (config->swtpm_user &&
        !qemu_find_user(config->swtpm_user, &config->swtpm_uid, &config->swtpm_gid)) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "%s: there is no user '%s'", path,
                  config->swtpm_user);
        return -1;
    }
    if (!config->swtpm_group || qemu_find_group(config->swtpm_group, &config->swtpm_gid))
        return 0;
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "%s: there is no group '%s'", path,
              config->swtpm_group);
    return -1;
}

static int resolve_core(const char *path, struct qemu_config *config, GError **error)
{
    char *end;

    if (!config->max_core)
        return 0;
    if (strcmp(config->max_core, "unlimited") == 0) {
        config->core_limit = RLIM_INFINITY;
        return 0;
    }
    errno = 0;
    unsigned long long bytes = strtoull(config->max_core, &end, 10);
    if (errno || *end || !g_ascii_isdigit(config->max_core[0])) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "%s: 'max_core' takes a number of bytes or \"unlimited\"", path);
        return -1;
    }
    config->core_limit = bytes;
    return 0;
}

static int check_ports(const char *path, const struct qemu_config *config, GError **error)
{
    const struct {
        const char *what;
        unsigned least, most;
    } ranges[] = {
        {"display", config->remote_display_port_min, config->remote_display_port_max},
        {"websocket", config->remote_websocket_port_min, config->remote_websocket_port_max},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(ranges); i++)
        if (ranges[i].least > ranges[i].most) {
            error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                      "%s: 'remote_%s_port_min' is above 'remote_%s_port_max'", path,
                      ranges[i].what, ranges[i].what);
            return -1;
        }
    return 0;
}

/* What the default_tls_* keys say of those that say nothing, with what is true without them. */
static const struct tls_use {
    const char *key, *folder;
    bool verify;
} tls_uses[QEMU_TLS_USES] = {
    [QEMU_TLS_DEFAULT] = {"default_tls_x509_cert_dir", TLS_FOLDER, true},
    [QEMU_TLS_VNC] = {"vnc_tls_x509_cert_dir", "/etc/pki/libvirt-vnc", false},
    [QEMU_TLS_SPICE] = {"spice_tls_x509_cert_dir", "/etc/pki/libvirt-spice", false},
    [QEMU_TLS_CHARDEV] = {"chardev_tls_x509_cert_dir", "/etc/pki/libvirt-chardev", true},
    [QEMU_TLS_NBD] = {"nbd_tls_x509_cert_dir", "/etc/pki/libvirt-nbd", true},
};

static int resolve_tls_folder(const char *path, struct qemu_tls *tls, const struct tls_use *use,
                              const char *fallback, GError **error)
{
    if (tls->folder && !g_file_test(tls->folder, G_FILE_TEST_IS_DIR)) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "%s: %s: there is no folder '%s'", path,
                  use->key, tls->folder);
        return -1;
    }
    if (!tls->folder)
        tls->folder =
            g_strdup(g_file_test(use->folder, G_FILE_TEST_IS_DIR) ? use->folder : fallback);
    return 0;
}

static int resolve_tls_secret(const char *path, struct qemu_tls *tls, const char *fallback,
                              GError **error)
{
    const char *text = tls->secret ? tls->secret : fallback;

    tls->has_secret = text != NULL;
    if (!text || uuid_parse(text, tls->secret_uuid) == 0)
        return 0;
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "%s: '%s' is not the UUID of a secret", path,
              text);
    return -1;
}

static int resolve_tls(const char *path, struct qemu_config *config, GError **error)
{
    const struct qemu_tls fallback = config->tls[QEMU_TLS_DEFAULT];

    for (unsigned i = 0; i < QEMU_TLS_USES; i++) {
        struct qemu_tls *tls = &config->tls[i];

        if (resolve_tls_folder(path, tls, &tls_uses[i],
                               i == QEMU_TLS_DEFAULT ? TLS_FOLDER
                                                     : config->tls[QEMU_TLS_DEFAULT].folder,
                               error) < 0)
            return -1;
        if (tls->verify < 0)
            tls->verify = fallback.verify < 0 ? tls_uses[i].verify : fallback.verify;
        if (resolve_tls_secret(path, tls, fallback.secret, error) < 0)
            return -1;
    }
    return 0;
}

/* The group of the user's own entry, which the system's list leaves out when another is the first.
 */
static void add_group(struct qemu_config *config, gid_t gid)
{
    for (size_t i = 0; i < config->group_count; i++)
        if (config->groups[i] == gid)
            return;
    config->groups = g_renew(gid_t, config->groups, config->group_count + 1);
    config->groups[config->group_count++] = gid;
}

/* A number that is nobody's has the first one alone. */
void qemu_config_find_groups(struct qemu_config *config)
{
    g_autofree char *buffer = g_malloc(NAME_BUFFER_BYTES);
    struct passwd entry, *found = NULL;
    int count = 64;

    getpwuid_r(config->uid, &entry, buffer, NAME_BUFFER_BYTES, &found);
    config->groups = g_new(gid_t, (size_t)count);
    config->groups[0] = config->gid;
    config->group_count = 1;
    if (!found)
        return;
    if (getgrouplist(found->pw_name, config->gid, config->groups, &count) < 0) {
        config->groups = g_renew(gid_t, config->groups, (size_t)count);
        getgrouplist(found->pw_name, config->gid, config->groups, &count);
    }
    config->group_count = (size_t)count;
    add_group(config, found->pw_gid);
}

/* Whose processes: in session mode ours, so that nothing is switched. */
static int resolve_identity(const char *path, bool session, struct qemu_config *config,
                            config_warning_function warn, void *data, GError **error)
{
    if (session) {
        config->uid = getuid();
        config->gid = getgid();
        config->dynamic_ownership = false;
        return 0;
    }
    if (resolve_user(path, config, warn, data, error) < 0 ||
        resolve_group(path, config, error) < 0 || resolve_swtpm(path, config, error) < 0)
        return -1;
    qemu_config_find_groups(config);
    config->set_user = true;
    return 0;
}

int qemu_config_load(const char *path, bool session, struct qemu_config *ret_config,
                     config_warning_function warn, void *data, GError **error)
{
    struct qemu_config config = {0};
    const struct config_part part = {&qemu_config_table, &config};

    if (config_load(path, false, &part, 1, warn, data, error) < 0)
        return -1;
    if (check_ports(path, &config, error) < 0 || resolve_core(path, &config, error) < 0 ||
        resolve_tls(path, &config, error) < 0 ||
        resolve_identity(path, session, &config, warn, data, error) < 0) {
        qemu_config_clear(&config);
        return -1;
    }
    if (!config.memory_backing_folder)
        config.memory_backing_folder =
            session ? g_build_filename(g_get_user_config_dir(), "libvirt", "qemu", "ram", NULL)
                    : g_strdup("/var/lib/libvirt/qemu/ram");
    *ret_config = config;
    return 0;
}

void qemu_config_clear(struct qemu_config *config)
{
    const struct config_part part = {&qemu_config_table, config};

    config_clear(&part, 1);
    g_clear_pointer(&config->groups, g_free);
}
