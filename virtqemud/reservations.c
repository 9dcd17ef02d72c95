/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reservations.h"

#include "json.h"
#include "option.h"

#define SHARED "pr-helper0"

static bool is_managed(const struct domain_source *source)
{
    return source->reservations && source->reservations->managed == TRISTATE_YES;
}

char *reservations_manager(const struct domain_source *source)
{
    if (!source->reservations)
        return NULL;
    return is_managed(source) ? g_strdup(SHARED)
                              : g_strdup_printf("pr-helper-libvirt-%u-storage", source->index);
}

static void add_object(struct arguments *arguments, const char *id, const char *path)
{
    words_add_json(arguments, "-object",
                   json_build("s:qom-type", "pr-manager-helper", "s:id", id, "s:path", path, NULL));
}

void reservations_add_objects(const struct domain_disk *disk,
                              const struct arguments_context *context, struct arguments *arguments)
{
    const struct source_reservations *reservations = disk->source.reservations;
    g_autofree char *id = reservations_manager(&disk->source);

    if (reservations && !is_managed(&disk->source) && reservations->path)
        add_object(arguments, id, reservations->path);
}

bool reservations_are_managed(const struct domain *domain)
{
    LIST_EACH (disk, &domain->devices.disks)
        if (is_managed(&disk->source))
            return true;
    return false;
}

void reservations_add_shared(const struct domain *domain, const struct arguments_context *context,
                             struct arguments *arguments)
{
    g_autofree char *path = g_build_filename(context->folder, SHARED ".sock", NULL);

    if (reservations_are_managed(domain))
        add_object(arguments, SHARED, path);
}
