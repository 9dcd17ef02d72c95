/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/client.h"
#include "driver/domains.h"
#include "driver/generic.h"
#include "protocol/remote-handlers.h"
#include "xml/xml.h"

/*
 * Everything here is answered from the object's published view: it never waits for a hypervisor.
 * Documents are written by workers, for they may be long, and to write out a CPU is to ask what the
 * emulator can do.
 */
static const struct domain *definition_of(const struct object_view *view)
{
    return (const struct domain *)object_view_definition(view, false);
}

int domain_get_affected(struct call *call, unsigned flags, struct object_view *ret_view,
                        const struct domain **ret_domain, GError **error)
{
    const struct definition *definition;

    if (call_get_affected(call, flags, ret_view, &definition, error) < 0)
        return -1;
    *ret_domain = (const struct domain *)definition;
    return 0;
}

/* What a running domain would be if it were defined anew: what lives with it is left out. */
static struct definition *make_inactive(const struct object_kind *kind,
                                        const struct definition *live, GError **error)
{
    DEFINITION_AUTO struct definition *copy = definition_copy(live);

    if (kind->revert)
        kind->revert(copy);
    if (kind->complete && kind->complete(copy, error) < 0)
        return NULL;
    return g_steal_pointer(&copy);
}

/* The definition as flags want it shown; the caller's. */
static int get_shown(struct call *call, unsigned flags, const struct object_view *view,
                     bool *ret_live, struct definition **ret_definition, GError **error)
{
    const struct driver *driver = call->client->driver;
    const struct definition *chosen = object_view_definition(view, flags & VIR_DOMAIN_XML_INACTIVE);
    bool live =
        chosen == view->live && !(flags & (VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_MIGRATABLE));
    DEFINITION_AUTO struct definition *shown = NULL;

    if (chosen == view->live && !live)
        shown = make_inactive(call->object->kind, chosen, error);
    else if (flags & (VIR_DOMAIN_XML_UPDATE_CPU | VIR_DOMAIN_XML_MIGRATABLE) && !live)
        shown = definition_copy(chosen);
    else
        shown = definition_ref((struct definition *)chosen);
    if (!shown)
        return -1;
    if ((flags & VIR_DOMAIN_XML_UPDATE_CPU) && !live && driver->spec->update_cpu)
        driver->spec->update_cpu(call->client->driver, shown);
    if ((flags & VIR_DOMAIN_XML_MIGRATABLE) && driver->spec->strip_implied)
        driver->spec->strip_implied(shown);
    *ret_live = live;
    *ret_definition = g_steal_pointer(&shown);
    return 0;
}

static unsigned xml_flags(unsigned flags, bool live)
{
    unsigned result = 0;

    if (flags & VIR_DOMAIN_XML_SECURE)
        result |= XML_WRITE_SECURE;
    if (flags & VIR_DOMAIN_XML_MIGRATABLE) /* who is to run the guest needs its passwords */
        result |= XML_WRITE_MIGRATABLE | XML_WRITE_SECURE;
    if (!live)
        result |= XML_WRITE_INACTIVE;
    return result;
}

int domain_get_xml_desc(struct call *call, const struct remote_domain_get_xml_desc_args *args,
                        struct remote_domain_get_xml_desc_ret *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    DEFINITION_AUTO struct definition *definition = NULL;
    bool live;

    if (call_get_view(call, &view, error) < 0 ||
        get_shown(call, args->flags, &view, &live, &definition, error) < 0)
        return -1;
    g_autofree char *text = xml_write(definition, xml_flags(args->flags, live));
    ret->xml = arena_strdup(&call->arena, text);
    return 0;
}

int domain_get_state(struct call *call, const struct remote_domain_get_state_args *args,
                     struct remote_domain_get_state_ret *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    if (call_get_view(call, &view, error) < 0)
        return -1;
    ret->state = view.state;
    ret->reason = view.reason;
    return 0;
}

int domain_get_os_type(struct call *call, const struct remote_domain_get_os_type_args *args,
                       struct remote_domain_get_os_type_ret *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    if (call_get_view(call, &view, error) < 0)
        return -1;
    ret->type =
        arena_strdup(&call->arena, names_word(&os_type_names, definition_of(&view)->os.type));
    return 0;
}

