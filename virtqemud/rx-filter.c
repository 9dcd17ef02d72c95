/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rx-filter.h"

#include <string.h>

#include "base/log.h"
#include "base/mac.h"
#include "driver/events.h"
#include "host/reception.h"
#include "protocol/remote.h"

#include "monitor.h"
#include "qmp-commands.h"

/* QEMU's own table has room for as many; who names more gets all. */
#define MOST_GROUPS 64

static struct domain_net *find_net(const struct domain *live, const char *alias)
{
    LIST_EACH (net, &live->devices.nets)
        if (g_strcmp0(net->info.alias, alias) == 0)
            return net;
    return NULL;
}

/* ---- its address ---- */

static const uint8_t *current_mac(const struct domain_net *net)
{
    static const uint8_t none[MAC_BYTES];

    return memcmp(net->current_mac, none, MAC_BYTES) == 0 ? net->mac : net->current_mac;
}

static void raise_event(struct guest *guest, struct job *job, const struct domain_net *net,
                        const uint8_t mac[MAC_BYTES])
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    char before[MAC_TEXT], after[MAC_TEXT];
    struct remote_domain_event_nic_mac_change_msg message = {
        .alias = (char *)net->info.alias,
        .oldMAC = mac_format(current_mac(net), before),
        .newMAC = mac_format(mac, after),
    };

    object_get_view(&guest->object, &view);
    guest_fill_handle(&view, &message.dom);
    events_raise(qemu_of(&guest->object)->driver, job, EVENT_DOMAIN,
                 VIR_DOMAIN_EVENT_ID_NIC_MAC_CHANGE, &guest->object, &message);
}

static void note_mac(struct guest *guest, struct job *job, const struct domain *before,
                     const char *alias, const uint8_t mac[MAC_BYTES])
{
    const struct domain_net *was = find_net(before, alias);

    if (memcmp(current_mac(was), mac, MAC_BYTES) == 0)
        return;
    struct domain *live = (struct domain *)definition_copy(&before->definition);
    struct domain_net *net = find_net(live, alias);
    memset(net->current_mac, 0, MAC_BYTES);
    if (memcmp(net->mac, mac, MAC_BYTES) != 0)
        memcpy(net->current_mac, mac, MAC_BYTES);
    raise_event(guest, job, was, mac);
    object_publish_live(job, &live->definition);
    guest_save_status(guest, job);
}

/* ---- the host's device ---- */

static unsigned read_groups(char **table, uint8_t groups[MOST_GROUPS][MAC_BYTES], bool *ret_all)
{
    unsigned count = 0;

    for (; table && *table; table++) {
        if (count == MOST_GROUPS)
            *ret_all = true;
        else if (mac_parse(*table, groups[count]) == 0 && mac_is_multicast(groups[count]))
            count++;
    }
    return count;
}

/* In passthrough mode the device takes in all that comes, and its address is that of the one below,
 * which others know. */
static int follow(const struct domain_net *net, const struct qmp_rx_filter *filter,
                  const uint8_t mac[MAC_BYTES], GError **error)
{
    uint8_t groups[MOST_GROUPS][MAC_BYTES];
    struct reception reception = {
        .mac = net->macvtap_mode == MACVTAP_PASSTHROUGH ? NULL : mac,
        .groups = (const uint8_t(*)[MAC_BYTES])groups,
        .all_groups = filter->multicast_overflow || g_strcmp0(filter->multicast, "all") == 0,
        .everything = filter->promiscuous,
    };

    if (g_strcmp0(filter->multicast, "none") != 0)
        reception.group_count = read_groups(filter->multicast_table, groups, &reception.all_groups);
    return reception_apply(net->target, &reception, error);
}

static bool is_followed(const struct domain_net *net)
{
    return net->trust_guest_rx_filters == TRISTATE_YES && net->type == NET_DIRECT && net->target;
}

/* ---- on a worker ---- */

static int ask(struct guest *guest, const char *alias, struct arena *arena,
               struct qmp_rx_filter **ret_filter, GError **error)
{
    struct qmp *qmp = guest_get_qmp(guest, error);
    unsigned count;

    if (!qmp)
        return -1;
    int result = qmp_get_rx_filter(qmp, alias, 0, arena, ret_filter, &count, error);
    qmp_unref(qmp);
    if (result == 0 && count == 0)
        *ret_filter = NULL;
    return result;
}

static void look(struct guest *guest, struct job *job, uint64_t number, const char *alias)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    struct arena arena ARENA_AUTO = {0};
    struct qmp_rx_filter *filter;
    uint8_t mac[MAC_BYTES];
    g_autoptr(GError) error = NULL;

    object_get_view(&guest->object, &view);
    const struct domain_net *net = view.live ? find_net(view_live(&view), alias) : NULL;
    if (!net)
        return;
    if (ask(guest, alias, &arena, &filter, &error) < 0) {
        log_debug("domain '%s': %s", view.name, error->message);
        return;
    }
    if (!filter || !filter->mac || mac_parse(filter->mac, mac) < 0)
        return;
    note_mac(guest, job, view_live(&view), alias, mac);
    if (is_followed(net) && follow(net, filter, mac, &error) < 0)
        log_warn("domain '%s': what its interface '%s' wants to get can't be followed: %s",
                 view.name, alias, error->message);
}

void rx_filter_look(struct guest *guest, const char *alias)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    object_get_view(&guest->object, &view);
    if (view.live)
        LIST_EACH (net, &view_live(&view)->devices.nets)
            if (domain_net_is_virtio(net) && net->info.alias &&
                (!alias || strcmp(net->info.alias, alias) == 0))
                monitor_push(guest, look, 0, net->info.alias);
}

void rx_filter_event(const struct qmp_event *event, void *user)
{
    if (event->nic_rx_filter.device)
        rx_filter_look(user, event->nic_rx_filter.device);
}
