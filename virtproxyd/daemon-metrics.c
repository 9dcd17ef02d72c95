/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon-metrics.h"

#include <inttypes.h>
#include <string.h>

#include "exposition.h"
#include "gather.h"

static const struct family up = {"modvirt_daemon_up", FAMILY_GAUGE, NULL,
                                 "1: the daemon answers. 0: it waits, hangs or is dead."};
static const struct family waiting = {
    "modvirt_daemon_waiting", FAMILY_GAUGE, NULL,
    "1: its sockets are there, and whoever connects to them starts it."};
static const struct family version = {"modvirt_daemon", FAMILY_INFO, NULL, "Its version."};

static const struct family objects = {"modvirt_daemon_objects", FAMILY_GAUGE, NULL,
                                      "Objects that it knows."};
static const struct family active = {"modvirt_daemon_objects_active", FAMILY_GAUGE, NULL,
                                     "Those of them that are active."};

static const struct family failures = {"modvirt_rpc_failures", FAMILY_COUNTER, NULL,
                                       "Calls that ended with an error."};
static const struct family duration = {
    "modvirt_rpc_duration_seconds", FAMILY_HISTOGRAM, "seconds",
    "Time from a call to its reply, by procedure; those that were called."};

/* What the status of a daemon calls a number, and what it is here. */
static const struct row {
    const char *item;
    struct family family;
} rows[] = {
    {"uptime",
     {"modvirt_daemon_uptime_seconds", FAMILY_GAUGE, "seconds", "Time since it started."}},
    {"clients", {"modvirt_daemon_clients", FAMILY_GAUGE, NULL, "Clients that are connected."}},
    {"clients.max",
     {"modvirt_daemon_clients_max", FAMILY_GAUGE, NULL, "Clients that may be connected."}},
    {"clients.anonymous",
     {"modvirt_daemon_clients_anonymous", FAMILY_GAUGE, NULL,
      "Clients that have not said who they are."}},
    {"clients.accepted",
     {"modvirt_daemon_clients_accepted", FAMILY_COUNTER, NULL, "Clients that came."}},
    {"clients.evicted",
     {"modvirt_daemon_clients_evicted", FAMILY_COUNTER, NULL,
      "Clients that made room for others before they said who they are."}},
    {"workers.busy",
     {"modvirt_daemon_workers_busy", FAMILY_GAUGE, NULL, "Threads that serve a call."}},
    {"workers.max", {"modvirt_daemon_workers_max", FAMILY_GAUGE, NULL, "Threads there may be."}},
    {"workers.queued",
     {"modvirt_daemon_workers_queued", FAMILY_GAUGE, NULL, "Calls that wait for a thread."}},
};

/* Kinds of objects in the status; each has a row NAME.active too. */
static const char *const kinds[] = {"domains",    "networks", "pools",  "secrets",
                                    "interfaces", "filters",  "devices"};

static const struct row *find_row(const char *item)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if (strcmp(rows[i].item, item) == 0)
            return &rows[i];
    return NULL;
}

/* "domains" or "domains.active" */
static void add_objects(struct exposition *exposition, const char *daemon,
                        const struct modvirt_status_item *item)
{
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        size_t length = strlen(kinds[i]);
        g_autoptr(GString) labels = g_string_new(daemon);

        if (strncmp(item->name, kinds[i], length) != 0)
            continue;
        exposition_label(labels, "kind", kinds[i]);
        if (!item->name[length])
            exposition_add(exposition, &objects, labels->str, "%s", item->value);
        else if (strcmp(item->name + length, ".active") == 0)
            exposition_add(exposition, &active, labels->str, "%s", item->value);
    }
}

static void add_version(struct exposition *exposition, const char *daemon, const char *value)
{
    g_autoptr(GString) labels = g_string_new(daemon);

    exposition_label(labels, "version", value);
    exposition_add(exposition, &version, labels->str, "1");
}

static void add_status(struct exposition *exposition, const char *daemon,
                       const struct modvirt_daemon_get_status_ret *status)
{
    for (uint32_t i = 0; i < status->items_len; i++) {
        const struct modvirt_status_item *item = &status->items_val[i];
        const struct row *row = find_row(item->name);

        if (row)
            exposition_add(exposition, &row->family, daemon, "%s", item->value);
        else if (strcmp(item->name, "version") == 0)
            add_version(exposition, daemon, item->value);
        else
            add_objects(exposition, daemon, item);
    }
}

static void add_bucket(struct exposition *exposition, const GString *labels, const char *bound,
                       uint64_t count)
{
    g_autoptr(GString) whole = g_string_new(labels->str);

    exposition_label(whole, "le", bound);
    exposition_add_part(exposition, &duration, "_bucket", whole->str, "%" PRIu64, count);
}

static char *show_seconds(uint64_t microseconds)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];

    /* "1.0", as the format writes the ends of buckets */
    g_ascii_formatd(text, sizeof(text), microseconds % 1000000 ? "%.10g" : "%.1f",
                    (double)microseconds / 1e6);
    return g_strdup(text);
}

static void add_call(struct exposition *exposition, const char *daemon,
                     const struct modvirt_daemon_get_calls_ret *calls,
                     const struct modvirt_call_count *call)
{
    g_autoptr(GString) labels = g_string_new(daemon);
    uint64_t sum = 0;

    exposition_label(labels, "program", call->program);
    exposition_label(labels, "procedure", call->procedure);
    for (uint32_t i = 0; i < calls->bounds_len; i++) {
        g_autofree char *bound = show_seconds(calls->bounds_val[i]);

        sum += call->buckets_val[i];
        add_bucket(exposition, labels, bound, sum);
    }
    sum += call->buckets_val[calls->bounds_len];
    add_bucket(exposition, labels, "+Inf", sum);
    exposition_add_part(exposition, &duration, "_count", labels->str, "%" PRIu64, sum);
    exposition_add_part(exposition, &duration, "_sum", labels->str, "%" PRIu64 ".%06" PRIu64,
                        call->microseconds / 1000000, call->microseconds % 1000000);
    exposition_add(exposition, &failures, labels->str, "%" PRIu64, call->failures);
}

void daemon_metrics_add(struct exposition *exposition, const struct gathered_daemon *daemon)
{
    g_autoptr(GString) labels = g_string_new(NULL);

    if (daemon->presence == PRESENCE_ABSENT)
        return;
    exposition_label(labels, "daemon", daemon->daemon->name);
    exposition_add(exposition, &up, labels->str, "%d", daemon->up);
    exposition_add(exposition, &waiting, labels->str, "%d", daemon->presence == PRESENCE_WAITING);
    add_status(exposition, labels->str, &daemon->status);
    for (uint32_t i = 0; i < daemon->calls.calls_len; i++)
        if (daemon->calls.calls_val[i].buckets_len == daemon->calls.bounds_len + 1)
            add_call(exposition, labels->str, &daemon->calls, &daemon->calls.calls_val[i]);
}
