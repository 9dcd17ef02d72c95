/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "device-update.h"

#include <json-c/json.h>
#include <string.h>

#include "base/uuid.h"
#include "host/netlink.h"
#include "host/tap.h"
#include "model/domain-defaults.h"
#include "xml/xml.h"

#include "bandwidth.h"
#include "defaults.h"
#include "device-document.h"
#include "device-match.h"
#include "display.h"
#include "document.h"
#include "hotplug-rules.h"
#include "media.h"
#include "netport.h"
#include "openvswitch.h"
#include "prepare-device.h"
#include "qmp-commands.h"
#include "rules.h"
#include "rx-filter.h"

#define UNSUPPORTED(error, ...) (error_set((error), VIR_ERR_OPERATION_UNSUPPORTED, __VA_ARGS__), -1)

/* One update of the running guest. */
struct update {
    struct change *change;
    struct guest *guest;
    struct domain *live;
    bool force;
};

/* ---- what both sides have ---- */

/* What a document leaves out and the device has by itself is no difference. */
static void keep_info(struct domain_device_info *asked, const struct domain_device_info *is)
{
    if (!asked->alias)
        asked->alias = is->alias;
    if (asked->address.type == ADDRESS_NONE || domain_address_is_empty(&asked->address))
        asked->address = is->address;
    if (!asked->acpi_index)
        asked->acpi_index = is->acpi_index;
    if (!asked->rom)
        asked->rom = is->rom;
}

static int check_alias(const struct domain_device_info *asked, const struct domain_device_info *is,
                       GError **error)
{
    if (!asked->alias || g_strcmp0(asked->alias, is->alias) == 0)
        return 0;
    error_set(error, VIR_ERR_OPERATION_DENIED, "changing device alias is not allowed");
    return -1;
}

/* "bus" of "target/@bus": as fields are called in such errors. */
static const char *field_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *last = slash ? slash + 1 : path;

    return *last == '@' ? last + 1 : last;
}

static int complete(const struct update *update, const struct device *document, GError **error)
{
    static const struct domain_defaults defaults = {.mac_prefix = DOCUMENT_MAC_PREFIX,
                                                    .live = true};
    struct qemu *qemu = qemu_of(&update->guest->object);
    struct emulator *emulator EMULATOR_AUTO = NULL;
    struct machine_traits machine;

    if (probe_get(qemu->probes, update->live->devices.emulator, &emulator, error) < 0 ||
        defaults_find_machine(update->live, emulator, &machine, error) < 0 ||
        domain_device_defaults(update->live, document->kind, document->object, &defaults, error) <
            0)
        return -1;
    return defaults_apply_device(update->live, &machine, document->kind, document->object, error);
}

/* ---- disks ---- */

static bool same_volume(const struct source_volume *a, const struct source_volume *b)
{
    if (!a || !b)
        return a == b;
    return g_strcmp0(a->pool, b->pool) == 0 && g_strcmp0(a->volume, b->volume) == 0 &&
           a->mode == b->mode;
}

static bool same_source(const struct domain_source *a, const struct domain_source *b)
{
    if (domain_source_is_empty(a) || domain_source_is_empty(b))
        return domain_source_is_empty(a) && domain_source_is_empty(b);
    return a->type == b->type && a->format == b->format &&
           (a->volume || a->protocol == b->protocol) && same_volume(a->volume, b->volume) &&
           (a->volume || (g_strcmp0(a->path, b->path) == 0 && g_strcmp0(a->name, b->name) == 0));
}

/* All but the medium, which is compared by itself. */
static int compare_disk(const struct domain_disk *disk, const struct domain_disk *asked,
                        GError **error)
{
    struct domain_disk other = *asked;

    other.source = disk->source;
    other.tray = disk->tray;
    other.snapshot = disk->snapshot;
    g_autofree char *path = xml_difference(&domain_disk_schema, disk, &other);
    return path ? UNSUPPORTED(error, "cannot modify field '%s' of the disk (%s)", field_of(path),
                              path)
                : 0;
}

