/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "volume-rights.h"

#include <stdlib.h>

#include "driver/client.h"
#include "driver/generic.h"
#include "object/access.h"

#include "chain.h"

static bool are_asked(struct call *call)
{
    struct identity *identity = client_get_identity(call->client);
    bool asked = access_asks(identity);

    identity_unref(identity);
    return asked;
}

static int check_read(struct call *call, struct object *pool, const struct volume *volume,
                      GError **error)
{
    const struct access_subject subject = {
        .object = pool, .part = volume->name, .key = volume->key};
    struct identity *identity = client_get_identity(call->client);
    int result = access_check(identity, ACCESS_OBJECT_STORAGE_VOL, ACCESS_PERM_DATA_READ, &subject,
                              protocol_method_word(call->request->method), error);

    identity_unref(identity);
    return result;
}

/* The same file may be a volume of several pools. */
static int check_path(struct call *call, const char *path, GError **error)
{
    g_autoptr(GPtrArray) pools = registry_list(storaged->pools, registry_filter_active, NULL);

    for (guint i = 0; i < pools->len; i++) {
        VOLUMES_AUTO struct volumes *volumes = pool_get_volumes(pools->pdata[i], NULL);
        VOLUME_AUTO struct volume *volume = volumes ? volumes_get_by_path(volumes, path) : NULL;

        if (volume && check_read(call, pools->pdata[i], volume, error) < 0)
            return -1;
    }
    return 0;
}

/* By its name, and by where that leads. */
static int check_image(const char *path, void *data, GError **error)
{
    struct call *call = data;
    char *real = realpath(path, NULL);
    int result = check_path(call, path, error);

    if (result == 0 && real && strcmp(real, path) != 0)
        result = check_path(call, real, error);
    free(real);
    return result;
}

int volume_rights_check_origin(struct call *call, struct object *pool, const struct volume *volume,
                               const struct storage_volume *definition, GError **error)
{
    enum image_format format = storage_volume_image_format(definition);

    if (!are_asked(call))
        return 0;
    if (check_read(call, pool, volume, error) < 0)
        return -1;
    return definition->type == STORAGE_VOLUME_FILE && definition->backing
               ? chain_walk(definition->target.path, format, check_image, call, error)
               : 0;
}

int volume_rights_check_below(struct call *call, const struct storage_volume *definition,
                              GError **error)
{
    const struct storage_target *backing = definition->backing;

    if (!backing || !backing->path || !are_asked(call))
        return 0;
    g_autofree char *folder = g_path_get_dirname(definition->target.path);
    g_autofree char *path = g_path_is_absolute(backing->path)
                                ? g_strdup(backing->path)
                                : g_build_filename(folder, backing->path, NULL);
    return chain_walk(path, backing->format, check_image, call, error);
}
