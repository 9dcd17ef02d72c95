/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "object/event.h"

#include <string.h>

struct registration {
    struct event_registration shown; /* what sinks get a pointer to */
    gint references;
    void *owner;
    char *name; /* of the object asked for; NULL: all */
    uint8_t uuid[16];
    bool by_uuid;
    char *monitor_event; /* NULL: all */
    bool ignore_case;
    GRegex *pattern; /* instead of monitor_event */
    uint64_t since;  /* what was queued before is not for it */
    event_sink sink;
    event_filter allowed;
    GDestroyNotify release;

    /* guarded by the bus's lock */
    bool active, removed;
    GQueue held; /* of struct event, until it is active */
};

struct owner {
    int next_id;
    GPtrArray *registrations; /* of struct registration, a reference each */
};

/* What waits for the deliverer: an event, or a registration to activate. */
struct item {
    struct event *event;
    struct registration *activated;
};

struct event_bus {
    GMutex lock; /* never held while a sink runs */
    GQueue queue;
    bool delivering; /* a thread is at it */
    uint64_t sequence;
    GHashTable *by_id;  /* key_of() -> GPtrArray of struct registration, borrowed */
    GHashTable *owners; /* the owner's address -> struct owner */
};

static const char *const family_words[] = {
    [EVENT_DOMAIN] = "domain",
    [EVENT_NETWORK] = "network",
    [EVENT_STORAGE_POOL] = "storage pool",
    [EVENT_NODE_DEVICE] = "node device",
    [EVENT_SECRET] = "secret",
    [EVENT_QEMU_MONITOR] = "qemu monitor",
};

/* ---- events ---- */

struct event *event_new(struct event_bus *bus, enum event_family family, int id,
                        struct object *object, const char *monitor_event, uint8_t *body,
                        size_t length)
{
    struct event *event = g_new0(struct event, 1);

    g_assert(length >= sizeof(uint32_t));
    event->references = 1;
    event->bus = bus;
    event->family = family;
    event->id = id;
    event->object = object_ref(object);
    event->name = object_get_name(object);
    event->monitor_event = g_strdup(monitor_event);
    event->body = body;
    event->length = length;
    return event;
}

struct event *event_ref(struct event *event)
{
    g_atomic_int_inc(&event->references);
    return event;
}

void event_unref(struct event *event)
{
    if (!event || !g_atomic_int_dec_and_test(&event->references))
        return;
    object_unref(event->object);
    g_free(event->name);
    g_free(event->monitor_event);
    g_free(event->body);
    g_free(event);
}

uint8_t *event_get_body(const struct event *event, const struct event_registration *registration,
                        size_t *ret_length)
{
    uint32_t id = GUINT32_TO_BE((uint32_t)registration->callback_id);
    size_t skipped = registration->legacy ? sizeof(id) : 0;
    uint8_t *body = g_memdup2(event->body + skipped, event->length - skipped);

    if (!registration->legacy)
        memcpy(body, &id, sizeof(id));
    *ret_length = event->length - skipped;
    return body;
}

/* ---- registrations ---- */

static void registration_unref(struct registration *registration)
{
    if (!g_atomic_int_dec_and_test(&registration->references))
        return;
    g_queue_clear_full(&registration->held, (GDestroyNotify)event_unref);
    if (registration->release)
        registration->release(registration->shown.data);
    if (registration->pattern)
        g_regex_unref(registration->pattern);
    g_free(registration->monitor_event);
    g_free(registration->name);
    g_free(registration);
}

static struct registration *registration_ref(struct registration *registration)
{
    g_atomic_int_inc(&registration->references);
    return registration;
}

static int set_monitor_filter(struct registration *registration,
                              const struct event_request *request, GError **error)
{
    bool ignore_case =
        request->monitor_flags & VIR_CONNECT_DOMAIN_QEMU_MONITOR_EVENT_REGISTER_NOCASE;
    g_autoptr(GError) failure = NULL;

    if (!request->monitor_event)
        return 0;
    if (strlen(request->monitor_event) > EVENT_PATTERN_LIMIT) {
        error_set(error, VIR_ERR_INVALID_ARG, "the name of a monitor event is above %d bytes",
                  EVENT_PATTERN_LIMIT);
        return -1;
    }
    if (!(request->monitor_flags & VIR_CONNECT_DOMAIN_QEMU_MONITOR_EVENT_REGISTER_REGEX)) {
        registration->monitor_event = g_strdup(request->monitor_event);
        registration->ignore_case = ignore_case;
        return 0;
    }
    registration->pattern =
        g_regex_new(request->monitor_event, ignore_case ? G_REGEX_CASELESS : 0, 0, &failure);
    if (!registration->pattern) {
        error_set(error, VIR_ERR_INVALID_ARG, "pattern '%s': %s", request->monitor_event,
                  failure->message);
        return -1;
    }
    return 0;
}

