/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdatomic.h>
#include <stdint.h>

/*
 * The daemon's log. Libraries return errors and do not log; daemons say what happened.
 *
 *     2026-01-31 07:05:31.013+0000: 28481: error : domain_create:88 : text
 *
 * Each C file is one source, named folder.file ("virtqemud.start"). Filters choose the level per
 * source, "1:qemu 4:object": the first whose word is part of the name wins ('*' and '?' are
 * wildcards). Outputs say where lines go, "3:stderr 1:file:/path 3:syslog:name 3:journald", each
 * with its own lowest level. All functions may be called from any thread. A line that no filter
 * lets through costs one atomic load.
 */
enum log_level {
    LOG_LEVEL_DEBUG = 1,
    LOG_LEVEL_INFO,
    LOG_LEVEL_WARN,
    LOG_LEVEL_ERROR,
};

/* One per C file, made by this header. level is 0 until the first line resolves it. */
struct log_source {
    const char *file;
    _Atomic int level;
    struct log_source *next;
    char *name;
};

static struct log_source log_source G_GNUC_UNUSED = {.file = __BASE_FILE__};

#define log_at(level_, ...)                                                                        \
    do {                                                                                           \
        if ((int)(level_) >= atomic_load_explicit(&log_source.level, memory_order_relaxed))        \
            log_write(&log_source, (level_), __func__, __LINE__, __VA_ARGS__);                     \
    } while (0)

#define log_debug(...) log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...) log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warn(...) log_at(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_error(...) log_at(LOG_LEVEL_ERROR, __VA_ARGS__)

/* Writes one line to every output that takes its level. Use the macros above. Keeps errno. */
void log_write(struct log_source *source, enum log_level level, const char *function, int line,
               const char *format, ...) G_GNUC_PRINTF(5, 6);

/*
 * Changes the settings at once, all or none: level 0, filters NULL or outputs NULL leave that part
 * as it is; "" clears filters, or brings back the default output. Opens files. VIR_ERR_INVALID_ARG
 * quotes the bad part; VIR_ERR_SYSTEM_ERROR when a file can't be opened.
 */
int log_configure(int level, const char *filters, const char *outputs, GError **error);

/* VIR_ERR_INVALID_ARG for text that log_configure() would refuse; no effect, opens nothing. */
int log_check_filters(const char *filters, GError **error);
int log_check_outputs(const char *outputs, GError **error);

/* The outputs meant by "", "1:stderr" until set; used from the next log_configure() on. Copied. */
void log_set_default_output(const char *text);

/* Opens files anew, after they were rotated. A file that can't be opened keeps its old descriptor.
 */
int log_reopen(GError **error);

/* Copies of the current settings in the syntax that log_configure() reads; the caller frees. */
int log_level(void);
char *log_filters(void);
char *log_outputs(void);

/* The last line of level error that was let through, without its time: the caller frees; seconds
 * since 1970. NULL: there was none. */
char *log_last_error(int64_t *ret_time);

/* Level from LIBVIRT_DEBUG (1-4 or debug, info, warning, error); 0 when unset or not understood. */
int log_level_from_text(const char *text);

/* Closes outputs and goes back to the defaults (tests, end of the process). */
void log_reset(void);
