/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "daemon/config.h"

/* network.conf. */
struct network_config {
    char *firewall_backend;
};

extern const struct config_table network_config_table;

/* Reads the file at path; an absent one leaves the defaults. VIR_ERR_CONFIG_UNSUPPORTED for a
 * backend that is not here; else the errors of config_load(). network_config_clear() frees. */
int network_config_load(const char *path, struct network_config *ret_config,
                        config_warning_function warn, void *data, GError **error);
void network_config_clear(struct network_config *config);
