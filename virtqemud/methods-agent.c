/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <json-c/json.h>
#include <string.h>

#include "base/cpuset.h"
#include "protocol/qemu-handlers.h"
#include "protocol/remote-handlers.h"

#include "agent-cpus.h"
#include "agent-info.h"
#include "guest.h"
#include "json.h"
#include "methods.h"
#include "netport.h"
#include "qmp-commands.h"
#include "taint.h"

/*
 * What only an agent inside the guest can tell or do. No method has a job: the agent may be mute or
 * worse, and must not hold up who changes the guest.
 */
#define COMMAND_DEPTH 32
#define COMMAND_MEMORY (64u << 20)
#define NANOSECONDS INT64_C(1000000000)

static int check_timeout(int timeout, GError **error)
{
    if (timeout >= VIR_DOMAIN_AGENT_RESPONSE_TIMEOUT_BLOCK)
        return 0;
    error_set(error, VIR_ERR_INVALID_ARG, "guest agent timeout '%d' is less than the minimum '%d'",
              timeout, VIR_DOMAIN_AGENT_RESPONSE_TIMEOUT_BLOCK);
    return -1;
}

int domain_agent_set_response_timeout(
    struct call *call, const struct remote_domain_agent_set_response_timeout_args *args,
    struct remote_domain_agent_set_response_timeout_ret *ret, GError **error)
{
    if (check_timeout(args->timeout, error) < 0)
        return -1;
    agent_set_timeout(guest_of(call->object), OPT_INT(args->timeout));
    if (!object_is_active(call->object))
        return 0;
    return store_save_status(qemu_of_call(call)->store, call->job, error);
}

/* ---- commands as they come ---- */

static char *reply_text(struct call *call, struct json_object *result)
{
    struct json_object *reply JSON_AUTO = json_build("j:return", json_object_get(result), NULL);

    return arena_strdup(&call->arena,
                        json_object_to_json_string_ext(reply, JSON_C_TO_STRING_PLAIN));
}

int qemu_domain_agent_command(struct call *call, const struct qemu_domain_agent_command_args *args,
                              struct qemu_domain_agent_command_ret *ret, GError **error)
{
    AGENT_AUTO struct agent_turn turn = {0};
    struct json_object *command JSON_AUTO = NULL;
    struct json_object *result JSON_AUTO = NULL;

    if (agent_begin(guest_of(call->object), &turn, error) < 0 ||
        check_timeout(args->timeout, error) < 0 ||
        json_read(args->cmd, strlen(args->cmd), COMMAND_DEPTH, COMMAND_MEMORY, &command, error) < 0)
        return -1;
    const char *name = json_string_member(command, "execute");
    if (!name) {
        error_set(error, VIR_ERR_INVALID_ARG, "the command has no \"execute\"");
        return -1;
    }
    turn.timeout = args->timeout;
    taint_note(guest_of(call->object), TAINT_AGENT);
    if (agent_execute(&turn, name, json_object_get(json_object_member(command, "arguments")),
                      &result, error) < 0)
        return -1;
    ret->result = reply_text(call, result);
    return 0;
}

/* ---- time ---- */

int domain_get_time(struct call *call, const struct remote_domain_get_time_args *args,
                    struct remote_domain_get_time_ret *ret, GError **error)
{
    AGENT_AUTO struct agent_turn turn = {0};
    int64_t now;

    if (agent_begin(guest_of(call->object), &turn, error) < 0 ||
        agent_ask_number(&turn, "guest-get-time", NULL, &now, error) < 0)
        return -1;
    ret->seconds = now / NANOSECONDS;
    ret->nseconds = (unsigned)ABS(now % NANOSECONDS);
    return 0;
}

/* The clock ticks that a guest has missed would be made up for on top of its new time. */
static int forget_missed_ticks(struct call *call, GError **error)
{
    g_autoptr(GError) problem = NULL;
    JOB_AUTO struct job *job = NULL;

    if (job_begin(call->object, JOB_MODIFY, "virDomainSetTime", JOB_DEADLINE_MS, &job, error) < 0)
        return -1;
    if (guest_command(job, "rtc-reset-reinjection", NULL, &problem) == 0 ||
        error_is(problem, VIR_ERR_OPERATION_UNSUPPORTED)) /* a machine without such a clock */
        return 0;
    g_propagate_error(error, g_steal_pointer(&problem));
    return -1;
}

