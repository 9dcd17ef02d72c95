/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probe.h"

#include <errno.h>
#include <json-c/json.h>
#include <malloc.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "json.h"
#include "probe-run.h"
#include "probe-sev.h"

#define FORMAT                                                                                     \
    "5" /* of the cache file, to be counted up when the meaning of what is in it changes */
#define DEADLINE_MS 60000
#define FAILURE_KEPT_US (10 * G_USEC_PER_SEC)
#define CACHE_MAX (4u << 20)
#define CACHE_MEMORY (64u << 20)
#define CACHE_DEPTH 32

struct entry {
    char *stamp; /* what the outcome is valid for */
    struct emulator *emulator;
    GError *error;
    int64_t failed_us;
    bool running;
};

struct probes {
    char *folder;
    char **search;
    char *host_stamp;
    struct probe_run_settings run;
    gid_t *groups;

    GMutex lock; /* the following */
    GCond done;
    GHashTable *entries; /* path -> struct entry */
};

static void entry_free(gpointer data)
{
    struct entry *entry = data;

    g_free(entry->stamp);
    emulator_unref(entry->emulator);
    g_clear_error(&entry->error);
    g_free(entry);
}

/* ---- what an outcome is valid for ---- */

/* Back ends that packages add to an installed emulator lie here. */
static const char *const module_folders[] = {
    "/usr/lib/x86_64-linux-gnu/qemu",
    "/usr/lib/aarch64-linux-gnu/qemu",
    "/usr/lib64/qemu",
    "/usr/lib/qemu",
};

static void add_file_stamp(GString *stamp, const struct stat *status)
{
    g_string_append_printf(stamp, "|%ju,%jd,%jd.%09ld,%jd.%09ld", (uintmax_t)status->st_ino,
                           (intmax_t)status->st_size, (intmax_t)status->st_mtim.tv_sec,
                           status->st_mtim.tv_nsec, (intmax_t)status->st_ctim.tv_sec,
                           status->st_ctim.tv_nsec);
}

static bool kvm_exists(struct stat *ret_status)
{
    return stat("/dev/kvm", ret_status) == 0 && S_ISCHR(ret_status->st_mode);
}

/* Whether KVM encrypts, which changes when its module is loaded again. */
static void add_encryption_stamp(GString *stamp)
{
    g_autofree char *sev = file_read_value("/sys/module/kvm_amd/parameters/sev");

    if (sev && access(PROBE_SEV_NODE, F_OK) == 0)
        g_string_append_printf(stamp, "|sev %s", sev);
}

/* The binary, its modules, who may open /dev/kvm, and what it does. The caller frees. */
static int make_stamp(const struct probes *probes, const char *path, char **ret_stamp,
                      GError **error)
{
    g_autoptr(GString) stamp = g_string_new(probes->host_stamp);
    struct stat status;

    if (stat(path, &status) < 0 || (S_ISDIR(status.st_mode) && (errno = EISDIR)) ||
        access(path, X_OK) < 0) {
        error_set_errno(error, errno, "Cannot check QEMU binary %s", path);
        return -1;
    }
    add_file_stamp(stamp, &status);
    for (size_t i = 0; i < G_N_ELEMENTS(module_folders); i++)
        if (stat(module_folders[i], &status) == 0)
            add_file_stamp(stamp, &status);
    if (kvm_exists(&status))
        g_string_append_printf(stamp, "|kvm %o,%u,%u", status.st_mode, status.st_uid,
                               status.st_gid);
    add_encryption_stamp(stamp);
    *ret_stamp = g_string_free(g_steal_pointer(&stamp), FALSE);
    return 0;
}

/* The questions behind the flags: another question makes another document. */
static const char flag_rows[] =
#define EMULATOR_FLAG(name, word, kind, a, b) word #kind a b "\n"
#include "emulator-flags.h"
#undef EMULATOR_FLAG
    ;

/* Kernel and microcode decide which CPU features KVM offers. */
static char *make_host_stamp(const struct probes *probes)
{
    g_autofree char *microcode = NULL;
    struct utsname kernel;

    uname(&kernel);
    file_read_optional("/sys/devices/system/cpu/cpu0/microcode/version", 64, &microcode, NULL,
                       NULL);
    g_autofree char *all = g_strdup_printf(
        "%s|%s|%s %s %s|%s|%u:%u", FORMAT, flag_rows, kernel.release, kernel.version,
        kernel.machine, microcode ? microcode : "", probes->run.uid, probes->run.gid);
    return g_compute_checksum_for_string(G_CHECKSUM_SHA256, all, -1);
}

/* ---- the cache file ---- */

static char *cache_path(const struct probes *probes, const char *path)
{
    g_autofree char *name = g_compute_checksum_for_string(G_CHECKSUM_SHA256, path, -1);

    return g_strdup_printf("%s/%s.json", probes->folder, name);
}

