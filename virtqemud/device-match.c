/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "device-match.h"

#include <string.h>

#include "base/mac.h"
#include "xml/xml.h"

/* ---- interfaces ---- */

static bool has_mac(const struct domain_net *net)
{
    static const uint8_t none[6];

    return memcmp(net->mac, none, sizeof(none)) != 0;
}

static bool net_fits(const struct domain_net *asked, const struct domain_net *net)
{
    const struct domain_address *address = &asked->info.address;

    if (has_mac(asked) && memcmp(asked->mac, net->mac, sizeof(net->mac)) != 0)
        return false;
    /* a stored one has no alias unless its user made one; the address tells enough of it */
    if (asked->info.alias && (net->info.alias || !has_mac(asked)) &&
        g_strcmp0(asked->info.alias, net->info.alias) != 0)
        return false;
    return address->type == ADDRESS_NONE || domain_address_is_empty(address) ||
           xml_covers(&domain_address_schema, address, &net->info.address);
}

static int refuse_net(const struct domain_net *asked, bool several, GError **error)
{
    char mac[MAC_TEXT] = "";
    g_autofree char *place = asked->info.address.type == ADDRESS_PCI
                                 ? pci_address_print(&asked->info.address.pci.at)
                                 : NULL;

    mac_format(asked->mac, mac);
    if (several && has_mac(asked))
        error_set_from(error, VIR_FROM_DOMAIN, VIR_ERR_OPERATION_FAILED,
                       "multiple devices matching MAC address %s found", mac);
    else if (several)
        error_set_from(error, VIR_FROM_DOMAIN, VIR_ERR_OPERATION_FAILED,
                       "multiple matching devices found");
    else
        error_set_from(error, VIR_FROM_DOMAIN, VIR_ERR_DEVICE_MISSING,
                       "no device found at address '%s' matching MAC address '%s' and alias '%s'",
                       place ? place : "(any)", has_mac(asked) ? mac : "(any)",
                       asked->info.alias ? asked->info.alias : "(any)");
    return -1;
}

static int find_net(const struct domain *domain, const struct domain_net *asked,
                    unsigned *ret_index, GError **error)
{
    unsigned found = 0, index = 0;

    LIST_EACH (net, &domain->devices.nets)
        if (net_fits(asked, net)) {
            found++;
            index = net_i;
        }
    if (found != 1)
        return refuse_net(asked, found > 1, error);
    *ret_index = index;
    return 0;
}

/* ---- what tells one from another, by kind ---- */

static bool disk_fits(const void *asked, const void *object)
{
    const struct domain_disk *a = asked, *b = object;

    return g_strcmp0(a->target, b->target) == 0;
}

static bool controller_fits(const void *asked, const void *object)
{
    const struct domain_controller *a = asked, *b = object;

    return a->type == b->type && a->index.value == b->index.value;
}

static bool lease_fits(const void *asked, const void *object)
{
    const struct domain_lease *a = asked, *b = object;

    return g_strcmp0(a->key, b->key) == 0 && g_strcmp0(a->lockspace, b->lockspace) == 0;
}

static bool filesystem_fits(const void *asked, const void *object)
{
    const struct domain_filesystem *a = asked, *b = object;

    return g_strcmp0(a->target, b->target) == 0;
}

static bool graphics_fits(const void *asked, const void *object)
{
    const struct domain_graphics *a = asked, *b = object;

    return a->type == b->type;
}

static bool (*const by_key[DEVICE_KINDS])(const void *asked, const void *object) = {
    [DEVICE_DISK] = disk_fits,         [DEVICE_CONTROLLER] = controller_fits,
    [DEVICE_LEASE] = lease_fits,       [DEVICE_FILESYSTEM] = filesystem_fits,
    [DEVICE_GRAPHICS] = graphics_fits,
};

/* ---- words for what is not there ---- */

