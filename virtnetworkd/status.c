/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "status.h"

#include "base/log.h"
#include "xml/xml.h"

#include "dnsmasq-watch.h"
#include "rules.h"
#include "start.h"
#include "vnet.h"

struct network_status {
    struct definition definition;
    struct network *network;
};

XML_SCHEMA_DECLARE(network_status);

#define ROWS_OF struct network_status
static const struct xml_row network_status_rows[] = {
    ROW_CHILD("network", network, network, "The live definition", .flags = XML_REQUIRED),
};
#undef ROWS_OF
XML_SCHEMA(network_status, "networkstatus", .doc = "A network that runs, for a restarted daemon");

const struct store_status status_file = {.around = &network_status_schema};

void status_readopt(void)
{
    g_autoptr(GPtrArray) networks = registry_list(networkd->networks, registry_filter_active, NULL);
    g_autoptr(GPtrArray) lives = g_ptr_array_new_with_free_func((GDestroyNotify)definition_unref);
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < networks->len; i++) {
        OBJECT_VIEW_AUTO struct object_view view = {0};

        object_get_view(networks->pdata[i], &view);
        g_ptr_array_add(lives, definition_ref(view.live));
        if (start_ensure(networks->pdata[i], view_live(&view), &error) < 0) {
            log_error("network '%s': %s", view.name, error->message);
            dnsmasq_watch_retry(vnet_of(networks->pdata[i]));
        }
        g_clear_error(&error);
    }
    if (lives->len && rules_adopt(lives, &error) < 0)
        log_error("rules of networks: %s", error->message);
}