int domain_set_time(struct call *call, const struct remote_domain_set_time_args *args, void *ret,
                    GError **error)
{
    bool sync = args->flags & VIR_DOMAIN_TIME_SYNC;
    struct json_object *time = NULL;

    if (!sync && (args->seconds < 0 || args->seconds >= INT64_MAX / NANOSECONDS)) {
        error_set(error, VIR_ERR_INVALID_ARG,
                  "time '%" G_GINT64_FORMAT "' is too big for the guest's agent", args->seconds);
        return -1;
    }
    if (!sync)
        time = json_build("I:time", args->seconds * NANOSECONDS + args->nseconds, NULL);
    if (agent_command(guest_of(call->object), "guest-set-time", time, NULL, error) < 0)
        return -1;
    return forget_missed_ticks(call, error);
}

/* ---- filesystems ---- */

int domain_get_fsinfo(struct call *call, const struct remote_domain_get_fsinfo_args *args,
                      struct remote_domain_get_fsinfo_ret *ret, GError **error)
{
    return agent_info_list_filesystems(guest_of(call->object), &call->arena, ret, error);
}

static struct json_object *string_list(char *const *strings, unsigned count)
{
    struct json_object *list = json_object_new_array();

    for (unsigned i = 0; i < count; i++)
        json_object_array_add(list, json_object_new_string(strings[i]));
    return list;
}

static int freeze(struct call *call, const char *command, struct json_object *arguments,
                  int *ret_count, GError **error)
{
    AGENT_AUTO struct agent_turn turn = {0};
    int64_t count;

    if (agent_begin(guest_of(call->object), &turn, error) < 0) {
        json_clear(&arguments);
        return -1;
    }
    if (agent_ask_number(&turn, command, arguments, &count, error) < 0)
        return -1;
    *ret_count = (int)CLAMP(count, 0, INT_MAX);
    return 0;
}

int domain_fsfreeze(struct call *call, const struct remote_domain_fsfreeze_args *args,
                    struct remote_domain_fsfreeze_ret *ret, GError **error)
{
    if (args->mountpoints_len == 0)
        return freeze(call, "guest-fsfreeze-freeze", NULL, &ret->filesystems, error);
    return freeze(call, "guest-fsfreeze-freeze-list",
                  json_build("j:mountpoints",
                             string_list(args->mountpoints_val, args->mountpoints_len), NULL),
                  &ret->filesystems, error);
}

int domain_fsthaw(struct call *call, const struct remote_domain_fsthaw_args *args,
                  struct remote_domain_fsthaw_ret *ret, GError **error)
{
    if (args->mountpoints_len > 0) {
        error_set(error, VIR_ERR_ARGUMENT_UNSUPPORTED,
                  "specifying mountpoints is not supported: all are thawed together");
        return -1;
    }
    return freeze(call, "guest-fsfreeze-thaw", NULL, &ret->filesystems, error);
}

int domain_fstrim(struct call *call, const struct remote_domain_fstrim_args *args, void *ret,
                  GError **error)
{
    if (args->mountPoint) {
        error_set(error, VIR_ERR_ARGUMENT_UNSUPPORTED,
                  "Specifying mount point is not supported: all are trimmed");
        return -1;
    }
    return agent_command(guest_of(call->object), "guest-fstrim",
                         json_build("U:minimum", args->minimum, NULL), NULL, error);
}

/* ---- the guest's own view of itself ---- */

int domain_get_guest_info(struct call *call, const struct remote_domain_get_guest_info_args *args,
                          struct remote_domain_get_guest_info_ret *ret, GError **error)
{
    struct params params = {.arena = &call->arena};

    if (agent_info_add(guest_of(call->object), args->types, &params, error) < 0)
        return -1;
    ret->params_val = params.items;
    ret->params_len = params.count;
    return 0;
}

/* The first that a lease has. */
static int find_leased_name(struct call *call, const struct domain *live, char **ret_hostname,
                            GError **error)
{
    LIST_EACH (net, &live->devices.nets) {
        struct remote_network_get_dhcp_leases_ret leases = {0};

        if (!net->network)
            continue;
        if (netport_get_leases(qemu_of_call(call), net, &call->arena, &leases, error) < 0)
            return -1;
        for (uint32_t i = 0; i < leases.leases_len && !*ret_hostname; i++)
            if (leases.leases_val[i].hostname)
                *ret_hostname = leases.leases_val[i].hostname;
    }
    return 0;
}

