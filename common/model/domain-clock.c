/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/domain-clock.h"

#include "model/text-types.h"

NAMES(clock_offset_names, NULL, "utc", "localtime", "variable", "timezone", "absolute");
NAMES(clock_basis_names, NULL, "utc", "localtime");
NAMES(timer_name_names, NULL, "platform", "pit", "rtc", "hpet", "tsc", "kvmclock", "hypervclock",
      "armvtimer");
NAMES(timer_track_names, NULL, "boot", "guest", "wall", "realtime");
NAMES(timer_tickpolicy_names, NULL, "delay", "catchup", "merge", "discard");
NAMES(timer_mode_names, NULL, "auto", "native", "emulate", "paravirt", "smpsafe");

#define ROWS_OF struct timer_catchup
static const struct xml_row timer_catchup_rows[] = {
    ROW_NUMBER("@threshold", threshold, "Lost time before catching up"),
    ROW_NUMBER("@slew", slew, "How fast"),
    ROW_NUMBER("@limit", limit, "Most lost time to catch up"),
};
#undef ROWS_OF
XML_SCHEMA(timer_catchup, "catchup", .doc = "How lost ticks are made up for");

#define ROWS_OF struct clock_timer
static const struct xml_row clock_timer_rows[] = {
    ROW_ENUM("@name", name, timer_name_names, "Timer", .flags = XML_REQUIRED | XML_ABI),
    ROW_YES_NO("@present", present, "The guest has it", .flags = XML_ABI),
    ROW_ENUM("@tickpolicy", tickpolicy, timer_tickpolicy_names, "What happens to lost ticks"),
    ROW_ENUM("@track", track, timer_track_names, "What it follows"),
    ROW_NUMBER("@frequency", frequency, "Hz", WHEN(name, BIT(TIMER_TSC)), .flags = XML_ABI),
    ROW_ENUM("@mode", mode, timer_mode_names, "How it is made", WHEN(name, BIT(TIMER_TSC)),
             .flags = XML_ABI),
    ROW_CHILD("catchup", catchup, timer_catchup, "How lost ticks are made up for"),
};
#undef ROWS_OF

static int timer_check(struct xml_at *at, void *object, GError **error)
{
    const struct clock_timer *timer = object;

    if (!xml_at_validates(at) || !timer->catchup || timer->tickpolicy == TIMER_TICK_CATCHUP)
        return 0;
    return xml_at_fail(at, "catchup", VIR_ERR_XML_ERROR, error,
                       "has no meaning for other values of @tickpolicy than 'catchup'");
}
XML_SCHEMA(clock_timer, "timer", .doc = "A timer of the guest", .check = timer_check);

#define ADJUSTED WHEN(offset, BIT(CLOCK_UTC) | BIT(CLOCK_LOCALTIME) | BIT(CLOCK_VARIABLE))
#define ROWS_OF struct domain_clock
static const struct xml_row domain_clock_rows[] = {
    ROW_ENUM("@offset", offset, clock_offset_names, "What the clock shows at start",
             DEFAULT(CLOCK_UTC), WRONG(VIR_ERR_CONFIG_UNSUPPORTED),
             .flags = XML_EXPECTED | XML_ALWAYS | XML_BLANK),
    ROW_STRING("@adjustment", adjustment, "Seconds added, or \"reset\"", ADJUSTED,
               .flags = XML_BLANK, FORM(filled_type)),
    ROW_ENUM("@basis", basis, clock_basis_names, "What they are added to",
             WHEN(offset, BIT(CLOCK_VARIABLE)), DEFAULT(CLOCK_BASIS_UTC),
             WRONG(VIR_ERR_CONFIG_UNSUPPORTED), .flags = XML_ALWAYS | XML_BLANK),
    ROW_STRING("@timezone", timezone, "Time zone", WHEN(offset, BIT(CLOCK_TIMEZONE)),
               .flags = XML_REQUIRED, FORM(filled_type)),
    ROW_NUMBER("@start", start, "Seconds of the epoch", WHEN(offset, BIT(CLOCK_ABSOLUTE)),
               .flags = XML_REQUIRED),
    ROW_LIST("timer", timers, clock_timer, "Timer", .flags = XML_ABI),
};
#undef ROWS_OF

static int clock_check(struct xml_at *at, void *object, GError **error)
{
    struct domain_clock *clock = object;
    gint64 seconds;

    if (!clock->adjustment || g_str_equal(clock->adjustment, "reset") ||
        g_ascii_string_to_signed(clock->adjustment[0] == '+' ? clock->adjustment + 1
                                                             : clock->adjustment,
                                 10, G_MININT64, G_MAXINT64, &seconds, NULL))
        return 0;
    return xml_at_fail(at, "@adjustment", VIR_ERR_XML_ERROR, error,
                       "'%s' is neither a number of seconds nor 'reset'", clock->adjustment);
}
XML_SCHEMA(domain_clock, "clock", .doc = "The guest's clock", .check = clock_check);

int64_t domain_clock_adjustment(const struct domain_clock *clock)
{
    return clock->adjustment ? g_ascii_strtoll(clock->adjustment, NULL, 10) : 0;
}
