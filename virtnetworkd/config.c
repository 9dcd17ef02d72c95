/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <string.h>

#include "base/error.h"

static const struct config_row rows[] = {
    {"firewall_backend", CONFIG_STRING, offsetof(struct network_config, firewall_backend),
     "\"nftables\"",
     .doc =
         "What the rules of networks are kept with. \"nftables\" is what there is: rules are in\n"
         "tables of our own, named modvirt. A file that asks for \"iptables\" is refused."},
};

const struct config_table network_config_table = {rows, G_N_ELEMENTS(rows)};

int network_config_load(const char *path, struct network_config *ret_config,
                        config_warning_function warn, void *data, GError **error)
{
    struct network_config config = {0};
    const struct config_part part = {&network_config_table, &config};

    if (config_load(path, false, &part, 1, warn, data, error) < 0)
        return -1;
    if (strcmp(config.firewall_backend, "nftables") != 0) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "%s: firewall_backend = \"%s\": only \"nftables\" is supported", path,
                  config.firewall_backend);
        network_config_clear(&config);
        return -1;
    }
    *ret_config = config;
    return 0;
}

void network_config_clear(struct network_config *config)
{
    const struct config_part part = {&network_config_table, config};

    config_clear(&part, 1);
}