static int get_leased_name(struct call *call, char **ret_hostname, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    char *name = NULL;

    object_get_view(call->object, &view);
    if (!view.live) {
        error_set(error, VIR_ERR_OPERATION_INVALID, "domain is not running");
        return -1;
    }
    if (find_leased_name(call, view_live(&view), &name, error) < 0)
        return -1;
    if (!name) {
        error_set(error, VIR_ERR_NO_HOSTNAME, "no hostname found for domain %s", view.name);
        return -1;
    }
    *ret_hostname = name;
    return 0;
}

/* An agent that is there and can't tell is one without a name. */
static int ask_hostname(struct call *call, char **ret_hostname, GError **error)
{
    g_autoptr(GError) problem = NULL;
    AGENT_AUTO struct agent_turn turn = {0};
    struct agent_hostname host = {0};

    if (agent_begin(guest_of(call->object), &turn, error) < 0)
        return -1;
    if (agent_ask(&turn, &agent_query_hostname, NULL, &call->arena, &host, &problem) == 0) {
        *ret_hostname = host.name;
        return 0;
    }
    if (error_is(problem, VIR_ERR_AGENT_COMMAND_FAILED)) {
        g_autofree char *name = object_get_name(call->object);
        error_set(error, VIR_ERR_NO_HOSTNAME, "no hostname found for domain %s: %s", name,
                  problem->message);
    } else {
        g_propagate_error(error, g_steal_pointer(&problem));
    }
    return -1;
}

int domain_get_hostname(struct call *call, const struct remote_domain_get_hostname_args *args,
                        struct remote_domain_get_hostname_ret *ret, GError **error)
{
    unsigned both = VIR_DOMAIN_GET_HOSTNAME_LEASE | VIR_DOMAIN_GET_HOSTNAME_AGENT;

    if ((args->flags & both) == both) {
        error_set(error, VIR_ERR_INVALID_ARG,
                  "flags VIR_DOMAIN_GET_HOSTNAME_LEASE and VIR_DOMAIN_GET_HOSTNAME_AGENT exclude "
                  "each other");
        return -1;
    }
    if (args->flags & VIR_DOMAIN_GET_HOSTNAME_LEASE)
        return get_leased_name(call, &ret->hostname, error);
    return ask_hostname(call, &ret->hostname, error);
}

/* ---- CPUs ---- */

int domain_get_guest_vcpus(struct call *call, const struct remote_domain_get_guest_vcpus_args *args,
                           struct remote_domain_get_guest_vcpus_ret *ret, GError **error)
{
    static const char *const fields[] = {"vcpus", "online", "offlinable"};
    AGENT_AUTO struct agent_turn turn = {0};
    struct params params = {.arena = &call->arena};
    struct cpuset *sets[G_N_ELEMENTS(fields)];
    struct agent_cpu *cpus;
    unsigned count;

    if (agent_begin(guest_of(call->object), &turn, error) < 0 ||
        agent_cpus_get(&turn, &call->arena, &cpus, &count, error) < 0)
        return -1;
    for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
        g_autoptr(GString) text = g_string_new(NULL);

        sets[i] = cpuset_new(&call->arena, CPUSET_MAX);
        for (unsigned n = 0; n < count; n++)
            if (i == 0 || (i == 1 ? cpus[n].online : cpus[n].can_offline))
                cpuset_add(sets[i], (unsigned)cpus[n].id);
        cpuset_format(sets[i], text);
        params_add_string(&params, arena_strdup(&call->arena, text->str), "%s", fields[i]);
    }
    ret->params_val = params.items;
    ret->params_len = params.count;
    return 0;
}

int domain_set_guest_vcpus(struct call *call, const struct remote_domain_set_guest_vcpus_args *args,
                           void *ret, GError **error)
{
    if (args->state != 0 && args->state != 1) {
        error_set(error, VIR_ERR_INVALID_ARG, "unsupported state value %d: 0 and 1 are known",
                  args->state);
        return -1;
    }
    return agent_cpus_set(guest_of(call->object), args->cpumap, args->state, error);
}

