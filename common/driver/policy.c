/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/policy.h"

#include <glib.h>
#include <string.h>

#include "base/error.h"
#include "base/loop.h"
#include "base/uuid.h"
#include "daemon/daemon.h"
#include "daemon/polkit.h"
#include "object/access.h"
#include "object/object.h"

/* polkitd gives up a rule that takes longer. */
#define ANSWER_SECONDS 20

static struct daemon *asking;
static const char *asking_type;

/* What the details call an object's name and uuid, and those of a part of it. */
static const struct words {
    const char *name, *uuid, *part, *key;
} words[ACCESS_OBJECT_LAST] = {
    [ACCESS_OBJECT_DOMAIN] = {"domain_name", "domain_uuid"},
    [ACCESS_OBJECT_INTERFACE] = {"interface_name"},
    [ACCESS_OBJECT_NETWORK] = {"network_name", "network_uuid"},
    [ACCESS_OBJECT_NETWORK_PORT] = {"network_name", "network_uuid", "port_uuid"},
    [ACCESS_OBJECT_NODE_DEVICE] = {"node_device_name"},
    [ACCESS_OBJECT_NWFILTER] = {"nwfilter_name", "nwfilter_uuid"},
    [ACCESS_OBJECT_NWFILTER_BINDING] = {"nwfilter_binding_portdev"},
    [ACCESS_OBJECT_SECRET] = {NULL, "secret_uuid"},
    [ACCESS_OBJECT_STORAGE_POOL] = {"pool_name", "pool_uuid"},
    [ACCESS_OBJECT_STORAGE_VOL] = {"pool_name", "pool_uuid", "vol_name", "vol_key"},
};

/* ---- one question: a thread waits, the loop asks ---- */

struct question {
    gint references;
    struct polkit_request request;
    char *action;
    GStrv details;

    GMutex lock;
    GCond changed;
    bool done;
    GError *error; /* the answer: NULL is yes */

    struct polkit_question *asked; /* the loop's; NULL: not asked, or answered */
};

static void question_unref(struct question *question)
{
    if (!g_atomic_int_dec_and_test(&question->references))
        return;
    g_clear_error(&question->error);
    g_strfreev(question->details);
    g_free(question->action);
    g_cond_clear(&question->changed);
    g_mutex_clear(&question->lock);
    g_free(question);
}

/* Takes the loop's reference. */
static void finish(struct question *question, const GError *error)
{
    g_mutex_lock(&question->lock);
    question->done = true;
    question->error = error ? g_error_copy(error) : NULL;
    g_cond_signal(&question->changed);
    g_mutex_unlock(&question->lock);
    question_unref(question);
}

static void answered(const GError *error, void *data)
{
    struct question *question = data;

    question->asked = NULL;
    finish(question, error);
}

static void ask_on_loop(void *data)
{
    struct question *question = data;
    g_autoptr(GError) error = NULL;

    question->asked = polkit_ask(asking->polkit, &question->request, answered, question, &error);
    if (!question->asked)
        finish(question, error);
}

/* Nobody waits any more. */
static void drop_on_loop(void *data)
{
    struct question *question = data;

    if (question->asked) {
        polkit_drop(g_steal_pointer(&question->asked));
        question_unref(question);
    }
    question_unref(question);
}

static int await(struct question *question, GError **error)
{
    int64_t deadline = g_get_monotonic_time() + ANSWER_SECONDS * G_TIME_SPAN_SECOND;
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&question->lock);

    while (!question->done)
        if (!g_cond_wait_until(&question->changed, &question->lock, deadline)) {
            g_atomic_int_inc(&question->references);
            loop_post(asking->loop, drop_on_loop, question);
            error_set(error, VIR_ERR_OPERATION_TIMEOUT, "polkit did not answer within %d s",
                      ANSWER_SECONDS);
            return -1;
        }
    if (question->error)
        g_propagate_error(error, g_steal_pointer(&question->error));
    return question->done && !(error && *error) ? 0 : -1;
}

