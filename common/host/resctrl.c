/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/resctrl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/file.h"

#define FILE_MAX (64u << 10)
#define LOCK_MS 10000
#define LOCK_RETRY_US 20000
#define PERCENT_MAX 100

/* ---- what the host has ---- */

/* Of info/FOLDER/FILE without white space around; NULL: absent. The caller frees. */
static char *read_info(const char *folder, const char *resource, const char *file)
{
    g_autofree char *path = g_build_filename(folder, "info", resource, file, NULL);

    return file_read_value("%s", path);
}

static uint64_t read_number(const char *folder, const char *resource, const char *file, int base)
{
    g_autofree char *text = read_info(folder, resource, file);

    return text ? g_ascii_strtoull(text, NULL, (guint)base) : 0;
}

/* "L3", "L2CODE": false for what is no cache. */
static bool parse_name(const char *name, struct resctrl_cache *cache)
{
    static const char *const scopes[] = {
        [CACHE_BOTH] = "", [CACHE_CODE] = "CODE", [CACHE_DATA] = "DATA"};

    if (name[0] != 'L' || !g_ascii_isdigit(name[1]))
        return false;
    for (unsigned scope = 0; scope < G_N_ELEMENTS(scopes); scope++)
        if (strcmp(name + 2, scopes[scope]) == 0) {
            cache->level = (unsigned)(name[1] - '0');
            cache->scope = scope;
            g_strlcpy(cache->name, name, sizeof(cache->name));
            return true;
        }
    return false;
}

static void read_cache(struct resctrl *host, const char *name)
{
    struct resctrl_cache cache = {0};

    if (!parse_name(name, &cache))
        return;
    cache.mask = read_number(host->folder, name, "cbm_mask", 16);
    cache.least_bits = (unsigned)read_number(host->folder, name, "min_cbm_bits", 10);
    cache.groups = (unsigned)read_number(host->folder, name, "num_closids", 10);
    if (cache.mask && cache.groups)
        g_array_append_val(host->caches, cache);
}

static void read_monitoring(const char *folder, const char *resource,
                            struct resctrl_monitoring *monitoring)
{
    g_autofree char *features = read_info(folder, resource, "mon_features");

    if (!features)
        return;
    monitoring->groups = (unsigned)read_number(folder, resource, "num_rmids", 10);
    monitoring->features = g_strsplit(features, "\n", -1);
}

int resctrl_read(const char *folder, struct resctrl **ret_host, GError **error)
{
    g_autofree char *info = g_build_filename(folder, "info", NULL);
    g_auto(GStrv) names = NULL;

    if (file_list(info, NULL, &names, error) < 0)
        return -1;
    if (!names[0]) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "resource control (resctrl) is not supported on this host, or not mounted at %s",
                  folder);
        return -1;
    }
    struct resctrl *host = g_new0(struct resctrl, 1);
    host->folder = g_strdup(folder);
    host->caches = g_array_new(FALSE, FALSE, sizeof(struct resctrl_cache));
    for (char **name = names; *name; name++)
        read_cache(host, *name);
    host->bandwidth.groups = (unsigned)read_number(folder, "MB", "num_closids", 10);
    host->bandwidth.step = MAX((unsigned)read_number(folder, "MB", "bandwidth_gran", 10), 1);
    host->bandwidth.least = (unsigned)read_number(folder, "MB", "min_bandwidth", 10);
    read_monitoring(folder, "L3_MON", &host->uses);
    read_monitoring(folder, "PERF_PKG_MON", &host->energy);
    host->reuse_threshold = read_number(folder, "L3_MON", "max_threshold_occupancy", 10);
    *ret_host = host;
    return 0;
}

void resctrl_free(struct resctrl *host)
{
    if (!host)
        return;
    g_free(host->folder);
    g_array_unref(host->caches);
    g_strfreev(host->uses.features);
    g_strfreev(host->energy.features);
    g_free(host);
}

bool resctrl_can_measure(const struct resctrl_monitoring *monitoring, const char *feature)
{
    return monitoring->features &&
           g_strv_contains((const char *const *)monitoring->features, feature);
}

uint64_t resctrl_granularity(const struct resctrl_cache *cache, uint64_t size)
{
    return size / (unsigned)__builtin_popcountll(cache->mask);
}

/* ---- what is asked for ---- */

