/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "object/change.h"

#include "facts/constants.h"
#include "object/object.h"
#include "xml/xml.h"

int change_begin(struct change *change, struct store *store, struct job *job, unsigned flags,
                 GError **error)
{
    struct object *object = job_object(job);
    OBJECT_VIEW_AUTO struct object_view view = {0};
    unsigned affected;

    object_get_view(object, &view);
    if (object_check_affect(object->kind, &view, flags, &affected, error) < 0)
        return -1;
    change->store = store;
    change->job = job;
    if (affected & VIR_DOMAIN_AFFECT_LIVE)
        change->live = definition_copy(view.live);
    if (affected & VIR_DOMAIN_AFFECT_CONFIG)
        change->config = definition_copy(view.config);
    return 0;
}

static int check_readable(const struct definition *definition, GError **error)
{
    if (!definition)
        return 0;
    g_autofree char *text = xml_write(definition, XML_WRITE_SECURE | XML_WRITE_STATUS);
    DEFINITION_AUTO struct definition *read =
        xml_read(definition->schema, text, -1, XML_READ_STATUS, NULL, error);

    return read ? 0 : -1;
}

int change_check(const struct change *change, GError **error)
{
    return check_readable(change->config, error) < 0 || check_readable(change->live, error) < 0 ? -1
                                                                                                : 0;
}

static int save_config(struct change *change, GError **error)
{
    if (!change->config)
        return 0;
    if (change->store && store_save(change->store, change->job, change->config, error) < 0)
        return -1;
    object_publish_config(change->job, definition_pack(change->config));
    return 0;
}

/* The status is made of what is published. */
static int save_live(struct change *change, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view before = {0};

    if (!change->live)
        return 0;
    object_get_view(job_object(change->job), &before);
    object_publish_live(change->job, definition_copy(change->live));
    if (!change->store || store_save_status(change->store, change->job, error) == 0)
        return 0;
    if (!change->applied)
        object_publish_live(change->job, definition_ref(before.live));
    return -1;
}

int change_save(struct change *change, GError **error)
{
    int result = change_check(change, error);

    if (result == 0)
        result = save_config(change, error);
    if (result < 0 && !change->applied)
        return -1;
    /* the first error is the one to tell */
    return save_live(change, result < 0 ? NULL : error) < 0 ? -1 : result;
}

void change_clear(struct change *change)
{
    definition_unref(change->live);
    definition_unref(change->config);
    *change = (struct change){0};
}
