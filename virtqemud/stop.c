/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stop.h"

#include <signal.h>

#include "base/file.h"
#include "base/log.h"

#include "console.h"
#include "counters.h"
#include "dac.h"
#include "hostdev.h"
#include "log-file.h"
#include "netport.h"
#include "ownership.h"
#include "prepare.h"
#include "reconnect.h"
#include "tpm-state.h"

/* What a QEMU with much to write back needs; a stopped or stuck one never answers the SIGTERM. */
#define TERM_GRACE_MS 10000
#define KILL_GRACE_MS 30000

/* True for a process that can't handle a signal: stopped by a debugger, or by SIGSTOP. */
static bool is_stopped(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/stat", pid);
    g_autofree char *text = NULL;

    if (file_read_all(path, 4096, &text, NULL, NULL) < 0)
        return false;
    const char *after_name = strrchr(text, ')');
    return after_name && (after_name[2] == 'T' || after_name[2] == 't');
}

int stop_kill(struct guest *guest, bool graceful, GError **error)
{
    pid_t pid = guest_pid(guest);
    bool stopped = pid && is_stopped(pid);

    if (!stopped || graceful) {
        if (guest_signal(guest, SIGTERM, error) < 0)
            return -1;
        if (guest_wait(guest, TERM_GRACE_MS))
            return 0;
    }
    if (graceful) {
        error_set_errno(error, EBUSY, "failed to terminate process %d with SIGTERM", pid);
        return -1;
    }
    if (guest_signal(guest, SIGKILL, error) < 0)
        return -1;
    if (guest_wait(guest, KILL_GRACE_MS))
        return 0;
    error_set_errno(error, EBUSY, "failed to terminate process %d with SIGKILL", pid);
    return -1;
}

int stop_event_detail(int reason)
{
    static const int details[] = {
        [VIR_DOMAIN_SHUTOFF_UNKNOWN] = VIR_DOMAIN_EVENT_STOPPED_FAILED,
        [VIR_DOMAIN_SHUTOFF_SHUTDOWN] = VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN,
        [VIR_DOMAIN_SHUTOFF_DESTROYED] = VIR_DOMAIN_EVENT_STOPPED_DESTROYED,
        [VIR_DOMAIN_SHUTOFF_CRASHED] = VIR_DOMAIN_EVENT_STOPPED_FAILED,
        [VIR_DOMAIN_SHUTOFF_MIGRATED] = VIR_DOMAIN_EVENT_STOPPED_MIGRATED,
        [VIR_DOMAIN_SHUTOFF_SAVED] = VIR_DOMAIN_EVENT_STOPPED_SAVED,
        [VIR_DOMAIN_SHUTOFF_FAILED] = VIR_DOMAIN_EVENT_STOPPED_FAILED,
        [VIR_DOMAIN_SHUTOFF_FROM_SNAPSHOT] = VIR_DOMAIN_EVENT_STOPPED_FROM_SNAPSHOT,
        [VIR_DOMAIN_SHUTOFF_DAEMON] = VIR_DOMAIN_EVENT_STOPPED_FAILED,
    };

    return reason >= 0 && reason < (int)G_N_ELEMENTS(details) ? details[reason]
                                                              : VIR_DOMAIN_EVENT_STOPPED_FAILED;
}

static void forget_process(struct guest *guest)
{
    g_mutex_lock(&guest->lock);
    struct process process = guest->process;
    guest->process = (struct process)PROCESS_INIT;
    g_mutex_unlock(&guest->lock);
    if (!process.pid)
        return;
    process_wait(&process, 0, NULL); /* reaps a child of ours */
    process_clear(&process);
}

static void forget_owner(struct guest *guest)
{
    if (!guest->owner)
        return;
    client_remove_autodestroy(guest->owner, &guest->object);
    g_clear_pointer(&guest->owner, client_unref);
}

