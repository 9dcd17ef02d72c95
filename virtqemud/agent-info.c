/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent-info.h"

#include <string.h>

#include "base/error.h"

#include "agent-disks.h"
#include "guest.h"

/* One question of several: where its answer goes. */
struct asking {
    struct agent_turn turn;
    struct arena *arena;
    struct params *params;
    const struct domain *live;
};

#define PREFIX(NAME) VIR_DOMAIN_GUEST_INFO_##NAME##_PREFIX "%u"

/* ---- one function a group ---- */

static int add_users(struct asking *asking, GError **error)
{
    struct params *params = asking->params;
    struct qmp_list list;

    if (agent_ask(&asking->turn, &agent_query_users, NULL, asking->arena, &list, error) < 0)
        return -1;
    const struct agent_user *users = list.items;
    params_add_uint(params, list.count, VIR_DOMAIN_GUEST_INFO_USER_COUNT);
    for (unsigned i = 0; i < list.count; i++) {
        double milliseconds = CLAMP(users[i].login_time, 0, 1e15) * 1000;

        params_add_string(params, users[i].name,
                          PREFIX(USER) VIR_DOMAIN_GUEST_INFO_USER_SUFFIX_NAME, i);
        params_add_string(params, users[i].domain,
                          PREFIX(USER) VIR_DOMAIN_GUEST_INFO_USER_SUFFIX_DOMAIN, i);
        params_add_ulong(params, (uint64_t)milliseconds,
                         PREFIX(USER) VIR_DOMAIN_GUEST_INFO_USER_SUFFIX_LOGIN_TIME, i);
    }
    return 0;
}

static int add_os(struct asking *asking, GError **error)
{
    static const struct {
        const char *name;
        size_t offset;
    } rows[] = {
        {VIR_DOMAIN_GUEST_INFO_OS_ID, offsetof(struct agent_os, id)},
        {VIR_DOMAIN_GUEST_INFO_OS_NAME, offsetof(struct agent_os, name)},
        {VIR_DOMAIN_GUEST_INFO_OS_PRETTY_NAME, offsetof(struct agent_os, pretty_name)},
        {VIR_DOMAIN_GUEST_INFO_OS_VERSION, offsetof(struct agent_os, version)},
        {VIR_DOMAIN_GUEST_INFO_OS_VERSION_ID, offsetof(struct agent_os, version_id)},
        {VIR_DOMAIN_GUEST_INFO_OS_MACHINE, offsetof(struct agent_os, machine)},
        {VIR_DOMAIN_GUEST_INFO_OS_VARIANT, offsetof(struct agent_os, variant)},
        {VIR_DOMAIN_GUEST_INFO_OS_VARIANT_ID, offsetof(struct agent_os, variant_id)},
        {VIR_DOMAIN_GUEST_INFO_OS_KERNEL_RELEASE, offsetof(struct agent_os, kernel_release)},
        {VIR_DOMAIN_GUEST_INFO_OS_KERNEL_VERSION, offsetof(struct agent_os, kernel_version)},
    };
    struct agent_os os = {0};

    if (agent_ask(&asking->turn, &agent_query_os, NULL, asking->arena, &os, error) < 0)
        return -1;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        params_add_string(asking->params, *(char **)((char *)&os + rows[i].offset), "%s",
                          rows[i].name);
    return 0;
}

static int add_timezone(struct asking *asking, GError **error)
{
    struct agent_timezone zone = {0};

    if (agent_ask(&asking->turn, &agent_query_timezone, NULL, asking->arena, &zone, error) < 0)
        return -1;
    params_add_string(asking->params, zone.name, VIR_DOMAIN_GUEST_INFO_TIMEZONE_NAME);
    params_add_int(asking->params, (int)CLAMP(zone.offset, INT_MIN, INT_MAX),
                   VIR_DOMAIN_GUEST_INFO_TIMEZONE_OFFSET);
    return 0;
}

static int add_hostname(struct asking *asking, GError **error)
{
    struct agent_hostname host = {0};

    if (agent_ask(&asking->turn, &agent_query_hostname, NULL, asking->arena, &host, error) < 0)
        return -1;
    params_add_string(asking->params, host.name, VIR_DOMAIN_GUEST_INFO_HOSTNAME_HOSTNAME);
    return 0;
}