/* Only a file that we wrote: QEMU's user may own the folder above ours. */
static bool is_ours(const char *path)
{
    struct stat status;

    return lstat(path, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == geteuid();
}

/* NULL: none that is valid. */
static struct emulator *load(const struct probes *probes, const char *path, const char *stamp)
{
    struct json_object *document JSON_AUTO = NULL;
    struct emulator *emulator = NULL;
    g_autofree char *text = NULL;
    size_t length;

    if (!probes->folder)
        return NULL;
    g_autofree char *file = cache_path(probes, path);
    if (!is_ours(file) || file_read_all(file, CACHE_MAX, &text, &length, NULL) < 0 ||
        json_read(text, length, CACHE_DEPTH, CACHE_MEMORY, &document, NULL) < 0)
        return NULL;
    if (g_strcmp0(json_string_member(document, "stamp"), stamp) != 0 ||
        g_strcmp0(json_string_member(document, "path"), path) != 0 ||
        emulator_decode(document, &emulator, NULL) < 0)
        return NULL;
    return emulator;
}

/* A cache that can't be written costs the next start a probe, and nothing else. */
static void save(const struct probes *probes, const char *path, const char *stamp,
                 struct json_object *document)
{
    if (!probes->folder || file_make_folders(probes->folder, 0700, NULL) < 0)
        return;
    json_add(document, "s:stamp", stamp, NULL);
    const char *text = json_object_to_json_string_ext(document, JSON_C_TO_STRING_PLAIN);
    g_autofree char *file = cache_path(probes, path);
    file_replace_volatile(file, text, strlen(text), 0600, NULL);
}

/* ---- one outcome for all who ask ---- */

static int probe(const struct probes *probes, const char *path, const char *stamp,
                 struct emulator **ret_emulator, GError **error)
{
    struct json_object *document JSON_AUTO = NULL;
    struct probe_run_settings settings = probes->run;
    struct emulator *loaded = load(probes, path, stamp);
    struct stat status;

    if (loaded) {
        *ret_emulator = loaded;
        return 0;
    }
    settings.kvm = kvm_exists(&status);
    if (probe_run(path, &settings, &document, error) < 0)
        return -1;
    save(probes, path, stamp, document);
    return emulator_decode(document, ret_emulator, error);
}

/* Under the lock: waits until nobody probes this path; the entry, made if need be. */
static struct entry *wait_for_entry(struct probes *probes, const char *path)
{
    struct entry *entry = g_hash_table_lookup(probes->entries, path);

    if (!entry) {
        entry = g_new0(struct entry, 1);
        g_hash_table_insert(probes->entries, g_strdup(path), entry);
    }
    while (entry->running)
        g_cond_wait(&probes->done, &probes->lock);
    return entry;
}

static bool is_valid(const struct entry *entry, const char *stamp)
{
    if (g_strcmp0(entry->stamp, stamp) != 0)
        return false;
    return entry->emulator || g_get_monotonic_time() - entry->failed_us < FAILURE_KEPT_US;
}

/* Under the lock, which is released while probing; entries live as long as probes. */
static void renew(struct probes *probes, struct entry *entry, const char *path, const char *stamp)
{
    struct emulator *emulator = NULL;
    GError *error = NULL;

    entry->running = true;
    g_mutex_unlock(&probes->lock);
    probe(probes, path, stamp, &emulator, &error);
    malloc_trim(0); /* reading what a QEMU tells took megabytes, which are not needed again */
    g_mutex_lock(&probes->lock);

    emulator_unref(entry->emulator);
    g_clear_error(&entry->error);
    g_free(entry->stamp);
    entry->stamp = g_strdup(stamp);
    entry->emulator = emulator;
    entry->error = error;
    entry->failed_us = g_get_monotonic_time();
    entry->running = false;
    g_cond_broadcast(&probes->done);
}

int probe_get(struct probes *probes, const char *path, struct emulator **ret_emulator,
              GError **error)
{
    g_autofree char *stamp = NULL;
    int result = -1;

    if (make_stamp(probes, path, &stamp, error) < 0)
        return -1;
    g_mutex_lock(&probes->lock);
    struct entry *entry = wait_for_entry(probes, path);
    if (!is_valid(entry, stamp))
        renew(probes, entry, path, stamp);
    if (entry->emulator) {
        *ret_emulator = emulator_ref(entry->emulator);
        result = 0;
    } else if (error) {
        *error = g_error_copy(entry->error);
    }
    g_mutex_unlock(&probes->lock);
    return result;
}

/* ---- the registry ---- */

struct probes *probes_new(struct loop *loop, const struct probes_settings *settings)
{
    struct probes *probes = g_new0(struct probes, 1);
    const char *path = settings->search ? settings->search : g_getenv("PATH");
    g_autofree char *search =
        settings->search
            ? g_strdup(path)
            : g_strconcat(path ? path : "", ":/usr/bin:/usr/local/bin:/usr/libexec", NULL);

    probes->folder = g_strdup(settings->folder);
    probes->search = g_strsplit(search, ":", -1);
    probes->groups = g_memdup2(settings->groups, settings->group_count * sizeof(gid_t));
    probes->run = (struct probe_run_settings){
        .loop = loop,
        .set_user = settings->set_user,
        .uid = settings->uid,
        .gid = settings->gid,
        .groups = probes->groups,
        .group_count = settings->group_count,
        .deadline_ms = settings->deadline_ms ? settings->deadline_ms : DEADLINE_MS,
    };
    probes->host_stamp = make_host_stamp(probes);
    g_mutex_init(&probes->lock);
    g_cond_init(&probes->done);
    probes->entries = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, entry_free);
    return probes;
}