/* ---- users ---- */

int domain_set_user_password(struct call *call,
                             const struct remote_domain_set_user_password_args *args, void *ret,
                             GError **error)
{
    bool crypted = args->flags & VIR_DOMAIN_PASSWORD_ENCRYPTED;

    if (!args->user || !args->password) {
        error_set(error, VIR_ERR_INVALID_ARG, "a user and a password are needed");
        return -1;
    }
    g_autofree char *encoded =
        g_base64_encode((const guchar *)args->password, strlen(args->password));
    int result = agent_command(
        guest_of(call->object), "guest-set-user-password",
        json_build("s:username", args->user, "s:password", encoded, "b:crypted", crypted, NULL),
        NULL, error);
    explicit_bzero(encoded, strlen(encoded));
    return result;
}

int domain_authorized_ssh_keys_get(struct call *call,
                                   const struct remote_domain_authorized_ssh_keys_get_args *args,
                                   struct remote_domain_authorized_ssh_keys_get_ret *ret,
                                   GError **error)
{
    AGENT_AUTO struct agent_turn turn = {0};
    struct agent_keys keys = {0};

    if (agent_begin(guest_of(call->object), &turn, error) < 0 ||
        agent_ask(&turn, &agent_query_keys, json_build("s:username", args->user, NULL),
                  &call->arena, &keys, error) < 0)
        return -1;
    ret->keys_val = keys.keys;
    ret->keys_len = g_strv_length(keys.keys);
    return 0;
}

int domain_authorized_ssh_keys_set(struct call *call,
                                   const struct remote_domain_authorized_ssh_keys_set_args *args,
                                   void *ret, GError **error)
{
    bool append = args->flags & VIR_DOMAIN_AUTHORIZED_SSH_KEYS_SET_APPEND;
    bool remove = args->flags & VIR_DOMAIN_AUTHORIZED_SSH_KEYS_SET_REMOVE;

    if (append && remove) {
        error_set(error, VIR_ERR_INVALID_ARG, "keys are either appended or removed");
        return -1;
    }
    struct json_object *arguments = json_build("s:username", args->user, "j:keys",
                                               string_list(args->keys_val, args->keys_len), NULL);
    if (!remove)
        json_add(arguments, "b:reset", !append, NULL);
    return agent_command(guest_of(call->object),
                         remove ? "guest-ssh-remove-authorized-keys"
                                : "guest-ssh-add-authorized-keys",
                         arguments, NULL, error);
}

#define BY_AGENT(program, function) .binding = HANDLER(program, function), .thread = METHOD_PATIENT

static const struct method rows[] = {
    {.binding = HANDLER(remote, domain_agent_set_response_timeout),
     .job = true,
     .lane = JOB_CONTROL},
    {BY_AGENT(qemu, qemu_domain_agent_command)},
    {BY_AGENT(remote, domain_get_time)},
    {BY_AGENT(remote, domain_set_time), .flags = VIR_DOMAIN_TIME_SYNC},
    {BY_AGENT(remote, domain_get_fsinfo)},
    {BY_AGENT(remote, domain_fsfreeze)},
    {BY_AGENT(remote, domain_fsthaw)},
    {BY_AGENT(remote, domain_fstrim)},
    {BY_AGENT(remote, domain_get_guest_info)},
    {BY_AGENT(remote, domain_get_hostname),
     .flags = VIR_DOMAIN_GET_HOSTNAME_LEASE | VIR_DOMAIN_GET_HOSTNAME_AGENT},
    {BY_AGENT(remote, domain_get_guest_vcpus)},
    {BY_AGENT(remote, domain_set_guest_vcpus)},
    {BY_AGENT(remote, domain_set_user_password), .flags = VIR_DOMAIN_PASSWORD_ENCRYPTED},
    {BY_AGENT(remote, domain_authorized_ssh_keys_get)},
    {BY_AGENT(remote, domain_authorized_ssh_keys_set),
     .flags =
         VIR_DOMAIN_AUTHORIZED_SSH_KEYS_SET_APPEND | VIR_DOMAIN_AUTHORIZED_SSH_KEYS_SET_REMOVE},
};

const struct driver_methods agent_methods = DRIVER_METHODS(rows);
