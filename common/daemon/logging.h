/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "daemon/options.h"
#include "daemon/paths.h"
#include "daemon/settings.h"

/*
 * Which of several wishes the log follows: -v of the command line (which only raises the level to
 * information), then LIBVIRT_DEBUG, LIBVIRT_LOG_FILTERS, LIBVIRT_LOG_OUTPUTS of the environment,
 * then the configuration file, then a default that suits how the daemon was started.
 */

/* Chooses the default outputs; once, before logging_apply(). paths->cache must exist. */
void logging_choose_default(const char *name, const struct options *options,
                            const struct paths *paths, bool session);

/* At the start and at each reload. Values of the environment that make no sense are warned of and
 * ignored. Errors as log_configure(). */
int logging_apply(const struct options *options, const struct settings *settings, GError **error);

/* True if error lines appear on stderr. */
bool logging_reaches_stderr(void);