static int update_disk(const struct update *update, void *document, GError **error)
{
    struct domain_disk *asked = document;
    struct domain_disk *disk = domain_find_disk(update->live, asked->target);

    if (!disk) {
        error_set(error, VIR_ERR_INTERNAL_ERROR, "disk '%s' not found", asked->target);
        return -1;
    }
    if (check_alias(&asked->info, &disk->info, error) < 0)
        return -1;
    keep_info(&asked->info, &disk->info);
    if (compare_disk(disk, asked, error) < 0)
        return -1;
    disk->snapshot = asked->snapshot;
    if (same_source(&disk->source, &asked->source)) {
        disk->source.startup_policy = asked->source.startup_policy;
        return 0;
    }
    if (domain_disk_is_drive(disk))
        return media_change(update->change, asked, update->force, error);
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
              "disk source can be changed only in removable drives");
    return -1;
}

/* ---- interfaces ---- */

/* Its device can be plugged from one bridge into another, whoever has these. */
static bool is_on_bridge(const struct domain_net *net)
{
    return net->type == NET_NETWORK || net->type == NET_BRIDGE;
}

static bool has_tap(const struct domain_net *net)
{
    return net->bridge && net->target;
}

/* What may differ, or is left out. */
static int compare_net(const struct domain_net *net, const struct domain_net *asked, GError **error)
{
    struct domain_net other = *asked;

    if (net->type != asked->type && !(is_on_bridge(net) && is_on_bridge(asked)))
        return UNSUPPORTED(error, "unable to change config on '%s' network type",
                           names_word(&net_type_names, asked->type));
    if (g_strcmp0(net->model, asked->model) != 0)
        return UNSUPPORTED(error, "cannot modify network device model from %s to %s",
                           net->model ? net->model : "(default)",
                           asked->model ? asked->model : "(default)");
    other.type = net->type;
    other.network = net->network;
    other.portgroup = net->portgroup;
    other.link = net->link;
    other.bridge = net->bridge;
    other.bandwidth = net->bandwidth;
    other.trust_guest_rx_filters = net->trust_guest_rx_filters;
    if (openvswitch_is_used(net) && openvswitch_is_used(asked))
        other.vlan = net->vlan;
    if (has_tap(net))
        other.coalesce_frames = net->coalesce_frames;
    if (has_tap(net) && !openvswitch_is_used(net))
        other.isolated = net->isolated;
    g_autofree char *path = xml_difference(&domain_net_schema, net, &other);
    return path ? UNSUPPORTED(error, "cannot modify network device %s", path) : 0;
}

static int set_link(const struct update *update, struct domain_net *net, uint8_t link,
                    GError **error)
{
    struct qmp *qmp = guest_get_qmp(update->guest, error);

    if (!qmp)
        return -1;
    int result = qmp_set_link(qmp, net->info.alias, link != NET_LINK_DOWN, 0, error);
    qmp_unref(qmp);
    if (result == 0)
        net->link = link;
    return result;
}

/* NULL: none. */
static bool same_vlan(const struct net_vlan *a, const struct net_vlan *b)
{
    return a && b ? xml_equal(&net_vlan_schema, a, b) : a == b;
}

static int plug_in(const struct domain *domain, const struct domain_net *net, GError **error)
{
    if (openvswitch_is_used(net))
        return openvswitch_plug(domain, net, error);
    if (netlink_set_master(net->target, net->bridge, error) < 0)
        return -1;
    return net->isolated == TRISTATE_YES ? netlink_set_isolated(net->target, true, error) : 0;
}

/* A switch hears of bridge and VLAN at once, so that no packet is in one with the other. */
static int set_bridge(const struct domain *domain, struct domain_net *net, const char *bridge,
                      struct net_vlan *vlan, GError **error)
{
    struct domain_net there = *net;

    if (!is_on_bridge(net) || (g_strcmp0(net->bridge, bridge) == 0 && same_vlan(net->vlan, vlan)))
        return 0;
    if (!tap_exists(bridge)) {
        error_set(error, VIR_ERR_OPERATION_FAILED, "bridge %s doesn't exist", bridge);
        return -1;
    }
    there.bridge = bridge;
    there.vlan = vlan;
    if (plug_in(domain, &there, error) < 0) {
        plug_in(domain, net, NULL);
        return -1;
    }
    net->bridge = bridge;
    net->vlan = vlan;
    return 0;
}