static void set_object_filter(struct registration *registration, struct object *object)
{
    if (!object)
        return;
    registration->name = object_get_name(object);
    registration->by_uuid = object->kind->uuid_offset != 0;
    memcpy(registration->uuid, object_uuid(object), sizeof(registration->uuid));
}

static struct registration *registration_new(const struct event_request *request, GError **error)
{
    struct registration *registration = g_new0(struct registration, 1);

    registration->references = 1;
    registration->shown = (struct event_registration){
        .family = request->family,
        .id = request->id,
        .callback_id = -1,
        .legacy = request->legacy,
        .data = request->data,
    };
    registration->owner = request->owner;
    registration->sink = request->sink;
    registration->allowed = request->allowed;
    g_queue_init(&registration->held);
    set_object_filter(registration, request->object);
    if (set_monitor_filter(registration, request, error) < 0) {
        registration_unref(registration);
        return NULL;
    }
    return registration;
}

static bool matches_monitor(const struct registration *registration, const struct event *event)
{
    if (registration->pattern)
        return g_regex_match(registration->pattern, event->monitor_event, 0, NULL);
    if (!registration->monitor_event)
        return true;
    if (registration->ignore_case)
        return g_ascii_strcasecmp(registration->monitor_event, event->monitor_event) == 0;
    return strcmp(registration->monitor_event, event->monitor_event) == 0;
}

static bool matches(const struct registration *registration, const struct event *event)
{
    if (registration->since > event->sequence)
        return false;
    if (registration->name) {
        bool same = registration->by_uuid
                        ? memcmp(registration->uuid, object_uuid(event->object), 16) == 0
                        : strcmp(registration->name, event->name) == 0;

        if (!same)
            return false;
    }
    return event->family != EVENT_QEMU_MONITOR || matches_monitor(registration, event);
}

/* ---- the bus ---- */

static gpointer key_of(enum event_family family, int id)
{
    return GUINT_TO_POINTER(((guint)id << 4) | family);
}

static void owner_free(struct owner *owner)
{
    g_ptr_array_unref(owner->registrations);
    g_free(owner);
}

struct event_bus *event_bus_new(void)
{
    struct event_bus *bus = g_new0(struct event_bus, 1);

    g_mutex_init(&bus->lock);
    g_queue_init(&bus->queue);
    bus->by_id = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_ptr_array_unref);
    bus->owners = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)owner_free);
    return bus;
}

static void item_free(struct item *item)
{
    event_unref(item->event);
    if (item->activated)
        registration_unref(item->activated);
    g_free(item);
}

void event_bus_free(struct event_bus *bus)
{
    if (!bus)
        return;
    g_queue_clear_full(&bus->queue, (GDestroyNotify)item_free);
    g_hash_table_unref(bus->owners);
    g_hash_table_unref(bus->by_id);
    g_mutex_clear(&bus->lock);
    g_free(bus);
}

static void push(struct event_bus *bus, struct event *event, struct registration *activated)
{
    struct item *item = g_new(struct item, 1);

    *item = (struct item){.event = event, .activated = activated};
    if (event)
        event->sequence = ++bus->sequence;
    g_queue_push_tail(&bus->queue, item);
}

struct event_bus *event_enqueue_all(GQueue *events)
{
    struct event *event = g_queue_peek_head(events);
    struct event_bus *bus = event ? event->bus : NULL;

    if (!bus)
        return NULL;
    g_mutex_lock(&bus->lock);
    while ((event = g_queue_pop_head(events)))
        push(bus, event, NULL);
    g_mutex_unlock(&bus->lock);
    return bus;
}

void event_queue(struct job *job, struct event *event)
{
    g_queue_push_tail(job_events(job), event);
}

void event_post(struct event *event)
{
    struct event_bus *bus = event->bus;

    g_mutex_lock(&bus->lock);
    push(bus, event, NULL);
    g_mutex_unlock(&bus->lock);
    event_deliver(bus);
}

/* ---- delivering ---- */

