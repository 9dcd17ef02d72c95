/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/hearing.h"

#include "base/log.h"
#include "base/workers.h"
#include "driver/client.h"

#define MOST_WAITING 1000

struct heard {
    struct event_registration registration;
    struct event *event;
    hearing_function function;
};

static void heard_free(struct heard *heard)
{
    event_unref(heard->event);
    g_free(heard);
}

/* NULL: all have been heard, and the next one needs a worker again. */
static struct heard *take(struct client *client)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&client->lock);
    struct heard *heard = client->gone ? NULL : g_queue_pop_head(&client->hearing);

    client->hears = heard != NULL;
    return heard;
}

static void hear_on_worker(void *data)
{
    struct client *client = data;
    struct heard *heard;

    while ((heard = take(client))) {
        heard->function(&heard->registration, heard->event);
        heard_free(heard);
    }
    client_unref(client);
}

void hearing_add(struct client *client, const struct event_registration *registration,
                 const struct event *event, hearing_function function)
{
    struct heard *heard = g_new(struct heard, 1);
    bool begins, full;

    *heard = (struct heard){*registration, event_ref((struct event *)event), function};
    g_mutex_lock(&client->lock);
    begins = !client->hears;
    full = client->hearing.length >= MOST_WAITING;
    if (!full)
        g_queue_push_tail(&client->hearing, heard);
    client->hears = true;
    g_mutex_unlock(&client->lock);
    if (full) {
        log_warn("access drivers are too slow: an event of '%s' is dropped", event->name);
        heard_free(heard);
    }
    if (begins)
        workers_push(client->driver->daemon->workers, hear_on_worker, client_ref(client), false);
}

void hearing_clear(struct client *client)
{
    g_queue_clear_full(&client->hearing, (GDestroyNotify)heard_free);
}