#define REFUSE(error, ...) (error_set((error), VIR_ERR_CONFIG_UNSUPPORTED, __VA_ARGS__), -1)

static int find_cache(const struct resctrl *host, const struct resctrl_share *share,
                      const struct resctrl_cache **ret_cache, GError **error)
{
    bool level_found = false;

    for (unsigned i = 0; i < host->caches->len; i++) {
        const struct resctrl_cache *cache = &g_array_index(host->caches, struct resctrl_cache, i);

        if (cache->level != share->level)
            continue;
        level_found = true;
        if (cache->scope != share->scope)
            continue;
        *ret_cache = cache;
        return 0;
    }
    if (!level_found)
        return REFUSE(error, "Cache level %u does not support tuning", share->level);
    return REFUSE(error, "Cache level %u does not support tuning for scope type '%s'", share->level,
                  names_word(&cache_scope_names, share->scope));
}

static int find_size(const GArray *banks, const struct resctrl_share *share, uint64_t *ret_size,
                     GError **error)
{
    for (unsigned i = 0; i < banks->len; i++) {
        const struct cache_bank *bank = &g_array_index(banks, struct cache_bank, i);

        if (bank->level == share->level && bank->id == share->id && bank->size) {
            *ret_size = bank->size;
            return 0;
        }
    }
    return REFUSE(error, "Cache with id %u does not exist for level %u", share->id, share->level);
}

/* How many bits that is. */
static int count_bits(const struct resctrl_cache *cache, uint64_t size,
                      const struct resctrl_share *share, unsigned *ret_bits, GError **error)
{
    uint64_t step = MAX(resctrl_granularity(cache, size), 1), least = step * cache->least_bits;

    if (share->amount == size)
        return REFUSE(error,
                      "Cache allocation for the whole cache is not possible, specify size smaller "
                      "than %" G_GUINT64_FORMAT,
                      size);
    if (share->amount % step)
        return REFUSE(error,
                      "Cache allocation of size %" G_GUINT64_FORMAT
                      " is not divisible by granularity %" G_GUINT64_FORMAT,
                      share->amount, step);
    if (share->amount < MAX(least, 1))
        return REFUSE(error,
                      "Cache allocation of size %" G_GUINT64_FORMAT
                      " is smaller than the minimum allowed allocation %" G_GUINT64_FORMAT,
                      share->amount, least);
    *ret_bits = (unsigned)MIN(share->amount / step, G_MAXUINT);
    return 0;
}

static int check_bandwidth(const struct resctrl *host, uint64_t percent, GError **error)
{
    if (!host->bandwidth.groups)
        return REFUSE(error, "RDT Memory Bandwidth allocation unsupported");
    if (percent % host->bandwidth.step)
        return REFUSE(error,
                      "Memory Bandwidth allocation of size %" G_GUINT64_FORMAT
                      " is not divisible by granularity %u",
                      percent, host->bandwidth.step);
    if (percent < host->bandwidth.least)
        return REFUSE(error,
                      "Memory Bandwidth allocation of size %" G_GUINT64_FORMAT
                      " is smaller than the minimum allowed allocation %u",
                      percent, host->bandwidth.least);
    return 0;
}

/* ---- what the groups have ---- */

/*
 * As the kernel's documentation wants it of all programs that choose shares. Any user can hold the
 * lock, so nobody waits for ever; that it is free again is nothing that could be waited for.
 */
static int lock(const char *folder, int *ret_fd, GError **error)
{
    autofd int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int64_t deadline = g_get_monotonic_time() + LOCK_MS * INT64_C(1000);

    while (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK || g_get_monotonic_time() >= deadline) {
            error_set_errno(error, errno, "cannot lock %s", folder);
            return -1;
        }
        g_usleep(LOCK_RETRY_US);
    }
    if (fd < 0) {
        error_set_errno(error, errno, "cannot open %s", folder);
        return -1;
    }
    *ret_fd = fd_take(&fd);
    return 0;
}

struct group {
    char *name;
    GArray *entries;
};

static void group_free(gpointer data)
{
    struct group *group = data;

    g_free(group->name);
    g_array_unref(group->entries);
    g_free(group);
}

