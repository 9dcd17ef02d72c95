/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "guest.h"

/*
 * What the kernel knows of a guest's use of the host. Read when needed; never waits for QEMU. Any
 * thread. False: the process or thread has gone.
 */
struct process_times {
    uint64_t user_ns, system_ns;
    int processor; /* it last ran on */
};

/* Of QEMU with all its threads; of one thread, with the nanoseconds that it waited for a processor
 * while it could have run (0: the kernel does not count them). */
bool usage_read_process(struct guest *guest, struct process_times *ret_times);
bool usage_read_vcpu(struct guest *guest, int64_t thread_id, struct process_times *ret_times,
                     uint64_t *ret_wait_ns);

/* Nanoseconds of the guest's control group, with those of its helpers; of QEMU alone, counted in
 * ticks, where the group has no account. */
uint64_t usage_read_cpu_time(struct guest *guest, const struct process_times *times);

/* Nanoseconds that idle vcpus were polled for before they slept: in time for what woke them, and in
 * vain. 0 without KVM, and where the kernel does not show it. */
struct halt_poll {
    uint64_t success_ns, fail_ns;
};
void usage_read_halt_poll(struct guest *guest, struct halt_poll *ret_halt_poll);

/* Resident memory of QEMU in KiB; 0: unknown. */
uint64_t usage_read_rss(struct guest *guest);

/* Counters of a host interface, as the host sees them. */
struct interface_counters {
    uint64_t rx_bytes, rx_packets, rx_errors, rx_dropped;
    uint64_t tx_bytes, tx_packets, tx_errors, tx_dropped;
};
int usage_read_interface(const char *name, struct interface_counters *ret_counters, GError **error);
