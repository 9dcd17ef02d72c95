/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "driver/domains.h"
#include "driver/params.h"
#include "protocol/remote-handlers.h"

#include "json.h"
#include "methods.h"
#include "qmp-commands.h"
#include "setting.h"

/* What becomes of guests that end, and what is to be said of those that are encrypted. */

/* ---- guests that end ---- */

struct lifecycle_values {
    unsigned type;
    enum lifecycle_action action;
};

static const struct {
    const char *name;
    size_t offset;
} lifecycle_types[] = {
    [VIR_DOMAIN_LIFECYCLE_POWEROFF] = {"poweroff", offsetof(struct domain, on_poweroff)},
    [VIR_DOMAIN_LIFECYCLE_REBOOT] = {"reboot", offsetof(struct domain, on_reboot)},
    [VIR_DOMAIN_LIFECYCLE_CRASH] = {"crash", offsetof(struct domain, on_crash)},
};

static const enum lifecycle_action lifecycle_actions[] = {
    [VIR_DOMAIN_LIFECYCLE_ACTION_DESTROY] = LIFECYCLE_DESTROY,
    [VIR_DOMAIN_LIFECYCLE_ACTION_RESTART] = LIFECYCLE_RESTART,
    [VIR_DOMAIN_LIFECYCLE_ACTION_RESTART_RENAME] = LIFECYCLE_RENAME_RESTART,
    [VIR_DOMAIN_LIFECYCLE_ACTION_PRESERVE] = LIFECYCLE_PRESERVE,
    [VIR_DOMAIN_LIFECYCLE_ACTION_COREDUMP_DESTROY] = LIFECYCLE_COREDUMP_DESTROY,
    [VIR_DOMAIN_LIFECYCLE_ACTION_COREDUMP_RESTART] = LIFECYCLE_COREDUMP_RESTART,
    [VIR_DOMAIN_LIFECYCLE_ACTION_PRESERVE_RUNNING] = LIFECYCLE_PRESERVE_RUNNING,
};

static int check_lifecycle(unsigned type, unsigned action, GError **error)
{
    if (type >= G_N_ELEMENTS(lifecycle_types)) {
        error_set(error, VIR_ERR_INVALID_ARG, "invalid lifecycle type '%u'", type);
        return -1;
    }
    if (action >= G_N_ELEMENTS(lifecycle_actions)) {
        error_set(error, VIR_ERR_INVALID_ARG, "invalid lifecycle action '%u'", action);
        return -1;
    }
    if (type != VIR_DOMAIN_LIFECYCLE_CRASH &&
        action >= VIR_DOMAIN_LIFECYCLE_ACTION_COREDUMP_DESTROY) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "Lifecycle event '%s' doesn't support '%s' action", lifecycle_types[type].name,
                  names_word(&lifecycle_action_names, lifecycle_actions[action]));
        return -1;
    }
    return 0;
}

/* What this hypervisor can't do. */
static int check_possible(const struct domain *domain, const struct lifecycle_values *values,
                          GError **error)
{
    if (values->action == LIFECYCLE_RENAME_RESTART) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "qemu driver doesn't support the 'rename-restart' action for "
                  "'on_reboot'/'on_poweroff'/'on_crash'");
        return -1;
    }
    if (values->action == LIFECYCLE_PRESERVE && values->type != VIR_DOMAIN_LIFECYCLE_CRASH) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "qemu driver doesn't support the 'preserve' action for "
                  "'on_reboot'/'on_poweroff'");
        return -1;
    }
    if (domain->on_poweroff == LIFECYCLE_RESTART && domain->on_reboot == LIFECYCLE_DESTROY) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "qemu driver doesn't support 'onReboot' set to 'destroy and 'onPoweroff' set to "
                  "'reboot'");
        return -1;
    }
    return 0;
}

static int modify_lifecycle(struct domain *domain, bool live, const void *data, GError **error)
{
    const struct lifecycle_values *values = data;

    *((uint8_t *)domain + lifecycle_types[values->type].offset) = (uint8_t)values->action;
    return check_possible(domain, values, error);
}

/* What QEMU decides itself: a reset, and whether a guest that crashed runs on. The rest is done
 * when its end is told. NULL: nothing. */
static struct json_object *action_of(const struct domain *live, unsigned type)
{
    if (type == VIR_DOMAIN_LIFECYCLE_REBOOT)
        return json_build("s:reboot", live->on_reboot == LIFECYCLE_DESTROY ? "shutdown" : "reset",
                          NULL);
    if (type == VIR_DOMAIN_LIFECYCLE_CRASH)
        return json_build("s:panic",
                          live->on_crash == LIFECYCLE_PRESERVE_RUNNING ? "none" : "shutdown", NULL);
    return NULL;
}

static int apply_lifecycle(struct guest *guest, const struct domain *live, const void *data,
                           unsigned deadline_ms, GError **error)
{
    const struct lifecycle_values *values = data;
    struct json_object *action JSON_AUTO = action_of(live, values->type);
    struct qmp *qmp;

    if (!action)
        return 0;
    if (!(qmp = guest_get_qmp(guest, error)))
        return -1;
    int result = qmp_execute(qmp, "set-action", g_steal_pointer(&action), deadline_ms, NULL, error);
    qmp_unref(qmp);
    return result;
}

static const struct setting lifecycle_setting = {modify_lifecycle, apply_lifecycle};

