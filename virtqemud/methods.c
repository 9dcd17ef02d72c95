/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "methods.h"
#include "migratable.h"

#include "driver/connect.h"
#include "driver/domains.h"
#include "driver/events.h"
#include "driver/node.h"

#include "agent-cpus.h"
#include "document.h"
#include "fd-group.h"
#include "guest.h"
#include "reconnect.h"

static const struct driver_methods *const groups[] = {
    &connect_methods,   &events_methods,  &domain_list_methods,     &domain_read_methods,
    &node_methods,      &host_methods,    &domain_describe_methods, &define_methods,
    &lifecycle_methods, &stats_methods,   &device_methods,          &monitor_methods,
    &agent_methods,     &cpu_methods,     &block_methods,           &net_methods,
    &security_methods,  &pin_methods,     &scheduler_methods,       &iothread_methods,
    &throttle_methods,  &fd_methods,      &memory_methods,          &memtune_methods,
    &blkiotune_methods, &iotune_methods,  &bandwidth_methods,       &image_methods,
    &peek_methods,      &measure_methods, &policy_methods,          &display_methods,
    &vcpu_methods,      &hotplug_methods,
};

static const struct protocol_program *const programs[] = {&remote_program, &qemu_program,
                                                          &lxc_program, NULL};

/* VIR_DRV_FEATURE_XML_MIGRATABLE: the migratable document is offered. */
#define FEATURES (1U << 11)

static int count_guest_vcpus(struct object *domain, unsigned *ret_count, GError **error)
{
    return agent_cpus_count(guest_of(domain), ret_count, error);
}

static void client_gone(struct client *client)
{
    lifecycle_client_gone(client);
    fd_group_client_gone(client);
}

const struct driver_spec qemu_driver_spec = {
    .type = "QEMU",
    .scheme = "qemu",
    .programs = programs,
    .features = FEATURES,
    .groups = groups,
    .group_count = G_N_ELEMENTS(groups),
    .update_cpu = document_update_cpu,
    .strip_implied = migratable_strip,
    .out_of_control = reconnect_lost_ms,
    .count_guest_vcpus = count_guest_vcpus,
    .client_gone = client_gone,
};
