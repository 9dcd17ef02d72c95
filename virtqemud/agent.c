/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/fd.h"

#include "agent-channel.h"
#include "guest.h"
#include "json.h"

#define TURN_DEADLINE_MS JOB_DEADLINE_MS
#define WAITING_MAX 8
#define FOREVER_MS UINT_MAX
#define NOT_AT_ALL_MS 1

/* Commands that take their time where nothing else is set, and those that do not answer when they
 * have done what was asked, because there is no one left to. */
static const struct slow_command {
    const char *name;
    unsigned deadline_ms;
    bool silent;
} slow_commands[] = {
    {"guest-shutdown", 60000, true},
    {"guest-suspend-disk", 60000, true},
    {"guest-suspend-hybrid", 60000, true},
    {"guest-suspend-ram", 60000, true},
    {"guest-fsfreeze-freeze", 120000},
    {"guest-fsfreeze-freeze-list", 120000},
    {"guest-fsfreeze-thaw", 120000},
    {"guest-fstrim", 600000},
    {"guest-set-time", 30000},
    {"guest-set-user-password", 30000},
};

static const struct slow_command *find_slow(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(slow_commands); i++)
        if (strcmp(slow_commands[i].name, name) == 0)
            return &slow_commands[i];
    return NULL;
}

static unsigned deadline_of(const struct slow_command *slow, int timeout)
{
    if (slow && (slow->silent || timeout == VIR_DOMAIN_AGENT_RESPONSE_TIMEOUT_DEFAULT))
        return slow->deadline_ms;
    if (timeout == VIR_DOMAIN_AGENT_RESPONSE_TIMEOUT_DEFAULT)
        return AGENT_DEADLINE_MS;
    if (timeout == VIR_DOMAIN_AGENT_RESPONSE_TIMEOUT_NOWAIT)
        return NOT_AT_ALL_MS;
    return timeout < 0 ? FOREVER_MS : (unsigned)timeout * UINT64_C(1000);
}

/* ---- the connection ---- */

static int check_running(struct guest *guest, const struct object_view *view, GError **error)
{
    if (!view->live || view->state != VIR_DOMAIN_RUNNING) {
        error_set(error, VIR_ERR_OPERATION_INVALID, "domain is not running");
        return -1;
    }
    if (!agent_channel_find(view_live(view))) {
        error_set(error, VIR_ERR_ARGUMENT_UNSUPPORTED, "QEMU guest agent is not configured");
        return -1;
    }
    return 0;
}

/* Never waits: QEMU takes one connection into its queue, and no more. -1: there is none to be had.
 */
static int connect_socket(const struct domain *live)
{
    const struct domain_channel *channel = live ? agent_channel_find(live) : NULL;
    const struct chardev_end *end = channel ? chardev_source_end(&channel->source) : NULL;
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (!end || !end->path || channel->source.type != CHARDEV_UNIX ||
        end->mode == CHARDEV_MODE_CONNECT ||
        g_strlcpy(address.sun_path, end->path, sizeof(address.sun_path)) >=
            sizeof(address.sun_path))
        return -1;
    autofd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        return -1;
    return fd_take(&fd);
}

/* With the lock held. Not at the end of the daemon, when nobody would close it any more. */
static void open_connection(struct guest *guest, const struct object_view *view)
{
    static const struct qmp_ops no_ops = {0};
    struct qemu *qemu = qemu_of(&guest->object);
    g_autofree char *who = g_strdup_printf("guest '%s'", view->name);
    struct qmp_settings settings = {.who = who, .deadline_ms = AGENT_DEADLINE_MS};
    struct agent *agent = &guest->agent;

    if (agent->qmp && qmp_is_open(agent->qmp))
        return;
    qmp_close(g_steal_pointer(&agent->qmp));
    int fd = atomic_load(&qemu->ending) ? -1 : connect_socket(view_live(view));
    if (fd >= 0)
        agent->qmp = qmp_open_agent(qemu->monitors, fd, &settings, &no_ops, NULL);
}

void agent_connect(struct guest *guest)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    object_get_view(&guest->object, &view);
    g_mutex_lock(&guest->agent.lock);
    open_connection(guest, &view);
    g_mutex_unlock(&guest->agent.lock);
}

void agent_interrupt(struct guest *guest)
{
    g_mutex_lock(&guest->agent.lock);
    struct qmp *qmp = g_steal_pointer(&guest->agent.qmp);
    g_mutex_unlock(&guest->agent.lock);
    qmp_close(qmp);
}

void agent_close(struct guest *guest)
{
    agent_interrupt(guest);
    g_mutex_lock(&guest->agent.lock);
    guest->agent.opened = false;
    g_cond_broadcast(&guest->agent.freed);
    g_mutex_unlock(&guest->agent.lock);
}

/* ---- turns ---- */

/* With the lock held, as the following. */
static int check_opened(const struct agent *agent, GError **error)
{
    if (agent->opened)
        return 0;
    error_set(error, VIR_ERR_AGENT_UNRESPONSIVE, "QEMU guest agent is not connected");
    return -1;
}