#define FS_DISK PREFIX(FS) VIR_DOMAIN_GUEST_INFO_FS_SUFFIX_DISK_PREFIX "%u"

static void add_filesystem(struct asking *asking, const struct agent_filesystem *fs, unsigned i)
{
    struct params *params = asking->params;

    params_add_string(params, fs->name, PREFIX(FS) VIR_DOMAIN_GUEST_INFO_FS_SUFFIX_NAME, i);
    params_add_string(params, fs->mountpoint, PREFIX(FS) VIR_DOMAIN_GUEST_INFO_FS_SUFFIX_MOUNTPOINT,
                      i);
    params_add_string(params, fs->type, PREFIX(FS) VIR_DOMAIN_GUEST_INFO_FS_SUFFIX_FSTYPE, i);
    if (fs->has_total)
        params_add_ulong(params, fs->total, PREFIX(FS) VIR_DOMAIN_GUEST_INFO_FS_SUFFIX_TOTAL_BYTES,
                         i);
    if (fs->has_used)
        params_add_ulong(params, fs->used, PREFIX(FS) VIR_DOMAIN_GUEST_INFO_FS_SUFFIX_USED_BYTES,
                         i);
    params_add_uint(params, fs->disk_count, PREFIX(FS) VIR_DOMAIN_GUEST_INFO_FS_SUFFIX_DISK_COUNT,
                    i);
    for (unsigned n = 0; n < fs->disk_count; n++) {
        const struct domain_disk *disk = agent_disk_find(asking->live, &fs->disks[n]);

        params_add_string(params, disk ? disk->target : NULL,
                          FS_DISK VIR_DOMAIN_GUEST_INFO_FS_SUFFIX_DISK_SUFFIX_ALIAS, i, n);
        params_add_string(params, fs->disks[n].serial,
                          FS_DISK VIR_DOMAIN_GUEST_INFO_FS_SUFFIX_DISK_SUFFIX_SERIAL, i, n);
        params_add_string(params, fs->disks[n].device,
                          FS_DISK VIR_DOMAIN_GUEST_INFO_FS_SUFFIX_DISK_SUFFIX_DEVICE, i, n);
    }
}

static int add_filesystems(struct asking *asking, GError **error)
{
    struct qmp_list list;

    if (agent_ask(&asking->turn, &agent_query_filesystems, NULL, asking->arena, &list, error) < 0)
        return -1;
    const struct agent_filesystem *filesystems = list.items;
    params_add_uint(asking->params, list.count, VIR_DOMAIN_GUEST_INFO_FS_COUNT);
    for (unsigned i = 0; i < list.count; i++)
        add_filesystem(asking, &filesystems[i], i);
    return 0;
}

static void add_disk(struct asking *asking, const struct agent_disk *disk, unsigned i)
{
    struct params *params = asking->params;
    const struct domain_disk *ours =
        disk->has_address ? agent_disk_find(asking->live, &disk->address) : NULL;
    unsigned count = disk->dependencies ? g_strv_length(disk->dependencies) : 0;

    params_add_string(params, disk->name, PREFIX(DISK) VIR_DOMAIN_GUEST_INFO_DISK_SUFFIX_NAME, i);
    params_add_bool(params, disk->partition,
                    PREFIX(DISK) VIR_DOMAIN_GUEST_INFO_DISK_SUFFIX_PARTITION, i);
    if (count)
        params_add_uint(params, count,
                        PREFIX(DISK) VIR_DOMAIN_GUEST_INFO_DISK_SUFFIX_DEPENDENCY_COUNT, i);
    for (unsigned n = 0; n < count; n++)
        params_add_string(params, disk->dependencies[n],
                          PREFIX(DISK) VIR_DOMAIN_GUEST_INFO_DISK_SUFFIX_DEPENDENCY_PREFIX
                          "%u" VIR_DOMAIN_GUEST_INFO_DISK_SUFFIX_DEPENDENCY_SUFFIX_NAME,
                          i, n);
    params_add_string(params, disk->address.serial,
                      PREFIX(DISK) VIR_DOMAIN_GUEST_INFO_DISK_SUFFIX_SERIAL, i);
    params_add_string(params, ours ? ours->target : NULL,
                      PREFIX(DISK) VIR_DOMAIN_GUEST_INFO_DISK_SUFFIX_ALIAS, i);
    params_add_string(params, disk->alias,
                      PREFIX(DISK) VIR_DOMAIN_GUEST_INFO_DISK_SUFFIX_GUEST_ALIAS, i);
    params_add_string(params, disk->address.bus_type,
                      PREFIX(DISK) VIR_DOMAIN_GUEST_INFO_DISK_SUFFIX_GUEST_BUS, i);
}

