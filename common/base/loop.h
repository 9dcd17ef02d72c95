/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

/*
 * An event loop: one thread, one epoll set, timers in a heap. Everything is level-triggered: a
 * callback does a bounded piece of work and returns, and is called again while there is more, so
 * no descriptor can starve the others.
 *
 * Threads: only loop_post, loop_quit and loop_is_current may be called by any thread; all other
 * functions belong to the loop thread (the creator, until another thread enters loop_run).
 * Who starts a thread for a loop may call them again only after something posted has run there.
 * Everything may be added and removed inside any callback, its own included.
 */
struct loop;
struct loop_source;
struct loop_timer;
struct loop_signal;

typedef void (*loop_fd_function)(struct loop_source *source, uint32_t events, void *data);
typedef void (*loop_timer_function)(struct loop_timer *timer, void *data);
typedef void (*loop_signal_function)(int number, void *data);
typedef void (*loop_function)(void *data);

/* The caller frees it, after loop_run has returned and its sources are removed. */
struct loop *loop_new(GError **error);

/* Posted functions that have not run yet are run first. Accepts NULL. */
void loop_free(struct loop *loop);

/* Runs callbacks until loop_quit. The calling thread is the loop thread from now on. */
void loop_run(struct loop *loop);

/* Any thread: makes loop_run return after this round; before loop_run: it returns at once. */
void loop_quit(struct loop *loop);

/* One round: waits at most milliseconds (-1: for ever), runs what is ready. For a daemon's start,
 * and for tests. */
void loop_step(struct loop *loop, int milliseconds);

/* True on the loop thread. */
bool loop_is_current(const struct loop *loop);

/* Monotonic milliseconds, as of the start of this round: free of system calls. */
int64_t loop_now(const struct loop *loop);

/*
 * Watches fd, which stays the caller's and must outlive the source. Events: EPOLLIN, EPOLLOUT,
 * EPOLLRDHUP; errors and hang-ups are always reported, so a callback that can make no progress on
 * EPOLLHUP must remove its source. A regular file, which epoll refuses, counts as always ready.
 * The source is the loop's, until loop_source_remove. NULL: out of kernel memory or watches.
 */
struct loop_source *loop_add_fd(struct loop *loop, int fd, uint32_t events,
                                loop_fd_function function, void *data, GError **error);

/* Changes the events waited for; 0 pauses. Free when nothing changes. */
void loop_source_set_events(struct loop_source *source, uint32_t events);

/* Frees the source; its callback is not called again, even if it was ready. Accepts NULL. */
void loop_source_remove(struct loop_source *source);

/* A timer that fires once; it stays allocated (loop_timer_restart) until removed. O(log n). */
struct loop_timer *loop_add_timer(struct loop *loop, int64_t milliseconds,
                                  loop_timer_function function, void *data);

/* Same, but starts again by itself after each call. */
struct loop_timer *loop_add_periodic(struct loop *loop, int64_t milliseconds,
                                     loop_timer_function function, void *data);

/* Starts it (again) with this time from now. */
void loop_timer_restart(struct loop_timer *timer, int64_t milliseconds);

/* Stops it; loop_timer_restart may start it again. */
void loop_timer_stop(struct loop_timer *timer);

/* Frees it. Accepts NULL. */
void loop_timer_remove(struct loop_timer *timer);

/*
 * Any thread: has the loop thread run function(data) once, in the order of posting and never
 * inside this call. Wakes the loop only if it sleeps. What is posted by a posted function runs in
 * the next round.
 */
void loop_post(struct loop *loop, loop_function function, void *data);

/*
 * Calls function for the signal, which is blocked in the calling thread: add signals before other
 * threads start, so that they inherit the mask; a child must unblock what it needs. One loop per
 * process may take signals.
 */
struct loop_signal *loop_add_signal(struct loop *loop, int number, loop_signal_function function,
                                    void *data, GError **error);
void loop_signal_remove(struct loop_signal *signal);

/* Scratch memory of the loop for the callback that runs now: at least size bytes, not zeroed,
 * valid until the next call or the end of the callback. Spares every connection a buffer. */
void *loop_scratch(struct loop *loop, size_t size);
