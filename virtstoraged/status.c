/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "status.h"

#include "xml/xml.h"

#include "pool.h"

struct pool_state {
    struct definition definition;
    struct storage_pool *pool;
};

XML_SCHEMA_DECLARE(pool_state);

#define ROWS_OF struct pool_state
static const struct xml_row pool_state_rows[] = {
    ROW_CHILD("pool", pool, storage_pool, "The live definition", .flags = XML_REQUIRED),
};
#undef ROWS_OF
XML_SCHEMA(pool_state, "poolstate", .doc = "A pool that runs, for a restarted daemon");

static int status_write(struct object *object, const struct object_view *view, char **ret_text,
                        GError **error)
{
    struct pool_state state = {.pool = (struct storage_pool *)view->live};
    GString *text = g_string_sized_new(1024);

    xml_write_part(&pool_state_schema, &state, XML_WRITE_SECURE | XML_WRITE_STATUS, 0, text);
    *ret_text = g_string_free(text, FALSE);
    return 0;
}

static int status_read(const char *text, size_t length, struct definition **ret_live,
                       void **ret_rest, GError **error)
{
    DEFINITION_AUTO struct definition *state = xml_read(
        &pool_state_schema, text, (gssize)length, XML_READ_STATUS | XML_READ_OWN, NULL, error);

    if (!state)
        return -1;
    *ret_live = definition_copy_part(&storage_pool_schema, ((struct pool_state *)state)->pool);
    *ret_rest = NULL;
    return 0;
}

static int status_restore(struct registry *registry, struct job *job, struct definition *live,
                          void *rest, GError **error)
{
    object_publish_active(job, live, -1, VIR_STORAGE_POOL_RUNNING, 0);
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
