/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp-events.h"

#include <string.h>

#include "qmp-decode.h"

#define AT(member) offsetof(struct qmp_event, member)
#define SHAPE(rows)                                                                                \
    &(const struct qmp_shape)                                                                      \
    {                                                                                              \
        sizeof(struct qmp_event), rows, G_N_ELEMENTS(rows)                                         \
    }

static const struct qmp_field shutdown_fields[] = {
    {"guest", QMP_FIELD_BOOL, AT(shutdown.by_guest)},
    {"reason", QMP_FIELD_STRING, AT(shutdown.reason)},
};

static const struct qmp_field rtc_change_fields[] = {
    {"offset", QMP_FIELD_INT, AT(rtc_change.offset), true},
};

static const struct qmp_field watchdog_fields[] = {
    {"action", QMP_FIELD_STRING, AT(watchdog.action), true},
};

static const struct qmp_field block_io_error_fields[] = {
    {"device", QMP_FIELD_STRING, AT(block_io_error.device)},
    {"qom-path", QMP_FIELD_STRING, AT(block_io_error.qom_path)},
    {"node-name", QMP_FIELD_STRING, AT(block_io_error.node)},
    {"operation", QMP_FIELD_STRING, AT(block_io_error.operation)},
    {"action", QMP_FIELD_STRING, AT(block_io_error.action), true},
    {"reason", QMP_FIELD_STRING, AT(block_io_error.reason)},
    {"nospace", QMP_FIELD_BOOL, AT(block_io_error.no_space)},
};

static const struct qmp_field write_threshold_fields[] = {
    {"node-name", QMP_FIELD_STRING, AT(block_write_threshold.node), true},
    {"amount-exceeded", QMP_FIELD_UINT, AT(block_write_threshold.excess)},
    {"write-threshold", QMP_FIELD_UINT, AT(block_write_threshold.threshold)},
};

static const struct qmp_field balloon_fields[] = {
    {"actual", QMP_FIELD_UINT, AT(balloon.actual), true},
};

#define GRAPHICS_FIELDS(service_name)                                                              \
    {"server/family", QMP_FIELD_STRING, AT(graphics.server.family)},                               \
        {"server/host", QMP_FIELD_STRING, AT(graphics.server.host)},                               \
        {"server/" service_name, QMP_FIELD_STRING, AT(graphics.server.service)},                   \
        {"server/auth", QMP_FIELD_STRING, AT(graphics.auth)},                                      \
        {"client/family", QMP_FIELD_STRING, AT(graphics.client.family)},                           \
        {"client/host", QMP_FIELD_STRING, AT(graphics.client.host)},                               \
    {                                                                                              \
        "client/" service_name, QMP_FIELD_STRING, AT(graphics.client.service)                      \
    }

static const struct qmp_field vnc_fields[] = {
    GRAPHICS_FIELDS("service"),
    {"client/x509_dname", QMP_FIELD_STRING, AT(graphics.x509_dname)},
    {"client/sasl_username", QMP_FIELD_STRING, AT(graphics.sasl_username)},
};

static const struct qmp_field spice_fields[] = {GRAPHICS_FIELDS("port")};

static const struct qmp_field tray_fields[] = {
    {"device", QMP_FIELD_STRING, AT(tray.device)},
    {"id", QMP_FIELD_STRING, AT(tray.id)},
    {"tray-open", QMP_FIELD_BOOL, AT(tray.open), true},
};

static const struct qmp_field device_fields[] = {
    {"device", QMP_FIELD_STRING, AT(device_deleted.device)},
    {"path", QMP_FIELD_STRING, AT(device_deleted.path)},
};

static const struct qmp_field serial_change_fields[] = {
    {"id", QMP_FIELD_STRING, AT(serial_change.id), true},
    {"open", QMP_FIELD_BOOL, AT(serial_change.open), true},
};

static const struct qmp_field panicked_fields[] = {
    {"action", QMP_FIELD_STRING, AT(guest_panicked.action)},
};

static const struct qmp_field rx_filter_fields[] = {
    {"name", QMP_FIELD_STRING, AT(nic_rx_filter.device)},
};

static const struct qmp_field memory_failure_fields[] = {
    {"recipient", QMP_FIELD_STRING, AT(memory_failure.recipient), true},
    {"action", QMP_FIELD_STRING, AT(memory_failure.action), true},
    {"flags/action-required", QMP_FIELD_BOOL, AT(memory_failure.action_required)},
    {"flags/recursive", QMP_FIELD_BOOL, AT(memory_failure.recursive)},
};

static const struct qmp_field memory_device_fields[] = {
    {"id", QMP_FIELD_STRING, AT(memory_device.id)},
    {"qom-path", QMP_FIELD_STRING, AT(memory_device.path)},
    {"size", QMP_FIELD_UINT, AT(memory_device.size), true},
};