static int add_disks(struct asking *asking, GError **error)
{
    struct qmp_list list;

    if (agent_ask(&asking->turn, &agent_query_disks, NULL, asking->arena, &list, error) < 0)
        return -1;
    const struct agent_disk *disks = list.items;
    params_add_uint(asking->params, list.count, VIR_DOMAIN_GUEST_INFO_DISK_COUNT);
    for (unsigned i = 0; i < list.count; i++)
        add_disk(asking, &disks[i], i);
    return 0;
}

#define IF_ADDRESS PREFIX(IF) VIR_DOMAIN_GUEST_INFO_IF_SUFFIX_ADDR_PREFIX "%u"

static void add_interface(struct params *params, const struct remote_domain_interface *interface,
                          unsigned i)
{
    params_add_string(params, interface->name, PREFIX(IF) VIR_DOMAIN_GUEST_INFO_IF_SUFFIX_NAME, i);
    params_add_string(params, interface->hwaddr, PREFIX(IF) VIR_DOMAIN_GUEST_INFO_IF_SUFFIX_HWADDR,
                      i);
    params_add_uint(params, interface->addrs_len,
                    PREFIX(IF) VIR_DOMAIN_GUEST_INFO_IF_SUFFIX_ADDR_COUNT, i);
    for (unsigned n = 0; n < interface->addrs_len; n++) {
        const struct remote_domain_ip_addr *address = &interface->addrs_val[n];

        params_add_string(params, address->type == VIR_IP_ADDR_TYPE_IPV6 ? "ipv6" : "ipv4",
                          IF_ADDRESS VIR_DOMAIN_GUEST_INFO_IF_SUFFIX_ADDR_SUFFIX_TYPE, i, n);
        params_add_string(params, address->addr,
                          IF_ADDRESS VIR_DOMAIN_GUEST_INFO_IF_SUFFIX_ADDR_SUFFIX_ADDR, i, n);
        params_add_uint(params, address->prefix,
                        IF_ADDRESS VIR_DOMAIN_GUEST_INFO_IF_SUFFIX_ADDR_SUFFIX_PREFIX, i, n);
    }
}

static int list_interfaces(struct agent_turn *turn, struct arena *arena,
                           struct remote_domain_interface_addresses_ret *ret, GError **error);

static int add_interfaces(struct asking *asking, GError **error)
{
    struct remote_domain_interface_addresses_ret list = {0};

    if (list_interfaces(&asking->turn, asking->arena, &list, error) < 0)
        return -1;
    params_add_uint(asking->params, list.ifaces_len, VIR_DOMAIN_GUEST_INFO_IF_COUNT);
    for (unsigned i = 0; i < list.ifaces_len; i++)
        add_interface(asking->params, &list.ifaces_val[i], i);
    return 0;
}

static int add_load(struct asking *asking, GError **error)
{
    struct agent_load load = {0};

    if (agent_ask(&asking->turn, &agent_query_load, NULL, asking->arena, &load, error) < 0)
        return -1;
    params_add_double(asking->params, load.one, VIR_DOMAIN_GUEST_INFO_LOAD_1M);
    params_add_double(asking->params, load.five, VIR_DOMAIN_GUEST_INFO_LOAD_5M);
    params_add_double(asking->params, load.fifteen, VIR_DOMAIN_GUEST_INFO_LOAD_15M);
    return 0;
}

