/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/log.h"
#include "driver/domains.h"
#include "driver/generic.h"
#include "protocol/remote-handlers.h"

#include "agent.h"
#include "document.h"
#include "json.h"
#include "log-file.h"
#include "methods.h"
#include "monitor.h"
#include "start.h"
#include "stop.h"

#define CREATE_FLAGS                                                                               \
    (VIR_DOMAIN_START_PAUSED | VIR_DOMAIN_START_AUTODESTROY | VIR_DOMAIN_START_BYPASS_CACHE |      \
     VIR_DOMAIN_START_FORCE_BOOT | VIR_DOMAIN_START_VALIDATE | VIR_DOMAIN_START_RESET_NVRAM)

/* ---- start ---- */

static struct start_request request_of(struct call *call, unsigned flags)
{
    return (struct start_request){
        .paused = flags & VIR_DOMAIN_START_PAUSED,
        .reset_nvram = flags & VIR_DOMAIN_START_RESET_NVRAM,
        .client = flags & VIR_DOMAIN_START_AUTODESTROY ? call->client : NULL,
        .reason = VIR_DOMAIN_RUNNING_BOOTED,
        .event_detail = VIR_DOMAIN_EVENT_STARTED_BOOTED,
    };
}

static int create(struct call *call, unsigned flags, GError **error)
{
    struct start_request request = request_of(call, flags);
    OBJECT_VIEW_AUTO struct object_view view = {0};

    object_get_view(call->object, &view);
    return start_guest(call->job, view.config, &request, error);
}

int domain_create(struct call *call, const struct remote_domain_create_args *args, void *ret,
                  GError **error)
{
    return create(call, 0, error);
}

int domain_create_with_flags(struct call *call,
                             const struct remote_domain_create_with_flags_args *args,
                             struct remote_domain_create_with_flags_ret *ret, GError **error)
{
    if (create(call, args->flags, error) < 0)
        return -1;
    domain_fill_handle(call, call->object, &ret->dom);
    return 0;
}

int domain_create_xml(struct call *call, const struct remote_domain_create_xml_args *args,
                      struct remote_domain_create_xml_ret *ret, GError **error)
{
    struct qemu *qemu = qemu_of_call(call);
    struct start_request request = request_of(call, args->flags);
    DEFINITION_AUTO struct definition *definition = NULL;
    JOB_AUTO struct job *job = NULL;

    if (document_read(qemu, args->xml_desc, args->flags & VIR_DOMAIN_START_VALIDATE, &definition,
                      error) < 0 ||
        call_begin(call, PROTOCOL_OBJECT_DOMAIN, definition, REGISTRY_INACTIVE, &job, error) < 0)
        return -1;
    if (start_guest(job, definition, &request, error) < 0) {
        registry_remove_unused(qemu->domains, job);
        return -1;
    }
    domain_fill_handle(call, job_object(job), &ret->dom);
    return 0;
}

/* ---- end ---- */

static int end_with_job(struct guest *guest, struct job *job, bool graceful, GError **error)
{
    /* a start that was under way then has a QEMU by now */
    if (stop_kill(guest, graceful, error) < 0)
        return -1;
    if (!guest->process.pid)
        return 0;
    guest_raise_lifecycle(guest, job, VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_DESTROYED);
    stop_clear_up(guest, job, VIR_DOMAIN_SHUTOFF_DESTROYED);
    return 0;
}

/* QEMU is ended before the job is taken, for its holder may be waiting for that very QEMU. */
static int destroy(struct guest *guest, bool graceful, GError **error)
{
    bool starting = guest_pid(guest) == 0;
    unsigned run = atomic_load(&guest->run);
    struct job *job;
    int result = 0;

    if (!object_is_active(&guest->object)) {
        error_set(error, VIR_ERR_OPERATION_INVALID, "domain is not running");
        return -1;
    }
    atomic_store(&guest->end_reason, VIR_DOMAIN_SHUTOFF_DESTROYED);
    if (stop_kill(guest, graceful, error) < 0) {
        atomic_store(&guest->end_reason, 0);
        return -1;
    }
    if (job_begin(&guest->object, JOB_DESTROY, "virDomainDestroy", JOB_DEADLINE_MS, &job, error) <
        0) {
        /* a transient guest that the watch has cleared up meanwhile is what was asked for */
        if (!error_is(*error, VIR_ERR_NO_DOMAIN))
            return -1;
        g_clear_error(error);
        return 0;
    }
    /* not one that others have started since */
    if (starting || run == atomic_load(&guest->run))
        result = end_with_job(guest, job, graceful, error);
    job_end(job);
    return result;
}

