/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "protocol/qemu-handlers.h"
#include "protocol/remote-handlers.h"

#include "agent.h"
#include "methods.h"

/* What the guest itself would have to tell or do, by its agent: clients get to know whether the
 * guest lacks one. */
static int refuse(struct call *call, const void *args, void *ret, GError **error)
{
    return agent_refuse(call->object, error);
}

static bool has_network(const struct domain *live)
{
    LIST_EACH (net, &live->devices.nets)
        if (net->type == NET_NETWORK)
            return true;
    return false;
}

static int refuse_lease(struct call *call, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    object_get_view(call->object, &view);
    if (!view.live) {
        error_set(error, VIR_ERR_OPERATION_INVALID, "domain is not running");
        return -1;
    }
    error_set(error, VIR_ERR_NO_HOSTNAME, "no hostname found for domain %s%s", view.name,
              has_network(view_live(&view)) ? ": leases are known to virtnetworkd alone" : "");
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
        return refuse_lease(call, error);
    return agent_refuse(call->object, error);
}

#define BY_AGENT(program_name, function)                                                           \
    .binding = {&program_name##_program, program_name##_number_of_##function, refuse},             \
    .thread = METHOD_INLINE

static const struct method rows[] = {
    {.binding = HANDLER(remote, domain_get_hostname),
     .flags = VIR_DOMAIN_GET_HOSTNAME_LEASE | VIR_DOMAIN_GET_HOSTNAME_AGENT,
     .thread = METHOD_INLINE},
    {BY_AGENT(remote, domain_get_time)},
    {BY_AGENT(remote, domain_set_time), .flags = VIR_DOMAIN_TIME_SYNC},
    {BY_AGENT(remote, domain_get_fsinfo)},
    {BY_AGENT(remote, domain_fsfreeze)},
    {BY_AGENT(remote, domain_fsthaw)},
    {BY_AGENT(remote, domain_fstrim)},
    {BY_AGENT(remote, domain_get_guest_vcpus)},
    {BY_AGENT(remote, domain_set_guest_vcpus)},
    {BY_AGENT(remote, domain_get_guest_info)},
    {BY_AGENT(remote, domain_set_user_password), .flags = VIR_DOMAIN_PASSWORD_ENCRYPTED},
    {BY_AGENT(remote, domain_authorized_ssh_keys_get)},
    {BY_AGENT(remote, domain_authorized_ssh_keys_set),
     .flags =
         VIR_DOMAIN_AUTHORIZED_SSH_KEYS_SET_APPEND | VIR_DOMAIN_AUTHORIZED_SSH_KEYS_SET_REMOVE},
    {BY_AGENT(qemu, qemu_domain_agent_command)},
};

const struct driver_methods agent_methods = DRIVER_METHODS(rows);
