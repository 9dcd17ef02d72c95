/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "document.h"

#include <sys/utsname.h>

#include "base/log.h"
#include "model/domain-check.h"
#include "model/domain-defaults.h"
#include "xml/xml.h"

#include "check.h"
#include "defaults.h"
#include "host-model.h"
#include "rules.h"

static const struct domain_defaults generic = {.mac_prefix = DOCUMENT_MAC_PREFIX};

/* Who runs the types that we only read. */
static const struct {
    uint8_t type;
    const char *word, *daemon;
} elsewhere[] = {
    {DOMAIN_TYPE_XEN, "xen", "virtxend"},    {DOMAIN_TYPE_LXC, "lxc", "virtlxcd"},
    {DOMAIN_TYPE_VBOX, "vbox", "virtvboxd"}, {DOMAIN_TYPE_BHYVE, "bhyve", "virtbhyved"},
    {DOMAIN_TYPE_VZ, "vz", "virtvzd"},
};

static int check_type(const struct domain *domain, GError **error)
{
    if (domain_type_is_qemu(domain->type))
        return 0;
    for (size_t i = 0; i < G_N_ELEMENTS(elsewhere); i++)
        if (elsewhere[i].type == domain->type) {
            error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "this is a %s domain: use %s",
                      elsewhere[i].word, elsewhere[i].daemon);
            return -1;
        }
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "domain type '%s' is not run by virtqemud",
              names_word(&domain_type_names, domain->type));
    return -1;
}

static void log_warnings(const struct domain *domain, const GPtrArray *warnings)
{
    for (guint i = 0; i < warnings->len; i++)
        log_warn("domain '%s': %s", domain->name, (const char *)warnings->pdata[i]);
}

/* The host's architecture for guests that name none. */
static void choose_architecture(struct domain *domain)
{
    struct utsname host;

    if (!domain->os.arch && uname(&host) == 0)
        domain->os.arch = arena_strdup(&domain->definition.arena, host.machine);
}

/* The emulator that the document names, or the one for its architecture, which is then named. */
static int find_emulator(struct qemu *qemu, struct domain *domain, struct emulator **ret_emulator,
                         GError **error)
{
    if (!domain->devices.emulator) {
        g_autofree char *path = probe_find(qemu->probes, domain->os.arch);
        if (!path) {
            error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                      "no emulator for architecture '%s' is installed: see the package "
                      "qemu-system",
                      domain->os.arch);
            return -1;
        }
        domain->devices.emulator = arena_strdup(&domain->definition.arena, path);
    }
    return probe_get(qemu->probes, domain->devices.emulator, ret_emulator, error);
}

static int complete(struct qemu *qemu, struct domain *domain, struct emulator **ret_emulator,
                    GError **error)
{
    choose_architecture(domain);
    domain_sort_controllers(domain);
    if (check_type(domain, error) < 0 || domain_apply_defaults(domain, &generic, error) < 0 ||
        find_emulator(qemu, domain, ret_emulator, error) < 0 ||
        defaults_apply(domain, *ret_emulator, qemu->nvram_folder, error) < 0 ||
        domain_check(domain, error) < 0)
        return -1;
    return rules_check(domain, error);
}

int document_complete_changed(struct qemu *qemu, struct domain *domain, GError **error)
{
    struct emulator *emulator EMULATOR_AUTO = NULL;

    return complete(qemu, domain, &emulator, error);
}

int document_complete_added(struct qemu *qemu, struct domain *domain, const struct device *device,
                            GError **error)
{
    struct emulator *emulator EMULATOR_AUTO = NULL;

    if (complete(qemu, domain, &emulator, error) < 0)
        return -1;
    return check_definition_device(domain, device, emulator, error);
}

int document_read(struct qemu *qemu, const char *text, bool validate,
                  struct definition **ret_definition, GError **error)
{
    g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
    unsigned flags = XML_READ_INACTIVE | (validate ? XML_READ_VALIDATE : 0);
    DEFINITION_AUTO struct domain *domain =
        (struct domain *)xml_read(&domain_schema, text, -1, flags, warnings, error);

    struct emulator *emulator EMULATOR_AUTO = NULL;

    if (!domain || complete(qemu, domain, &emulator, error) < 0 ||
        check_definition(domain, emulator, error) < 0)
        return -1;
    log_warnings(domain, warnings);
    *ret_definition = &g_steal_pointer(&domain)->definition;
    return 0;
}

int document_complete(struct definition *definition, GError **error)
{
    return domain_apply_defaults((struct domain *)definition, &generic, error);
}

void document_revert(struct definition *live)
{
    struct domain *domain = (struct domain *)live;

    LIST_EACH (net, &domain->devices.nets)
        domain_net_revert(net);
    if (domain->asked_cpu)
        domain->cpu = domain->asked_cpu;
    domain->asked_cpu = NULL;
}

/* A guest whose emulator has gone is shown as it is. */
void document_update_cpu(struct driver *driver, struct definition *definition)
{
    struct qemu *qemu = driver->data;
    struct domain *domain = (struct domain *)definition;
    struct emulator *emulator EMULATOR_AUTO = NULL;

    if (probe_get(qemu->probes, domain->devices.emulator, &emulator, NULL) == 0)
        host_model_expand(domain, emulator);
}