int domain_get_max_memory(struct call *call, const struct remote_domain_get_max_memory_args *args,
                          struct remote_domain_get_max_memory_ret *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    if (call_get_view(call, &view, error) < 0)
        return -1;
    ret->memory = definition_of(&view)->memory;
    return 0;
}

int domain_get_max_vcpus(struct call *call, const struct remote_domain_get_max_vcpus_args *args,
                         struct remote_domain_get_max_vcpus_ret *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    if (call_get_view(call, &view, error) < 0)
        return -1;
    ret->num = (int)definition_of(&view)->max_vcpus;
    return 0;
}

static int count_guest_vcpus(struct call *call, unsigned flags,
                             struct remote_domain_get_vcpus_flags_ret *ret, GError **error)
{
    const struct driver_spec *spec = call->client->driver->spec;
    unsigned count;

    if (flags & (VIR_DOMAIN_AFFECT_CONFIG | VIR_DOMAIN_VCPU_MAXIMUM) ||
        !object_is_active(call->object)) {
        error_set(error, VIR_ERR_INVALID_ARG,
                  "vCPU count provided by the guest agent can only be requested for live domains");
        return -1;
    }
    if (!spec->count_guest_vcpus) {
        error_set(error, VIR_ERR_ARGUMENT_UNSUPPORTED,
                  "what the guest itself counts is known to an agent in it alone");
        return -1;
    }
    if (spec->count_guest_vcpus(call->object, &count, error) < 0)
        return -1;
    ret->num = (int)count;
    return 0;
}

int domain_get_vcpus_flags(struct call *call, const struct remote_domain_get_vcpus_flags_args *args,
                           struct remote_domain_get_vcpus_flags_ret *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    const struct domain *domain;

    if (domain_get_affected(call, args->flags, &view, &domain, error) < 0)
        return -1;
    if (args->flags & VIR_DOMAIN_VCPU_GUEST)
        return count_guest_vcpus(call, args->flags, ret, error);
    ret->num =
        (int)(args->flags & VIR_DOMAIN_VCPU_MAXIMUM ? domain->max_vcpus : domain_vcpus(domain));
    return 0;
}

int domain_is_active(struct call *call, const struct remote_domain_is_active_args *args,
                     struct remote_domain_is_active_ret *ret, GError **error)
{
    ret->active = object_is_active(call->object);
    return 0;
}

int domain_is_persistent(struct call *call, const struct remote_domain_is_persistent_args *args,
                         struct remote_domain_is_persistent_ret *ret, GError **error)
{
    ret->persistent = object_is_persistent(call->object);
    return 0;
}

int domain_is_updated(struct call *call, const struct remote_domain_is_updated_args *args,
                      struct remote_domain_is_updated_ret *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    if (call_get_view(call, &view, error) < 0)
        return -1;
    ret->updated = view.updated;
    return 0;
}

int domain_get_autostart(struct call *call, const struct remote_domain_get_autostart_args *args,
                         struct remote_domain_get_autostart_ret *ret, GError **error)
{
    return call_get_autostart(call, &ret->autostart, error);
}

int domain_get_autostart_once(struct call *call,
                              const struct remote_domain_get_autostart_once_args *args,
                              struct remote_domain_get_autostart_once_ret *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    if (call_get_view(call, &view, error) < 0)
        return -1;
    ret->autostart = view.autostart_once;
    return 0;
}

int domain_set_autostart_once(struct call *call,
                              const struct remote_domain_set_autostart_once_args *args, void *ret,
                              GError **error)
{
    if (!object_is_persistent(call->object)) {
        error_set(error, VIR_ERR_OPERATION_INVALID, "cannot set autostart for transient domain");
        return -1;
    }
    if (store_set_autostart_once(call_store(call, PROTOCOL_OBJECT_DOMAIN), call->job,
                                 args->autostart, error) < 0)
        return -1;
    object_publish_autostart_once(call->job, args->autostart);
    return 0;
}

int domain_set_autostart(struct call *call, const struct remote_domain_set_autostart_args *args,
                         void *ret, GError **error)
{
    return call_set_autostart(call, PROTOCOL_OBJECT_DOMAIN, args->autostart, error);
}