int domain_destroy(struct call *call, const struct remote_domain_destroy_args *args, void *ret,
                   GError **error)
{
    return destroy(guest_of(call->object), false, error);
}

int domain_destroy_flags(struct call *call, const struct remote_domain_destroy_flags_args *args,
                         void *ret, GError **error)
{
    struct qemu *qemu = qemu_of_call(call);
    g_autofree char *name = object_get_name(call->object);

    if (destroy(guest_of(call->object), args->flags & VIR_DOMAIN_DESTROY_GRACEFUL, error) < 0)
        return -1;
    if (args->flags & VIR_DOMAIN_DESTROY_REMOVE_LOGS)
        log_file_remove(qemu, name);
    return 0;
}

void lifecycle_client_gone(struct client *client)
{
    g_autoptr(GPtrArray) guests = client_take_autodestroy(client);

    for (guint i = 0; i < guests->len; i++) {
        g_autoptr(GError) error = NULL;
        if (destroy(guest_of(guests->pdata[i]), false, &error) < 0 &&
            !error_is(error, VIR_ERR_OPERATION_INVALID))
            log_error("a domain that was to end with its client still runs: %s", error->message);
    }
}

/* ---- asking the guest ---- */

/* Presses the power button; what happens when the guest has shut down depends on reboot. */
static int press_button(struct guest *guest, bool reboot, GError **error)
{
    JOB_AUTO struct job *job = NULL;

    if (job_begin(&guest->object, JOB_MODIFY, reboot ? "virDomainReboot" : "virDomainShutdown",
                  JOB_DEADLINE_MS, &job, error) < 0)
        return -1;
    atomic_store(&guest->fake_reboot, reboot);
    if (guest_command(job, "system_powerdown", NULL, error) == 0)
        return 0;
    atomic_store(&guest->fake_reboot, false);
    return -1;
}

/* The agent's way is the gentler one, and the button is for whoever has no agent, or a mute one. No
 * job is held meanwhile: a guest that ignores its agent can be destroyed, or anything else. */
static int shut_down(struct call *call, unsigned flags, bool reboot, GError **error)
{
    /* the two calls give the same bits to the same modes */
    G_STATIC_ASSERT((int)VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN ==
                        (int)VIR_DOMAIN_REBOOT_ACPI_POWER_BTN &&
                    (int)VIR_DOMAIN_SHUTDOWN_GUEST_AGENT == (int)VIR_DOMAIN_REBOOT_GUEST_AGENT);
    struct guest *guest = guest_of(call->object);
    bool button = !flags || flags & VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN;
    bool agent = !flags || flags & VIR_DOMAIN_SHUTDOWN_GUEST_AGENT;
    g_autoptr(GError) problem = NULL;

    if (agent && agent_command(guest, "guest-shutdown",
                               json_build("s:mode", reboot ? "reboot" : "powerdown", NULL), NULL,
                               &problem) == 0)
        return 0;
    if (button)
        return press_button(guest, reboot, error);
    g_propagate_error(error, g_steal_pointer(&problem));
    return -1;
}

int domain_shutdown(struct call *call, const struct remote_domain_shutdown_args *args, void *ret,
                    GError **error)
{
    return shut_down(call, 0, false, error);
}

int domain_shutdown_flags(struct call *call, const struct remote_domain_shutdown_flags_args *args,
                          void *ret, GError **error)
{
    return shut_down(call, args->flags, false, error);
}

int domain_reboot(struct call *call, const struct remote_domain_reboot_args *args, void *ret,
                  GError **error)
{
    return shut_down(call, args->flags, true, error);
}

int domain_reset(struct call *call, const struct remote_domain_reset_args *args, void *ret,
                 GError **error)
{
    return guest_command(call->job, "system_reset", NULL, error);
}

/* ---- pausing ---- */

static int state_of(struct object *object)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    object_get_view(object, &view);
    return view.state;
}

static int refuse_asleep(struct call *call, GError **error)
{
    if (state_of(call->object) != VIR_DOMAIN_PMSUSPENDED)
        return 0;
    error_set(error, VIR_ERR_OPERATION_INVALID, "domain is pmsuspended");
    return -1;
}

int domain_suspend(struct call *call, const struct remote_domain_suspend_args *args, void *ret,
                   GError **error)
{
    struct guest *guest = guest_of(call->object);

    if (refuse_asleep(call, error) < 0)
        return -1;
    if (state_of(call->object) == VIR_DOMAIN_PAUSED)
        return 0;
    atomic_store(&guest->pause_reason, VIR_DOMAIN_PAUSED_USER);
    return guest_command(call->job, "stop", NULL, error);
}

