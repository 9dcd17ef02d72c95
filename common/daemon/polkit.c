/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/polkit.h"

#include <errno.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <time.h>

#include "base/error.h"
#include "base/loop.h"

#define ANSWER_MICROSECONDS (5 * 60 * UINT64_C(1000000))
#define MAY_ASK_USER 1

struct polkit {
    struct loop *loop;
    sd_bus *bus; /* NULL: not connected */
    struct loop_source *source;
    struct loop_timer *timer;
};

struct polkit_question {
    sd_bus_slot *slot;
    char *action;
    polkit_answer answer;
    void *data;
};

/* ---- the bus on our loop ---- */

static void disconnect(struct polkit *polkit)
{
    loop_source_remove(g_steal_pointer(&polkit->source));
    if (polkit->timer)
        loop_timer_stop(polkit->timer);
    if (polkit->bus) {
        sd_bus_close(polkit->bus);
        polkit->bus = sd_bus_unref(polkit->bus);
    }
}

static int64_t milliseconds_until(uint64_t microseconds)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t current = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
    return microseconds <= current ? 0 : (int64_t)((microseconds - current) / 1000 + 1);
}

static void wait_for_more(struct polkit *polkit)
{
    uint64_t until = 0;
    int events = sd_bus_get_events(polkit->bus);

    if (events >= 0)
        loop_source_set_events(polkit->source, (uint32_t)events); /* poll's and epoll's are alike */
    if (sd_bus_get_timeout(polkit->bus, &until) > 0 && until != UINT64_MAX)
        loop_timer_restart(polkit->timer, milliseconds_until(until));
    else
        loop_timer_stop(polkit->timer);
}

/* A bus that goes answers all questions first, each with an error. */
static void process(struct polkit *polkit)
{
    int status;

    do
        status = sd_bus_process(polkit->bus, NULL);
    while (status > 0);
    if (status < 0 || sd_bus_is_open(polkit->bus) <= 0)
        disconnect(polkit);
    else
        wait_for_more(polkit);
}

static void bus_ready(struct loop_source *source, uint32_t events, void *data)
{
    process(data);
}

static void bus_due(struct loop_timer *timer, void *data)
{
    struct polkit *polkit = data;

    if (polkit->bus)
        process(polkit);
}

static int connect_bus(struct polkit *polkit, GError **error)
{
    int status;

    if (polkit->bus && sd_bus_is_open(polkit->bus) > 0)
        return 0;
    disconnect(polkit);
    status = sd_bus_open_system(&polkit->bus);
    if (status >= 0)
        polkit->source =
            loop_add_fd(polkit->loop, sd_bus_get_fd(polkit->bus), EPOLLIN, bus_ready, polkit, NULL);
    if (polkit->source)
        return 0;
    disconnect(polkit);
    error_set_from(error, VIR_FROM_POLKIT, VIR_ERR_AUTH_FAILED,
                   "polkit can't be asked, as there is no way to the system's D-Bus: %s",
                   g_strerror(-status));
    return -1;
}

struct polkit *polkit_new(struct loop *loop)
{
    struct polkit *polkit = g_new0(struct polkit, 1);

    polkit->loop = loop;
    polkit->timer = loop_add_timer(loop, 0, bus_due, polkit);
    loop_timer_stop(polkit->timer);
    return polkit;
}

void polkit_free(struct polkit *polkit)
{
    if (!polkit)
        return;
    disconnect(polkit);
    loop_timer_remove(polkit->timer);
    g_free(polkit);
}

/* ---- questions ---- */

void polkit_drop(struct polkit_question *question)
{
    sd_bus_slot_unref(question->slot);
    g_free(question->action);
    g_free(question);
}

/* Of the details that come with a "no". */
static bool was_dismissed(sd_bus_message *reply)
{
    bool dismissed = false;

    if (sd_bus_message_enter_container(reply, 'a', "{ss}") < 0)
        return false;
    while (sd_bus_message_enter_container(reply, 'e', "ss") > 0) {
        const char *name = "", *value = "";

        if (sd_bus_message_read(reply, "ss", &name, &value) < 0)
            return false;
        dismissed = dismissed || strcmp(name, "polkit.dismissed") == 0;
        sd_bus_message_exit_container(reply);
    }
    return dismissed;
}