/* NULL: no limits. */
static bool same_limits(const struct net_bandwidth *a, const struct net_bandwidth *b)
{
    return a && b ? xml_equal(&net_bandwidth_schema, a, b) : a == b;
}

static int set_bandwidth(struct domain_net *net, struct net_bandwidth *bandwidth, GError **error)
{
    if (same_limits(net->bandwidth, bandwidth))
        return 0;
    net->bandwidth = bandwidth;
    return bandwidth_apply(net, error);
}

static int set_isolated(struct domain_net *net, uint8_t isolated, GError **error)
{
    bool before = net->isolated == TRISTATE_YES, wanted = isolated == TRISTATE_YES;

    if (before != wanted && netlink_set_isolated(net->target, wanted, error) < 0)
        return -1;
    net->isolated = isolated;
    return 0;
}

static int set_coalesce(struct domain_net *net, struct opt_uint frames, GError **error)
{
    bool same =
        net->coalesce_frames.set == frames.set && net->coalesce_frames.value == frames.value;

    if (!same && tap_set_coalesce(net->target, frames.set ? frames.value : 0, error) < 0)
        return -1;
    net->coalesce_frames = frames;
    return 0;
}

/* What its device on the host is told. */
static int set_device(struct domain_net *net, const struct domain_net *asked, GError **error)
{
    return set_isolated(net, asked->isolated, error) < 0 ||
                   set_coalesce(net, asked->coalesce_frames, error) < 0 ||
                   set_bandwidth(net, asked->bandwidth, error) < 0
               ? -1
               : 0;
}

/* ---- interfaces on networks ---- */

/* Devices of the host are a guest's own: the network is not asked for another one. */
static void keep_port(const struct domain_net *net, struct domain_net *asked, struct arena *arena)
{
    domain_net_keep_request(asked, arena);
    asked->type = net->type;
    asked->source_dev = net->source_dev;
    asked->macvtap_mode = net->macvtap_mode;
    asked->hostdev = net->hostdev;
    asked->managed = net->managed;
    asked->vlan = net->vlan;
    asked->virtual_port = net->virtual_port;
    asked->isolated = net->isolated;
    memcpy(asked->port_id, net->port_id, sizeof(asked->port_id));
    if (!asked->bandwidth)
        asked->bandwidth = net->bandwidth;
}

/* What a switch knows the device by is made up where nobody says it, and stays then. */
static void keep_identity(const struct update *update, const struct domain_net *net,
                          struct domain_net *asked)
{
    if (!openvswitch_is_used(net))
        return;
    if (!asked->virtual_port && asked->type == NET_NETWORK) {
        asked->virtual_port = arena_new(&update->live->definition.arena, struct net_virtual_port);
        asked->virtual_port->type = VIRTUAL_PORT_OPENVSWITCH;
    }
    if (openvswitch_is_used(asked) && !uuid_is_valid(asked->virtual_port->interface_id))
        memcpy(asked->virtual_port->interface_id, net->virtual_port->interface_id, UUID_BYTES);
}

/* What the document means is known when its network has made a port of it. */
static int take_port(const struct update *update, const struct domain_net *net,
                     struct domain_net *asked, GError **error)
{
    struct qemu *qemu = qemu_of(&update->guest->object);

    netport_choose(asked);
    if (asked->type == NET_NETWORK && net->network && !is_on_bridge(net) &&
        strcmp(net->network, asked->network) == 0) {
        keep_port(net, asked, &update->live->definition.arena);
        return 0;
    }
    keep_identity(update, net, asked);
    return netport_take(qemu, update->live, asked, error);
}

static void give_port_back(const struct update *update, struct domain_net *net)
{
    const struct device device = {.kind = DEVICE_NET, .object = net, .info = &net->info};
    DEFINITION_AUTO struct domain *alone = prepare_device_alone(&device);

    netport_give_back(qemu_of(&update->guest->object), alone);
}

