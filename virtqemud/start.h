/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "guest.h"

/* The start of a guest, from a definition to a QEMU that runs. */
struct start_request {
    bool paused;           /* leave the guest paused */
    bool reset_nvram;      /* make the variable store anew from its template */
    struct client *client; /* AUTODESTROY: stop it when this client goes; else NULL */
    int reason;            /* VIR_DOMAIN_RUNNING_BOOTED */
    int event_detail;      /* VIR_DOMAIN_EVENT_STARTED_BOOTED */
};

/*
 * Starts the job's object, which is inactive, with a copy of definition as its live definition. On
 * failure it is inactive as before, nothing is left behind, and the error quotes what QEMU said.
 * Blocks until the guest runs, at most the deadlines of its steps.
 */
int start_guest(struct job *job, const struct definition *definition,
                const struct start_request *request, GError **error);

/* What is to be asked of a QEMU just connected to, at the start or after a restart of the daemon:
 * the terminals it opened are written into the live definition, and it asks the guest for reports
 * of its memory. */
int start_learn(struct guest *guest, struct job *job, GError **error);

/* For driver_autostart(). */
int start_autostart(struct job *job, const struct object_view *view, GError **error);
