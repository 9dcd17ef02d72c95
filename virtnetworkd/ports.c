/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ports.h"

#include <string.h>

#include "base/error.h"
#include "base/uuid.h"
#include "host/traffic.h"
#include "xml/xml.h"

#define REFUSE(code, ...) (error_set(error, (code), __VA_ARGS__), -1)

/* ---- finding ---- */

struct network_port *ports_find(const struct network *network, const uint8_t uuid[16],
                                GError **error)
{
    char text[UUID_TEXT];

    LIST_EACH (port, &network->ports)
        if (memcmp(port->uuid, uuid, UUID_BYTES) == 0)
            return port;
    error_set(error, VIR_ERR_NO_NETWORK_PORT, "no network port with matching UUID '%s'",
              uuid_format(uuid, text));
    return NULL;
}

/* ---- devices of the host ---- */

/* Each goes to the guest who asked alone, or to as few as there are. */
static struct network_interface *choose_interface(const struct network *network)
{
    bool alone = network_mode(network) == NETWORK_PASSTHROUGH;
    struct network_interface *best = NULL;

    LIST_EACH (interface, &network->forward->interfaces)
        if ((!alone || !interface->connections) &&
            (!best || interface->connections < best->connections))
            best = interface;
    return best;
}

static struct network_interface *find_interface(const struct network *network, const char *dev)
{
    LIST_EACH (interface, &network->forward->interfaces)
        if (strcmp(interface->dev, dev) == 0)
            return interface;
    return NULL;
}

static bool same_pci(const struct pci_address *one, const struct pci_address *two)
{
    return one->domain == two->domain && one->bus == two->bus && one->slot == two->slot &&
           one->function == two->function;
}

static struct network_hostdev *find_hostdev(const struct network *network,
                                            const struct pci_address *pci)
{
    LIST_EACH (hostdev, &network->forward->hostdevs)
        if (same_pci(&hostdev->pci, pci))
            return hostdev;
    return NULL;
}

static struct network_hostdev *choose_hostdev(const struct network *network)
{
    LIST_EACH (hostdev, &network->forward->hostdevs)
        if (!hostdev->connections)
            return hostdev;
    return NULL;
}

/* The counter of the device that a plug has; NULL: nobody counts it. */
static unsigned *counter_of(const struct network *network, const struct network_plug *plug)
{
    struct network_interface *interface;
    struct network_hostdev *hostdev;

    if (!plug || !network->forward)
        return NULL;
    if (plug->type == NETWORK_PLUG_DIRECT && (interface = find_interface(network, plug->dev)))
        return &interface->connections;
    if (plug->type == NETWORK_PLUG_HOSTDEV_PCI && (hostdev = find_hostdev(network, &plug->pci)))
        return &hostdev->connections;
    return NULL;
}

/* ---- plugs ---- */

static int plug_direct(struct network *network, struct network_plug *plug, GError **error)
{
    static const uint8_t modes[] = {
        [NETWORK_BRIDGE] = MACVTAP_BRIDGE,
        [NETWORK_PRIVATE] = MACVTAP_PRIVATE,
        [NETWORK_VEPA] = MACVTAP_VEPA,
        [NETWORK_PASSTHROUGH] = MACVTAP_PASSTHROUGH,
    };
    const struct network_interface *interface = choose_interface(network);

    if (!interface)
        return REFUSE(
            VIR_ERR_INTERNAL_ERROR,
            "network '%s' requires exclusive access to interfaces, but none are available",
            network->name);
    plug->type = NETWORK_PLUG_DIRECT;
    plug->dev = interface->dev;
    plug->mode = modes[network_mode(network)];
    return 0;
}

static int plug_hostdev(struct network *network, struct network_plug *plug, GError **error)
{
    const struct network_hostdev *hostdev = choose_hostdev(network);

    if (!hostdev)
        return REFUSE(
            VIR_ERR_INTERNAL_ERROR,
            "network '%s' requires exclusive access to interfaces, but none are available",
            network->name);
    plug->type = NETWORK_PLUG_HOSTDEV_PCI;
    plug->pci = hostdev->pci;
    plug->managed = network->forward->managed;
    plug->driver = network->forward->driver;
    return 0;
}

static int make_plug(struct network *network, struct network_plug *plug, GError **error)
{
    unsigned mode = network_mode(network);

    if (mode == NETWORK_HOSTDEV)
        return plug_hostdev(network, plug, error);
    if (!network_is_managed(network) && !network->bridge)
        return plug_direct(network, plug, error);
    plug->type = mode == NETWORK_BRIDGE ? NETWORK_PLUG_BRIDGE : NETWORK_PLUG_NETWORK;
    plug->bridge = network->bridge;
    plug->bridge_mac_table = network->bridge_mac_table;
    return 0;
}

