/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch-security.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"

#include "device-common.h"
#include "option.h"
#include "probe-sev.h"

#define ID "lsec0"
#define FILE_MODE 0400

/* One being built. */
struct building {
    const struct launch_security *security;
    const struct arguments_context *context;
};

const char *launch_security_id(const struct domain *domain)
{
    return domain->launch_security ? ID : NULL;
}

/* What QEMU takes as a file alone, as one that only its user can read. *ret_path is the caller's,
 * NULL: nothing was given. */
static int write_file(const struct building *building, const char *name, const char *text,
                      char **ret_path, GError **error)
{
    const struct qemu_config *config = building->context->config;
    g_autofree char *path = g_build_filename(building->context->folder, name, NULL);

    if (!text)
        return 0;
    if (!building->context->plan) {
        if (file_replace_volatile(path, text, strlen(text), FILE_MODE, error) < 0)
            return -1;
        if (config->set_user && lchown(path, config->uid, config->gid) < 0) {
            error_set_errno(error, errno, "cannot hand over '%s'", path);
            return -1;
        }
    }
    *ret_path = g_steal_pointer(&path);
    return 0;
}

static void add_bits(struct json_object *json, const struct launch_security *security)
{
    if (security->cbitpos)
        json_add(json, "u:cbitpos", security->cbitpos, NULL);
    if (security->reduced_phys_bits)
        json_add(json, "u:reduced-phys-bits", security->reduced_phys_bits, NULL);
}

static int add_sev(const struct building *building, struct json_object *json, GError **error)
{
    const struct launch_security *security = building->security;
    g_autofree char *certificate = NULL, *session = NULL;

    if (write_file(building, "dh_cert.base64", security->dh_cert, &certificate, error) < 0 ||
        write_file(building, "session.base64", security->session, &session, error) < 0)
        return -1;
    add_bits(json, security);
    json_add(json, "u:policy", (unsigned)security->policy.value, "S:dh-cert-file", certificate,
             "S:session-file", session, NULL);
    device_add_bool(json, "kernel-hashes", security->kernel_hashes);
    return 0;
}

static int add_snp(const struct building *building, struct json_object *json, GError **error)
{
    const struct launch_security *security = building->security;

    add_bits(json, security);
    json_add(json, "U:policy", security->policy.value, "S:guest-visible-workarounds",
             security->guest_visible_workarounds, "S:id-block", security->id_block, "S:id-auth",
             security->id_auth, "S:host-data", security->host_data, NULL);
    device_add_bool(json, "kernel-hashes", security->kernel_hashes);
    device_add_bool(json, "author-key-enabled", security->author_key);
    if (security->vcek != TRISTATE_ABSENT)
        json_add(json, "b:vcek-disabled", security->vcek == TRISTATE_NO, NULL);
    return 0;
}

static int add_tdx(const struct building *building, struct json_object *json, GError **error)
{
    const struct launch_security *security = building->security;
    const char *path =
        security->quote_service_path ? security->quote_service_path : "/var/run/tdx-qgs/qgs.socket";

    if (security->policy.set)
        json_add(json, "U:attributes", security->policy.value, NULL);
    json_add(json, "S:mrconfigid", security->mr_config_id, "S:mrowner", security->mr_owner,
             "S:mrownerconfig", security->mr_owner_config, NULL);
    if (security->quote_service)
        json_add(json, "j:quote-generation-socket",
                 json_build("s:type", "unix", "s:path", path, NULL), NULL);
    return 0;
}

static int add_nothing(const struct building *building, struct json_object *json, GError **error)
{
    return 0;
}

static const struct {
    const char *type;
    bool sev; /* by AMD's security processor */
    int (*add)(const struct building *, struct json_object *, GError **);
} kinds[] = {
    [LAUNCH_SEV] = {"sev-guest", true, add_sev},
    [LAUNCH_SEV_SNP] = {"sev-snp-guest", true, add_snp},
    [LAUNCH_S390_PV] = {"s390-pv-guest", false, add_nothing},
    [LAUNCH_TDX] = {"tdx-guest", false, add_tdx},
};

static bool wants_sev(const struct domain *domain)
{
    return domain->launch_security && kinds[domain->launch_security->type].sev;
}

void launch_security_choose(struct domain *live, const struct emulator *emulator)
{
    struct launch_security *security = live->launch_security;

    if (!wants_sev(live) || !emulator->sev.usable)
        return;
    if (!security->cbitpos)
        security->cbitpos = emulator->sev.cbitpos;
    if (!security->reduced_phys_bits)
        security->reduced_phys_bits = emulator->sev.reduced_phys_bits;
}

int launch_security_check_emulator(const struct domain *domain, const struct emulator *emulator,
                                   GError **error)
{
    const struct launch_security *security = domain->launch_security;
    const char *type = security ? kinds[security->type].type : NULL;

    if (!security || (type && emulator_has_type(emulator, type)))
        return 0;
    const char *word = names_word(&launch_type_names, security->type);
    return device_refuse(error, "launchSecurity", word, "the emulator %s has no '%s'",
                         emulator->path, type ?: word);
}

int launch_security_check(const struct domain *live, const struct emulator *emulator,
                          GError **error)
{
    if (!wants_sev(live) || emulator->sev.usable)
        return 0;
    return device_refuse(
        error, "launchSecurity", names_word(&launch_type_names, live->launch_security->type),
        "SEV does not work here: see " PROBE_SEV_NODE " and /sys/module/kvm_amd/parameters/sev");
}

bool launch_security_locks_memory(const struct domain *domain)
{
    return wants_sev(domain);
}

const char *launch_security_node(const struct domain *domain)
{
    return wants_sev(domain) ? PROBE_SEV_NODE : NULL;
}

int launch_security_add(const struct domain *domain, const struct arguments_context *context,
                        struct arguments *arguments, GError **error)
{
    const struct building building = {domain->launch_security, context};
    struct json_object *json JSON_AUTO = NULL;

    if (!domain->launch_security)
        return 0;
    if (launch_security_check_emulator(domain, context->emulator, error) < 0)
        return -1;
    json = json_build("s:qom-type", kinds[domain->launch_security->type].type, "s:id", ID, NULL);
    if (kinds[domain->launch_security->type].add(&building, json, error) < 0)
        return -1;
    words_add_json(arguments, "-object", g_steal_pointer(&json));
    return 0;
}
