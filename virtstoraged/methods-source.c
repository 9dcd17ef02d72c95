/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/generic.h"
#include "protocol/remote-handlers.h"
#include "xml/xml.h"

#include "backend.h"
#include "methods.h"

/* ---- capabilities ---- */

/* What a type of pool can be made of, and what its volumes can be. */
static const struct {
    const struct names *formats; /* NULL: none to choose */
    const char *format;          /* the one if none is chosen */
    const char *volume_format;   /* NULL: volumes have no format */
    unsigned first, last;        /* of enum storage_format; none first */
} options[STORAGE_POOL_TYPES] = {
#define FILES "raw", IMAGE_FORMAT_RAW, IMAGE_FORMAT_VMDK
    [STORAGE_POOL_DIR] = {NULL, NULL, FILES},
    [STORAGE_POOL_FS] = {&storage_fs_format_names, "auto", FILES},
    [STORAGE_POOL_NETFS] = {&storage_netfs_format_names, "auto", FILES},
    [STORAGE_POOL_LOGICAL] = {&storage_logical_format_names, "lvm2"},
    [STORAGE_POOL_DISK] = {&storage_disk_format_names, "unknown", "none", STORAGE_FORMAT_LINUX,
                           STORAGE_FORMAT_EXTENDED},
    [STORAGE_POOL_GLUSTER] = {NULL, NULL, FILES},
    [STORAGE_POOL_VSTORAGE] = {NULL, NULL, FILES},
};

static void write_enum(GString *out, const char *name, const struct names *words, unsigned first,
                       unsigned last)
{
    g_string_append_printf(out, "      <enum name='%s'>\n", name);
    if (words == &storage_format_names)
        g_string_append(out, "        <value>none</value>\n");
    for (unsigned i = first; i <= last; i++)
        if (names_word(words, i))
            g_string_append_printf(out, "        <value>%s</value>\n", names_word(words, i));
    g_string_append(out, "      </enum>\n");
}

static void write_type(GString *out, unsigned type)
{
    g_string_append_printf(out, "  <pool type='%s' supported='%s'>\n",
                           names_word(&storage_pool_type_names, type),
                           backend_is_present(type) ? "yes" : "no");
    if (options[type].formats) {
        g_string_append_printf(out, "    <poolOptions>\n      <defaultFormat type='%s'/>\n",
                               options[type].format);
        write_enum(out, "sourceFormatType", options[type].formats, 1,
                   options[type].formats->count - 1);
        g_string_append(out, "    </poolOptions>\n");
    }
    if (options[type].volume_format) {
        g_string_append_printf(out, "    <volOptions>\n      <defaultFormat type='%s'/>\n",
                               options[type].volume_format);
        write_enum(out, "targetFormatType", &storage_format_names, options[type].first,
                   options[type].last);
        g_string_append(out, "    </volOptions>\n");
    }
    g_string_append(out, "  </pool>\n");
}

int connect_get_storage_pool_capabilities(
    struct call *call, const struct remote_connect_get_storage_pool_capabilities_args *args,
    struct remote_connect_get_storage_pool_capabilities_ret *ret, GError **error)
{
    g_autoptr(GString) out = g_string_new("<storagepoolCapabilities>\n");

    for (unsigned type = STORAGE_POOL_DIR; type < STORAGE_POOL_TYPES; type++)
        write_type(out, type);
    g_string_append(out, "</storagepoolCapabilities>\n");
    ret->capabilities = arena_strdup(&call->arena, out->str);
    return 0;
}

/* ---- what pools could be on ---- */

static int read_wanted(const char *text, struct storage_source **ret_wanted, GError **error)
{
    *ret_wanted = NULL;
    if (!text || !*text)
        return 0;
    *ret_wanted =
        (struct storage_source *)xml_read(&storage_source_schema, text, -1, 0, NULL, error);
    return *ret_wanted ? 0 : -1;
}

int connect_find_storage_pool_sources(
    struct call *call, const struct remote_connect_find_storage_pool_sources_args *args,
    struct remote_connect_find_storage_pool_sources_ret *ret, GError **error)
{
    int type = names_find(&storage_pool_type_names, args->type);
    DEFINITION_AUTO struct storage_source *wanted = NULL;
    g_autofree char *text = NULL;

    if (type < 0) {
        error_set(error, VIR_ERR_INTERNAL_ERROR, "unknown storage pool type %s", args->type);
        return -1;
    }
    const struct backend *backend = backend_find((unsigned)type, error);
    if (!backend)
        return -1;
    if (!backend->find_sources) {
        error_set(error, VIR_ERR_NO_SUPPORT, "pool type '%s' does not support source discovery",
                  args->type);
        return -1;
    }
    if (read_wanted(args->srcSpec, &wanted, error) < 0 ||
        backend->find_sources(wanted, &text, error) < 0)
        return -1;
    ret->xml = arena_strdup(&call->arena, text);
    return 0;
}

static const struct method rows[] = {
    {.binding = HANDLER(remote, connect_get_storage_pool_capabilities)},
    {.binding = HANDLER(remote, connect_find_storage_pool_sources)},
};

const struct driver_methods source_methods = DRIVER_METHODS(rows);