/* ---- what a port has from elsewhere ---- */

#define MISMATCH(what)                                                                             \
    REFUSE(VIR_ERR_XML_ERROR, "attempt to merge virtualports with mismatched %s of network '%s'",  \
           what, network->name)

/* Takes a value that is not there yet; one that is must be the same. */
static bool join_id(uint8_t id[16], const uint8_t other[16])
{
    if (!uuid_is_valid(other))
        return true;
    if (uuid_is_valid(id))
        return memcmp(id, other, UUID_BYTES) == 0;
    memcpy(id, other, UUID_BYTES);
    return true;
}

static bool join_number(struct opt_uint *number, struct opt_uint other)
{
    if (!other.set)
        return true;
    if (number->set)
        return number->value == other.value;
    *number = other;
    return true;
}

static int join_virtual_port(const struct network *network, struct net_virtual_port *port,
                             const struct net_virtual_port *other, GError **error)
{
    if (!other)
        return 0;
    if (port->type && other->type && port->type != other->type)
        return MISMATCH("types");
    port->type = port->type ? port->type : other->type;
    if (port->profile_id && other->profile_id && strcmp(port->profile_id, other->profile_id) != 0)
        return MISMATCH("profileids");
    port->profile_id = port->profile_id ? port->profile_id : other->profile_id;
    if (!join_id(port->interface_id, other->interface_id))
        return MISMATCH("interfaceids");
    if (!join_id(port->instance_id, other->instance_id))
        return MISMATCH("instanceids");
    if (!join_number(&port->manager_id, other->manager_id) ||
        !join_number(&port->type_id, other->type_id) ||
        !join_number(&port->type_id_version, other->type_id_version))
        return MISMATCH("numbers");
    return 0;
}

static bool has_interface_id(unsigned type)
{
    return type == VIRTUAL_PORT_OPENVSWITCH || type == VIRTUAL_PORT_MIDONET;
}

/* The switch knows a port by its interfaceid: it is there for as long as the port is. */
static int settle_virtual_port(struct network *network, struct network_port *port,
                               const struct network_portgroup *group, GError **error)
{
    struct net_virtual_port joined =
        port->virtual_port ? *port->virtual_port : (struct net_virtual_port){0};

    if (join_virtual_port(network, &joined, network->virtual_port, error) < 0 ||
        join_virtual_port(network, &joined, group ? group->virtual_port : NULL, error) < 0)
        return -1;
    if (!joined.type)
        return 0;
    if (network->bridge && !has_interface_id(joined.type))
        return REFUSE(VIR_ERR_CONFIG_UNSUPPORTED,
                      "<virtualport type='%s'> not supported for network '%s' which uses a bridge "
                      "device",
                      names_word(&virtual_port_type_names, joined.type), network->name);
    if (has_interface_id(joined.type) && !uuid_is_valid(joined.interface_id) &&
        uuid_generate(joined.interface_id) < 0)
        return REFUSE(VIR_ERR_INTERNAL_ERROR, "no random UUID");
    port->virtual_port = arena_new(&network->definition.arena, struct net_virtual_port);
    *port->virtual_port = joined;
    return 0;
}

static int settle(struct network *network, struct network_port *port, GError **error)
{
    const struct network_portgroup *group = network_find_portgroup(network, port->group);

    if (port->group && !group)
        return REFUSE(VIR_ERR_CONFIG_UNSUPPORTED, "network '%s' has no port group '%s'",
                      network->name, port->group);
    if (!port->bandwidth && group)
        port->bandwidth = group->bandwidth;
    if (!port->vlan)
        port->vlan = group && group->vlan ? group->vlan : network->vlan;
    if (!port->trust_guest_rx_filters && group)
        port->trust_guest_rx_filters = group->trust_guest_rx_filters;
    if (!port->trust_guest_rx_filters)
        port->trust_guest_rx_filters = network->trust_guest_rx_filters;
    if (!port->isolated)
        port->isolated = network->port_isolated;
    if (settle_virtual_port(network, port, group, error) < 0)
        return -1;
    if (port->vlan && network_is_managed(network))
        return REFUSE(VIR_ERR_CONFIG_UNSUPPORTED,
                      "an interface connecting to network '%s' is requesting a vlan tag, but that "
                      "is not supported for this type of network",
                      network->name);
    return 0;
}

/* ---- guaranteed bandwidth ---- */