/* Folders that are no groups have no shares. */
static int load_group(const char *folder, const char *name, GPtrArray *groups, GError **error)
{
    g_autofree char *path = g_build_filename(folder, name, "schemata", NULL);
    g_autofree char *text = NULL;
    GArray *entries;

    if (file_read_optional(path, FILE_MAX, &text, NULL, error) < 0)
        return -1;
    if (!text)
        return 0;
    if (schemata_parse(text, &entries, error) < 0)
        return -1;
    struct group *group = g_new(struct group, 1);
    *group = (struct group){g_strdup(*name ? name : "the default group"), entries};
    g_ptr_array_add(groups, group);
    return 0;
}

static bool is_folder(const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);

    return g_file_test(path, G_FILE_TEST_IS_DIR);
}

/* The default one is the first. */
static int load_groups(const char *folder, GPtrArray **ret_groups, GError **error)
{
    g_autoptr(GPtrArray) groups = g_ptr_array_new_with_free_func(group_free);
    g_auto(GStrv) names = NULL;

    if (file_list(folder, NULL, &names, error) < 0 || load_group(folder, "", groups, error) < 0)
        return -1;
    if (groups->len == 0)
        return REFUSE(error, "%s is no file system of resource control (resctrl)", folder);
    for (char **name = names; *name; name++)
        if (is_folder(folder, *name) && load_group(folder, *name, groups, error) < 0)
            return -1;
    *ret_groups = g_steal_pointer(&groups);
    return 0;
}

/* The bits of one cache that groups have; says gets which has which. */
static uint64_t used_bits(const GPtrArray *groups, const char *resource, unsigned id, GString *says)
{
    uint64_t used = 0;

    for (unsigned i = 0; i < groups->len; i++) {
        const struct group *group = groups->pdata[i];
        const struct schemata_entry *entry = schemata_find(group->entries, resource, id);

        if (!entry)
            continue;
        used |= entry->value;
        g_string_append_printf(says, "%s%s has %" G_GINT64_MODIFIER "x", says->len ? ", " : "",
                               group->name, entry->value);
    }
    return used;
}

/* ---- a new group ---- */

struct choice {
    const struct resctrl *host;
    GArray *banks;     /* of caches */
    GPtrArray *groups; /* that there are */
    GArray *entries;   /* of the new one */
};

static int choose_part(struct choice *choice, const struct resctrl_share *share, GError **error)
{
    g_autoptr(GString) says = g_string_new(NULL);
    const struct resctrl_cache *cache;
    uint64_t size, mask;
    unsigned bits;

    if (find_cache(choice->host, share, &cache, error) < 0 ||
        find_size(choice->banks, share, &size, error) < 0 ||
        count_bits(cache, size, share, &bits, error) < 0)
        return -1;
    uint64_t used = used_bits(choice->groups, cache->name, share->id, says);
    struct schemata_entry *entry = schemata_find(choice->entries, cache->name, share->id);
    if (!entry || !schemata_choose_bits(cache->mask & ~used, bits, &mask))
        return REFUSE(
            error,
            "Not enough room for allocation of %" G_GUINT64_FORMAT
            " bytes for level %u cache %u scope type '%s': of the bits %" G_GINT64_MODIFIER
            "x, of %" G_GUINT64_FORMAT " bytes each, %s",
            share->amount, share->level, share->id, names_word(&cache_scope_names, share->scope),
            cache->mask, resctrl_granularity(cache, size), says->str);
    entry->value = mask;
    return 0;
}

static int choose_bandwidth(struct choice *choice, const struct resctrl_share *share,
                            GError **error)
{
    if (check_bandwidth(choice->host, share->amount, error) < 0)
        return -1;
    struct schemata_entry *entry = schemata_find(choice->entries, "MB", share->id);
    if (!entry)
        return REFUSE(error, "bandwidth controller id %u does not exist", share->id);
    if (entry->value > PERCENT_MAX)
        return REFUSE(error,
                      "memory bandwidth is divided by MB/s on this host (resctrl is mounted with "
                      "mba_MBps), not by percent");
    entry->value = share->amount;
    return 0;
}

static int choose(struct choice *choice, const struct resctrl_share *shares, unsigned count,
                  GError **error)
{
    for (unsigned i = 0; i < count; i++)
        if ((shares[i].level ? choose_part : choose_bandwidth)(choice, &shares[i], error) < 0)
            return -1;
    return 0;
}

/* The file is the kernel's: it is never made. Whole, as it takes no halves. unless: an errno that
 * is none here; 0: all are. */
