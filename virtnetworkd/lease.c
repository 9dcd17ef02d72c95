/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lease.h"

#include <fcntl.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/file.h"

#define FILE_MOST (16 * 1024 * 1024)
#define DEPTH_MOST 8

/* Members that are texts, by their words in the file. */
static const struct {
    const char *word;
    size_t offset;
} texts[] = {
    {"ip-address", offsetof(struct lease, address)},
    {"mac-address", offsetof(struct lease, mac)},
    {"hostname", offsetof(struct lease, hostname)},
    {"client-id", offsetof(struct lease, client_id)},
    {"iaid", offsetof(struct lease, iaid)},
    {"server-duid", offsetof(struct lease, server_duid)},
};

static char **text_at(struct lease *lease, size_t i)
{
    return (char **)(void *)((char *)lease + texts[i].offset);
}

void lease_free(struct lease *lease)
{
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(*text_at(lease, i));
    g_free(lease);
}

static struct lease *read_lease(struct json_object *json)
{
    struct lease *lease = g_new0(struct lease, 1);
    struct json_object *member;

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        if (json_object_object_get_ex(json, texts[i].word, &member) &&
            json_object_is_type(member, json_type_string))
            *text_at(lease, i) = g_strdup(json_object_get_string(member));
    if (json_object_object_get_ex(json, "expiry-time", &member))
        lease->expiry = (uint64_t)json_object_get_int64(member);
    return lease;
}

static struct json_object *parse(const char *text, size_t length)
{
    struct json_tokener *tokener = json_tokener_new_ex(DEPTH_MOST);
    struct json_object *json = json_tokener_parse_ex(tokener, text, (int)length);

    json_tokener_free(tokener);
    return json;
}

int lease_load(const char *path, GPtrArray **ret_leases, GError **error)
{
    GPtrArray *leases;
    g_autofree char *text = NULL;
    size_t length;

    if (file_read_optional(path, FILE_MOST, &text, &length, error) < 0)
        return -1;
    leases = g_ptr_array_new_with_free_func((GDestroyNotify)lease_free);
    *ret_leases = leases;
    if (!text || !length)
        return 0;
    struct json_object *json = parse(text, length);
    bool is_list = json_object_is_type(json, json_type_array);

    /* a broken one is made anew by the next lease; to refuse it would be for ever */
    for (size_t i = 0; is_list && i < json_object_array_length(json); i++) {
        struct json_object *item = json_object_array_get_idx(json, i);

        if (json_object_is_type(item, json_type_object))
            g_ptr_array_add(leases, read_lease(item));
    }
    json_object_put(json);
    return 0;
}

static struct json_object *write_lease(struct lease *lease)
{
    struct json_object *json = json_object_new_object();

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        if (*text_at(lease, i))
            json_object_object_add(json, texts[i].word, json_object_new_string(*text_at(lease, i)));
    json_object_object_add(json, "expiry-time", json_object_new_int64((int64_t)lease->expiry));
    return json;
}

int lease_lock(const char *path)
{
    g_autofree char *folder = g_path_get_dirname(path);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0)
        flock(fd, LOCK_EX);
    return fd;
}

int lease_begin(const char *path, GError **error)
{
    autofd int guard = lease_lock(path);
    g_autoptr(GPtrArray) none = g_ptr_array_new();

    return access(path, F_OK) == 0 ? 0 : lease_save(path, none, error);
}

void lease_end(const char *path)
{
    autofd int guard = lease_lock(path);

    unlink(path);
}

int lease_save(const char *path, const GPtrArray *leases, GError **error)
{
    struct json_object *json = json_object_new_array();

    for (guint i = 0; i < leases->len; i++)
        json_object_array_add(json, write_lease(leases->pdata[i]));
    const char *text = json_object_to_json_string_ext(json, JSON_C_TO_STRING_PRETTY);
    int result = file_replace(path, text, strlen(text), 0644, error);
    json_object_put(json);
    return result;
}
