/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct loop;

/*
 * The host's policy: asks polkitd, over the system's D-Bus, whether a local client may do what an
 * action says. Loop thread; never blocks: the user may have to type a password meanwhile.
 */
struct polkit;
struct polkit_question;

struct polkit_request {
    pid_t process; /* the client's */
    uint64_t start_time;
    uid_t user;
    const char *action;
    const char *const *details; /* name, value, ... NULL; NULL: none */
    bool interactive;           /* the user may be asked for a password */
};

/* error is NULL for yes; the callee does not own it. VIR_ERR_AUTH_FAILED: no, or nobody answers;
 * VIR_ERR_AUTH_CANCELLED: the user wouldn't; VIR_ERR_AUTH_UNAVAILABLE: the user would have to be
 * asked for a password, and has no agent that does it. The question is gone by then. */
typedef void (*polkit_answer)(const GError *error, void *data);

/* Connects to D-Bus at the first question. All of it is of the loop thread; the loop is borrowed.
 */
struct polkit *polkit_new(struct loop *loop);

/* Questions must have been dropped. Accepts NULL. */
void polkit_free(struct polkit *polkit);

/* Borrowed until answered. NULL with VIR_ERR_AUTH_FAILED when there is no D-Bus. */
struct polkit_question *polkit_ask(struct polkit *polkit, const struct polkit_request *request,
                                   polkit_answer answer, void *data, GError **error);

/* Nobody wants to know any more: there will be no answer. */
void polkit_drop(struct polkit_question *question);