static uint64_t floor_of(const struct net_bandwidth *bandwidth)
{
    return bandwidth && bandwidth->inbound ? bandwidth->inbound->floor : 0;
}

/* Is so much left for a port that is to have this, in place of what it has? */
static int check_floor(const struct network *network, const struct network_port *port,
                       const struct net_bandwidth *bandwidth, GError **error)
{
    const struct net_rate *all = network->bandwidth ? network->bandwidth->inbound : NULL;
    uint64_t sum = floor_of(bandwidth);

    if (!sum)
        return 0;
    if (!network_is_managed(network) || !all)
        return REFUSE(VIR_ERR_OPERATION_UNSUPPORTED,
                      "Invalid use of 'floor': network '%s' has no inbound QoS set", network->name);
    LIST_EACH (other, &network->ports)
        if (memcmp(other->uuid, port->uuid, UUID_BYTES) != 0)
            sum += floor_of(other->bandwidth);
    if (sum > (all->peak ? all->peak : all->average))
        return REFUSE(VIR_ERR_OPERATION_INVALID,
                      "Cannot plug the interface into network '%s': it would exceed the inbound "
                      "bandwidth that is left to be guaranteed",
                      network->name);
    return 0;
}

static bool class_is_free(const struct network *network, const struct network_port *port,
                          unsigned id)
{
    LIST_EACH (other, &network->ports)
        if (other != port && other->bandwidth && other->bandwidth->class_id == id)
            return false;
    return id >= TRAFFIC_FIRST_PART && id <= TRAFFIC_LAST_PART;
}

static unsigned choose_class(const struct network *network, const struct network_port *port)
{
    unsigned id = TRAFFIC_FIRST_PART;

    while (id < TRAFFIC_LAST_PART && !class_is_free(network, port, id))
        id++;
    return id;
}

/* A class is for who has a guarantee, and for them alone. */
static int guarantee(struct network *network, struct network_port *port, bool keep, GError **error)
{
    struct net_bandwidth *bandwidth = port->bandwidth;
    bool wanted = floor_of(bandwidth) > 0;

    if (check_floor(network, port, bandwidth, error) < 0)
        return -1;
    if (!wanted && (!bandwidth || !bandwidth->class_id))
        return 0;
    if (wanted && keep && class_is_free(network, port, bandwidth->class_id))
        return 0;
    /* the group's own is shared by its ports */
    bandwidth = xml_copy_part(&net_bandwidth_schema, bandwidth, &network->definition.arena);
    bandwidth->class_id = wanted ? choose_class(network, port) : 0;
    port->bandwidth = bandwidth;
    return 0;
}

int ports_limit(struct network *network, struct network_port *port, struct net_bandwidth *bandwidth,
                GError **error)
{
    struct net_bandwidth *old = port->bandwidth;

    port->bandwidth = bandwidth;
    if (guarantee(network, port, true, error) == 0)
        return 0;
    port->bandwidth = old;
    return -1;
}

/* ---- in and out ---- */

int ports_add(struct network *network, struct network_port *port, bool keep, GError **error)
{
    struct arena *arena = &network->definition.arena;
    char text[UUID_TEXT];
    unsigned *counter;

    if (!uuid_is_valid(port->uuid) && uuid_generate(port->uuid) < 0)
        return REFUSE(VIR_ERR_INTERNAL_ERROR, "no random UUID");
    if (ports_find(network, port->uuid, NULL))
        return REFUSE(VIR_ERR_NETWORK_PORT_EXIST, "network port %s exists already",
                      uuid_format(port->uuid, text));
    if (settle(network, port, error) < 0 || guarantee(network, port, keep, error) < 0)
        return -1;
    if (!keep || !port->plug) {
        port->plug = arena_new(arena, struct network_plug);
        if (make_plug(network, port->plug, error) < 0)
            return -1;
    }
    counter = counter_of(network, port->plug);
    if (counter)
        (*counter)++;
    network->connections++;
    LIST_APPEND(arena, &network->ports, port);
    return 0;
}

int ports_remove(struct network *network, const uint8_t uuid[16], GError **error)
{
    const struct network_port *port = ports_find(network, uuid, error);
    unsigned *counter;

    if (!port)
        return -1;
    counter = counter_of(network, port->plug);
    if (counter && *counter)
        (*counter)--;
    if (network->connections)
        network->connections--;
    for (unsigned i = 0; i < network->ports.count; i++)
        if (network->ports.items[i] == port) {
            LIST_REMOVE(&network->ports, i);
            break;
        }
    return 0;
}