/* Devices of which nobody knows whether they came. */
static void forget_plugging(struct guest *guest, const char *name)
{
    DEFINITION_AUTO struct domain *plugging = g_steal_pointer(&guest->plugging);
    struct qemu *qemu = qemu_of(&guest->object);

    guest->last_node = 0;
    if (!plugging)
        return;
    ownership_restore(dac_config(guest), plugging);
    netport_give_back(qemu, plugging);
    hostdev_give_back_all(qemu, name, plugging);
}

/* The end of a run in the guest's own log, in the words that people search for. */
static void note_end(struct qemu *qemu, const char *name, int reason)
{
    static const char *const words[] = {
        [VIR_DOMAIN_SHUTOFF_UNKNOWN] = "unknown",     [VIR_DOMAIN_SHUTOFF_SHUTDOWN] = "shutdown",
        [VIR_DOMAIN_SHUTOFF_DESTROYED] = "destroyed", [VIR_DOMAIN_SHUTOFF_CRASHED] = "crashed",
        [VIR_DOMAIN_SHUTOFF_MIGRATED] = "migrated",   [VIR_DOMAIN_SHUTOFF_SAVED] = "saved",
        [VIR_DOMAIN_SHUTOFF_FAILED] = "failed",
    };
    const char *word = reason < (int)G_N_ELEMENTS(words) ? words[reason] : NULL;
    g_autofree char *text = g_strdup_printf("shutting down, reason=%s", word ? word : "unknown");

    log_file_note(qemu, name, text);
}

void stop_clear_up(struct guest *guest, struct job *job, int reason)
{
    struct qemu *qemu = qemu_of(&guest->object);
    OBJECT_VIEW_AUTO struct object_view view = {0};
    g_autoptr(GError) error = NULL;

    object_get_view(&guest->object, &view);
    guest_set_qmp(guest, NULL);
    reconnect_forget(guest);
    agent_close(guest);
    forget_process(guest);
    forget_owner(guest);
    forget_plugging(guest, view.name);
    console_release_all(guest);
    if (view.live) {
        note_end(qemu, view.name, reason);
        prepare_undo(guest, view_live(&view));
        if (!view.config)
            tpm_state_remove(qemu, view_live(&view), 0);
    }
    if (store_remove_status(qemu->store, job, &error) < 0)
        log_error("%s", error->message);
    registry_set_id(qemu->domains, job, -1, NULL);
    object_publish_inactive(job, VIR_DOMAIN_SHUTOFF, reason);
    registry_remove_unused(qemu->domains, job);
}

/* Without a word from QEMU or a request of ours, the guest did not end by its own will. */
static int reason_of_end(struct guest *guest, const struct object_view *view)
{
    int reason = atomic_load(&guest->end_reason);

    if (reason)
        return reason;
    if (view->state == VIR_DOMAIN_SHUTDOWN)
        return VIR_DOMAIN_SHUTOFF_SHUTDOWN;
    log_error("QEMU of domain '%s' ended without a shutdown: see its log", view->name);
    return VIR_DOMAIN_SHUTOFF_CRASHED;
}

void stop_after_end(struct guest *guest)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    g_autoptr(GError) error = NULL;
    struct job *job;

    /* whoever asked for the end has cleared up; a new start must not be taken for the old run */
    if (!guest_pid(guest) || !guest_has_ended(guest))
        return;
    if (job_begin(&guest->object, JOB_DESTROY, "end of QEMU", KILL_GRACE_MS * 2, &job, &error) <
        0) {
        log_debug("%s", error->message);
        return;
    }
    if (guest->process.pid && guest_has_ended(guest)) {
        object_get_view(&guest->object, &view);
        int reason = reason_of_end(guest, &view);

        guest_raise_lifecycle(guest, job, VIR_DOMAIN_EVENT_STOPPED, stop_event_detail(reason));
        stop_clear_up(guest, job, reason);
    }
    job_end(job);
}
