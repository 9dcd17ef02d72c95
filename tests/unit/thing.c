/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "thing.h"

#include <string.h>

#include "xml/xml.h"

#define ROWS_OF struct thing
static const struct xml_row thing_rows[] = {
    ROW_STRING("name", name, "Name", .flags = XML_REQUIRED),
    ROW_UUID("uuid", uuid, "Identity"),
    ROW_STRING("text", text, "Anything"),
};
#undef ROWS_OF
XML_SCHEMA_DECLARE(thing);
XML_SCHEMA(thing, "thing", .doc = "A thing to test with");

static gint cleared;

static void clear(struct object *object)
{
    struct thing_object *thing = (struct thing_object *)object;

    g_assert_cmpint(thing->extra, ==, 0);
    g_atomic_int_inc(&cleared);
}

int thing_cleared(void)
{
    return g_atomic_int_get(&cleared);
}

const struct object_kind thing_kind = {
    .name = "thing",
    .schema = &thing_schema,
    .missing = VIR_ERR_NO_DOMAIN,
    .size = sizeof(struct thing_object),
    .name_offset = offsetof(struct thing, name),
    .uuid_offset = offsetof(struct thing, uuid),
    .inactive_state = VIR_DOMAIN_SHUTOFF,
    .clear = clear,
};

struct definition *thing_new(const char *name, uint8_t number, const char *text)
{
    struct definition *definition = definition_new(&thing_schema);
    struct thing *thing = (struct thing *)definition;

    thing->name = arena_strdup(&definition->arena, name);
    memset(thing->uuid, number, sizeof(thing->uuid));
    thing->text = arena_strdup(&definition->arena, text);
    return definition;
}

void thing_number_uuid(unsigned number, uint8_t ret_uuid[16])
{
    memset(ret_uuid, 0xa5, 16);
    memcpy(ret_uuid, &number, sizeof(number));
}

struct definition *thing_new_numbered(const char *name, unsigned number)
{
    struct definition *definition = thing_new(name, 0, NULL);

    thing_number_uuid(number, ((struct thing *)definition)->uuid);
    return definition;
}

struct object *thing_define(struct registry *registry, const char *name, uint8_t number)
{
    DEFINITION_AUTO struct definition *definition = thing_new(name, number, NULL);
    g_autoptr(GError) error = NULL;
    struct object *object;
    struct job *job = NULL;

    registry_begin(registry, definition, 0, "define", 1000, &job, &error);
    g_assert_no_error(error);
    object_publish_config(job, g_steal_pointer(&definition));
    object = object_ref(job_object(job));
    job_end(job);
    return object;
}
