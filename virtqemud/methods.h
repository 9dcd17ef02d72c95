/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "driver/driver.h"

/* The tables of what virtqemud adds to the methods that every hypervisor's daemon has. */
extern const struct driver_methods define_methods;    /* define, undefine, rename */
extern const struct driver_methods lifecycle_methods; /* create, destroy, shutdown, suspend ... */
extern const struct driver_methods stats_methods;     /* domstats and its single questions */
extern const struct driver_methods cpu_methods;       /* times of CPUs */
extern const struct driver_methods pin_methods;       /* which CPUs threads run on */
extern const struct driver_methods scheduler_methods; /* how much of the CPUs */
extern const struct driver_methods fd_methods;        /* files that clients open */
extern const struct driver_methods throttle_methods;  /* limits that disks share */
extern const struct driver_methods iothread_methods;  /* threads for disks */
extern const struct driver_methods memory_methods;    /* how much memory they have */
extern const struct driver_methods memtune_methods;   /* how much of the host's, and where */
extern const struct driver_methods blkiotune_methods; /* limits on the host's block devices */
extern const struct driver_methods iotune_methods;    /* limits of their disks */
extern const struct driver_methods block_methods;     /* sizes, counters, errors of disks */
extern const struct driver_methods net_methods;       /* counters and addresses */
extern const struct driver_methods security_methods;  /* labels */
extern const struct driver_methods device_methods;    /* consoles, screenshot, keys */
extern const struct driver_methods hotplug_methods;   /* attach, detach, update devices */
extern const struct driver_methods agent_methods;     /* what only the guest could tell */
extern const struct driver_methods monitor_methods;   /* the qemu program */
extern const struct driver_methods host_methods;      /* versions and capabilities */

extern const struct driver_methods bandwidth_methods; /* limits of their interfaces */
extern const struct driver_methods image_methods;     /* sizes of images, and warnings */
extern const struct driver_methods peek_methods;      /* bytes of disks and memory */
extern const struct driver_methods measure_methods;   /* counters, how fast memory changes */
extern const struct driver_methods display_methods;   /* displays, messages, announcements */
extern const struct driver_methods vcpu_methods;      /* how many vcpus, and which */
extern const struct driver_methods policy_methods;    /* ends of guests, encrypted guests */

/* All that virtqemud serves: these, and the common ones. */
extern const struct driver_spec qemu_driver_spec;

/* Ends the guests that were started with AUTODESTROY. */
void lifecycle_client_gone(struct client *client);