static GPtrArray *get_targets(struct event_bus *bus, const struct event *event)
{
    GPtrArray *targets = g_ptr_array_new_with_free_func((GDestroyNotify)registration_unref);
    GPtrArray *candidates;

    g_mutex_lock(&bus->lock);
    candidates = g_hash_table_lookup(bus->by_id, key_of(event->family, event->id));
    for (guint i = 0; candidates && i < candidates->len; i++)
        if (matches(g_ptr_array_index(candidates, i), event))
            g_ptr_array_add(targets, registration_ref(g_ptr_array_index(candidates, i)));
    g_mutex_unlock(&bus->lock);
    return targets;
}

/* True if the event is to go out now; else it is held back, or for nobody. */
static bool may_go(struct event_bus *bus, struct registration *registration, struct event *event)
{
    bool go;

    g_mutex_lock(&bus->lock);
    go = registration->active && !registration->removed;
    if (!registration->active && !registration->removed)
        g_queue_push_tail(&registration->held, event_ref(event));
    g_mutex_unlock(&bus->lock);
    return go;
}

static void deliver_to(struct event_bus *bus, struct registration *registration,
                       struct event *event)
{
    const struct event_registration *shown = &registration->shown;

    if (!may_go(bus, registration, event))
        return;
    if (registration->allowed && !registration->allowed(shown, event))
        return;
    registration->sink(shown, event);
}

static void deliver_event(struct event_bus *bus, struct event *event)
{
    g_autoptr(GPtrArray) targets = get_targets(bus, event);

    for (guint i = 0; i < targets->len; i++)
        deliver_to(bus, g_ptr_array_index(targets, i), event);
}

static void deliver_held(struct event_bus *bus, struct registration *registration)
{
    GQueue held = G_QUEUE_INIT;
    struct event *event;

    g_mutex_lock(&bus->lock);
    registration->active = true;
    held = registration->held;
    g_queue_init(&registration->held);
    g_mutex_unlock(&bus->lock);
    while ((event = g_queue_pop_head(&held))) {
        deliver_to(bus, registration, event);
        event_unref(event);
    }
}

void event_deliver(struct event_bus *bus)
{
    struct item *item;

    g_mutex_lock(&bus->lock);
    if (bus->delivering) {
        g_mutex_unlock(&bus->lock);
        return;
    }
    bus->delivering = true;
    while ((item = g_queue_pop_head(&bus->queue))) {
        g_mutex_unlock(&bus->lock);
        if (item->event)
            deliver_event(bus, item->event);
        else
            deliver_held(bus, item->activated);
        item_free(item);
        g_mutex_lock(&bus->lock);
    }
    bus->delivering = false;
    g_mutex_unlock(&bus->lock);
}

/* ---- registering; the functions below until event_register() hold the lock ---- */

static struct owner *get_owner(struct event_bus *bus, void *address)
{
    struct owner *owner = g_hash_table_lookup(bus->owners, address);

    if (owner)
        return owner;
    owner = g_new0(struct owner, 1);
    owner->registrations = g_ptr_array_new_with_free_func((GDestroyNotify)registration_unref);
    g_hash_table_insert(bus->owners, address, owner);
    return owner;
}

/* By callback id, or for the legacy style (callback id -1) by event id. Borrowed, or NULL. */
static struct registration *find(struct event_bus *bus, void *address, enum event_family family,
                                 int id, int callback_id)
{
    struct owner *owner = g_hash_table_lookup(bus->owners, address);

    for (guint i = 0; owner && i < owner->registrations->len; i++) {
        struct registration *registration = g_ptr_array_index(owner->registrations, i);
        const struct event_registration *shown = &registration->shown;

        if (shown->callback_id != callback_id || shown->family != family)
            continue;
        if (callback_id != -1 || shown->id == id)
            return registration;
    }
    return NULL;
}

static int check_room(struct event_bus *bus, const struct event_request *request, GError **error)
{
    const struct owner *owner = g_hash_table_lookup(bus->owners, request->owner);

    if (request->legacy && find(bus, request->owner, request->family, request->id, -1)) {
        error_set(error, VIR_ERR_INVALID_ARG, "%s event %d already registered",
                  family_words[request->family], request->id);
        return -1;
    }
    if (owner && (owner->registrations->len >= EVENT_OWNER_LIMIT || owner->next_id == G_MAXINT)) {
        error_set(error, VIR_ERR_RESOURCE_BUSY,
                  "this connection has %u event callbacks already, the most it may have",
                  owner->registrations->len);
        return -1;
    }
    return 0;
}

