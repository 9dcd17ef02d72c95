/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <unistd.h>

#include "base/log.h"
#include "driver/domains.h"
#include "driver/generic.h"
#include "protocol/remote-handlers.h"

#include "document.h"
#include "firmware.h"
#include "methods.h"
#include "tpm-state.h"

/* What of a saved state, snapshots and checkpoints goes with a domain: there is none to go. */
#define NOTHING_TO_REMOVE                                                                          \
    (VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA |                   \
     VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA)

static int save_definition(struct qemu *qemu, struct job *job, struct definition *definition,
                           GError **error)
{
    struct object *object = job_object(job);
    bool existed = object_is_persistent(object);

    if (store_save(qemu->store, job, definition, error) < 0) {
        registry_remove_unused(qemu->domains, job);
        return -1;
    }
    object_publish_config(job, definition_pack(definition));
    guest_raise_lifecycle(guest_of(object), job, VIR_DOMAIN_EVENT_DEFINED,
                          existed ? VIR_DOMAIN_EVENT_DEFINED_UPDATED
                                  : VIR_DOMAIN_EVENT_DEFINED_ADDED);
    return 0;
}

static int define(struct call *call, const char *text, bool validate,
                  struct remote_nonnull_domain *ret_handle, GError **error)
{
    struct qemu *qemu = qemu_of_call(call);
    DEFINITION_AUTO struct definition *definition = NULL;
    JOB_AUTO struct job *job = NULL;

    if (document_read(qemu, text, validate, &definition, error) < 0 ||
        call_begin(call, PROTOCOL_OBJECT_DOMAIN, definition, 0, &job, error) < 0 ||
        save_definition(qemu, job, definition, error) < 0)
        return -1;
    domain_fill_handle(call, job_object(job), ret_handle);
    return 0;
}

int domain_define_xml(struct call *call, const struct remote_domain_define_xml_args *args,
                      struct remote_domain_define_xml_ret *ret, GError **error)
{
    return define(call, args->xml, false, &ret->dom, error);
}

int domain_define_xml_flags(struct call *call,
                            const struct remote_domain_define_xml_flags_args *args,
                            struct remote_domain_define_xml_flags_ret *ret, GError **error)
{
    return define(call, args->xml, args->flags & VIR_DOMAIN_DEFINE_VALIDATE, &ret->dom, error);
}

/* The variable store holds what the guest wrote: it goes, or stays, only when that was said.
 * *ret_path is what goes, NULL: nothing; the caller frees. */
static int choose_nvram(struct qemu *qemu, const struct domain *domain, unsigned flags,
                        char **ret_path, GError **error)
{
    g_autofree char *path = firmware_stored_nvram(domain, qemu->nvram_folder);

    if (!path || access(path, F_OK) < 0 || (flags & VIR_DOMAIN_UNDEFINE_KEEP_NVRAM))
        return 0;
    if (!(flags & VIR_DOMAIN_UNDEFINE_NVRAM)) {
        error_set(error, VIR_ERR_OPERATION_INVALID,
                  "cannot undefine domain with nvram %s: say whether to remove or to keep it",
                  path);
        return -1;
    }
    *ret_path = g_steal_pointer(&path);
    return 0;
}

static int undefine(struct call *call, unsigned flags, GError **error)
{
    struct qemu *qemu = qemu_of_call(call);
    OBJECT_VIEW_AUTO struct object_view view = {0};
    g_autofree char *nvram = NULL;

    object_get_view(call->object, &view);
    if ((flags & VIR_DOMAIN_UNDEFINE_TPM) && (flags & VIR_DOMAIN_UNDEFINE_KEEP_TPM)) {
        error_set(error, VIR_ERR_INVALID_ARG,
                  "flags VIR_DOMAIN_UNDEFINE_TPM and VIR_DOMAIN_UNDEFINE_KEEP_TPM exclude each "
                  "other");
        return -1;
    }
    if ((flags & VIR_DOMAIN_UNDEFINE_NVRAM) && (flags & VIR_DOMAIN_UNDEFINE_KEEP_NVRAM)) {
        error_set(error, VIR_ERR_OPERATION_INVALID,
                  "flags VIR_DOMAIN_UNDEFINE_NVRAM and VIR_DOMAIN_UNDEFINE_KEEP_NVRAM exclude "
                  "each other");
        return -1;
    }
    if (choose_nvram(qemu, view_config(&view), flags, &nvram, error) < 0 ||
        store_remove(qemu->store, call->job, error) < 0)
        return -1;
    /* only now: as long as the domain is defined it needs them */
    if (nvram && unlink(nvram) < 0 && errno != ENOENT)
        log_warn("cannot remove %s: %s", nvram, g_strerror(errno));
    if (!view.live)
        tpm_state_remove(qemu, view_config(&view), flags);
    guest_raise_lifecycle(guest_of(call->object), call->job, VIR_DOMAIN_EVENT_UNDEFINED,
                          VIR_DOMAIN_EVENT_UNDEFINED_REMOVED);
    object_publish_autostart(call->job, false);
    object_publish_config(call->job, NULL);
    registry_remove_unused(qemu->domains, call->job);
    return 0;
}