/* Of two ports, that which is not needed any more. */
static void drop_port(const struct update *update, struct domain_net *unneeded,
                      const struct domain_net *other)
{
    if (memcmp(unneeded->port_id, other->port_id, sizeof(other->port_id)) != 0)
        give_port_back(update, unneeded);
}

/* On failure the device is where it was. */
static int change_net(const struct update *update, struct domain_net *net, struct domain_net *asked,
                      GError **error)
{
    const struct domain_net before = *net;

    if (compare_net(net, asked, error) < 0 ||
        set_bridge(update->live, net, asked->bridge, asked->vlan, error) < 0)
        return -1;
    if (set_device(net, asked, error) < 0) {
        set_device(net, &before, NULL);
        set_bridge(update->live, net, before.bridge, before.vlan, NULL);
        return -1;
    }
    net->type = asked->type;
    net->network = asked->network;
    net->portgroup = asked->portgroup;
    net->request = asked->request;
    net->trust_guest_rx_filters = asked->trust_guest_rx_filters;
    memcpy(net->port_id, asked->port_id, sizeof(net->port_id));
    return 0;
}

static int update_net(const struct update *update, void *document, GError **error)
{
    struct domain_net *asked = document;
    const struct device wanted = {.kind = DEVICE_NET, .object = asked, .info = &asked->info};
    struct device found;

    if (device_match_find(update->live, &wanted, true, &found, error) < 0)
        return -1;
    struct domain_net *net = found.object;
    keep_info(&asked->info, &net->info);
    memcpy(asked->mac, net->mac, sizeof(asked->mac));
    if (!asked->target)
        asked->target = net->target;
    struct domain_net before = *net;
    if (take_port(update, net, asked, error) < 0 || change_net(update, net, asked, error) < 0) {
        drop_port(update, asked, &before);
        return -1;
    }
    drop_port(update, &before, net);
    if (net->trust_guest_rx_filters != before.trust_guest_rx_filters)
        rx_filter_look(update->guest, net->info.alias);
    update->change->applied = true;
    return net->link == asked->link ? 0 : set_link(update, net, asked->link, error);
}

/* ---- displays ---- */

/* A document that leaves the address to us means the one that was chosen. */
static bool same_listens(const struct domain_graphics *graphics,
                         const struct domain_graphics *asked)
{
    if (graphics->listens.count != asked->listens.count)
        return false;
    LIST_EACH (listen, &graphics->listens) {
        const struct graphics_listen *other = asked->listens.items[listen_i];
        bool chosen = listen->from_config == TRISTATE_YES && !other->address;

        if (listen->type != other->type ||
            (!chosen && g_strcmp0(listen->address, other->address) != 0) ||
            g_strcmp0(listen->network, other->network) != 0)
            return false;
    }
    return true;
}

/* Where VNC is to listen now; NULL: it does, or its place is changed by the next start alone. */
static const char *new_address(const struct domain_graphics *graphics,
                               const struct domain_graphics *asked)
{
    if (graphics->type != GRAPHICS_VNC || graphics->websocket || graphics->listens.count != 1 ||
        asked->listens.count != 1 || same_listens(graphics, asked))
        return NULL;
    const struct graphics_listen *is = graphics->listens.items[0],
                                 *wanted = asked->listens.items[0];

    return is->type == LISTEN_ADDRESS && wanted->type == LISTEN_ADDRESS ? wanted->address : NULL;
}

static bool same_ports(const struct domain_graphics *graphics, const struct domain_graphics *asked)
{
    if (graphics->autoport == TRISTATE_YES)
        return asked->autoport == TRISTATE_YES || asked->port == -1 ||
               asked->port == graphics->port;
    return graphics->port == asked->port && graphics->tls_port == asked->tls_port;
}

