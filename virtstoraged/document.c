/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "document.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/uuid.h"
#include "xml/xml.h"

/* ---- pools ---- */

/* A file that a hand has put there may lack it. It must be the same at each start. */
int document_complete(struct definition *definition, GError **error)
{
    struct storage_pool *pool = (struct storage_pool *)definition;
    uint8_t digest[32];
    size_t size = sizeof(digest);

    if (!bytes_are_zero(pool->uuid, sizeof(pool->uuid)))
        return 0;
    g_autofree char *machine = NULL;
    if (file_read_all("/etc/machine-id", 256, &machine, NULL, NULL) < 0)
        machine = g_strdup("");
    GChecksum *checksum = g_checksum_new(G_CHECKSUM_SHA256);
    g_checksum_update(checksum, (const guchar *)machine, -1);
    g_checksum_update(checksum, (const guchar *)"storage pool ", -1);
    g_checksum_update(checksum, (const guchar *)pool->name, -1);
    g_checksum_get_digest(checksum, digest, &size);
    g_checksum_free(checksum);
    memcpy(pool->uuid, digest, sizeof(pool->uuid));
    pool->uuid[6] = (uint8_t)((pool->uuid[6] & 0x0f) | 0x80);
    pool->uuid[8] = (uint8_t)((pool->uuid[8] & 0x3f) | 0x80);
    return 0;
}

static void log_warnings(const char *what, const char *name, const GPtrArray *warnings)
{
    for (guint i = 0; i < warnings->len; i++)
        log_warn("%s '%s': %s", what, name, (const char *)warnings->pdata[i]);
}

int document_read_pool(const char *text, bool validate, struct storage_pool **ret_pool,
                       GError **error)
{
    g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
    unsigned flags = XML_READ_INACTIVE | (validate ? XML_READ_VALIDATE : 0);
    DEFINITION_AUTO struct storage_pool *pool =
        (struct storage_pool *)xml_read(&storage_pool_schema, text, -1, flags, warnings, error);

    if (!pool)
        return -1;
    if (bytes_are_zero(pool->uuid, sizeof(pool->uuid)) && uuid_generate(pool->uuid) < 0) {
        error_set_errno(error, errno, "cannot make up a uuid");
        return -1;
    }
    log_warnings("storage pool", pool->name, warnings);
    *ret_pool = g_steal_pointer(&pool);
    return 0;
}

/* ---- one storage is in one pool ---- */

static bool shares_device(const struct storage_pool *a, const struct storage_pool *b)
{
    LIST_EACH (one, &a->source.devices)
        LIST_EACH (other, &b->source.devices)
            if (strcmp(one->path, other->path) == 0)
                return true;
    return false;
}

/* 0 is the protocol's own, which we don't know here: it may be any. */
static bool is_same_port(unsigned one, unsigned other)
{
    return !one || !other || one == other;
}

static bool shares_host(const struct storage_pool *a, const struct storage_pool *b)
{
    return a->source.hosts.count && b->source.hosts.count &&
           strcmp(a->source.hosts.items[0]->name, b->source.hosts.items[0]->name) == 0 &&
           is_same_port(a->source.hosts.items[0]->port, b->source.hosts.items[0]->port);
}

/* "scsi_host5" is "host5". */
static const char *adapter_name(const struct storage_adapter *adapter)
{
    const char *name = adapter->name ?: "";

    return g_str_has_prefix(name, "scsi_") ? name + strlen("scsi_") : name;
}

/* A virtual HBA is one whoever its parent is. */
static bool shares_adapter(const struct storage_pool *a, const struct storage_pool *b)
{
    const struct storage_adapter *one = a->source.adapter, *other = b->source.adapter;

    if (one->type != other->type)
        return false;
    if (one->type == STORAGE_ADAPTER_FC_HOST)
        return g_ascii_strcasecmp(one->wwnn, other->wwnn) == 0 &&
               g_ascii_strcasecmp(one->wwpn, other->wwpn) == 0;
    if (one->address && other->address)
        return xml_equal(&storage_adapter_schema, one, other);
    return !one->address && !other->address && strcmp(adapter_name(one), adapter_name(other)) == 0;
}

static bool shares_storage(const struct storage_pool *a, const struct storage_pool *b)
{
    if (a->type != b->type)
        return false;
    switch ((enum storage_pool_type)a->type) {
    case STORAGE_POOL_DIR:
        return strcmp(a->target.path, b->target.path) == 0;
    case STORAGE_POOL_NETFS:
        return shares_host(a, b) && strcmp(a->source.dir, b->source.dir) == 0;
    case STORAGE_POOL_ISCSI:
    case STORAGE_POOL_ISCSI_DIRECT:
        return shares_host(a, b) && shares_device(a, b) &&
               g_strcmp0(a->source.initiator, b->source.initiator) == 0;
    case STORAGE_POOL_SCSI:
        return shares_adapter(a, b);
    case STORAGE_POOL_MPATH:
        return true;
    case STORAGE_POOL_RBD:
        return shares_host(a, b) && strcmp(a->source.name, b->source.name) == 0;
    case STORAGE_POOL_GLUSTER:
        return shares_host(a, b) && strcmp(a->source.name, b->source.name) == 0 &&
               strcmp(a->source.dir, b->source.dir) == 0;
    case STORAGE_POOL_LOGICAL:
    case STORAGE_POOL_ZFS:
    case STORAGE_POOL_VSTORAGE:
        return strcmp(a->source.name, b->source.name) == 0 || shares_device(a, b);
    default:
        return shares_device(a, b);
    }
}

static bool collides(struct object *object, const struct object_view *view, void *data)
{
    const struct storage_pool *pool = data;
    const struct storage_pool *other =
        (const struct storage_pool *)object_view_definition(view, false);

    /* of the same name, or the same uuid, the registry speaks */
    return other && memcmp(other->uuid, pool->uuid, sizeof(pool->uuid)) != 0 &&
           strcmp(other->name, pool->name) != 0 && shares_storage(pool, other);
}

int document_check_source(const struct storage_pool *pool, GError **error)
{
    g_autoptr(GPtrArray) others = registry_list(storaged->pools, collides, (void *)pool);

    if (!others->len)
        return 0;
    g_autofree char *name = object_get_name(others->pdata[0]);
    error_set(error, VIR_ERR_OPERATION_FAILED, "Storage source conflict with pool: '%s'", name);
    return -1;
}

/* ---- volumes ---- */

int document_read_volume(const char *text, bool validate, bool optional,
                         struct storage_volume **ret_volume, GError **error)
{
    g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
    unsigned flags = XML_READ_INACTIVE | (validate ? XML_READ_VALIDATE : 0);
    DEFINITION_AUTO struct storage_volume *volume =
        (struct storage_volume *)xml_read(&storage_volume_schema, text, -1, flags, warnings, error);

    if (!volume)
        return -1;
    if (!volume->capacity.set && !optional && !volume->backing) {
        error_set(error, VIR_ERR_XML_ERROR, "missing capacity element");
        return -1;
    }
    log_warnings("volume", volume->name, warnings);
    *ret_volume = g_steal_pointer(&volume);
    return 0;
}
