/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/client.h"

#include "base/workers.h"
#include "driver/hearing.h"

static struct identity *identity_of(struct connection *connection, bool readonly)
{
    const struct transport_peer *peer = connection_peer(connection);
    struct identity_values values = {
        .has_user = peer->local,
        .has_group = peer->local,
        .has_process = peer->local && peer->pid > 0,
        .user = peer->uid,
        .group = peer->gid,
        .process = peer->pid,
        .process_time = peer->start_time,
        .sasl_user = peer->sasl_user,
        .x509_name = peer->x509_name,
        .selinux_context = peer->selinux,
        .readonly = readonly,
    };

    return identity_new(&values);
}

struct client *client_new(struct driver *driver, struct server_client *server_client)
{
    struct client *client = g_new0(struct client, 1);

    client->references = 1;
    g_queue_init(&client->hearing);
    client->driver = driver;
    client->connection = connection_ref(server_client->connection);
    client->readonly_socket = server_client->service->read_only;
    client->identity = identity_of(client->connection, client->readonly_socket);
    g_mutex_init(&client->lock);
    return client;
}

void client_note_login(struct client *client)
{
    struct identity *identity;

    if (!connection_peer(client->connection)->sasl_user)
        return;
    identity = identity_of(client->connection, client->readonly_socket);
    client_set_identity(client, identity);
    identity_unref(identity);
}

struct client *client_ref(struct client *client)
{
    g_atomic_int_inc(&client->references);
    return client;
}

void client_unref(struct client *client)
{
    if (!g_atomic_int_dec_and_test(&client->references))
        return;
    g_clear_pointer(&client->autodestroy, g_hash_table_unref);
    hearing_clear(client);
    identity_unref(client->identity);
    connection_unref(client->connection);
    g_mutex_clear(&client->lock);
    g_free(client);
}

struct identity *client_get_identity(struct client *client)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&client->lock);

    return identity_ref(client->identity);
}

void client_set_identity(struct client *client, struct identity *identity)
{
    g_mutex_lock(&client->lock);
    struct identity *old = client->identity;
    client->identity = identity_ref(identity);
    g_mutex_unlock(&client->lock);
    identity_unref(old);
}

bool client_open(struct client *client, bool readonly)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&client->lock);

    if (client->open || client->gone)
        return false;
    client->open = true;
    if (readonly) {
        struct identity *old = client->identity;
        client->identity = identity_with_readonly(old, true);
        identity_unref(old);
    }
    return true;
}

bool client_is_open(struct client *client)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&client->lock);

    return client->open;
}

static void gone_on_worker(void *data)
{
    struct client *client = data;

    client->driver->spec->client_gone(client);
    client_unref(client);
}

void client_close(struct client *client)
{
    g_mutex_lock(&client->lock);
    bool had_gone = client->gone;
    bool awaited = client->autodestroy || client->end_awaited;
    client->gone = true;
    client->open = false;
    g_mutex_unlock(&client->lock);
    if (had_gone)
        return;
    event_remove_owner(client->driver->bus, client);
    if (awaited && client->driver->spec->client_gone)
        workers_push(client->driver->daemon->workers, gone_on_worker, client_ref(client), false);
}

bool client_add_autodestroy(struct client *client, struct object *object)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&client->lock);

    if (client->gone)
        return false;
    if (!client->autodestroy)
        client->autodestroy = g_hash_table_new_full(NULL, NULL, (GDestroyNotify)object_unref, NULL);
    g_hash_table_add(client->autodestroy, object_ref(object));
    return true;
}

bool client_await_end(struct client *client)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&client->lock);

    client->end_awaited = true;
    return !client->gone;
}

void client_remove_autodestroy(struct client *client, struct object *object)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&client->lock);

    if (client->autodestroy)
        g_hash_table_remove(client->autodestroy, object);
}

GPtrArray *client_take_autodestroy(struct client *client)
{
    GPtrArray *objects = g_ptr_array_new_with_free_func((GDestroyNotify)object_unref);
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&client->lock);
    GHashTableIter iter;
    void *object;

    if (!client->autodestroy)
        return objects;
    g_hash_table_iter_init(&iter, client->autodestroy);
    while (g_hash_table_iter_next(&iter, &object, NULL))
        g_ptr_array_add(objects, object_ref(object));
    g_clear_pointer(&client->autodestroy, g_hash_table_unref);
    return objects;
}