static void add_device(struct params *params, const struct agent_device *device, unsigned i)
{
    params_add_string(params, device->driver,
                      PREFIX(DEVICE) VIR_DOMAIN_GUEST_INFO_DEVICE_SUFFIX_DRIVER_NAME, i);
    if (device->has_date)
        params_add_long(params, device->date,
                        PREFIX(DEVICE) VIR_DOMAIN_GUEST_INFO_DEVICE_SUFFIX_DRIVER_DATE, i);
    params_add_string(params, device->version,
                      PREFIX(DEVICE) VIR_DOMAIN_GUEST_INFO_DEVICE_SUFFIX_DRIVER_VERSION, i);
    params_add_string(params, device->id_type,
                      PREFIX(DEVICE) VIR_DOMAIN_GUEST_INFO_DEVICE_SUFFIX_ID_TYPE, i);
    if (g_strcmp0(device->id_type, "pci") != 0)
        return;
    params_add_uint(params, (unsigned)MIN(device->pci_vendor, G_MAXUINT16),
                    PREFIX(DEVICE) VIR_DOMAIN_GUEST_INFO_DEVICE_SUFFIX_PCI_VENDOR, i);
    params_add_uint(params, (unsigned)MIN(device->pci_device, G_MAXUINT16),
                    PREFIX(DEVICE) VIR_DOMAIN_GUEST_INFO_DEVICE_SUFFIX_PCI_DEVICE, i);
}

static int add_devices(struct asking *asking, GError **error)
{
    struct qmp_list list;

    if (agent_ask(&asking->turn, &agent_query_devices, NULL, asking->arena, &list, error) < 0)
        return -1;
    const struct agent_device *devices = list.items;
    params_add_uint(asking->params, list.count, VIR_DOMAIN_GUEST_INFO_DEVICE_COUNT);
    for (unsigned i = 0; i < list.count; i++)
        add_device(asking->params, &devices[i], i);
    return 0;
}

static const struct {
    unsigned type;
    int (*add)(struct asking *asking, GError **error);
} groups[] = {
    {VIR_DOMAIN_GUEST_INFO_USERS, add_users},
    {VIR_DOMAIN_GUEST_INFO_OS, add_os},
    {VIR_DOMAIN_GUEST_INFO_TIMEZONE, add_timezone},
    {VIR_DOMAIN_GUEST_INFO_HOSTNAME, add_hostname},
    {VIR_DOMAIN_GUEST_INFO_FILESYSTEM, add_filesystems},
    {VIR_DOMAIN_GUEST_INFO_DISKS, add_disks},
    {VIR_DOMAIN_GUEST_INFO_INTERFACES, add_interfaces},
    {VIR_DOMAIN_GUEST_INFO_LOAD, add_load},
    {VIR_DOMAIN_GUEST_INFO_DEVICES, add_devices},
};

/* ---- all of them ---- */

static int check_types(unsigned types, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(groups); i++)
        types &= ~groups[i].type;
    if (!types)
        return 0;
    error_set(error, VIR_ERR_INVALID_ARG, "unsupported guest information types '0x%x'", types);
    return -1;
}

/* Of what was not asked for by name, the agent may lack some, or refuse it now. */
static int add_groups(struct asking *asking, unsigned types, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(groups); i++) {
        g_autoptr(GError) problem = NULL;

        if (types && !(types & groups[i].type))
            continue;
        if (groups[i].add(asking, &problem) == 0 ||
            (!types && error_is(problem, VIR_ERR_AGENT_COMMAND_FAILED)))
            continue;
        g_propagate_error(error, g_steal_pointer(&problem));
        return -1;
    }
    return 0;
}

int agent_info_add(struct guest *guest, unsigned types, struct params *params, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    struct asking asking = {.params = params, .arena = params->arena};

    if (check_types(types, error) < 0 || agent_begin(guest, &asking.turn, error) < 0)
        return -1;
    object_get_view(&guest->object, &view);
    asking.live = view_live(&view);
    int result = asking.live ? add_groups(&asking, types, error) : 0;
    agent_end(&asking.turn);
    return result;
}

/* ---- interfaces ---- */

static struct remote_domain_interface *find_interface(struct remote_domain_interface *items,
                                                      unsigned count, const char *name)
{
    for (unsigned i = 0; i < count; i++)
        if (strcmp(items[i].name, name) == 0)
            return &items[i];
    return NULL;
}

