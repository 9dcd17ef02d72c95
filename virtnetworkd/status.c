/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "status.h"

#include "base/log.h"
#include "xml/xml.h"

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

static int status_write(struct object *object, const struct object_view *view, char **ret_text,
                        GError **error)
{
    struct network_status status = {.network = (struct network *)view->live};
    GString *text = g_string_sized_new(2048);

    xml_write_part(&network_status_schema, &status, XML_WRITE_SECURE | XML_WRITE_STATUS, 0, text);
    *ret_text = g_string_free(text, FALSE);
    return 0;
}

static int status_read(const char *text, size_t length, struct definition **ret_live,
                       void **ret_rest, GError **error)
{
    DEFINITION_AUTO struct definition *status = xml_read(
        &network_status_schema, text, (gssize)length, XML_READ_STATUS | XML_READ_OWN, NULL, error);

    if (!status)
        return -1;
    *ret_live = definition_copy_part(&network_schema, ((struct network_status *)status)->network);
    *ret_rest = NULL;
    return 0;
}

static int status_restore(struct registry *registry, struct job *job, struct definition *live,
                          void *rest, GError **error)
{
    object_publish_active(job, live, -1, 0, 0);
    return 0;
}

static void status_free(void *rest)
{
}

const struct store_status status_file = {
    .write = status_write,
    .read = status_read,
    .restore = status_restore,
    .free_rest = status_free,
};

void status_readopt(void)
{
    g_autoptr(GPtrArray) networks = registry_list(networkd->networks, registry_filter_active, NULL);
    g_autoptr(GPtrArray) lives = g_ptr_array_new_with_free_func((GDestroyNotify)definition_unref);
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < networks->len; i++) {
        OBJECT_VIEW_AUTO struct object_view view = {0};

        object_get_view(networks->pdata[i], &view);
        g_ptr_array_add(lives, definition_ref(view.live));
        if (start_ensure(networks->pdata[i], view_live(&view), &error) < 0)
            log_error("network '%s': %s", view.name, error->message);
        g_clear_error(&error);
    }
    if (lives->len && rules_adopt(lives, &error) < 0)
        log_error("rules of networks: %s", error->message);
}