int domain_undefine(struct call *call, const struct remote_domain_undefine_args *args, void *ret,
                    GError **error)
{
    return undefine(call, 0, error);
}

int domain_undefine_flags(struct call *call, const struct remote_domain_undefine_flags_args *args,
                          void *ret, GError **error)
{
    return undefine(call, args->flags, error);
}

static int rename_files(struct qemu *qemu, struct job *job, struct domain *renamed, GError **error)
{
    if (registry_rename_begin(qemu->domains, job, renamed->name, error) < 0)
        return -1;
    if (store_rename(qemu->store, job, &renamed->definition, error) < 0) {
        registry_rename_end(qemu->domains, job, renamed->name, NULL);
        return -1;
    }
    return 0;
}

int domain_rename(struct call *call, const struct remote_domain_rename_args *args,
                  struct remote_domain_rename_ret *ret, GError **error)
{
    struct qemu *qemu = qemu_of_call(call);
    OBJECT_VIEW_AUTO struct object_view view = {0};

    object_get_view(call->object, &view);
    if (view.live) {
        error_set(error, VIR_ERR_OPERATION_INVALID, "cannot rename active domain");
        return -1;
    }
    if (g_strcmp0(args->new_name, view.name) == 0) {
        error_set(error, VIR_ERR_OPERATION_INVALID, "Can't rename domain to itself");
        return -1;
    }
    if (!args->new_name) {
        error_set(error, VIR_ERR_INVALID_ARG, "the new name is missing");
        return -1;
    }
    if (store_check_name(&qemu->kind, args->new_name, error) < 0)
        return -1;
    DEFINITION_AUTO struct domain *renamed = (struct domain *)definition_copy(view.config);
    renamed->name = arena_strdup(&renamed->definition.arena, args->new_name);
    if (rename_files(qemu, call->job, renamed, error) < 0)
        return -1;
    guest_raise_lifecycle(guest_of(call->object), call->job, VIR_DOMAIN_EVENT_UNDEFINED,
                          VIR_DOMAIN_EVENT_UNDEFINED_RENAMED);
    registry_rename_end(qemu->domains, call->job, args->new_name,
                        definition_pack(&renamed->definition));
    guest_raise_lifecycle(guest_of(call->object), call->job, VIR_DOMAIN_EVENT_DEFINED,
                          VIR_DOMAIN_EVENT_DEFINED_RENAMED);
    return 0;
}

static const struct method rows[] = {
    {.binding = HANDLER(remote, domain_define_xml), .finds = true},
    {.binding = HANDLER(remote, domain_define_xml_flags),
     .finds = true,
     .flags = VIR_DOMAIN_DEFINE_VALIDATE},
    {.binding = HANDLER(remote, domain_undefine), .job = true, .state = METHOD_PERSISTENT},
    {.binding = HANDLER(remote, domain_undefine_flags),
     .flags = NOTHING_TO_REMOVE | VIR_DOMAIN_UNDEFINE_NVRAM | VIR_DOMAIN_UNDEFINE_KEEP_NVRAM |
              VIR_DOMAIN_UNDEFINE_TPM | VIR_DOMAIN_UNDEFINE_KEEP_TPM,
     .job = true,
     .state = METHOD_PERSISTENT},
    {.binding = HANDLER(remote, domain_rename), .job = true, .state = METHOD_PERSISTENT},
};

const struct driver_methods define_methods = DRIVER_METHODS(rows);
