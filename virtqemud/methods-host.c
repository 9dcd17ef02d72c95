/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <unistd.h>

#include "driver/client.h"
#include "driver/params.h"
#include "protocol/remote-handlers.h"
#include "xml/xml.h"

#include "capabilities.h"
#include "cpu-names.h"
#include "document.h"
#include "domain-capabilities.h"
#include "methods.h"
#include "native.h"
#include "plan.h"
#include "qemu.h"

/* What this host and its emulators can do. The first answer may have to ask an emulator. */

static int host_emulator(struct qemu *qemu, struct emulator **ret_emulator, GError **error)
{
    g_autofree char *path = probe_find(qemu->probes, "x86_64");

    if (!path) {
        g_auto(GStrv) archs = probe_list(qemu->probes);
        path = archs[0] ? probe_find(qemu->probes, archs[0]) : NULL;
    }
    if (!path) {
        error_set(error, VIR_ERR_OPERATION_FAILED,
                  "no emulator is installed: see the package qemu-system");
        return -1;
    }
    return probe_get(qemu->probes, path, ret_emulator, error);
}

int connect_get_version(struct call *call, const void *args,
                        struct remote_connect_get_version_ret *ret, GError **error)
{
    struct emulator *emulator EMULATOR_AUTO = NULL;

    if (host_emulator(qemu_of_call(call), &emulator, error) < 0)
        return -1;
    ret->hv_ver = emulator->version;
    return 0;
}

int connect_get_capabilities(struct call *call, const void *args,
                             struct remote_connect_get_capabilities_ret *ret, GError **error)
{
    struct qemu *qemu = qemu_of_call(call);
    struct capabilities_settings settings = {
        .host_uuid = qemu->host_uuid,
        .uid = qemu->config.uid,
        .gid = qemu->config.gid,
        .privileged = !qemu->driver->daemon->session,
    };
    g_autofree char *text = NULL;

    if (capabilities_write(qemu->probes, &settings, &text, error) < 0)
        return -1;
    ret->capabilities = arena_strdup(&call->arena, text);
    return 0;
}

int connect_get_domain_capabilities(struct call *call,
                                    const struct remote_connect_get_domain_capabilities_args *args,
                                    struct remote_connect_get_domain_capabilities_ret *ret,
                                    GError **error)
{
    struct domain_capabilities_wish wish = {
        .emulator = args->emulatorbin,
        .arch = args->arch,
        .machine = args->machine,
        .virttype = args->virttype,
    };
    g_autofree char *text = NULL;

    if (domain_capabilities_write(qemu_of_call(call)->probes, &wish, &text, error) < 0)
        return -1;
    ret->capabilities = arena_strdup(&call->arena, text);
    return 0;
}

/* A document of type kvm is limited by the kernel's number, which is above every machine's. */
int connect_get_max_vcpus(struct call *call, const struct remote_connect_get_max_vcpus_args *args,
                          struct remote_connect_get_max_vcpus_ret *ret, GError **error)
{
    struct emulator *emulator EMULATOR_AUTO = NULL;
    const struct emulator_machine *machine;

    if (args->type && g_strcmp0(args->type, "qemu") != 0 && g_strcmp0(args->type, "kvm") != 0) {
        error_set(error, VIR_ERR_INVALID_ARG, "unknown type '%s'", args->type);
        return -1;
    }
    if (host_emulator(qemu_of_call(call), &emulator, error) < 0)
        return -1;
    if (g_strcmp0(args->type, "kvm") == 0 && !emulator_can_accelerate(emulator, ACCELERATOR_KVM)) {
        error_set(error, VIR_ERR_SYSTEM_ERROR, "KVM does not work here: see /dev/kvm");
        return -1;
    }
    machine = emulator_find_machine(emulator, NULL);
    ret->max_vcpus = machine ? (int)machine->max_cpus : 1;
    return 0;
}

/* QEMU's names for "whatever this host has" and for versions of a model are not models. */
static char **list_models(struct call *call, const struct emulator_cpus *cpus, uint32_t *ret_count)
{
    char **names = arena_array(&call->arena, cpus->model_count, sizeof(char *));
    uint32_t count = 0;

    for (unsigned i = 0; i < cpus->model_count; i++)
        if (cpu_model_is_listed(cpus->models[i].name))
            names[count++] = arena_strdup(&call->arena, cpus->models[i].name);
    *ret_count = count;
    return names;
}

int connect_get_cpu_model_names(struct call *call,
                                const struct remote_connect_get_cpu_model_names_args *args,
                                struct remote_connect_get_cpu_model_names_ret *ret, GError **error)
{
    struct qemu *qemu = qemu_of_call(call);
    g_autofree char *path = probe_find(qemu->probes, args->arch);
    struct emulator *emulator EMULATOR_AUTO = NULL;

