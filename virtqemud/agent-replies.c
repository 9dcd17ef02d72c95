/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent-replies.h"

#include <json-c/json.h>

#include "base/error.h"
#include "json.h"
#include "qmp-decode.h"

static const struct qmp_field user_fields[] = {
    QMP_REQUIRED(agent_user, "user", STRING, name),
    QMP_OPTIONAL(agent_user, "domain", STRING, domain),
    QMP_REQUIRED(agent_user, "login-time", DOUBLE, login_time),
};
static const struct qmp_shape user_shape = QMP_SHAPE(struct agent_user, user_fields);

static const struct qmp_field os_fields[] = {
    QMP_OPTIONAL(agent_os, "id", STRING, id),
    QMP_OPTIONAL(agent_os, "name", STRING, name),
    QMP_OPTIONAL(agent_os, "pretty-name", STRING, pretty_name),
    QMP_OPTIONAL(agent_os, "version", STRING, version),
    QMP_OPTIONAL(agent_os, "version-id", STRING, version_id),
    QMP_OPTIONAL(agent_os, "machine", STRING, machine),
    QMP_OPTIONAL(agent_os, "variant", STRING, variant),
    QMP_OPTIONAL(agent_os, "variant-id", STRING, variant_id),
    QMP_OPTIONAL(agent_os, "kernel-release", STRING, kernel_release),
    QMP_OPTIONAL(agent_os, "kernel-version", STRING, kernel_version),
};
static const struct qmp_shape os_shape = QMP_SHAPE(struct agent_os, os_fields);

static const struct qmp_field timezone_fields[] = {
    QMP_OPTIONAL(agent_timezone, "zone", STRING, name),
    QMP_REQUIRED(agent_timezone, "offset", INT, offset),
};
static const struct qmp_shape timezone_shape = QMP_SHAPE(struct agent_timezone, timezone_fields);

static const struct qmp_field hostname_fields[] = {
    QMP_REQUIRED(agent_hostname, "host-name", STRING, name),
};
static const struct qmp_shape hostname_shape = QMP_SHAPE(struct agent_hostname, hostname_fields);

#define DISK_ADDRESS_FIELDS(type, path, member)                                                    \
    QMP_OPTIONAL(type, path "pci-controller", PRESENT, member has_pci),                            \
        QMP_OPTIONAL(type, path "pci-controller/domain", INT, member domain),                      \
        QMP_OPTIONAL(type, path "pci-controller/bus", INT, member pci_bus),                        \
        QMP_OPTIONAL(type, path "pci-controller/slot", INT, member slot),                          \
        QMP_OPTIONAL(type, path "pci-controller/function", INT, member function),                  \
        QMP_OPTIONAL(type, path "ccw-address", PRESENT, member has_ccw),                           \
        QMP_OPTIONAL(type, path "ccw-address/cssid", INT, member cssid),                           \
        QMP_OPTIONAL(type, path "ccw-address/ssid", INT, member ssid),                             \
        QMP_OPTIONAL(type, path "ccw-address/devno", INT, member devno),                           \
        QMP_OPTIONAL(type, path "bus", INT, member bus),                                           \
        QMP_OPTIONAL(type, path "target", INT, member target),                                     \
        QMP_OPTIONAL(type, path "unit", INT, member unit),                                         \
        QMP_OPTIONAL(type, path "bus-type", STRING, member bus_type),                              \
        QMP_OPTIONAL(type, path "serial", STRING, member serial),                                  \
        QMP_OPTIONAL(type, path "dev", STRING, member device)

static const struct qmp_field disk_address_fields[] = {
    DISK_ADDRESS_FIELDS(agent_disk_address, "", )};
static const struct qmp_shape disk_address_shape =
    QMP_SHAPE(struct agent_disk_address, disk_address_fields);

static const struct qmp_field filesystem_fields[] = {
    QMP_REQUIRED(agent_filesystem, "name", STRING, name),
    QMP_REQUIRED(agent_filesystem, "mountpoint", STRING, mountpoint),
    QMP_REQUIRED(agent_filesystem, "type", STRING, type),
    QMP_OPTIONAL(agent_filesystem, "total-bytes", PRESENT, has_total),
    QMP_OPTIONAL(agent_filesystem, "total-bytes", UINT, total),
    QMP_OPTIONAL(agent_filesystem, "used-bytes", PRESENT, has_used),
    QMP_OPTIONAL(agent_filesystem, "used-bytes", UINT, used),
    QMP_LIST(agent_filesystem, "disk", disks, disk_count, &disk_address_shape),
};
static const struct qmp_shape filesystem_shape =
    QMP_SHAPE(struct agent_filesystem, filesystem_fields);

static const struct qmp_field disk_fields[] = {
    QMP_REQUIRED(agent_disk, "name", STRING, name),
    QMP_REQUIRED(agent_disk, "partition", BOOL, partition),
    QMP_OPTIONAL(agent_disk, "dependencies", STRINGS, dependencies),
    QMP_OPTIONAL(agent_disk, "alias", STRING, alias),
    QMP_OPTIONAL(agent_disk, "address", PRESENT, has_address),
    DISK_ADDRESS_FIELDS(agent_disk, "address/", address.),
};
static const struct qmp_shape disk_shape = QMP_SHAPE(struct agent_disk, disk_fields);