static const struct event_row {
    const char *name;
    enum qmp_event_kind kind;
    const struct qmp_shape *shape; /* NULL: no data is looked at */
    enum qmp_graphics_phase phase; /* GRAPHICS */
    bool spice;
} rows[] = {
    {"SHUTDOWN", QMP_EVENT_SHUTDOWN, SHAPE(shutdown_fields)},
    {"RESET", QMP_EVENT_RESET, SHAPE(shutdown_fields)},
    {"STOP", QMP_EVENT_STOP, NULL},
    {"RESUME", QMP_EVENT_RESUME, NULL},
    {"SUSPEND", QMP_EVENT_SUSPEND, NULL},
    {"SUSPEND_DISK", QMP_EVENT_SUSPEND_DISK, NULL},
    {"WAKEUP", QMP_EVENT_WAKEUP, NULL},
    {"RTC_CHANGE", QMP_EVENT_RTC_CHANGE, SHAPE(rtc_change_fields)},
    {"WATCHDOG", QMP_EVENT_WATCHDOG, SHAPE(watchdog_fields)},
    {"BLOCK_IO_ERROR", QMP_EVENT_BLOCK_IO_ERROR, SHAPE(block_io_error_fields)},
    {"BLOCK_WRITE_THRESHOLD", QMP_EVENT_BLOCK_WRITE_THRESHOLD, SHAPE(write_threshold_fields)},
    {"BALLOON_CHANGE", QMP_EVENT_BALLOON_CHANGE, SHAPE(balloon_fields)},
    {"VNC_CONNECTED", QMP_EVENT_GRAPHICS, SHAPE(vnc_fields), QMP_GRAPHICS_CONNECT, false},
    {"VNC_INITIALIZED", QMP_EVENT_GRAPHICS, SHAPE(vnc_fields), QMP_GRAPHICS_INITIALIZE, false},
    {"VNC_DISCONNECTED", QMP_EVENT_GRAPHICS, SHAPE(vnc_fields), QMP_GRAPHICS_DISCONNECT, false},
    {"SPICE_CONNECTED", QMP_EVENT_GRAPHICS, SHAPE(spice_fields), QMP_GRAPHICS_CONNECT, true},
    {"SPICE_INITIALIZED", QMP_EVENT_GRAPHICS, SHAPE(spice_fields), QMP_GRAPHICS_INITIALIZE, true},
    {"SPICE_DISCONNECTED", QMP_EVENT_GRAPHICS, SHAPE(spice_fields), QMP_GRAPHICS_DISCONNECT, true},
    {"DEVICE_TRAY_MOVED", QMP_EVENT_DEVICE_TRAY_MOVED, SHAPE(tray_fields)},
    {"DEVICE_DELETED", QMP_EVENT_DEVICE_DELETED, SHAPE(device_fields)},
    {"DEVICE_UNPLUG_GUEST_ERROR", QMP_EVENT_DEVICE_UNPLUG_FAILED, SHAPE(device_fields)},
    {"MEM_UNPLUG_ERROR", QMP_EVENT_DEVICE_UNPLUG_FAILED, SHAPE(device_fields)},
    {"VSERPORT_CHANGE", QMP_EVENT_SERIAL_CHANGE, SHAPE(serial_change_fields)},
    {"GUEST_PANICKED", QMP_EVENT_GUEST_PANICKED, SHAPE(panicked_fields)},
    {"NIC_RX_FILTER_CHANGED", QMP_EVENT_NIC_RX_FILTER_CHANGED, SHAPE(rx_filter_fields)},
    {"MEMORY_FAILURE", QMP_EVENT_MEMORY_FAILURE, SHAPE(memory_failure_fields)},
    {"MEMORY_DEVICE_SIZE_CHANGE", QMP_EVENT_MEMORY_DEVICE_SIZE_CHANGE, SHAPE(memory_device_fields)},
};

static const struct event_row *find_row(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

int qmp_event_decode(const char *name, struct json_object *data, int64_t seconds, unsigned micros,
                     struct qmp_event *ret_event, GError **error)
{
    const struct event_row *row = find_row(name);
    struct qmp_event event = {.name = name, .data = data, .seconds = seconds, .micros = micros};

    if (row) {
        g_autofree char *what = g_strdup_printf("event %s", name);
        if (row->shape && qmp_decode_struct(row->shape, data, what, NULL, &event, error) < 0)
            return -1;
        event.kind = row->kind;
        if (row->kind == QMP_EVENT_GRAPHICS) {
            event.graphics.phase = row->phase;
            event.graphics.spice = row->spice;
        }
    }
    *ret_event = event;
    return 0;
}

int qmp_event_dispatch(const struct qmp_event_handlers *handlers, const char *name,
                       struct json_object *data, int64_t seconds, unsigned micros, void *user,
                       GError **error)
{
    struct qmp_event event;

    if (qmp_event_decode(name, data, seconds, micros, &event, error) < 0)
        return -1;
    if (handlers->every)
        handlers->every(&event, user);
    if (handlers->handle[event.kind])
        handlers->handle[event.kind](&event, user);
    return 0;
}
