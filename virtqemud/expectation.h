/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdatomic.h>

#include "guest.h"

/*
 * What a job that asked QEMU for something waits to hear of one device. At most one job has the
 * guest's turn, so there is at most one expectation. News that nobody waits for are the follow-ups'
 * (monitor_push()).
 */
enum news {
    NEWS_NONE,
    NEWS_GONE,    /* the device is unplugged */
    NEWS_REFUSED, /* the guest does not let it go */
    NEWS_OPEN,    /* the drive's tray is open */
};

struct expectation {
    const char *alias; /* borrowed */
    atomic_int news;
};

/* Before QEMU is asked, so that nothing is missed. */
void expectation_begin(struct expectation *expectation, struct guest *guest, const char *alias);

/* Waits until there are news, at most deadline_ms, and ends it; deadline_ms 0: looks only. Blocks.
 * NEWS_NONE: they will come as a follow-up, if ever; also when a destroy job wants the turn. */
enum news expectation_end(struct expectation *expectation, struct job *job, unsigned deadline_ms);

/* Tells it: false if nobody waits for that device. Any thread, never blocks. */
bool expectation_tell(struct guest *guest, const char *alias, enum news news);