static int wait_for_turn(struct guest *guest, GError **error)
{
    struct agent *agent = &guest->agent;
    int64_t until = g_get_monotonic_time() + TURN_DEADLINE_MS * INT64_C(1000);
    unsigned silences = agent->silences;
    bool in_time = true;

    if (agent->waiting >= WAITING_MAX) {
        error_set(error, VIR_ERR_RESOURCE_BUSY, "%u calls wait for the guest's agent already",
                  agent->waiting);
        return -1;
    }
    agent->waiting++;
    while (agent->taken && agent->opened && in_time)
        in_time = g_cond_wait_until(&agent->freed, &agent->lock, until);
    agent->waiting--;
    if (silences != agent->silences) { /* what it did not tell the one before us */
        error_set(error, VIR_ERR_AGENT_UNRESPONSIVE, "it did not answer the call before this one");
        return -1;
    }
    if (agent->taken && agent->opened) {
        error_set(error, VIR_ERR_OPERATION_TIMEOUT,
                  "another call has waited for the guest's agent for %d s",
                  TURN_DEADLINE_MS / 1000);
        return -1;
    }
    return check_opened(agent, error);
}

static int take_turn(struct guest *guest, const struct object_view *view, struct agent_turn *turn,
                     GError **error)
{
    struct agent *agent = &guest->agent;
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&agent->lock);

    if (check_opened(agent, error) < 0 || wait_for_turn(guest, error) < 0)
        return -1;
    open_connection(guest, view);
    if (!agent->qmp) {
        error_set(error, VIR_ERR_AGENT_UNRESPONSIVE,
                  "the channel of the guest's agent takes no connection");
        return -1;
    }
    agent->taken = true;
    turn->guest = guest;
    turn->qmp = qmp_ref(agent->qmp);
    turn->timeout =
        agent->timeout.set ? agent->timeout.value : VIR_DOMAIN_AGENT_RESPONSE_TIMEOUT_DEFAULT;
    return 0;
}

void agent_end(struct agent_turn *turn)
{
    struct qmp *qmp = g_steal_pointer(&turn->qmp);

    if (!qmp)
        return;
    struct agent *agent = &turn->guest->agent;
    g_mutex_lock(&agent->lock);
    agent->taken = false;
    g_cond_broadcast(&agent->freed);
    g_mutex_unlock(&agent->lock);
    qmp_unref(qmp);
}

/* For those who wait for their turn: one after the other they would wait for long, and in vain. */
static void note_silence(struct agent *agent)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&agent->lock);

    agent->silences++;
}

/* Before anything else is asked for: an agent that lives answers to this at once, so that a mute
 * one is known in time, however long the command may take. */
static int synchronize(struct agent_turn *turn, GError **error)
{
    unsigned deadline = AGENT_DEADLINE_MS;

    if (turn->in_step)
        return 0;
    if (turn->timeout > 0)
        deadline = MIN(deadline, (unsigned)turn->timeout * UINT64_C(1000));
    if (qmp_synchronize(turn->qmp, deadline, error) < 0) {
        note_silence(&turn->guest->agent);
        return -1;
    }
    turn->in_step = true;
    return 0;
}

int agent_begin(struct guest *guest, struct agent_turn *ret_turn, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    struct agent_turn turn = {0};

    object_get_view(&guest->object, &view);
    if (check_running(guest, &view, error) < 0 || take_turn(guest, &view, &turn, error) < 0)
        return -1;
    if (synchronize(&turn, error) < 0) {
        agent_end(&turn);
        return -1;
    }
    *ret_turn = turn;
    return 0;
}

/* ---- commands ---- */

static int finish(struct agent_turn *turn, const struct slow_command *slow, int result,
                  GError *problem, GError **error)
{
    if (error_is(problem, VIR_ERR_AGENT_COMMAND_TIMEOUT))
        turn->in_step = false;
    if (slow && slow->silent && error_is(problem, VIR_ERR_AGENT_UNRESPONSIVE)) {
        g_error_free(problem);
        return 0;
    }
    if (problem)
        g_propagate_error(error, problem);
    return result;
}

int agent_execute(struct agent_turn *turn, const char *command, struct json_object *arguments,
                  struct json_object **ret_result, GError **error)
{
    const struct slow_command *slow = find_slow(command);
    GError *problem = NULL;

    if (synchronize(turn, error) < 0) {
        json_clear(&arguments);
        return -1;
    }
    int result = qmp_execute(turn->qmp, command, arguments, deadline_of(slow, turn->timeout),
                             ret_result, &problem);
    return finish(turn, slow, result, problem, error);
}

int agent_command(struct guest *guest, const char *command, struct json_object *arguments,
                  struct json_object **ret_result, GError **error)
{
    AGENT_AUTO struct agent_turn turn = {0};

    if (agent_begin(guest, &turn, error) < 0) {
        json_clear(&arguments);
        return -1;
    }
    return agent_execute(&turn, command, arguments, ret_result, error);
}

void agent_set_timeout(struct guest *guest, struct opt_int timeout)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&guest->agent.lock);

    guest->agent.timeout = timeout;
}

struct opt_int agent_get_timeout(struct guest *guest)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&guest->agent.lock);

    return guest->agent.timeout;
}