    if (!path) {
        error_set(error, VIR_ERR_INVALID_ARG, "no emulator for architecture '%s'", args->arch);
        return -1;
    }
    if (probe_get(qemu->probes, path, &emulator, error) < 0)
        return -1;
    ret->models_val = list_models(call, &emulator->cpus[ACCELERATOR_TCG], &ret->models_len);
    ret->ret = (int)ret->models_len;
    if (!args->need_results)
        ret->models_len = 0;
    return 0;
}

int node_get_sev_info(struct call *call, const struct remote_node_get_sev_info_args *args,
                      struct remote_node_get_sev_info_ret *ret, GError **error)
{
    struct emulator *emulator EMULATOR_AUTO = NULL;
    struct params params = {.arena = &call->arena};

    if (host_emulator(qemu_of_call(call), &emulator, error) < 0)
        return -1;
    if (!emulator->sev.usable) {
        error_set(error, VIR_ERR_OPERATION_UNSUPPORTED, "QEMU does not support SEV guest");
        return -1;
    }
    const struct emulator_sev *sev = &emulator->sev;
    params_add_string(&params, sev->pdh, "%s", VIR_NODE_SEV_PDH);
    params_add_string(&params, sev->cert_chain, "%s", VIR_NODE_SEV_CERT_CHAIN);
    params_add_string(&params, sev->cpu0_id, "%s", VIR_NODE_SEV_CPU0_ID);
    params_add_uint(&params, sev->cbitpos, "%s", VIR_NODE_SEV_CBITPOS);
    params_add_uint(&params, sev->reduced_phys_bits, "%s", VIR_NODE_SEV_REDUCED_PHYS_BITS);
    params_add_uint(&params, sev->max_guests, "%s", VIR_NODE_SEV_MAX_GUESTS);
    params_add_uint(&params, sev->max_es_guests, "%s", VIR_NODE_SEV_MAX_ES_GUESTS);
    ret->params_val = params.items;
    ret->params_len = params.count;
    ret->nparams = (int)params.count;
    return 0;
}

static int check_native_format(const char *format, GError **error)
{
    if (g_str_equal(format, "qemu-argv"))
        return 0;
    error_set(error, VIR_ERR_INVALID_ARG, "unsupported config type %s", format);
    return -1;
}

int connect_domain_xml_to_native(struct call *call,
                                 const struct remote_connect_domain_xml_to_native_args *args,
                                 struct remote_connect_domain_xml_to_native_ret *ret,
                                 GError **error)
{
    struct qemu *qemu = qemu_of_call(call);
    DEFINITION_AUTO struct definition *definition = NULL;
    struct arguments arguments;

    if (check_native_format(args->nativeFormat, error) < 0 ||
        document_read(qemu, args->domainXml, false, &definition, error) < 0 ||
        plan_arguments(qemu, (struct domain *)definition, &arguments, error) < 0)
        return -1;
    g_autofree char *text = arguments_print(&arguments, " ");
    arguments_clear(&arguments);
    ret->nativeConfig = arena_strdup(&call->arena, text);
    return 0;
}

int connect_domain_xml_from_native(struct call *call,
                                   const struct remote_connect_domain_xml_from_native_args *args,
                                   struct remote_connect_domain_xml_from_native_ret *ret,
                                   GError **error)
{
    DEFINITION_AUTO struct domain *domain = NULL;

    if (check_native_format(args->nativeFormat, error) < 0 ||
        native_read(args->nativeConfig, &domain, error) < 0)
        return -1;
    g_autofree char *text = xml_write(&domain->definition, XML_WRITE_INACTIVE | XML_WRITE_SECURE);
    ret->domainXml = arena_strdup(&call->arena, text);
    return 0;
}

static const struct method rows[] = {
    {.binding = HANDLER(remote, connect_get_version)},
    {.binding = HANDLER(remote, connect_get_capabilities)},
    {.binding = HANDLER(remote, connect_get_domain_capabilities)},
    {.binding = HANDLER(remote, connect_get_max_vcpus)},
    {.binding = HANDLER(remote, connect_get_cpu_model_names)},
    {.binding = HANDLER(remote, node_get_sev_info), .flags = VIR_TYPED_PARAM_STRING_OKAY},
    {.binding = HANDLER(remote, connect_domain_xml_from_native)},
    {.binding = HANDLER(remote, connect_domain_xml_to_native)},
};

const struct driver_methods host_methods = DRIVER_METHODS(rows);
