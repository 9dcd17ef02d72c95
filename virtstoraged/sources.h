/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "backend.h"

/* What backends find that pools could be on. */

/* The one server that wanted names. VIR_ERR_INVALID_ARG: there is no document (what is the pool's
 * type, for the message); VIR_ERR_CONFIG_UNSUPPORTED: it names none, or several. */
int sources_get_host(const struct storage_source *wanted, const char *what,
                     const struct storage_host **ret_host, GError **error);

/* A document to add sources to, in its own arena; free it by definition_unref(). */
struct storage_sources *sources_new(void);

/* Adds an empty source with this server; port 0: not told. */
struct storage_source *sources_add(struct storage_sources *sources, const char *host,
                                   unsigned port);

/* The document as text; the caller frees. */
char *sources_text(const struct storage_sources *sources);
