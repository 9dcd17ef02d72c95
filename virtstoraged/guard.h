/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * Storage that may stop answering: a folder of a server. Whoever then asks the kernel for it hangs
 * until it comes back, and can't be called off. So it is asked by a thread that may be left
 * behind, and others learn in time that they had better not.
 */
struct guard;

/* Takes a duplicate of folder. */
struct guard *guard_new(int folder);

/* Of storage that is no folder: ask(box) returns when it has answered, whatever that is. box is of
 * g_atomic_rc_box_new(); the guard has a reference, which goes with clear(). */
struct guard *guard_new_asking(void (*ask)(void *box), void (*clear)(void *box), void *box);
void guard_free(struct guard *guard);

/* Does it answer? Asks, unless it did within the last second; waits for some seconds, but not when
 * somebody has waited in vain. VIR_ERR_OPERATION_TIMEOUT names what. guard may be NULL: yes. */
int guard_check(struct guard *guard, const char *what, GError **error);

/* Runs work(box) by a thread of its own, and waits while the guard's storage answers - without a
 * guard: for some seconds. VIR_ERR_OPERATION_TIMEOUT names what: the thread goes on, alone. box is
 * of g_atomic_rc_box_new(); the thread has a reference, which goes with clear(). */
int guard_run(struct guard *guard, const char *what, int (*work)(void *box, GError **error),
              void (*clear)(void *box), void *box, GError **error);