static int compare_graphics(const struct domain_graphics *graphics,
                            const struct domain_graphics *asked, GError **error)
{
    const char *type = names_word(&graphics_type_names, graphics->type);
    struct domain_graphics other = *asked;

    if (!same_listens(graphics, asked) && !new_address(graphics, asked))
        return UNSUPPORTED(error, "cannot change listen address setting on '%s' graphics", type);
    if (!same_ports(graphics, asked))
        return UNSUPPORTED(error, "cannot change port settings on %s graphics", type);
    if (g_strcmp0(graphics->keymap, asked->keymap) != 0)
        return UNSUPPORTED(error, "cannot change keymap setting on %s graphics", type);
    other.listens.items = graphics->listens.items;
    other.listen = graphics->listen;
    other.socket = graphics->socket;
    other.port = graphics->port;
    other.tls_port = graphics->tls_port;
    other.websocket = graphics->websocket;
    other.autoport = graphics->autoport;
    other.password = graphics->password;
    other.password_valid_to = graphics->password_valid_to;
    other.connected = graphics->connected;
    g_autofree char *path = xml_difference(&domain_graphics_schema, graphics, &other);
    return path ? UNSUPPORTED(error, "cannot change %s on %s graphics", path, type) : 0;
}

/* address NULL: it stays where it is. */
static int tell_display(const struct update *update, struct qmp *qmp,
                        struct domain_graphics *graphics, const char *address, GError **error)
{
    const struct qemu_config *config = &qemu_of(&update->guest->object)->config;
    const char *before = address ? graphics->listens.items[0]->address : NULL;

    if (address && display_move(qmp, graphics, address, error) < 0)
        return -1;
    if (display_set_password(qmp, graphics, config, error) == 0)
        return 0;
    if (address)
        display_move(qmp, graphics, before, NULL);
    return -1;
}

static int update_graphics(const struct update *update, void *document, GError **error)
{
    const struct domain_graphics *asked = document;
    struct domain_graphics *graphics = domain_find_graphics(update->live, asked->type);
    struct qmp *qmp;

    if (!graphics) {
        error_set(error, VIR_ERR_DEVICE_MISSING,
                  "cannot find existing graphics device to modify of type '%s'",
                  names_word(&graphics_type_names, asked->type));
        return -1;
    }
    if (compare_graphics(graphics, asked, error) < 0)
        return -1;
    const char *address = new_address(graphics, asked);
    graphics->password = asked->password;
    graphics->password_valid_to = asked->password_valid_to;
    graphics->connected = asked->connected;
    if (rules_check(update->live, error) < 0 || !(qmp = guest_get_qmp(update->guest, error)))
        return -1;
    int result = tell_display(update, qmp, graphics, address, error);
    qmp_unref(qmp);
    update->change->applied = result == 0;
    return result;
}

/* ---- memory ---- */

static struct domain_memory *find_memory(struct domain *domain, const struct domain_memory *asked)
{
    struct domain_memory bare = *asked;

    bare.requested = (struct opt_ulong){0};
    LIST_EACH (memory, &domain->devices.memories)
        if (memory->model == MEMORY_MODEL_VIRTIO_MEM &&
            xml_covers(&domain_memory_schema, &bare, memory))
            return memory;
    return NULL;
}

static int change_memory(struct domain *domain, const struct domain_memory *asked,
                         struct domain_memory **ret_memory, GError **error)
{
    struct domain_memory *memory = find_memory(domain, asked);
    const struct device device = {.kind = DEVICE_MEMORY, .object = memory};

    if (!memory) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "memory '%s' not found",
                  asked->info.alias ? asked->info.alias : "(null)");
        return -1;
    }
    memory->requested = asked->requested;
    if (hotplug_rules_check_room(domain, &device, true, error) < 0)
        return -1;
    *ret_memory = memory;
    return 0;
}

static int update_memory(const struct update *update, void *document, GError **error)
{
    struct domain_memory *memory;
    struct qmp *qmp;

    if (change_memory(update->live, document, &memory, error) < 0 ||
        !(qmp = guest_get_qmp(update->guest, error)))
        return -1;
    g_autofree char *path = g_strdup_printf("/machine/peripheral/%s", memory->info.alias);
    int result = qmp_qom_set(qmp, path, "requested-size",
                             json_object_new_uint64(memory->requested.value * 1024), 0, error);
    qmp_unref(qmp);
    update->change->applied = result == 0;
    return result;
}

/* ---- the running guest ---- */