static int ask(const struct identity_values *caller, const char *action, GStrv details,
               GError **error)
{
    struct question *question = g_new0(struct question, 1);

    question->references = 2;
    g_mutex_init(&question->lock);
    g_cond_init(&question->changed);
    question->action = g_strdup(action);
    question->details = details;
    question->request = (struct polkit_request){
        .process = caller->process,
        .start_time = caller->process_time,
        .user = caller->user,
        .action = question->action,
        .details = (const char *const *)details,
    };
    loop_post(asking->loop, ask_on_loop, question);
    int result = await(question, error);
    question_unref(question);
    return result;
}

/* ---- the driver ---- */

static void add_detail(GStrvBuilder *details, const char *word, const char *value)
{
    if (word && value)
        g_strv_builder_add_many(details, word, value, NULL);
}

static bool is_known(const uint8_t *uuid)
{
    static const uint8_t none[UUID_BYTES];

    return uuid && memcmp(uuid, none, UUID_BYTES) != 0;
}

static void add_definition(GStrvBuilder *details, const struct words *row,
                           const struct object_kind *kind, const struct definition *definition)
{
    const uint8_t *uuid = object_kind_uuid(kind, definition);
    const char *word = NULL;
    const char *alias = kind->alias ? kind->alias(definition, &word) : NULL;
    char text[UUID_TEXT];

    add_detail(details, row->name, object_kind_name(kind, definition));
    add_detail(details, row->uuid, is_known(uuid) ? uuid_format(uuid, text) : NULL);
    add_detail(details, word, alias);
}

/* One that is gone by now has left its name. */
static void add_object(GStrvBuilder *details, const struct words *row, struct object *object)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    const struct definition *definition;
    char text[UUID_TEXT];

    object_get_view(object, &view);
    definition = object_view_definition(&view, false);
    if (definition) {
        add_definition(details, row, object->kind, definition);
        return;
    }
    add_detail(details, row->name, view.name);
    add_detail(details, row->uuid, is_known(view.uuid) ? uuid_format(view.uuid, text) : NULL);
}

/* The caller frees. */
static GStrv details_of(enum access_object object, const struct access_subject *subject)
{
    g_autoptr(GStrvBuilder) details = g_strv_builder_new();

    add_detail(details, "connect_driver", asking_type);
    if (subject->object)
        add_object(details, &words[object], subject->object);
    else if (subject->definition)
        add_definition(details, &words[object], subject->kind, subject->definition);
    add_detail(details, words[object].part, subject->part);
    add_detail(details, words[object].key, subject->key);
    return g_strv_builder_end(details);
}

static bool concerns(const struct identity *identity)
{
    const struct identity_values *caller = identity_values(identity);

    return !caller->has_user || caller->user != 0;
}

static int refuse(GError **error, const char *action, const char *why)
{
    error_set_from(error, VIR_FROM_ACCESS, VIR_ERR_ACCESS_DENIED, "'%s' denied access to %s: %s",
                   asking_type, action, why);
    return -1;
}

static int check(struct identity *identity, enum access_object object,
                 enum access_permission permission, const struct access_subject *subject,
                 GError **error)
{
    const struct identity_values *caller = identity_values(identity);
    g_autofree char *action = g_strdup_printf("org.libvirt.api.%s.%s", access_object_word(object),
                                              access_permission_word(permission));
    g_autoptr(GError) answer = NULL;

    if (!caller->has_user || !caller->has_process || !caller->process_time)
        return refuse(error, action,
                      "polkit can be asked about processes of this host alone, and none is known");
    if (loop_is_current(asking->loop))
        return refuse(error, action, "polkit can't be asked here");
    if (ask(caller, action, details_of(object, subject), &answer) < 0)
        return refuse(error, action, answer->message);
    return 0;
}

void policy_begin(struct daemon *daemon, const char *type)
{
    static const struct access_driver polkit = {"polkit", concerns, check};
    static const struct access_driver *const drivers[] = {&polkit, NULL};
    char **configured = daemon->settings.access_drivers;

    if (!configured || !g_strv_contains((const char *const *)configured, polkit.name))
        return;
    asking = daemon;
    asking_type = type;
    access_set_drivers(drivers);
}
