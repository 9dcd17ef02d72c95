/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent-channel.h"

#include <string.h>

#include "driver/events.h"
#include "protocol/remote.h"

#include "monitor.h"
#include "qmp-commands.h"

static bool is_agent(const struct domain_channel *channel)
{
    return channel->target == CHANNEL_TARGET_VIRTIO && g_strcmp0(channel->name, AGENT_CHANNEL) == 0;
}

const struct domain_channel *agent_channel_find(const struct domain *domain)
{
    LIST_EACH (channel, &domain->devices.channels)
        if (is_agent(channel))
            return channel;
    return NULL;
}

static struct domain_channel *find_alias(const struct domain *domain, const char *alias)
{
    LIST_EACH (channel, &domain->devices.channels)
        if (channel->target == CHANNEL_TARGET_VIRTIO && channel->info.alias &&
            strcmp(channel->info.alias, alias) == 0)
            return channel;
    return NULL;
}

/* From now on calls wait for the agent, or know that they need not. */
static void set_opened(struct guest *guest, bool opened)
{
    g_mutex_lock(&guest->agent.lock);
    guest->agent.opened = opened;
    if (!opened)
        g_cond_broadcast(&guest->agent.freed);
    g_mutex_unlock(&guest->agent.lock);
}

/* States and reasons of the two events have the same numbers. */
static void raise_event(struct guest *guest, struct job *job, const struct domain_channel *channel,
                        int reason)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    int state = channel->state == CHANNEL_STATE_CONNECTED
                    ? VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_CONNECTED
                    : VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_DISCONNECTED;
    struct remote_domain_event_callback_agent_lifecycle_msg agent = {.state = state,
                                                                     .reason = reason};
    struct remote_domain_event_callback_channel_lifecycle_msg other = {
        .channelName = (char *)channel->name, .state = state, .reason = reason};
    struct driver *driver = qemu_of(&guest->object)->driver;

    object_get_view(&guest->object, &view);
    guest_fill_handle(&view, &agent.dom);
    guest_fill_handle(&view, &other.dom);
    if (is_agent(channel))
        events_raise(driver, job, EVENT_DOMAIN, VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE, &guest->object,
                     &agent);
    else if (channel->name)
        events_raise(driver, job, EVENT_DOMAIN, VIR_DOMAIN_EVENT_ID_CHANNEL_LIFECYCLE,
                     &guest->object, &other);
}

/* ---- at the start ---- */

static const struct qmp_chardev *find_chardev(const struct qmp_chardev *chardevs, unsigned count,
                                              const char *alias)
{
    g_autofree char *label = g_strdup_printf("char%s", alias);

    for (unsigned i = 0; i < count; i++)
        if (strcmp(chardevs[i].label, label) == 0)
            return &chardevs[i];
    return NULL;
}

void agent_channel_learn(struct guest *guest, struct job *job, struct domain *live,
                         const struct qmp_chardev *chardevs, unsigned count)
{
    int reason = guest_is_starting(guest)
                     ? VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_REASON_DOMAIN_STARTED
                     : VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_REASON_CHANNEL;

    LIST_EACH (channel, &live->devices.channels) {
        const struct qmp_chardev *chardev =
            channel->info.alias ? find_chardev(chardevs, count, channel->info.alias) : NULL;

        if (channel->target != CHANNEL_TARGET_VIRTIO || !chardev)
            continue;
        uint8_t state =
            chardev->frontend_open ? CHANNEL_STATE_CONNECTED : CHANNEL_STATE_DISCONNECTED;
        if (is_agent(channel))
            set_opened(guest, chardev->frontend_open);
        if (channel->state == state)
            continue;
        channel->state = state;
        raise_event(guest, job, channel, reason);
    }
    agent_connect(guest);
}

/* ---- while it runs ---- */

static void note_change(struct guest *guest, struct job *job, uint64_t open, const char *alias)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    uint8_t state = open ? CHANNEL_STATE_CONNECTED : CHANNEL_STATE_DISCONNECTED;

    object_get_view(&guest->object, &view);
    const struct domain_channel *now = view.live ? find_alias(view_live(&view), alias) : NULL;
    if (!now)
        return;
    if (open && is_agent(now))
        agent_connect(guest);
    if (now->state == state)
        return;
    struct domain *live = (struct domain *)definition_copy(view.live);
    struct domain_channel *channel = find_alias(live, alias);
    channel->state = state;
    raise_event(guest, job, channel, VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_REASON_CHANNEL);
    object_publish_live(job, &live->definition);
    guest_save_status(guest, job);
}

void agent_channel_event(const struct qmp_event *event, void *user)
{
    struct guest *guest = user;
    OBJECT_VIEW_AUTO struct object_view view = {0};

    object_get_view(&guest->object, &view);
    const struct domain_channel *channel =
        view.live ? find_alias(view_live(&view), event->serial_change.id) : NULL;
    if (!channel)
        return;
    if (is_agent(channel)) {
        set_opened(guest, event->serial_change.open);
        if (!event->serial_change.open)
            agent_interrupt(guest);
    }
    monitor_push(guest, note_change, event->serial_change.open, event->serial_change.id);
}