static void add_addresses(struct arena *arena, const struct agent_interface *from,
                          struct remote_domain_interface *interface)
{
    unsigned count = interface->addrs_len;
    struct remote_domain_ip_addr *all =
        arena_array(arena, count + from->address_count, sizeof(*all));

    if (count)
        memcpy(all, interface->addrs_val, count * sizeof(*all));
    for (unsigned i = 0; i < from->address_count; i++) {
        const struct agent_ip_address *address = &from->addresses[i];

        all[count++] = (struct remote_domain_ip_addr){
            .type =
                strcmp(address->type, "ipv6") == 0 ? VIR_IP_ADDR_TYPE_IPV6 : VIR_IP_ADDR_TYPE_IPV4,
            .addr = address->text,
            .prefix = (unsigned)CLAMP(address->prefix, 0, 128),
        };
    }
    interface->addrs_val = all;
    interface->addrs_len = count;
}

static int list_interfaces(struct agent_turn *turn, struct arena *arena,
                           struct remote_domain_interface_addresses_ret *ret, GError **error)
{
    struct qmp_list list;

    if (agent_ask(turn, &agent_query_interfaces, NULL, arena, &list, error) < 0)
        return -1;
    if (list.count > REMOTE_DOMAIN_INTERFACE_MAX) {
        error_set(error, VIR_ERR_INTERNAL_ERROR, "the guest's agent tells of %u interfaces",
                  list.count);
        return -1;
    }
    const struct agent_interface *interfaces = list.items;
    struct remote_domain_interface *items = arena_array(arena, list.count, sizeof(*items));
    unsigned count = 0;
    for (unsigned i = 0; i < list.count; i++) {
        char *name = arena_strndup(arena, interfaces[i].name, strcspn(interfaces[i].name, ":"));
        struct remote_domain_interface *item = find_interface(items, count, name);

        if (!item) {
            item = &items[count++];
            *item = (struct remote_domain_interface){.name = name, .hwaddr = interfaces[i].mac};
        }
        add_addresses(arena, &interfaces[i], item);
    }
    ret->ifaces_val = items;
    ret->ifaces_len = count;
    return 0;
}

int agent_info_list_interfaces(struct guest *guest, struct arena *arena,
                               struct remote_domain_interface_addresses_ret *ret, GError **error)
{
    AGENT_AUTO struct agent_turn turn = {0};

    if (agent_begin(guest, &turn, error) < 0)
        return -1;
    return list_interfaces(&turn, arena, ret, error);
}

/* ---- filesystems ---- */

static void fill_filesystem(struct arena *arena, const struct domain *live,
                            const struct agent_filesystem *from, struct remote_domain_fsinfo *ret)
{
    ret->name = from->name;
    ret->mountpoint = from->mountpoint;
    ret->fstype = from->type;
    ret->dev_aliases_val = arena_array(arena, from->disk_count, sizeof(char *));
    for (unsigned i = 0; i < from->disk_count; i++) {
        const struct domain_disk *disk = live ? agent_disk_find(live, &from->disks[i]) : NULL;
        const char *name = disk ? disk->target : from->disks[i].device;

        if (name)
            ret->dev_aliases_val[ret->dev_aliases_len++] = arena_strdup(arena, name);
    }
}

int agent_info_list_filesystems(struct guest *guest, struct arena *arena,
                                struct remote_domain_get_fsinfo_ret *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    AGENT_AUTO struct agent_turn turn = {0};
    struct qmp_list list;

    if (agent_begin(guest, &turn, error) < 0 ||
        agent_ask(&turn, &agent_query_filesystems, NULL, arena, &list, error) < 0)
        return -1;
    object_get_view(&guest->object, &view);
    const struct agent_filesystem *filesystems = list.items;
    ret->info_val = arena_array(arena, list.count, sizeof(struct remote_domain_fsinfo));
    ret->info_len = list.count;
    ret->ret = list.count;
    for (unsigned i = 0; i < list.count; i++)
        fill_filesystem(arena, view_live(&view), &filesystems[i], &ret->info_val[i]);
    return 0;
}