static int add(struct event_bus *bus, struct registration *registration)
{
    struct event_registration *shown = &registration->shown;
    struct owner *owner = get_owner(bus, registration->owner);
    gpointer key = key_of(shown->family, shown->id);
    GPtrArray *same = g_hash_table_lookup(bus->by_id, key);

    if (!same) {
        same = g_ptr_array_new();
        g_hash_table_insert(bus->by_id, key, same);
    }
    if (!shown->legacy)
        shown->callback_id = owner->next_id++;
    registration->since = bus->sequence + 1;
    g_ptr_array_add(same, registration);
    g_ptr_array_add(owner->registrations, registration);
    return shown->callback_id;
}

int event_register(struct event_bus *bus, const struct event_request *request, int *ret_callback_id,
                   GError **error)
{
    struct registration *registration = registration_new(request, error);
    int result;

    if (!registration)
        return -1;
    g_mutex_lock(&bus->lock);
    result = check_room(bus, request, error);
    if (result == 0) {
        registration->release = request->release;
        *ret_callback_id = add(bus, registration);
    }
    g_mutex_unlock(&bus->lock);
    if (result < 0)
        registration_unref(registration);
    return result;
}

/* Through the queue, so that what is held back comes before what follows. */
static void activate(struct event_bus *bus, void *owner, enum event_family family, int id,
                     int callback_id)
{
    struct registration *registration;

    g_mutex_lock(&bus->lock);
    registration = find(bus, owner, family, id, callback_id);
    if (registration)
        push(bus, NULL, registration_ref(registration));
    g_mutex_unlock(&bus->lock);
    if (registration)
        event_deliver(bus);
}

void event_activate(struct event_bus *bus, void *owner, enum event_family family, int callback_id)
{
    activate(bus, owner, family, 0, callback_id);
}

void event_activate_legacy(struct event_bus *bus, void *owner, enum event_family family, int id)
{
    activate(bus, owner, family, id, -1);
}

/* Out of the table by id; the owner's reference stays. With the lock held. */
static void retire(struct event_bus *bus, struct registration *registration)
{
    gpointer key = key_of(registration->shown.family, registration->shown.id);
    GPtrArray *same = g_hash_table_lookup(bus->by_id, key);

    registration->removed = true;
    g_ptr_array_remove(same, registration);
    if (same->len == 0)
        g_hash_table_remove(bus->by_id, key);
}

/* The references are dropped without the lock: release() may be anything. */
static bool deregister(struct event_bus *bus, void *address, enum event_family family, int id,
                       int callback_id)
{
    struct registration *registration;

    g_mutex_lock(&bus->lock);
    registration = find(bus, address, family, id, callback_id);
    if (registration) {
        const struct owner *owner = g_hash_table_lookup(bus->owners, address);

        registration_ref(registration);
        retire(bus, registration);
        g_ptr_array_remove(owner->registrations, registration);
    }
    g_mutex_unlock(&bus->lock);
    if (!registration)
        return false;
    registration_unref(registration);
    return true;
}

int event_deregister(struct event_bus *bus, void *owner, enum event_family family, int callback_id,
                     GError **error)
{
    if (callback_id >= 0 && deregister(bus, owner, family, 0, callback_id))
        return 0;
    error_set(error, VIR_ERR_INTERNAL_ERROR, "%s event callback %d not registered",
              family_words[family], callback_id);
    return -1;
}

int event_deregister_legacy(struct event_bus *bus, void *owner, enum event_family family, int id,
                            GError **error)
{
    if (deregister(bus, owner, family, id, -1))
        return 0;
    error_set(error, VIR_ERR_INTERNAL_ERROR, "%s event %d not registered", family_words[family],
              id);
    return -1;
}

void event_remove_owner(struct event_bus *bus, void *address)
{
    gpointer removed = NULL;
    struct owner *owner;

    g_mutex_lock(&bus->lock);
    g_hash_table_steal_extended(bus->owners, address, NULL, &removed);
    owner = removed;
    for (guint i = 0; owner && i < owner->registrations->len; i++)
        retire(bus, g_ptr_array_index(owner->registrations, i));
    g_mutex_unlock(&bus->lock);
    if (owner)
        owner_free(owner);
}

bool event_is_wanted(struct event_bus *bus, enum event_family family, int id)
{
    bool wanted;

    g_mutex_lock(&bus->lock);
    wanted = g_hash_table_contains(bus->by_id, key_of(family, id));
    g_mutex_unlock(&bus->lock);
    return wanted;
}