static int write_file(const char *folder, const char *group, const char *file, const char *text,
                      int unless, GError **error)
{
    g_autofree char *path = g_build_filename(folder, group, file, NULL);
    autofd int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

    if (fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text))
        return 0;
    int errnum = errno;
    if (unless && errnum == unless)
        return 0;
    g_autofree char *reason = read_info(folder, "last_cmd_status", NULL);
    error_set_errno(error, errnum, "cannot write to %s (%s)", path, reason ? reason : "-");
    return -1;
}

static int make_folder(const char *folder, const char *group, GError **error)
{
    g_autofree char *path = g_build_filename(folder, group, NULL);

    if (mkdir(path, 0755) == 0)
        return 0;
    error_set_errno(error, errno, "Cannot create resctrl directory '%s'", path);
    return -1;
}

int resctrl_make_group(const struct resctrl *host, const char *group,
                       const struct resctrl_share *shares, unsigned count, GError **error)
{
    autofd int locked = -1;
    g_autoptr(GArray) banks = cache_list(), entries = NULL;
    g_autoptr(GPtrArray) groups = NULL;

    if (lock(host->folder, &locked, error) < 0 || load_groups(host->folder, &groups, error) < 0)
        return -1;
    /* what is not asked for is as the default group has it */
    entries = g_array_copy(((struct group *)groups->pdata[0])->entries);
    struct choice choice = {host, banks, groups, entries};
    if (choose(&choice, shares, count, error) < 0 || make_folder(host->folder, group, error) < 0)
        return -1;
    g_autofree char *text = schemata_format(entries);
    if (write_file(host->folder, group, "schemata", text, 0, error) == 0)
        return 0;
    g_autofree char *path = g_build_filename(host->folder, group, NULL);
    rmdir(path);
    return -1;
}

int resctrl_make_monitor(const struct resctrl *host, const char *group, GError **error)
{
    autofd int locked = -1;

    return lock(host->folder, &locked, error) < 0 ? -1 : make_folder(host->folder, group, error);
}

/* ---- what is in a group, and its end ---- */

int resctrl_enter(const char *folder, const char *group, pid_t thread, GError **error)
{
    g_autofree char *text = g_strdup_printf("%d\n", thread);

    return write_file(folder, group, "tasks", text, ESRCH, error);
}

int resctrl_remove(const char *folder, const char *group, GError **error)
{
    g_autofree char *path = g_build_filename(folder, group, NULL);
    autofd int locked = -1;

    if (access(path, F_OK) < 0)
        return 0;
    if (lock(folder, &locked, error) < 0)
        return -1;
    if (rmdir(path) == 0 || errno == ENOENT)
        return 0;
    error_set_errno(error, errno, "cannot remove %s", path);
    return -1;
}

/* ---- what was measured ---- */

/* Folders "mon_L3_00" */
GArray *resctrl_list_places(const char *folder, const char *group, const char *place)
{
    GArray *places = g_array_new(FALSE, FALSE, sizeof(unsigned));
    g_autofree char *data = g_build_filename(folder, group, "mon_data", NULL);
    g_autofree char *prefix = g_strdup_printf("mon_%s_", place);
    g_auto(GStrv) names = NULL;
    unsigned id;

    if (file_list(data, NULL, &names, NULL) < 0)
        return places;
    for (char **name = names; *name; name++)
        if (g_str_has_prefix(*name, prefix) && sscanf(*name + strlen(prefix), "%u", &id) == 1)
            g_array_append_val(places, id);
    return places;
}

/* "Unavailable" until there is a number, "Error" when it can't be had. */
bool resctrl_read_use(const char *folder, const char *group, const char *place, unsigned id,
                      const char *feature, struct resctrl_use *ret_use)
{
    g_autofree char *measured = g_strdup_printf("mon_%s_%02u", place, id);
    g_autofree char *path = g_build_filename(folder, group, "mon_data", measured, feature, NULL);
    g_autofree char *text = NULL;

    if (file_read_all(path, FILE_MAX, &text, NULL, NULL) < 0)
        return false;
    ret_use->known = g_ascii_isdigit(*text);
    ret_use->count = g_ascii_strtoull(text, NULL, 10);
    ret_use->number = g_ascii_strtod(text, NULL);
    return true;
}
