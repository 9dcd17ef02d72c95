/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "facts/constants.h"

/*
 * Errors are GErrors whose code is the wire protocol's number (enum error_code), because clients
 * branch on it, and whose domain tells which part speaks (enum error_from). Most code does not know
 * who speaks: error_set() leaves that to the daemon, which fills in its own at the edge.
 *
 * Messages are for the person at the client: what, where, what to do. error_set() puts the prefix
 * that the ecosystem uses for the code ("Domain not found: ...") in front, so callers do not.
 */

/* Sets *error; code's prefix, then the formatted text. error may be NULL. */
void error_set(GError **error, enum error_code code, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* Same, naming the speaker: only for the few that clients compare (RPC, XML, auth, streams). */
void error_set_from(GError **error, enum error_from from, enum error_code code, const char *format,
                    ...) G_GNUC_PRINTF(4, 5);

/* VIR_ERR_SYSTEM_ERROR: the formatted text, then ": " and the name of errnum. */
void error_set_errno(GError **error, int errnum, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* The wire code of any GError; errors of other libraries are VIR_ERR_INTERNAL_ERROR. */
enum error_code error_code_of(const GError *error);

/* The speaker if the error names one, else fallback. */
enum error_from error_from_of(const GError *error, enum error_from fallback);

/* True if error is ours and has this code. error may be NULL. */
bool error_is(const GError *error, enum error_code code);