/* %s in the words: what name_of() says. */
static const struct refusal {
    const char *live, *config;
    enum error_code live_code, config_code; /* 0: VIR_ERR_DEVICE_MISSING */
} refusals[DEVICE_KINDS] = {
    [DEVICE_DISK] = {"disk %s not found", "no target device %s"},
    [DEVICE_CONTROLLER] = {"controller %s not found", NULL},
    [DEVICE_LEASE] = {"Lease %s does not exist", "Lease %s does not exist"},
    [DEVICE_FILESYSTEM] = {"matching filesystem not found",
                           "no matching filesystem device was found"},
    [DEVICE_GRAPHICS] = {"cannot find existing graphics device to modify of type '%s'",
                         "cannot find existing graphics type '%s' device to modify", 0,
                         VIR_ERR_INVALID_ARG},
    [DEVICE_SERIAL] = {"chr type 'serial' device not present in domain configuration", NULL, 0,
                       VIR_ERR_INVALID_ARG},
    [DEVICE_PARALLEL] = {"chr type 'parallel' device not present in domain configuration", NULL, 0,
                         VIR_ERR_INVALID_ARG},
    [DEVICE_CONSOLE] = {"chr type 'console' device not present in domain configuration", NULL, 0,
                        VIR_ERR_INVALID_ARG},
    [DEVICE_CHANNEL] = {"chr type 'channel' device not present in domain configuration", NULL, 0,
                        VIR_ERR_INVALID_ARG},
    [DEVICE_RNG] = {"RNG device not present in domain configuration",
                    "no matching RNG device was found"},
    [DEVICE_MEMORY] = {"model '%s' memory device not present in the domain configuration",
                       "matching memory device was not found"},
    [DEVICE_SHMEM] = {"shmem device '%s' not present in domain configuration",
                      "matching shmem device was not found"},
    [DEVICE_INPUT] = {"matching input device not found", "matching input device not found"},
    [DEVICE_WATCHDOG] = {"watchdog device not present in domain configuration",
                         "domain has no watchdog"},
    [DEVICE_REDIRDEV] = {"no matching redirdev was not found", "no matching redirdev was not found",
                         VIR_ERR_OPERATION_INVALID},
    [DEVICE_VSOCK] = {"matching vsock device not found", "matching vsock device not found", 0,
                      VIR_ERR_OPERATION_FAILED},
    [DEVICE_CRYPTO] = {"matching crypto device not found", "matching crypto device not found"},
    [DEVICE_HOSTDEV] = {"host device not found", NULL},
};

/* The caller frees. */
static char *name_of(const struct device *device)
{
    const struct domain_controller *controller = device->object;
    const struct domain_lease *lease = device->object;

    switch (device->kind) {
    case DEVICE_DISK:
        return g_strdup(((const struct domain_disk *)device->object)->target);
    case DEVICE_CONTROLLER:
        return g_strdup_printf("%s:%u", names_word(&controller_type_names, controller->type),
                               controller->index.value);
    case DEVICE_LEASE:
        return g_strdup_printf("%s in lockspace %s", lease->key, lease->lockspace);
    case DEVICE_GRAPHICS:
        return g_strdup(names_word(&graphics_type_names,
                                   ((const struct domain_graphics *)device->object)->type));
    case DEVICE_MEMORY:
        return g_strdup(
            names_word(&memory_model_names, ((const struct domain_memory *)device->object)->model));
    case DEVICE_SHMEM:
        return g_strdup(((const struct domain_shmem *)device->object)->name);
    default:
        return g_strdup(names_word(&device_kind_names, device->kind));
    }
}

static int refuse(const struct device *document, bool live, GError **error)
{
    const struct refusal *refusal = &refusals[document->kind];
    const char *words = live ? refusal->live : refusal->config;
    enum error_code code = live ? refusal->live_code : refusal->config_code;
    g_autofree char *name = name_of(document);
    g_autoptr(GString) text = g_string_new(words ? words
                                                 : "device not present in domain "
                                                   "configuration");

    g_string_replace(text, "%s", name ? name : "?", 1);
    error_set(error, code ? code : VIR_ERR_DEVICE_MISSING, "%s", text->str);
    return -1;
}

/* ---- finding ---- */

/* Name and place aside: has the device something that the document does not say? */
static bool says_all(const struct xml_schema *schema, const struct device *device,
                     const void *document)
{
    g_autofree void *bare = g_memdup2(device->object, schema->size);

    if (device->info)
        memset(bare, 0, sizeof(struct domain_device_info));
    return xml_covers(schema, bare, document);
}

/* How well a device fits: 0 not at all, 2 entirely. */
static unsigned fit(const struct device *document, const struct device *device)
{
    const struct xml_schema *schema = device_kind_schema(document->kind);

    if (by_key[document->kind])
        return by_key[document->kind](document->object, device->object) ? 2 : 0;
    if (!xml_covers(schema, document->object, device->object))
        return 0;
    return says_all(schema, device, document->object) ? 2 : 1;
}

static bool find_best(const struct domain *domain, const struct device *document,
                      struct device *ret_device)
{
    unsigned count, best = 0;
    g_autofree struct device *devices = domain_list_devices(domain, &count);

    for (unsigned i = 0; i < count; i++) {
        unsigned value = devices[i].kind == document->kind ? fit(document, &devices[i]) : 0;

        if (value > best) {
            *ret_device = devices[i];
            best = value;
        }
    }
    return best > 0;
}

int device_match_find(const struct domain *domain, const struct device *document, bool live,
                      struct device *ret_device, GError **error)
{
    unsigned index;

    if (document->kind != DEVICE_NET)
        return find_best(domain, document, ret_device) ? 0 : refuse(document, live, error);
    if (find_net(domain, document->object, &index, error) < 0)
        return -1;
    struct domain_net *net = domain->devices.nets.items[index];
    *ret_device =
        (struct device){.kind = DEVICE_NET, .index = index, .object = net, .info = &net->info};
    return 0;
}
