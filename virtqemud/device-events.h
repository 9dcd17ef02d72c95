/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qmp-events.h"

/*
 * What QEMU tells about devices, passed on to clients. Handlers of qmp-events.h with the struct
 * guest as user; on the monitors' loop.
 */
void device_event_rtc_change(const struct qmp_event *event, void *user);
void device_event_watchdog(const struct qmp_event *event, void *user);
void device_event_io_error(const struct qmp_event *event, void *user);
void device_event_balloon(const struct qmp_event *event, void *user);
void device_event_threshold(const struct qmp_event *event, void *user);
void device_event_graphics(const struct qmp_event *event, void *user);
void device_event_tray(const struct qmp_event *event, void *user);
void device_event_memory_failure(const struct qmp_event *event, void *user);

/* Every event as it came, for those who registered for monitor events. */
void device_event_raw(const struct qmp_event *event, void *user);
