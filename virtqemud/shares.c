/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shares.h"

#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/units.h"
#include "host/resctrl.h"

#include "prepare.h"
#include "rules-parts.h"
#include "share.h"

/* A group that only measures has what all have: its threads stay in the default one. */
static bool has_parts(const struct share *share)
{
    return (share->cache && share->cache->parts.count) ||
           (share->bandwidth && share->bandwidth->nodes.count);
}

/* ---- names ---- */

/* "vcpus_0-3", as the document shows it. */
static char *share_id(const struct cpuset *vcpus)
{
    g_autofree char *text = share_format_vcpus(vcpus);

    return g_strconcat("vcpus_", text, NULL);
}

/* "qemu-1-guest-vcpus_0-3" */
static char *folder_name(const struct domain *live, const struct cpuset *vcpus)
{
    g_autofree char *run = prepare_run_name(live->id.value, live->name);
    g_autofree char *id = share_id(vcpus);

    return g_strdup_printf("qemu-%s-%s", run, id);
}

static char *group_of(const struct domain *live, const struct share *share)
{
    return has_parts(share) ? folder_name(live, share->vcpus) : g_strdup("");
}

/* What all vcpus of a group use, the group tells itself. */
static char *monitor_group(const struct domain *live, const struct share *share,
                           const struct cache_monitor *monitor)
{
    g_autofree char *group = group_of(live, share);

    if (*group && cpuset_equal(monitor->vcpus, share->vcpus))
        return g_steal_pointer(&group);
    g_autofree char *name = folder_name(live, monitor->vcpus);
    return g_build_filename(group, "mon_groups", name, NULL);
}

/* ---- monitors ---- */

static void monitor_clear(gpointer data)
{
    struct share_monitor *monitor = data;

    g_free(monitor->name);
    g_free(monitor->vcpus);
    g_free(monitor->group);
}

static void list_monitors(const struct domain *live, const struct share *share,
                          enum share_monitor_kind kind, GArray *list)
{
    g_autoptr(GPtrArray) monitors = share_list_monitors(share, kind);

    for (unsigned i = 0; i < monitors->len; i++) {
        const struct cache_monitor *monitor = monitors->pdata[i];
        const struct share_monitor entry = {
            .name = share_id(monitor->vcpus),
            .vcpus = share_format_vcpus(monitor->vcpus),
            .group = monitor_group(live, share, monitor),
        };
        g_array_append_val(list, entry);
    }
}

GArray *shares_list_monitors(const struct domain *live, enum share_monitor_kind kind)
{
    GArray *list = g_array_new(FALSE, FALSE, sizeof(struct share_monitor));
    g_autoptr(GArray) shares = share_list(live);

    g_array_set_clear_func(list, monitor_clear);
    for (unsigned i = 0; i < shares->len; i++)
        list_monitors(live, &g_array_index(shares, struct share, i), kind, list);
    return list;
}

/* Paths of the groups that only measure, for those vcpus that include the given one, or for all
 * (-1); the caller's. The same vcpus may be measured in several ways: that is one group. */
static GPtrArray *list_monitor_groups(const struct domain *live, const struct share *share,
                                      int vcpu)
{
    GPtrArray *groups = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *own = group_of(live, share);

    for (unsigned kind = 0; kind < SHARE_MONITORS; kind++) {
        g_autoptr(GPtrArray) monitors = share_list_monitors(share, kind);
        for (unsigned i = 0; i < monitors->len; i++) {
            const struct cache_monitor *monitor = monitors->pdata[i];
            g_autofree char *group = monitor_group(live, share, monitor);

            if ((vcpu < 0 || cpuset_has(monitor->vcpus, (unsigned)vcpu)) &&
                strcmp(group, own) != 0 &&
                !g_ptr_array_find_with_equal_func(groups, group, g_str_equal, NULL))
                g_ptr_array_add(groups, g_steal_pointer(&group));
        }
    }
    return groups;
}

/* ---- making them ---- */

static uint64_t bytes_of(const struct cache_part *part)
{
    return part->size * (part->unit ? unit_find(part->unit) : UNIT_BYTES);
}

/* struct resctrl_share, the caller's. */
static GArray *list_parts(const struct share *share)
{
    static const enum cache_scope scopes[] = {[CACHE_PART_BOTH] = CACHE_BOTH,
                                              [CACHE_PART_CODE] = CACHE_CODE,
                                              [CACHE_PART_DATA] = CACHE_DATA};
    GArray *parts = g_array_new(FALSE, FALSE, sizeof(struct resctrl_share));

    if (share->cache)
        LIST_EACH (part, &share->cache->parts) {
            const struct resctrl_share one = {
                .level = part->level,
                .scope = scopes[part->type],
                .id = part->id.value,
                .amount = bytes_of(part),
            };
            g_array_append_val(parts, one);
        }
    if (share->bandwidth)
        LIST_EACH (node, &share->bandwidth->nodes) {
            const struct resctrl_share one = {.id = node->id.value,
                                              .amount = node->bandwidth.value};
            g_array_append_val(parts, one);
        }
    return parts;
}

