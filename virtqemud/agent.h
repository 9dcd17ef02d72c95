/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "object/object.h"
#include "xml/definition.h"

/*
 * The QEMU guest agent: a program inside the guest, on the channel org.qemu.guest_agent.0. Nothing
 * that it says is trusted, and it may say nothing at all. It needs no job, so a mute one holds up
 * nobody but its own callers: they have a turn of their own, and each command a deadline.
 *
 *     AGENT_AUTO struct agent_turn turn = {0};
 *
 *     if (agent_begin(guest, &turn, error) < 0 ||
 *         agent_execute(&turn, "guest-ping", NULL, NULL, error) < 0)
 *         return -1;
 *
 * Errors of agent_begin(), and so of all that needs the agent:
 * - VIR_ERR_OPERATION_INVALID: the guest does not run
 * - VIR_ERR_ARGUMENT_UNSUPPORTED: it has no such channel
 * - VIR_ERR_AGENT_UNRESPONSIVE: nobody in the guest has opened the channel, or does not answer
 * - VIR_ERR_OPERATION_TIMEOUT, VIR_ERR_RESOURCE_BUSY: others are at it
 * Of commands: see qmp_open_agent().
 */
#define AGENT_CHANNEL "org.qemu.guest_agent.0"
#define AGENT_DEADLINE_MS 5000 /* of commands that are quick, where nothing else is set */

struct guest;
struct json_object;
struct qmp;

/* What a guest has of it. Zeroed: not connected. */
struct agent {
    GMutex lock; /* of all below; held for a few instructions */
    GCond freed; /* the turn */
    struct qmp *qmp;
    bool taken;        /* somebody has the turn */
    unsigned waiting;  /* for it */
    unsigned silences; /* how often it did not even answer to a synchronization */
    bool opened;       /* somebody in the guest has opened the channel */

    /* Seconds, or VIR_DOMAIN_AGENT_RESPONSE_TIMEOUT_...; unset: ..._DEFAULT. Outlives the run. */
    struct opt_int timeout;
};

/* ---- talking ---- */

struct agent_turn {
    struct guest *guest;
    struct qmp *qmp; /* a reference; NULL: no turn */
    int timeout;     /* of each command: seconds, or VIR_DOMAIN_AGENT_RESPONSE_TIMEOUT_... */
    bool in_step;    /* the next answer is to the next command */
};

/* Waits for the turn, connects, and finds out that the agent listens. Blocks; no job needed. */
int agent_begin(struct guest *guest, struct agent_turn *ret_turn, GError **error);
void agent_end(struct agent_turn *turn);
#define AGENT_AUTO __attribute__((cleanup(agent_end)))

/* One command, arguments (taken, also on failure; may be NULL), and its result, the caller's
 * (ret_result may be NULL). Commands that end the agent or put it to sleep succeed with that. */
int agent_execute(struct agent_turn *turn, const char *command, struct json_object *arguments,
                  struct json_object **ret_result, GError **error);

/* Turn, command and end in one. */
int agent_command(struct guest *guest, const char *command, struct json_object *arguments,
                  struct json_object **ret_result, GError **error);

/* How long commands of this guest may take from now on: seconds, or
 * VIR_DOMAIN_AGENT_RESPONSE_TIMEOUT_... */
void agent_set_timeout(struct guest *guest, struct opt_int timeout);
struct opt_int agent_get_timeout(struct guest *guest);

/* ---- coming and going ---- */

/* Connects if the guest has a channel, so that it sees somebody at the other end. Never blocks; a
 * failure shows at the next command. Any thread. */
void agent_connect(struct guest *guest);

/* Ends the connection and with it the command at work, which a guest that shuts down or sleeps will
 * not answer any more. Never blocks; any thread. */
void agent_interrupt(struct guest *guest);

/* The guest's run is over, or the daemon's. */
void agent_close(struct guest *guest);
