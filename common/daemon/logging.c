/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/logging.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

static char *default_output(const char *name, const struct options *options,
                            const struct paths *paths, bool session)
{
    if (!isatty(STDIN_FILENO) && access(JOURNAL_SOCKET, W_OK) == 0)
        return g_strdup("1:journald");
    if (!options->detach)
        return g_strdup("1:stderr");
    if (session)
        return g_strdup_printf("1:file:%s/%s.log", paths->cache, name);
    return g_strdup_printf("1:syslog:%s", name);
}

void logging_choose_default(const char *name, const struct options *options,
                            const struct paths *paths, bool session)
{
    g_autofree char *output = default_output(name, options, paths, session);

    log_set_default_output(output);
}

/* The variable's value if it makes sense, else the file's, else "". */
static const char *choose(const char *variable, int (*check)(const char *text, GError **error),
                          const char *configured)
{
    const char *value = getenv(variable);
    g_autoptr(GError) error = NULL;

    if (value && *value && check(value, &error) == 0)
        return value;
    if (error)
        log_warn("%s is ignored: %s", variable, error->message);
    return configured ? configured : "";
}

static int choose_level(const struct options *options, const struct settings *settings)
{
    const char *value = getenv("LIBVIRT_DEBUG");
    int level = log_level_from_text(value);

    if (value && *value && !level)
        log_warn("LIBVIRT_DEBUG is ignored: '%s' is no level", value);
    level = level ? level : (int)settings->log_level;
    return options->verbose ? MIN(level, LOG_LEVEL_INFO) : level;
}

int logging_apply(const struct options *options, const struct settings *settings, GError **error)
{
    const char *filters = choose("LIBVIRT_LOG_FILTERS", log_check_filters, settings->log_filters);
    const char *outputs = choose("LIBVIRT_LOG_OUTPUTS", log_check_outputs, settings->log_outputs);

    return log_configure(choose_level(options, settings), filters, outputs, error);
}

bool logging_reaches_stderr(void)
{
    g_autofree char *outputs = log_outputs();

    return strstr(outputs, ":stderr");
}
