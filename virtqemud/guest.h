/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/process.h"
#include "host/perf.h"
#include "model/domain.h"
#include "object/object.h"

#include "agent.h"
#include "qemu.h"
#include "qmp.h"

/*
 * A domain as this daemon runs it: the object that clients see and the QEMU process behind it.
 * The process is reached by its pidfd and its monitor, never by a number alone.
 */
struct guest {
    struct object object; /* first */

    GMutex lock;            /* guards qmp, process and follow_ups for those without a job */
    struct qmp *qmp;        /* NULL: not connected */
    struct process process; /* pid 0: no QEMU */
    uint64_t process_time;  /* start of the process: with the pid, names it for good */

    /* Which of its QEMUs it has now: grows with each, so that what still comes from an earlier one
     * can be told. The latest that has gone; stop.c clears up after it. */
    atomic_uint run, ended_run;

    struct exit_watch *watch; /* of the monitors' loop; touched there alone */
    struct loop_timer *retry; /* same; reconnect.c's */
    GQueue follow_ups;        /* monitor.c's: what waits for a job */

    /* Why the next change that QEMU reports happens: set by who asks for it, taken by monitor.c. */
    atomic_int pause_reason; /* VIR_DOMAIN_PAUSED_... */
    atomic_int run_reason;   /* VIR_DOMAIN_RUNNING_... */
    atomic_int end_reason;   /* VIR_DOMAIN_SHUTOFF_..., 0: none is known */
    atomic_bool fake_reboot; /* reset when the guest has shut down: reboot by ACPI */

    _Atomic int64_t lost; /* reconnect.c's: when the monitor broke, g_get_monotonic_time(), or 0 */

    atomic_bool collecting; /* statistics.c has asked and waits for answers */
    atomic_bool late;       /* ... longer than is bearable: nobody waits for them any more */

    struct agent agent;    /* agent.c's */
    GHashTable *fd_groups; /* fd-group.c's: by name; guarded by lock; NULL: none yet */
    GHashTable *io_errors; /* io-errors.c's: image -> text; guarded by lock; NULL: none yet */
    GHashTable *consoles;  /* console.c's: alias -> session; guarded by lock; NULL: none yet */

    struct domain *plugging; /* hotplug.c's: devices that QEMU may have by now; NULL: none */
    unsigned last_node;      /* highest number that a block node has had in this run */
    struct expectation *expectation; /* same: whose turn waits for news; guarded by lock */

    atomic_uint taints;       /* taint.c's */
    int counters[PERF_KINDS]; /* counters.c's descriptors; guarded by lock */
    char **cgroup;            /* folders of its control group; NULL: none; guarded by lock */
    struct process keeper;    /* guest-scope.c's: keeps its scope until QEMU does; pid 0: none */
    int keeper_fd;            /* same: what it waits for the end of */
    GPtrArray *helpers; /* helper.c's: programs that work for it; NULL: none; guarded by lock */
    struct qemu_config *config; /* dac.c's: where it differs from qemu.conf; NULL: nowhere */
    char *folder;               /* private to this run: monitor socket, keys */
    size_t log_start;           /* where QEMU's own words begin in its log */
    struct client *owner;       /* AUTODESTROY: whose going stops it; a reference, or NULL */
};

static inline struct guest *guest_of(struct object *object)
{
    return (struct guest *)object;
}

/* The definition of a view, as what it is. Borrowed from the view; NULL if there is none. */
static inline const struct domain *view_live(const struct object_view *view)
{
    return (const struct domain *)view->live;
}

static inline const struct domain *view_config(const struct object_view *view)
{
    return (const struct domain *)view->config;
}

/* Live if it runs, else the persistent one. */
static inline const struct domain *view_current(const struct object_view *view)
{
    return (const struct domain *)object_view_definition(view, false);
}

/* object_kind.clear */
void guest_clear(struct object *object);

/* A reference to the monitor. Any thread, no job needed: for questions that change nothing. Errors:
 * VIR_ERR_OPERATION_INVALID when the guest does not run (any more), VIR_ERR_OPERATION_TIMEOUT when
 * its QEMU has not answered since this daemon was started. */
struct qmp *guest_get_qmp(struct guest *guest, GError **error);

/* With a job: hands the monitor over; NULL drops it. The old one is closed. */
void guest_set_qmp(struct guest *guest, struct qmp *qmp);

/* With a job: QEMU runs as this process (taken over), watched from now on. VIR_ERR_SYSTEM_ERROR: it
 * can't be watched, and is not taken. */
int guest_set_process(struct guest *guest, struct process *process, GError **error);

/* Whether its QEMU is one that a start has not let run yet. Any thread. */
bool guest_is_starting(struct guest *guest);

/* With a job: brings what is published of its run to the disk. For what QEMU tells, where nobody
 * waits for an error: it is logged. Blocks on the disk. */
void guest_save_status(struct guest *guest, struct job *job);

/* True when there is no QEMU, or it has gone and nobody has cleared up yet. Any thread. */
bool guest_has_ended(struct guest *guest);

/* At the end of the daemon, once the monitors' loop has stopped: QEMU runs on unwatched. */
void guest_stop_watching(struct guest *guest);

/* QEMU's process, 0: none. Any thread. */
pid_t guest_pid(struct guest *guest);

/* The folders of its control group, a copy that the caller frees; NULL: none. Any thread. */
char **guest_get_cgroup(struct guest *guest);

/* With a job: takes the folders over. */
void guest_set_cgroup(struct guest *guest, char **folders);

/* Sends a signal to QEMU; nothing happens when it has gone. Any thread. */
int guest_signal(struct guest *guest, int signal_number, GError **error);

/* Waits for the end of QEMU, at most milliseconds; true when it has gone. Blocks; any thread. */
bool guest_wait(struct guest *guest, int milliseconds);

/* Runs one command with the job as permission, reply ignored. Errors: see qmp.h. */
int guest_command(struct job *job, const char *command, struct json_object *arguments,
                  GError **error);

/* Raises VIR_DOMAIN_EVENT_ID_LIFECYCLE; job NULL: at once. */
void guest_raise_lifecycle(struct guest *guest, struct job *job, int event, int detail);

/* Fills the handle that messages and replies carry; strings live in the view. */
struct remote_nonnull_domain;
void guest_fill_handle(const struct object_view *view, struct remote_nonnull_domain *handle);
