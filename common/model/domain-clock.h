/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "xml/schema.h"

/* The guest's clock and timers: <clock>. */

enum clock_offset {
    CLOCK_NONE,
    CLOCK_UTC,
    CLOCK_LOCALTIME,
    CLOCK_VARIABLE,
    CLOCK_TIMEZONE,
    CLOCK_ABSOLUTE,
};
extern const struct names clock_offset_names;

enum clock_basis { CLOCK_BASIS_NONE, CLOCK_BASIS_UTC, CLOCK_BASIS_LOCALTIME };
extern const struct names clock_basis_names;

enum timer_name {
    TIMER_NONE,
    TIMER_PLATFORM,
    TIMER_PIT,
    TIMER_RTC,
    TIMER_HPET,
    TIMER_TSC,
    TIMER_KVMCLOCK,
    TIMER_HYPERVCLOCK,
    TIMER_ARMVTIMER,
};
extern const struct names timer_name_names;

enum timer_track {
    TIMER_TRACK_NONE,
    TIMER_TRACK_BOOT,
    TIMER_TRACK_GUEST,
    TIMER_TRACK_WALL,
    TIMER_TRACK_REALTIME,
};
extern const struct names timer_track_names;

enum timer_tickpolicy {
    TIMER_TICK_NONE,
    TIMER_TICK_DELAY,
    TIMER_TICK_CATCHUP,
    TIMER_TICK_MERGE,
    TIMER_TICK_DISCARD,
};
extern const struct names timer_tickpolicy_names;

enum timer_mode {
    TIMER_MODE_NONE,
    TIMER_MODE_AUTO,
    TIMER_MODE_NATIVE,
    TIMER_MODE_EMULATE,
    TIMER_MODE_PARAVIRT,
    TIMER_MODE_SMPSAFE,
};
extern const struct names timer_mode_names;

struct timer_catchup {
    unsigned threshold;
    unsigned slew;
    unsigned limit;
};

struct clock_timer {
    uint8_t name;       /* enum timer_name */
    uint8_t present;    /* enum tristate */
    uint8_t tickpolicy; /* enum timer_tickpolicy */
    uint8_t track;      /* enum timer_track */
    uint8_t mode;       /* enum timer_mode: tsc */
    uint64_t frequency; /* Hz: tsc */
    struct timer_catchup *catchup;
};

struct domain_clock {
    uint8_t offset; /* enum clock_offset */
    uint8_t basis;  /* enum clock_basis: variable */
    const char *timezone;
    const char *adjustment; /* seconds, or "reset" */
    struct opt_ulong start; /* absolute: seconds of the epoch */
    LIST_OF(struct clock_timer) timers;
};

XML_SCHEMA_DECLARE(timer_catchup);
XML_SCHEMA_DECLARE(clock_timer);
XML_SCHEMA_DECLARE(domain_clock);

/* Seconds of offset to UTC or, with offset localtime, to local time; 0 if "reset" or not given. */
int64_t domain_clock_adjustment(const struct domain_clock *clock);
