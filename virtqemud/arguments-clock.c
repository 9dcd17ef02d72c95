/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <time.h>

#include "base/error.h"

#include "arguments-parts.h"
#include "device-common.h"
#include "option.h"

/* ---- -rtc ---- */

/* A moment in seconds of the epoch, as QEMU reads it. */
static int add_moment(GString *option, time_t moment, GError **error)
{
    struct tm parts;
    char text[32];

    if (!gmtime_r(&moment, &parts) ||
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts) == 0)
        return device_refuse(error, "clock", "start", "there is no such time");
    option_add(option, "base", text);
    return 0;
}

static int add_variable(GString *option, const struct domain_clock *clock, GError **error)
{
    time_t now = time(NULL);
    struct tm local;

    if (clock->basis == CLOCK_BASIS_LOCALTIME && localtime_r(&now, &local))
        now += local.tm_gmtoff;
    return add_moment(option, now + (time_t)domain_clock_adjustment(clock), error);
}

static int add_base(GString *option, const struct build *build, GError **error)
{
    const struct domain_clock *clock = &build->domain->clock;

    switch (clock->offset) {
    case CLOCK_LOCALTIME:
        option_add(option, "base", "localtime");
        return 0;
    case CLOCK_TIMEZONE:
        words_add_variable(build->arguments, "TZ", clock->timezone ? clock->timezone : "UTC");
        option_add(option, "base", "localtime");
        return 0;
    case CLOCK_VARIABLE:
        return add_variable(option, clock, error);
    case CLOCK_ABSOLUTE:
        return add_moment(option, (time_t)clock->start.value, error);
    default:
        option_add(option, "base", "utc");
        return 0;
    }
}

static int add_rtc_timer(GString *option, const struct clock_timer *timer, GError **error)
{
    static const char *const clocks[] = {
        [TIMER_TRACK_GUEST] = "vm", [TIMER_TRACK_WALL] = "host", [TIMER_TRACK_REALTIME] = "rt"};

    if (timer->track && timer->track < G_N_ELEMENTS(clocks))
        option_add(option, "clock", clocks[timer->track]);
    switch (timer->tickpolicy) {
    case TIMER_TICK_NONE:
    case TIMER_TICK_DELAY:
        return 0;
    case TIMER_TICK_CATCHUP:
        option_add(option, "driftfix", "slew");
        return 0;
    default:
        return device_refuse(error, "timer", "rtc", "the emulator has no tickpolicy='%s' for it",
                             names_word(&timer_tickpolicy_names, timer->tickpolicy));
    }
}

static int add_rtc(const struct build *build, GError **error)
{
    GString *option = option_new("");
    int result = add_base(option, build, error);

    LIST_EACH (timer, &build->domain->clock.timers)
        if (result == 0 && timer->name == TIMER_RTC)
            result = add_rtc_timer(option, timer, error);
    words_add_option(build->arguments, "-rtc", option);
    return result;
}

/* ---- other timers ---- */

static int add_pit(const struct build *build, const struct clock_timer *timer, GError **error)
{
    if (timer->tickpolicy == TIMER_TICK_NONE || timer->tickpolicy == TIMER_TICK_DELAY)
        words_add(build->arguments, "-global", "kvm-pit.lost_tick_policy=delay", NULL);
    else if (timer->tickpolicy == TIMER_TICK_DISCARD)
        words_add(build->arguments, "-global", "kvm-pit.lost_tick_policy=discard", NULL);
    else if (timer->tickpolicy == TIMER_TICK_MERGE)
        return device_refuse(error, "timer", "pit",
                             "the emulator has no tickpolicy='merge' for it");
    return 0;
}

int arguments_add_clock(const struct build *build, GError **error)
{
    if (add_rtc(build, error) < 0)
        return -1;
    LIST_EACH (timer, &build->domain->clock.timers) {
        if (timer->name == TIMER_PIT && add_pit(build, timer, error) < 0)
            return -1;
        if (timer->name == TIMER_PLATFORM)
            return device_refuse(error, "timer", "platform", "it is for other hypervisors");
    }
    return 0;
}

/* ---- power ---- */

static void add_sleep(const struct build *build, const char *device, const char *state,
                      unsigned tristate)
{
    g_autofree char *word =
        g_strdup_printf("%s.disable_%s=%d", device, state, tristate == TRISTATE_NO);

    if (tristate != TRISTATE_ABSENT)
        words_add(build->arguments, "-global", word, NULL);
}

void arguments_add_power(const struct build *build)
{
    const struct domain *domain = build->domain;
    bool i440fx = device_machine_is_i440fx(domain);

    /* a guest that shuts down waits for us to see it, and ends when we say so */
    words_add(build->arguments, "-no-shutdown", NULL);
    if (domain->on_reboot == LIFECYCLE_DESTROY)
        words_add(build->arguments, "-no-reboot", NULL);
    if (domain->on_crash == LIFECYCLE_PRESERVE_RUNNING)
        words_add(build->arguments, "-action", "panic=none", NULL);
    if (!i440fx && !device_machine_is_q35(domain))
        return;
    const char *device = i440fx ? "PIIX4_PM" : "ICH9-LPC";
    add_sleep(build, device, "s3", domain->pm.suspend_to_mem);
    add_sleep(build, device, "s4", domain->pm.suspend_to_disk);
}
