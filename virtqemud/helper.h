/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "guest.h"

/*
 * Programs that work for one guest: swtpm, virtiofsd, passt, the bus of a display, the GPU's
 * renderer, the helper of persistent reservations. They are started before QEMU, are in the guest's
 * control group, are recorded in its status file by pid and start time, and end with it. A
 * restarted daemon finds them again. One that ends by itself is logged; the guest goes on as far as
 * it can.
 */
enum helper_kind {
    HELPER_NONE,
    HELPER_TPM,
    HELPER_FOLDER,
    HELPER_NETWORK,
    HELPER_BUS,
    HELPER_RESERVATIONS,
    HELPER_GPU,
};
extern const struct names helper_kind_names; /* the programs' names */

/* One that runs; guest->helpers has them. */
struct helper {
    atomic_int references;
    uint8_t kind; /* enum helper_kind */
    char *device; /* alias of the device that it works for; "" for those of all devices */
    char *guest;  /* name, for the log */
    struct process process;
    uint64_t process_time;
    int peer;             /* our end of its connection, until it is handed to QEMU; -1: none */
    atomic_bool stopping; /* its end is no news */
    struct helper_watch *watch; /* of the monitors' loop; touched there alone */
};

/* Starts all helpers of a guest that is about to run; on failure those begun are the caller's to
 * stop. Blocks until each takes connections. VIR_ERR_CONFIG_UNSUPPORTED names a missing program and
 * its Debian package; VIR_ERR_OPERATION_FAILED quotes what it said. */
int helper_start_all(struct guest *guest, const struct domain *live, GError **error);

/* With a job, of one device that is plugged in or out; nothing for a device without a helper. Live
 * is a definition with alias and id. */
int helper_start(struct guest *guest, const struct domain *live, const struct device *device,
                 GError **error);
void helper_stop(struct guest *guest, const struct domain *live, const struct device *device);

/* Ends all and removes their sockets. Idempotent. Blocks a few seconds at most. */
void helper_stop_all(struct guest *guest, const struct domain *live);

/* At the end of the daemon, once the monitors' loop has stopped: they run on unwatched. */
void helper_stop_watching(struct guest *guest);

/* After a restart: takes up one that the status file names; one that has gone is logged. */
void helper_restore(struct guest *guest, const char *name, enum helper_kind kind,
                    const char *device, pid_t pid, uint64_t process_time);

/* With a job: the connection to the helper of a device, for QEMU; the caller's. -1: it has none, or
 * QEMU got it before. */
int helper_take_peer(struct guest *guest, const struct device *device);

/* The kind of helper that a device needs; HELPER_NONE: none. Pure. */
enum helper_kind helper_kind_of(const struct device *device);

/* The socket by which QEMU and the helper of a device (NULL: of all devices) talk: below
 * status_folder or, for kinds without a folder there, in the folder of the run. The caller frees.
 */
char *helper_socket_path(const struct domain *domain, enum helper_kind kind,
                         const struct device *device, const char *status_folder,
                         const char *folder);
