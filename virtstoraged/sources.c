/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sources.h"

#include "base/error.h"
#include "xml/xml.h"

int sources_get_host(const struct storage_source *wanted, const char *what,
                     const struct storage_host **ret_host, GError **error)
{
    if (!wanted) {
        error_set(error, VIR_ERR_INVALID_ARG, "hostname must be specified for %s sources", what);
        return -1;
    }
    if (wanted->hosts.count != 1 || !wanted->hosts.items[0]->name) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "Expected exactly 1 host for the storage pool");
        return -1;
    }
    *ret_host = wanted->hosts.items[0];
    return 0;
}

struct storage_sources *sources_new(void)
{
    return (struct storage_sources *)definition_new(&storage_sources_schema);
}

struct storage_source *sources_add(struct storage_sources *sources, const char *host, unsigned port)
{
    struct arena *arena = &sources->definition.arena;
    struct storage_source *source = arena_new(arena, struct storage_source);
    struct storage_host *server = arena_new(arena, struct storage_host);

    server->name = arena_strdup(arena, host);
    server->port = port;
    LIST_APPEND(arena, &source->hosts, server);
    LIST_APPEND(arena, &sources->sources, source);
    return source;
}

char *sources_text(const struct storage_sources *sources)
{
    return xml_write(&sources->definition, 0);
}
