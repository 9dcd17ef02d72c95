/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/generic.h"
#include "protocol/remote-handlers.h"

#include "dnsmasq.h"
#include "document.h"
#include "methods.h"
#include "start.h"
#include "vnet.h"

/* ---- definitions ---- */

static int save_definition(struct job *job, struct definition *definition, GError **error)
{
    if (document_check_bridge((struct network *)definition, error) < 0 ||
        store_save(networkd->store, job, definition, error) < 0) {
        registry_remove_unused(networkd->networks, job);
        return -1;
    }
    object_publish_config(job, definition_pack(definition));
    vnet_raise(job_object(job), job, VIR_NETWORK_EVENT_DEFINED);
    return 0;
}

static int define(struct call *call, const char *text, unsigned flags,
                  struct remote_nonnull_network *ret_handle, GError **error)
{
    DEFINITION_AUTO struct definition *definition = NULL;
    JOB_AUTO struct job *job = NULL;

    if (document_read(text, flags & VIR_NETWORK_DEFINE_VALIDATE, &definition, error) < 0 ||
        call_begin(call, PROTOCOL_OBJECT_NETWORK, definition, 0, &job, error) < 0 ||
        save_definition(job, definition, error) < 0)
        return -1;
    vnet_fill_handle(call, job_object(job), ret_handle);
    return 0;
}

int network_define_xml(struct call *call, const struct remote_network_define_xml_args *args,
                       struct remote_network_define_xml_ret *ret, GError **error)
{
    return define(call, args->xml, 0, &ret->net, error);
}

int network_define_xml_flags(struct call *call,
                             const struct remote_network_define_xml_flags_args *args,
                             struct remote_network_define_xml_flags_ret *ret, GError **error)
{
    return define(call, args->xml, args->flags, &ret->net, error);
}

int network_undefine(struct call *call, const struct remote_network_undefine_args *args, void *ret,
                     GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    if (call_get_view(call, &view, error) < 0 ||
        store_remove(networkd->store, call->job, error) < 0)
        return -1;
    vnet_raise(call->object, call->job, VIR_NETWORK_EVENT_UNDEFINED);
    object_publish_autostart(call->job, false);
    object_publish_config(call->job, NULL);
    if (registry_remove_unused(networkd->networks, call->job))
        dnsmasq_forget(view_config(&view));
    return 0;
}

/* ---- life ---- */

static int create(struct call *call, const char *text, unsigned flags,
                  struct remote_nonnull_network *ret_handle, GError **error)
{
    DEFINITION_AUTO struct definition *definition = NULL;
    JOB_AUTO struct job *job = NULL;

    if (document_read(text, flags & VIR_NETWORK_CREATE_VALIDATE, &definition, error) < 0 ||
        call_begin(call, PROTOCOL_OBJECT_NETWORK, definition, REGISTRY_INACTIVE, &job, error) < 0)
        return -1;
    if (document_check_bridge((struct network *)definition, error) < 0) {
        registry_remove_unused(networkd->networks, job);
        return -1;
    }
    if (start_network(job, g_steal_pointer(&definition), error) < 0)
        return -1;
    vnet_fill_handle(call, job_object(job), ret_handle);
    return 0;
}

int network_create_xml(struct call *call, const struct remote_network_create_xml_args *args,
                       struct remote_network_create_xml_ret *ret, GError **error)
{
    return create(call, args->xml, 0, &ret->net, error);
}

int network_create_xml_flags(struct call *call,
                             const struct remote_network_create_xml_flags_args *args,
                             struct remote_network_create_xml_flags_ret *ret, GError **error)
{
    return create(call, args->xml, args->flags, &ret->net, error);
}

int network_create(struct call *call, const struct remote_network_create_args *args, void *ret,
                   GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    if (call_get_view(call, &view, error) < 0)
        return -1;
    return start_network(call->job, definition_copy(view.config), error);
}

int network_destroy(struct call *call, const struct remote_network_destroy_args *args, void *ret,
                    GError **error)
{
    stop_network(call->job);
    return 0;
}

static const struct method rows[] = {
    {.binding = HANDLER(remote, network_define_xml), .finds = true},
    {.binding = HANDLER(remote, network_define_xml_flags),
     .finds = true,
     .flags = VIR_NETWORK_DEFINE_VALIDATE},
    {.binding = HANDLER(remote, network_undefine), .job = true, .state = METHOD_PERSISTENT},
    {.binding = HANDLER(remote, network_create_xml), .finds = true},
    {.binding = HANDLER(remote, network_create_xml_flags),
     .finds = true,
     .flags = VIR_NETWORK_CREATE_VALIDATE},
    {.binding = HANDLER(remote, network_create), .job = true, .state = METHOD_INACTIVE},
    {.binding = HANDLER(remote, network_destroy), .job = true, .state = METHOD_ACTIVE},
};

const struct driver_methods lifecycle_methods = DRIVER_METHODS(rows);