static int64_t out_of_control(const struct call *call)
{
    const struct driver_spec *spec = call->client->driver->spec;

    return spec->out_of_control ? spec->out_of_control(call->object) : -1;
}

/* What is at work on the object, from the job's own record: never behind that job. */
int domain_get_control_info(struct call *call,
                            const struct remote_domain_get_control_info_args *args,
                            struct remote_domain_get_control_info_ret *ret, GError **error)
{
    int64_t lost_ms = out_of_control(call);
    struct job_info info;

    job_get_info(call->object, &info);
    if (lost_ms >= 0) {
        ret->state = VIR_DOMAIN_CONTROL_ERROR;
        ret->details = VIR_DOMAIN_CONTROL_ERROR_REASON_MONITOR;
        ret->stateTime = (uint64_t)lost_ms;
    } else if (info.async_name) {
        ret->state = VIR_DOMAIN_CONTROL_JOB;
        ret->stateTime = (uint64_t)info.async_ms;
    } else if (info.name) {
        ret->state = VIR_DOMAIN_CONTROL_OCCUPIED;
        ret->stateTime = (uint64_t)info.held_ms;
    }
    return 0;
}

int domain_get_job_info(struct call *call, const struct remote_domain_get_job_info_args *args,
                        struct remote_domain_get_job_info_ret *ret, GError **error)
{
    struct job_info info;

    job_get_info(call->object, &info);
    ret->type = info.async_name ? VIR_DOMAIN_JOB_UNBOUNDED : VIR_DOMAIN_JOB_NONE;
    ret->timeElapsed = info.async_name ? (uint64_t)info.async_ms : 0;
    return 0;
}

int domain_get_job_stats(struct call *call, const struct remote_domain_get_job_stats_args *args,
                         struct remote_domain_get_job_stats_ret *ret, GError **error)
{
    struct job_info info;

    /* of a job that has ended one may also ask after the domain has */
    if (!(args->flags & VIR_DOMAIN_JOB_STATS_COMPLETED) && !object_is_active(call->object)) {
        error_set(error, VIR_ERR_OPERATION_INVALID, "domain is not running");
        return -1;
    }
    job_get_info(call->object, &info);
    ret->type = info.async_name ? VIR_DOMAIN_JOB_UNBOUNDED : VIR_DOMAIN_JOB_NONE;
    return 0;
}

/* There is no saved state as long as nothing here makes one. */
int domain_has_managed_save_image(struct call *call,
                                  const struct remote_domain_has_managed_save_image_args *args,
                                  struct remote_domain_has_managed_save_image_ret *ret,
                                  GError **error)
{
    ret->result = 0;
    return 0;
}

#define XML_FLAGS                                                                                  \
    (VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_UPDATE_CPU |                 \
     VIR_DOMAIN_XML_MIGRATABLE)
#define AFFECT (VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG)

static const struct method rows[] = {
    {.binding = HANDLER(remote, domain_get_xml_desc), .flags = XML_FLAGS},
    {.binding = HANDLER(remote, domain_get_state), .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, domain_get_os_type), .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, domain_get_max_memory), .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, domain_get_max_vcpus), .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, domain_get_vcpus_flags),
     .flags = AFFECT | VIR_DOMAIN_VCPU_MAXIMUM | VIR_DOMAIN_VCPU_GUEST,
     .thread = METHOD_PATIENT},
    {.binding = HANDLER(remote, domain_is_active), .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, domain_is_persistent), .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, domain_is_updated), .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, domain_get_autostart), .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, domain_set_autostart), .job = true},
    {.binding = HANDLER(remote, domain_get_autostart_once), .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, domain_set_autostart_once), .job = true},
    {.binding = HANDLER(remote, domain_has_managed_save_image), .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, domain_get_control_info),
     .state = METHOD_ACTIVE,
     .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, domain_get_job_info),
     .state = METHOD_ACTIVE,
     .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, domain_get_job_stats),
     .flags = VIR_DOMAIN_JOB_STATS_COMPLETED | VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED,
     .thread = METHOD_INLINE},
};

const struct driver_methods domain_read_methods = DRIVER_METHODS(rows);