int domain_set_lifecycle_action(struct call *call,
                                const struct remote_domain_set_lifecycle_action_args *args,
                                void *ret, GError **error)
{
    struct lifecycle_values values = {.type = args->type};

    if (check_lifecycle(args->type, args->action, error) < 0)
        return -1;
    values.action = lifecycle_actions[args->action];
    return setting_change(call, args->flags, &lifecycle_setting, &values, NULL, error);
}

/* ---- guests that are encrypted ---- */

static bool is_sev(const struct domain *domain)
{
    return domain->launch_security && (domain->launch_security->type == LAUNCH_SEV ||
                                       domain->launch_security->type == LAUNCH_SEV_SNP);
}

static int ask_sev(struct qmp *qmp, const struct domain *live, struct params *params,
                   GError **error)
{
    struct json_object *sev JSON_AUTO = NULL;
    struct json_object *measure JSON_AUTO = NULL;
    bool snp = live->launch_security->type == LAUNCH_SEV_SNP;

    if (qmp_execute(qmp, "query-sev", NULL, 0, &sev, error) < 0 ||
        (!snp && qmp_execute(qmp, "query-sev-launch-measure", NULL, 0, &measure, error) < 0))
        return -1;
    params_add_string(params, json_string_member(measure, "data"), "%s",
                      VIR_DOMAIN_LAUNCH_SECURITY_SEV_MEASUREMENT);
    params_add_uint(params, (unsigned)json_int_member(sev, "api-major", 0), "%s",
                    VIR_DOMAIN_LAUNCH_SECURITY_SEV_API_MAJOR);
    params_add_uint(params, (unsigned)json_int_member(sev, "api-minor", 0), "%s",
                    VIR_DOMAIN_LAUNCH_SECURITY_SEV_API_MINOR);
    params_add_uint(params, (unsigned)json_int_member(sev, "build-id", 0), "%s",
                    VIR_DOMAIN_LAUNCH_SECURITY_SEV_BUILD_ID);
    if (snp)
        params_add_ulong(params, (uint64_t)json_int_member(sev, "snp-policy", 0), "%s",
                         VIR_DOMAIN_LAUNCH_SECURITY_SEV_SNP_POLICY);
    else
        params_add_uint(params, (unsigned)json_int_member(sev, "policy", 0), "%s",
                        VIR_DOMAIN_LAUNCH_SECURITY_SEV_POLICY);
    return 0;
}

int domain_get_launch_security_info(struct call *call,
                                    const struct remote_domain_get_launch_security_info_args *args,
                                    struct remote_domain_get_launch_security_info_ret *ret,
                                    GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    struct params params = {.arena = &call->arena};

    if (call_get_view(call, &view, error) < 0)
        return -1;
    if (!is_sev(view_current(&view)))
        return 0;
    struct qmp *qmp = guest_get_qmp(guest_of(call->object), error);
    if (!qmp)
        return -1;
    int result = ask_sev(qmp, view_live(&view), &params, error);
    qmp_unref(qmp);
    ret->params_val = params.items;
    ret->params_len = params.count;
    return result;
}

struct secret_values {
    const char *header, *secret;
    uint64_t address;
    bool has_address;
};

static const struct param_row secret_rows[] = {
    {VIR_DOMAIN_LAUNCH_SECURITY_SEV_SECRET_HEADER, VIR_TYPED_PARAM_STRING,
     offsetof(struct secret_values, header), 0},
    {VIR_DOMAIN_LAUNCH_SECURITY_SEV_SECRET, VIR_TYPED_PARAM_STRING,
     offsetof(struct secret_values, secret), 0},
    {VIR_DOMAIN_LAUNCH_SECURITY_SEV_SECRET_SET_ADDRESS, VIR_TYPED_PARAM_ULLONG,
     offsetof(struct secret_values, address), offsetof(struct secret_values, has_address)},
};

int domain_set_launch_security_state(
    struct call *call, const struct remote_domain_set_launch_security_state_args *args, void *ret,
    GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    struct secret_values values = {0};

    if (params_read(args->params_val, args->params_len, secret_rows, G_N_ELEMENTS(secret_rows),
                    &values, error) < 0 ||
        call_get_view(call, &view, error) < 0)
        return -1;
    const struct domain *domain = view_current(&view);
    if (!domain->launch_security || domain->launch_security->type != LAUNCH_SEV) {
        error_set(error, VIR_ERR_OPERATION_UNSUPPORTED,
                  "setting a launch secret is only supported in SEV-enabled domains");
        return -1;
    }
    if (!values.header || !values.secret) {
        error_set(error, VIR_ERR_INVALID_ARG, "Both secret and the secret header are required");
        return -1;
    }
    if (view.live && view.state != VIR_DOMAIN_PAUSED) {
        error_set(error, VIR_ERR_OPERATION_INVALID, "domain must be in a paused state");
        return -1;
    }
    struct json_object *arguments =
        json_build("s:packet-header", values.header, "s:secret", values.secret, NULL);
    if (values.has_address)
        json_add(arguments, "U:gpa", values.address, NULL);
    return guest_command(call->job, "sev-inject-launch-secret", arguments, error);
}

#define AFFECT (VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG)

/* Flags of the launch information have never been looked at, and clients may send any. */
static const struct method rows[] = {
    {.binding = HANDLER(remote, domain_set_lifecycle_action), .flags = AFFECT, .job = true},
    {.binding = HANDLER(remote, domain_get_launch_security_info), .flags = UINT32_MAX},
    {.binding = HANDLER(remote, domain_set_launch_security_state), .job = true},
};

const struct driver_methods policy_methods = DRIVER_METHODS(rows);
