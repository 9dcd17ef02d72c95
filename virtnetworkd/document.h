/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/network.h"

/* A definition from what a client sends, complete: the caller's. Warnings are logged. Any thread.
 */
int document_read(const char *text, bool validate, struct definition **ret_definition,
                  GError **error);

/* object_kind.complete: for what is read from disk. */
int document_complete(struct definition *definition, GError **error);

/* VIR_ERR_OPERATION_FAILED when another network has the same bridge: names both. */
int document_check_bridge(const struct network *network, GError **error);