static void read_answer(sd_bus_message *reply, const char *action, GError **error)
{
    const sd_bus_error *trouble = sd_bus_message_get_error(reply);
    int authorized = 0, challenge = 0;

    if (trouble)
        error_set_from(error, VIR_FROM_POLKIT, VIR_ERR_AUTH_FAILED, "polkit does not answer: %s",
                       trouble->message ? trouble->message : trouble->name);
    else if (sd_bus_message_enter_container(reply, 'r', "bba{ss}") < 0 ||
             sd_bus_message_read(reply, "bb", &authorized, &challenge) < 0)
        error_set_from(error, VIR_FROM_POLKIT, VIR_ERR_AUTH_FAILED,
                       "polkit's answer can't be understood");
    else if (authorized)
        return;
    else if (was_dismissed(reply))
        error_set_from(error, VIR_FROM_POLKIT, VIR_ERR_AUTH_CANCELLED,
                       "user cancelled authentication process");
    else if (challenge)
        error_set_from(error, VIR_FROM_POLKIT, VIR_ERR_AUTH_UNAVAILABLE,
                       "no polkit agent available to authenticate action '%s'", action);
    else
        error_set_from(error, VIR_FROM_POLKIT, VIR_ERR_AUTH_FAILED,
                       "the policy does not allow action '%s'", action);
}

static int answered(sd_bus_message *reply, void *data, sd_bus_error *unused)
{
    struct polkit_question *question = data;
    polkit_answer answer = question->answer;
    void *owner = question->data;
    g_autoptr(GError) error = NULL;

    read_answer(reply, question->action, &error);
    polkit_drop(question);
    answer(error, owner);
    return 1;
}

static int append_details(sd_bus_message *message, const char *const *details)
{
    int status = sd_bus_message_open_container(message, 'a', "{ss}");

    for (; status >= 0 && details && *details; details += 2)
        status = sd_bus_message_append(message, "{ss}", details[0], details[1]);
    return status < 0 ? status : sd_bus_message_close_container(message);
}

static int send_question(struct polkit *polkit, struct polkit_question *question,
                         const struct polkit_request *request)
{
    sd_bus_message *message = NULL;
    int status = sd_bus_message_new_method_call(polkit->bus, &message, "org.freedesktop.PolicyKit1",
                                                "/org/freedesktop/PolicyKit1/Authority",
                                                "org.freedesktop.PolicyKit1.Authority",
                                                "CheckAuthorization");

    if (status >= 0)
        status = sd_bus_message_append(message, "(sa{sv})s", "unix-process", 3, "pid", "u",
                                       (uint32_t)request->process, "start-time", "t",
                                       request->start_time, "uid", "i", (int32_t)request->user,
                                       request->action);
    if (status >= 0)
        status = append_details(message, request->details);
    if (status >= 0)
        status = sd_bus_message_append(message, "us", request->interactive ? MAY_ASK_USER : 0, "");
    if (status >= 0)
        status = sd_bus_call_async(polkit->bus, &question->slot, message, answered, question,
                                   ANSWER_MICROSECONDS);
    sd_bus_message_unref(message);
    return status;
}

struct polkit_question *polkit_ask(struct polkit *polkit, const struct polkit_request *request,
                                   polkit_answer answer, void *data, GError **error)
{
    struct polkit_question *question;
    int status;

    if (connect_bus(polkit, error) < 0)
        return NULL;
    question = g_new(struct polkit_question, 1);
    *question = (struct polkit_question){NULL, g_strdup(request->action), answer, data};
    status = send_question(polkit, question, request);
    if (status < 0) {
        polkit_drop(question);
        error_set_from(error, VIR_FROM_POLKIT, VIR_ERR_AUTH_FAILED, "polkit can't be asked: %s",
                       g_strerror(-status));
        return NULL;
    }
    wait_for_more(polkit);
    return question;
}