void probes_free(struct probes *probes)
{
    if (!probes)
        return;
    g_hash_table_unref(probes->entries);
    g_mutex_clear(&probes->lock);
    g_cond_clear(&probes->done);
    g_strfreev(probes->search);
    g_free(probes->host_stamp);
    g_free(probes->folder);
    g_free(probes->groups);
    g_free(probes);
}

/* ---- where emulators are ---- */

/* Sorted as probe_list() tells them. Where two binaries are named, the second serves as well. */
static const struct {
    const char *arch;
    const char *binaries[2];
} emulators[] = {
    {"aarch64", {"qemu-system-aarch64"}},
    {"alpha", {"qemu-system-alpha"}},
    {"armv6l", {"qemu-system-arm"}},
    {"armv7l", {"qemu-system-arm"}},
    {"cris", {"qemu-system-cris"}},
    {"hppa", {"qemu-system-hppa"}},
    {"i686", {"qemu-system-i386", "qemu-system-x86_64"}},
    {"loongarch64", {"qemu-system-loongarch64"}},
    {"m68k", {"qemu-system-m68k"}},
    {"microblaze", {"qemu-system-microblaze"}},
    {"microblazeel", {"qemu-system-microblazeel"}},
    {"mips", {"qemu-system-mips"}},
    {"mips64", {"qemu-system-mips64"}},
    {"mips64el", {"qemu-system-mips64el"}},
    {"mipsel", {"qemu-system-mipsel"}},
    {"or32", {"qemu-system-or1k"}},
    {"ppc", {"qemu-system-ppc"}},
    {"ppc64", {"qemu-system-ppc64"}},
    {"ppc64le", {"qemu-system-ppc64le", "qemu-system-ppc64"}},
    {"riscv32", {"qemu-system-riscv32"}},
    {"riscv64", {"qemu-system-riscv64"}},
    {"s390x", {"qemu-system-s390x"}},
    {"sh4", {"qemu-system-sh4"}},
    {"sh4eb", {"qemu-system-sh4eb"}},
    {"sparc", {"qemu-system-sparc"}},
    {"sparc64", {"qemu-system-sparc64"}},
    {"x86_64", {"qemu-system-x86_64"}},
    {"xtensa", {"qemu-system-xtensa"}},
    {"xtensaeb", {"qemu-system-xtensaeb"}},
};

static char *find_binary(const struct probes *probes, const char *name)
{
    for (char **folder = probes->search; name && *folder; folder++) {
        g_autofree char *path = g_build_filename(*folder, name, NULL);
        struct stat status;
        if ((*folder)[0] == '/' && stat(path, &status) == 0 && S_ISREG(status.st_mode) &&
            access(path, X_OK) == 0)
            return g_steal_pointer(&path);
    }
    return NULL;
}

static bool is_host_arch(const char *arch)
{
    struct utsname kernel;

    uname(&kernel);
    return strcmp(kernel.machine, arch) == 0;
}

char *probe_find(struct probes *probes, const char *arch)
{
    for (size_t i = 0; i < G_N_ELEMENTS(emulators); i++) {
        if (strcmp(emulators[i].arch, arch) != 0)
            continue;
        char *path = find_binary(probes, emulators[i].binaries[0]);
        if (!path)
            path = find_binary(probes, emulators[i].binaries[1]);
        if (!path && is_host_arch(arch))
            path = find_binary(probes, "qemu-kvm");
        return path;
    }
    return NULL;
}

char **probe_list(struct probes *probes)
{
    GPtrArray *archs = g_ptr_array_new();

    for (size_t i = 0; i < G_N_ELEMENTS(emulators); i++) {
        g_autofree char *path = probe_find(probes, emulators[i].arch);
        if (path)
            g_ptr_array_add(archs, g_strdup(emulators[i].arch));
    }
    g_ptr_array_add(archs, NULL);
    return (char **)g_ptr_array_free(archs, FALSE);
}

bool probe_knows_arch(const char *arch)
{
    for (size_t i = 0; i < G_N_ELEMENTS(emulators); i++)
        if (strcmp(emulators[i].arch, arch) == 0)
            return true;
    return false;
}
