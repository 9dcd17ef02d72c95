/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent.h"
#include "qmp-commands.h"

/*
 * What a guest's agent tells, as structs by table. None of it is true for sure: numbers may be
 * anything, and strings anything that is UTF-8. Strings and lists live in the caller's arena; NULL
 * or zero where the agent says nothing.
 */
struct agent_user {
    char *name;
    char *domain;      /* Windows */
    double login_time; /* seconds since 1970 */
};

struct agent_os {
    char *id, *name, *pretty_name, *version, *version_id, *machine, *variant, *variant_id;
    char *kernel_release, *kernel_version;
};

struct agent_timezone {
    char *name;
    int64_t offset; /* seconds east of UTC */
};

struct agent_hostname {
    char *name;
};

/* Where a disk sits in the guest; numbers that it does not know are -1. */
struct agent_disk_address {
    bool has_pci; /* the controller's place */
    int64_t domain, pci_bus, slot, function;
    bool has_ccw;
    int64_t cssid, ssid, devno;
    int64_t bus, target, unit;
    char *bus_type; /* virtio, scsi ... */
    char *serial;
    char *device; /* /dev/vda */
};

struct agent_filesystem {
    char *name, *mountpoint, *type;
    bool has_total, has_used;
    uint64_t total, used; /* bytes */
    struct agent_disk_address *disks;
    unsigned disk_count;
};

struct agent_disk {
    char *name;
    bool partition;
    bool has_address;
    char **dependencies;
    char *alias; /* the guest's own name of it */
    struct agent_disk_address address;
};

struct agent_ip_address {
    char *type; /* ipv4, ipv6 */
    char *text;
    int64_t prefix;
};

struct agent_interface {
    char *name;
    char *mac;
    struct agent_ip_address *addresses;
    unsigned address_count;
};

struct agent_cpu {
    int64_t id;
    bool online;
    bool can_offline;
};

struct agent_load {
    double one, five, fifteen; /* of so many minutes */
};

struct agent_device {
    char *driver, *version;
    bool has_date;
    int64_t date; /* nanoseconds since 1970 */
    char *id_type;
    uint64_t pci_vendor, pci_device;
};

struct agent_keys {
    char **keys;
};

/* One struct each ... */
extern const struct qmp_query agent_query_os, agent_query_timezone, agent_query_hostname,
    agent_query_load, agent_query_keys;
/* ... and lists of agent_user and so on. */
extern const struct qmp_query agent_query_users, agent_query_filesystems, agent_query_disks,
    agent_query_interfaces, agent_query_cpus, agent_query_devices;

/* Decodes a reply: ret is the struct, or a struct qmp_list. Pure. VIR_ERR_INTERNAL_ERROR names the
 * member that is missing or wrong. */
int agent_decode(const struct qmp_query *query, struct json_object *json, struct arena *arena,
                 void *ret, GError **error);

/* Asks, and decodes. arguments are taken; may be NULL. */
int agent_ask(struct agent_turn *turn, const struct qmp_query *query, struct json_object *arguments,
              struct arena *arena, void *ret, GError **error);

/* Asks for one number. Of guest-set-vcpus, guest-fsfreeze-freeze ... */
int agent_ask_number(struct agent_turn *turn, const char *command, struct json_object *arguments,
                     int64_t *ret_number, GError **error);
