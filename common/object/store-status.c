/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "object/store-paths.h"
#include "xml/xml.h"

/* The member of a document around it that is the live definition. */
static const void **live_of(const struct xml_schema *around, void *document)
{
    return (const void **)((char *)document + around->rows[0].offset);
}

int store_write_status(const struct store *store, struct object *object,
                       const struct object_view *view, char **ret_text, GError **error)
{
    const struct xml_schema *around = store->status->around;

    if (!around)
        return store->status->write(object, view, ret_text, error);
    g_autofree void *document = g_malloc0(around->size);
    GString *text = g_string_sized_new(2048);
    *live_of(around, document) = view->live;
    xml_write_part(around, document, XML_WRITE_SECURE | XML_WRITE_STATUS, 0, text);
    *ret_text = g_string_free(text, FALSE);
    return 0;
}

int store_status_read(const struct store_status *status, const char *text, size_t length,
                      struct definition **ret_live, void **ret_rest, GError **error)
{
    const struct xml_schema *around = status->around;

    if (!around)
        return status->read(text, length, ret_live, ret_rest, error);
    DEFINITION_AUTO struct definition *document =
        xml_read(around, text, (gssize)length, XML_READ_STATUS | XML_READ_OWN, NULL, error);
    if (!document)
        return -1;
    *ret_live = definition_copy_part(around->rows[0].schema, *live_of(around, document));
    *ret_rest = NULL;
    return 0;
}

int store_restore_status(const struct store *store, struct registry *registry, struct job *job,
                         struct definition *live, void *rest, GError **error)
{
    if (!store->status->around)
        return store->status->restore(registry, job, live, rest, error);
    object_publish_active(job, live, -1, store->status->state, 0);
    return 0;
}
