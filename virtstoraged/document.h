/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "backend.h"

/* A pool's definition from what a client sends, complete: the caller's. Warnings are logged. Any
 * thread. */
int document_read_pool(const char *text, bool validate, struct storage_pool **ret_pool,
                       GError **error);

/* object_kind.complete: for what is read from disk. */
int document_complete(struct definition *definition, GError **error);

/* VIR_ERR_OPERATION_FAILED when another pool is on the same storage: names it. Any thread. */
int document_check_source(const struct storage_pool *pool, GError **error);

/* A volume's definition from what a client sends; capacity may be missing with optional. */
int document_read_volume(const char *text, bool validate, bool optional,
                         struct storage_volume **ret_volume, GError **error);