static int (*const updates[DEVICE_KINDS])(const struct update *update, void *document,
                                          GError **error) = {
    [DEVICE_DISK] = update_disk,
    [DEVICE_NET] = update_net,
    [DEVICE_GRAPHICS] = update_graphics,
    [DEVICE_MEMORY] = update_memory,
};

/* An interface is found by what its document says, before anything is filled in. */
static int update_live(struct change *change, const char *text, bool force, GError **error)
{
    const struct update update = {.change = change,
                                  .guest = guest_of(job_object(change->job)),
                                  .live = (struct domain *)change->live,
                                  .force = force};
    struct device document, found;

    if (device_document_read(update.live, text, true, &document, error) < 0 ||
        hotplug_rules_check_update(&document, true, error) < 0)
        return -1;
    if (document.kind == DEVICE_NET &&
        device_match_find(update.live, &document, true, &found, error) < 0)
        return -1;
    if (document.kind == DEVICE_NET)
        memcpy(((struct domain_net *)document.object)->mac,
               ((struct domain_net *)found.object)->mac, 6);
    if (complete(&update, &document, error) < 0)
        return -1;
    return updates[document.kind](&update, document.object, error);
}

/* ---- the stored definition ---- */

/* Another kind of device needs another place. */
static bool keeps_place(const struct device *device, const struct device *document)
{
    const void *is = device->object, *asked = document->object;

    if (device->kind == DEVICE_NET)
        return g_strcmp0(((const struct domain_net *)is)->model,
                         ((const struct domain_net *)asked)->model) == 0;
    return device->kind != DEVICE_DISK ||
           ((const struct domain_disk *)is)->bus == ((const struct domain_disk *)asked)->bus;
}

static void replace(const struct device *device, const struct device *document)
{
    const struct xml_schema *schema = device_kind_schema(device->kind);

    if (keeps_place(device, document))
        keep_info(document->info, device->info);
    if (device->kind == DEVICE_NET)
        memcpy(((struct domain_net *)document->object)->mac,
               ((const struct domain_net *)device->object)->mac, 6);
    memcpy(device->object, document->object, schema->size);
}

static int replace_config(struct domain *config, const struct device *document, GError **error)
{
    const struct domain_disk *disk = document->object;
    struct device found;

    if (document->kind == DEVICE_DISK && !domain_find_disk(config, disk->target)) {
        error_set(error, VIR_ERR_INVALID_ARG, "target %s doesn't exist.", disk->target);
        return -1;
    }
    if (device_match_find(config, document, false, &found, error) < 0)
        return -1;
    replace(&found, document);
    return 0;
}

/* A stored one is known by its place, and then can change in all else; or by all that it is, and
 * then what is requested of it changes. */
static int update_config_memory(struct domain *config, const struct device *document,
                                GError **error)
{
    const struct domain_memory *asked = document->object;
    struct domain_memory *memory;

    LIST_EACH (other, &config->devices.memories)
        if (asked->info.address.type &&
            xml_equal(&domain_address_schema, &asked->info.address, &other->info.address)) {
            const struct device found = {
                .kind = DEVICE_MEMORY, .object = other, .info = &other->info};
            replace(&found, document);
            return 0;
        }
    if (find_memory(config, asked))
        return change_memory(config, asked, &memory, error);
    error_set(error, VIR_ERR_INVALID_ARG, "memory not found");
    return -1;
}

static int update_config(struct change *change, const char *text, GError **error)
{
    struct domain *config = (struct domain *)change->config;
    struct device document;

    if (device_document_read(config, text, false, &document, error) < 0 ||
        hotplug_rules_check_update(&document, false, error) < 0)
        return -1;
    if ((document.kind == DEVICE_MEMORY ? update_config_memory(config, &document, error)
                                        : replace_config(config, &document, error)) < 0)
        return -1;
    return document_complete_changed(qemu_of(job_object(change->job)), config, error);
}

int device_update(struct change *change, const char *text, bool force, GError **error)
{
    if (change->config && update_config(change, text, error) < 0)
        return -1;
    if (change->live && update_live(change, text, force, error) < 0)
        return -1;
    return change_save(change, error);
}
