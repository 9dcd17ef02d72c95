/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/error.h"
#include "base/mac.h"

#include "device-common.h"

static enum virtio_model virtio_model_of(const char *model)
{
    int value = model ? names_find(&virtio_model_names, model) : -1;

    return value > 0 ? (enum virtio_model)value : VIRTIO_MODEL_NONE;
}

static void add_offloads(struct json_object *json, const struct net_driver_options *driver)
{
    const struct {
        const char *name;
        uint8_t value;
    } offloads[] = {
        {"csum", driver->host.csum},           {"gso", driver->host.gso},
        {"host_tso4", driver->host.tso4},      {"host_tso6", driver->host.tso6},
        {"host_ecn", driver->host.ecn},        {"host_ufo", driver->host.ufo},
        {"mrg_rxbuf", driver->host.mrg_rxbuf}, {"guest_csum", driver->guest.csum},
        {"guest_tso4", driver->guest.tso4},    {"guest_tso6", driver->guest.tso6},
        {"guest_ecn", driver->guest.ecn},      {"guest_ufo", driver->guest.ufo},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(offloads); i++)
        device_add_bool(json, offloads[i].name, offloads[i].value);
}

static void add_queues(struct json_object *json, const struct net_driver_options *driver)
{
    /* a vector for each queue of each direction, one for control and one for configuration */
    if (driver->queues > 1)
        json_add(json, "b:mq", true, "u:vectors", 2 * driver->queues + 2, NULL);
    if (driver->rx_queue_size)
        json_add(json, "u:rx_queue_size", driver->rx_queue_size, NULL);
    if (driver->tx_queue_size)
        json_add(json, "u:tx_queue_size", driver->tx_queue_size, NULL);
}

static void add_virtio_options(struct json_object *json, const struct domain_net *net)
{
    static const char *const transmit[] = {
        [NET_TXMODE_IOTHREAD] = "bh", [NET_TXMODE_TIMER] = "timer"};
    const struct net_driver_options *driver = net->driver;

    if (net->mtu.set)
        json_add(json, "u:host_mtu", net->mtu.value, NULL);
    if (net->teaming && net->teaming->type == NET_TEAMING_PERSISTENT)
        json_add(json, "b:failover", true, NULL);
    if (!driver)
        return;
    json_add(json, "S:tx", transmit[driver->txmode], NULL);
    device_add_bool(json, "ioeventfd", driver->ioeventfd);
    device_add_bool(json, "event_idx", driver->event_idx);
    add_offloads(json, driver);
    add_queues(json, driver);
    device_add_bool(json, "rss", driver->rss);
    device_add_bool(json, "hash", driver->rss_hash_report);
    device_add_virtio(json, &driver->virtio);
}

/* A host device given as an interface. */
static int build_hostdev(const struct domain *domain, const struct domain_net *net,
                         const struct arguments_context *context,
                         struct json_object **ret_properties, GError **error)
{
    const struct net_hostdev_source *source = net->hostdev;
    struct hostdev_pci pci = {0};
    struct hostdev_usb usb = {0};
    struct domain_hostdev hostdev = {.info = net->info, .teaming = net->teaming};

    if (!source)
        return device_refuse(error, "interface", net->info.alias, "its <source> is missing");
    pci.address = source->pci;
    usb.bus = source->usb_bus;
    usb.device = source->usb_device;
    hostdev.type = source->type == NET_HOSTDEV_USB ? HOSTDEV_USB : HOSTDEV_PCI;
    hostdev.pci = &pci;
    hostdev.usb = &usb;
    hostdev.driver_name = net->driver ? net->driver->name : NULL;
    return device_hostdev_properties(domain, &hostdev, context, ret_properties, error);
}

bool device_net_is_built_in(const struct domain_net *net)
{
    return g_strcmp0(net->model, "lan9118") == 0 || g_strcmp0(net->model, "smc91c111") == 0;
}

int device_net_properties(const struct domain *domain, const struct domain_net *net,
                          const struct arguments_context *context,
                          struct json_object **ret_properties, GError **error)
{
    bool virtio = domain_net_is_virtio(net);
    char mac[MAC_TEXT];
    g_autofree char *driver =
        virtio ? device_virtio_name("virtio-net", virtio_model_of(net->model), &net->info)
               : g_strdup(net->model ? net->model : "rtl8139");
    g_autofree char *back_end = g_strdup_printf("host%s", net->info.alias);

    if (net->type == NET_HOSTDEV)
        return build_hostdev(domain, net, context, ret_properties, error);
    if (net->teaming && net->teaming->type == NET_TEAMING_TRANSIENT)
        return device_refuse(error, "interface", net->info.alias,
                             "the transient half of a team is a host device");
    if (!virtio && net->driver && net->driver->queues > 1)
        return device_refuse(error, "interface", net->info.alias, "queues need model='virtio'");
    *ret_properties = NULL;
    if (device_net_is_built_in(net))
        return 0;
    struct json_object *json = json_build("s:driver", driver, NULL);
    if (virtio)
        add_virtio_options(json, net);
    if (net->type != NET_NULL)
        json_add(json, "s:netdev", back_end, NULL);
    json_add(json, "s:mac", mac_format(net->mac, mac), NULL);
    device_add_identity(json, domain, &net->info);
    device_add_place(json, domain, &net->info);
    *ret_properties = json;
    return 0;
}