static const struct qmp_field ip_address_fields[] = {
    QMP_REQUIRED(agent_ip_address, "ip-address-type", STRING, type),
    QMP_REQUIRED(agent_ip_address, "ip-address", STRING, text),
    QMP_REQUIRED(agent_ip_address, "prefix", INT, prefix),
};
static const struct qmp_shape ip_address_shape =
    QMP_SHAPE(struct agent_ip_address, ip_address_fields);

static const struct qmp_field interface_fields[] = {
    QMP_REQUIRED(agent_interface, "name", STRING, name),
    QMP_OPTIONAL(agent_interface, "hardware-address", STRING, mac),
    QMP_LIST(agent_interface, "ip-addresses", addresses, address_count, &ip_address_shape),
};
static const struct qmp_shape interface_shape = QMP_SHAPE(struct agent_interface, interface_fields);

static const struct qmp_field cpu_fields[] = {
    QMP_REQUIRED(agent_cpu, "logical-id", INT, id),
    QMP_REQUIRED(agent_cpu, "online", BOOL, online),
    QMP_OPTIONAL(agent_cpu, "can-offline", BOOL, can_offline),
};
static const struct qmp_shape cpu_shape = QMP_SHAPE(struct agent_cpu, cpu_fields);

static const struct qmp_field load_fields[] = {
    QMP_REQUIRED(agent_load, "load1m", DOUBLE, one),
    QMP_REQUIRED(agent_load, "load5m", DOUBLE, five),
    QMP_REQUIRED(agent_load, "load15m", DOUBLE, fifteen),
};
static const struct qmp_shape load_shape = QMP_SHAPE(struct agent_load, load_fields);

static const struct qmp_field device_fields[] = {
    QMP_REQUIRED(agent_device, "driver-name", STRING, driver),
    QMP_OPTIONAL(agent_device, "driver-version", STRING, version),
    QMP_OPTIONAL(agent_device, "driver-date", PRESENT, has_date),
    QMP_OPTIONAL(agent_device, "driver-date", INT, date),
    QMP_OPTIONAL(agent_device, "id/type", STRING, id_type),
    QMP_OPTIONAL(agent_device, "id/vendor-id", UINT, pci_vendor),
    QMP_OPTIONAL(agent_device, "id/device-id", UINT, pci_device),
};
static const struct qmp_shape device_shape = QMP_SHAPE(struct agent_device, device_fields);

static const struct qmp_field keys_fields[] = {
    QMP_REQUIRED(agent_keys, "keys", STRINGS, keys),
};
static const struct qmp_shape keys_shape = QMP_SHAPE(struct agent_keys, keys_fields);

const struct qmp_query agent_query_os = {"guest-get-osinfo", &os_shape, false};
const struct qmp_query agent_query_timezone = {"guest-get-timezone", &timezone_shape, false};
const struct qmp_query agent_query_hostname = {"guest-get-host-name", &hostname_shape, false};
const struct qmp_query agent_query_load = {"guest-get-load", &load_shape, false};
const struct qmp_query agent_query_keys = {"guest-ssh-get-authorized-keys", &keys_shape, false};
const struct qmp_query agent_query_users = {"guest-get-users", &user_shape, true};
const struct qmp_query agent_query_filesystems = {"guest-get-fsinfo", &filesystem_shape, true};
const struct qmp_query agent_query_disks = {"guest-get-disks", &disk_shape, true};
const struct qmp_query agent_query_interfaces = {"guest-network-get-interfaces", &interface_shape,
                                                 true};
const struct qmp_query agent_query_cpus = {"guest-get-vcpus", &cpu_shape, true};
const struct qmp_query agent_query_devices = {"guest-get-devices", &device_shape, true};

int agent_decode(const struct qmp_query *query, struct json_object *json, struct arena *arena,
                 void *ret, GError **error)
{
    g_autofree char *what = g_strdup_printf("the agent's reply to '%s'", query->command);
    struct qmp_list *list = ret;

    if (query->list)
        return qmp_decode_list(query->shape, json, what, arena, &list->items, &list->count, error);
    if (json_object_is_type(json, json_type_object))
        return qmp_decode_struct(query->shape, json, what, arena, ret, error);
    error_set(error, VIR_ERR_INTERNAL_ERROR, "%s is no object", what);
    return -1;
}

int agent_ask(struct agent_turn *turn, const struct qmp_query *query, struct json_object *arguments,
              struct arena *arena, void *ret, GError **error)
{
    struct json_object *result JSON_AUTO = NULL;

    if (agent_execute(turn, query->command, arguments, &result, error) < 0)
        return -1;
    return agent_decode(query, result, arena, ret, error);
}

int agent_ask_number(struct agent_turn *turn, const char *command, struct json_object *arguments,
                     int64_t *ret_number, GError **error)
{
    struct json_object *result JSON_AUTO = NULL;

    if (agent_execute(turn, command, arguments, &result, error) < 0)
        return -1;
    if (!json_object_is_type(result, json_type_int)) {
        error_set(error, VIR_ERR_INTERNAL_ERROR, "the agent's reply to '%s' is no number", command);
        return -1;
    }
    *ret_number = json_object_get_int64(result);
    return 0;
}