static int check_monitors(const struct resctrl *host, const struct share *share, GError **error)
{
    const struct {
        bool wanted, possible;
        const char *what;
    } rows[] = {
        {share->cache && share->cache->monitors.count,
         resctrl_can_measure(&host->uses, "llc_occupancy"), "the use of caches"},
        {share->bandwidth && share->bandwidth->monitors.count,
         resctrl_can_measure(&host->uses, "mbm_total_bytes") ||
             resctrl_can_measure(&host->uses, "mbm_local_bytes"),
         "the use of memory bandwidth"},
        {share->energy && share->energy->monitors.count, host->energy.groups > 0,
         "the energy that is used"},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++)
        if (rows[i].wanted && !rows[i].possible) {
            error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "this host does not measure %s (resctrl)",
                      rows[i].what);
            return -1;
        }
    return 0;
}

static int make_share(const struct resctrl *host, const struct domain *live,
                      const struct share *share, GError **error)
{
    g_autofree char *group = group_of(live, share);
    g_autoptr(GPtrArray) monitors = list_monitor_groups(live, share, -1);
    g_autoptr(GArray) parts = list_parts(share);

    if (check_monitors(host, share, error) < 0)
        return -1;
    if (*group && resctrl_make_group(host, group, (const struct resctrl_share *)(void *)parts->data,
                                     parts->len, error) < 0)
        return -1;
    for (unsigned i = 0; i < monitors->len; i++)
        if (resctrl_make_monitor(host, monitors->pdata[i], error) < 0)
            return -1;
    return 0;
}

static const char *keep_id(struct domain *live, const struct cpuset *vcpus)
{
    g_autofree char *id = share_id(vcpus);

    return arena_strdup(&live->definition.arena, id);
}

static void note_ids(struct domain *live)
{
    LIST_EACH (cache, &live->cpu_tune->caches)
        cache->id = keep_id(live, cache->vcpus);
    LIST_EACH (bandwidth, &live->cpu_tune->bandwidths)
        bandwidth->id = keep_id(live, bandwidth->vcpus);
    LIST_EACH (energy, &live->cpu_tune->energies)
        energy->id = keep_id(live, energy->vcpus);
}

int shares_make(struct domain *live, GError **error)
{
    g_autoptr(GArray) shares = share_list(live);
    RESCTRL_AUTO struct resctrl *host = NULL;

    if (!shares->len)
        return 0;
    /* definitions that were loaded have not been asked */
    if (rules_check_shares(live, error) < 0 || resctrl_read(RESCTRL_FOLDER, &host, error) < 0)
        return -1;
    note_ids(live);
    for (unsigned i = 0; i < shares->len; i++)
        if (make_share(host, live, &g_array_index(shares, struct share, i), error) < 0)
            return -1;
    return 0;
}

/* ---- while it runs, and after ---- */

/* First the group with the share: it takes the thread out of what measured it before. */
static int enter_share(const struct domain *live, const struct share *share, unsigned vcpu,
                       pid_t thread, GError **error)
{
    g_autofree char *group = group_of(live, share);
    g_autoptr(GPtrArray) monitors = list_monitor_groups(live, share, (int)vcpu);

    if (*group && resctrl_enter(RESCTRL_FOLDER, group, thread, error) < 0)
        return -1;
    for (unsigned i = 0; i < monitors->len; i++)
        if (resctrl_enter(RESCTRL_FOLDER, monitors->pdata[i], thread, error) < 0)
            return -1;
    return 0;
}

int shares_enter(const struct domain *live, unsigned vcpu, pid_t thread, GError **error)
{
    g_autoptr(GArray) shares = share_list(live);

    for (unsigned i = 0; i < shares->len; i++) {
        const struct share *share = &g_array_index(shares, struct share, i);

        if (cpuset_has(share->vcpus, vcpu) && enter_share(live, share, vcpu, thread, error) < 0)
            return -1;
    }
    return 0;
}

static void remove_group(const char *group)
{
    g_autoptr(GError) error = NULL;

    if (resctrl_remove(RESCTRL_FOLDER, group, &error) < 0)
        log_warn("%s", error->message);
}

void shares_remove(const struct domain *live)
{
    g_autoptr(GArray) shares = share_list(live);

    for (unsigned i = 0; i < shares->len; i++) {
        const struct share *share = &g_array_index(shares, struct share, i);
        g_autofree char *group = group_of(live, share);
        g_autoptr(GPtrArray) monitors = list_monitor_groups(live, share, -1);

        for (unsigned j = 0; j < monitors->len; j++)
            remove_group(monitors->pdata[j]);
        if (*group)
            remove_group(group);
    }
}
