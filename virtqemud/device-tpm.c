/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"

#include "device-common.h"
#include "option.h"
#include "tpm.h"

static const char *const drivers[] = {
    [TPM_MODEL_NONE] = "tpm-tis",
    [TPM_MODEL_TIS] = "tpm-tis",
    [TPM_MODEL_CRB] = "tpm-crb",
    [TPM_MODEL_SPAPR] = "tpm-spapr",
    [TPM_MODEL_SPAPR_PROXY] = "spapr-tpm-proxy",
};

/* On a bus of its own, in emulators of machines without ISA. */
#define ALONE "tpm-tis-device"

static int refuse(const struct domain_tpm *tpm, const char *reason, GError **error)
{
    return device_refuse(error, "tpm", tpm->info.alias, "%s", reason);
}

static int check_tpm(const struct domain *domain, const struct domain_tpm *tpm,
                     const struct arguments_context *context, GError **error)
{
    const struct emulator *emulator = context->emulator;
    bool host = tpm->backend == TPM_BACKEND_PASSTHROUGH;

    if (!emulator_has(emulator, host ? EMULATOR_TPM_PASSTHROUGH : EMULATOR_TPM_EMULATOR))
        return device_refuse(error, "tpm", tpm->info.alias,
                             "the emulator has no TPM backend of type '%s'",
                             names_word(&tpm_backend_names, tpm->backend));
    if (tpm->version == TPM_VERSION_1_2 && tpm->model == TPM_MODEL_CRB)
        return refuse(tpm, "model='tpm-crb' is TPM 2.0", error);
    if (tpm->backend == TPM_BACKEND_EXTERNAL && !tpm->external_path)
        return refuse(tpm, "its <source> has no path", error);
    return 0;
}

/* ---- the host's TPM ---- */

/* Where a command under way is cancelled: NULL: nowhere. The caller frees. */
static char *cancel_path(const char *device)
{
    g_autofree char *name = g_path_get_basename(device);

    return g_strdup_printf("/sys/class/tpm/%s/cancel", name);
}

static char *open_node(const char *path, int flags, const struct arguments_context *context,
                       struct arguments *arguments, GError **error)
{
    if (context->plan)
        return g_strdup(path);
    int fd = open(path, flags | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        error_set_errno(error, errno, "Could not open TPM device %s", path);
        return NULL;
    }
    return words_add_fd_set(arguments, fd);
}

static int add_host_tpm(const struct domain_tpm *tpm, const struct arguments_context *context,
                        struct arguments *arguments, GError **error)
{
    const char *device = tpm->device ? tpm->device : "/dev/tpm0";
    g_autofree char *cancel = cancel_path(device);
    g_autofree char *path = open_node(device, O_RDWR, context, arguments, error);
    g_autofree char *stop = path ? open_node(cancel, O_WRONLY, context, arguments, error) : NULL;

    if (!stop)
        return -1;
    GString *option = option_new("passthrough");
    option_addf(option, "id", "tpm-%s", tpm->info.alias);
    option_add(option, "path", path);
    option_add(option, "cancel-path", stop);
    words_add_option(arguments, "-tpmdev", option);
    return 0;
}

int tpm_add_backend(const struct domain_tpm *tpm, const struct arguments_context *context,
                    struct arguments *arguments, GError **error)
{
    GString *option;

    if (tpm->backend == TPM_BACKEND_PASSTHROUGH)
        return add_host_tpm(tpm, context, arguments, error);
    option = option_new("emulator");
    option_addf(option, "id", "tpm-%s", tpm->info.alias);
    option_addf(option, "chardev", "char%s", tpm->info.alias);
    words_add_option(arguments, "-tpmdev", option);
    return 0;
}

/* ---- the device ---- */

int device_tpm_properties(const struct domain *domain, const struct domain_tpm *tpm,
                          const struct arguments_context *context,
                          struct json_object **ret_properties, GError **error)
{
    g_autofree char *backend = g_strdup_printf("tpm-%s", tpm->info.alias);
    bool proxy = tpm->model == TPM_MODEL_SPAPR_PROXY;
    bool alone = emulator_has_type(context->emulator, ALONE) && tpm->model <= TPM_MODEL_TIS;
    const char *driver = alone ? ALONE : drivers[tpm->model];

    if (check_tpm(domain, tpm, context, error) < 0)
        return -1;
    struct json_object *json = json_build("s:driver", driver, NULL);
    if (proxy)
        json_add(json, "s:host-path", tpm->device ? tpm->device : "/dev/tpmrm0", NULL);
    else
        json_add(json, "s:tpmdev", backend, NULL);
    json_add(json, "S:id", tpm->info.alias, NULL);
    device_add_place(json, domain, &tpm->info);
    *ret_properties = json;
    return 0;
}