int domain_resume(struct call *call, const struct remote_domain_resume_args *args, void *ret,
                  GError **error)
{
    struct guest *guest = guest_of(call->object);
    int state = state_of(call->object);

    if (refuse_asleep(call, error) < 0)
        return -1;
    if (state == VIR_DOMAIN_RUNNING) {
        error_set(error, VIR_ERR_OPERATION_INVALID, "domain is already running");
        return -1;
    }
    if ((state == VIR_DOMAIN_SHUTDOWN || state == VIR_DOMAIN_CRASHED) &&
        guest_command(call->job, "system_reset", NULL, error) < 0)
        return -1;
    atomic_store(&guest->run_reason, VIR_DOMAIN_RUNNING_UNPAUSED);
    return guest_command(call->job, "cont", NULL, error);
}

static const char *const sleep_commands[] = {
    [VIR_NODE_SUSPEND_TARGET_MEM] = "guest-suspend-ram",
    [VIR_NODE_SUSPEND_TARGET_DISK] = "guest-suspend-disk",
    [VIR_NODE_SUSPEND_TARGET_HYBRID] = "guest-suspend-hybrid",
};

static int check_sleep(struct call *call, const void *data, GError **error)
{
    const struct remote_domain_pm_suspend_for_duration_args *args = data;

    if (args->duration != 0) {
        error_set(error, VIR_ERR_ARGUMENT_UNSUPPORTED,
                  "duration not supported: a guest sleeps until it is woken");
        return -1;
    }
    if (args->target < G_N_ELEMENTS(sleep_commands))
        return 0;
    error_set(error, VIR_ERR_INVALID_ARG, "Unknown suspend target: %u", args->target);
    return -1;
}

int domain_pm_suspend_for_duration(struct call *call,
                                   const struct remote_domain_pm_suspend_for_duration_args *args,
                                   void *ret, GError **error)
{
    return agent_command(guest_of(call->object), sleep_commands[args->target], NULL, NULL, error);
}

int domain_pm_wakeup(struct call *call, const struct remote_domain_pm_wakeup_args *args, void *ret,
                     GError **error)
{
    return guest_command(call->job, "system_wakeup", NULL, error);
}

#define SHUTDOWN_FLAGS (VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN | VIR_DOMAIN_SHUTDOWN_GUEST_AGENT)

static const struct method rows[] = {
    {.binding = HANDLER(remote, domain_create), .job = true, .state = METHOD_INACTIVE},
    {.binding = HANDLER(remote, domain_create_with_flags),
     .flags = CREATE_FLAGS,
     .job = true,
     .state = METHOD_INACTIVE},
    {.binding = HANDLER(remote, domain_create_xml), .finds = true, .flags = CREATE_FLAGS},
    {.binding = HANDLER(remote, domain_destroy)},
    {.binding = HANDLER(remote, domain_destroy_flags),
     .flags = VIR_DOMAIN_DESTROY_GRACEFUL | VIR_DOMAIN_DESTROY_REMOVE_LOGS},
    {.binding = HANDLER(remote, domain_shutdown), .state = METHOD_ACTIVE, .thread = METHOD_PATIENT},
    {.binding = HANDLER(remote, domain_shutdown_flags),
     .flags = SHUTDOWN_FLAGS,
     .state = METHOD_ACTIVE,
     .thread = METHOD_PATIENT},
    {.binding = HANDLER(remote, domain_reboot),
     .flags = SHUTDOWN_FLAGS,
     .state = METHOD_ACTIVE,
     .thread = METHOD_PATIENT},
    {.binding = HANDLER(remote, domain_reset), .job = true, .state = METHOD_ACTIVE},
    {.binding = HANDLER(remote, domain_suspend),
     .job = true,
     .lane = JOB_SUSPEND,
     .state = METHOD_ACTIVE},
    {.binding = HANDLER(remote, domain_resume),
     .job = true,
     .lane = JOB_SUSPEND,
     .state = METHOD_ACTIVE},
    {.binding = HANDLER(remote, domain_pm_suspend_for_duration),
     .check = check_sleep,
     .state = METHOD_ACTIVE,
     .thread = METHOD_PATIENT},
    {.binding = HANDLER(remote, domain_pm_wakeup), .job = true, .state = METHOD_ACTIVE},
};

const struct driver_methods lifecycle_methods = DRIVER_METHODS(rows);
