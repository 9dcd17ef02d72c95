/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp-commands.h"

#include <json-c/json.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "json.h"

int qmp_run_query(struct qmp *qmp, const struct qmp_query *query, struct json_object *arguments,
                  unsigned deadline_ms, struct arena *arena, void *ret, GError **error)
{
    struct json_object *result JSON_AUTO = NULL;
    struct qmp_list *list = ret;

    if (qmp_execute(qmp, query->command, arguments, deadline_ms, &result, error) < 0)
        return -1;
    g_autofree char *what = g_strdup_printf("QEMU's reply to '%s'", query->command);
    if (!query->list)
        return qmp_decode_struct(query->shape, result, what, arena, ret, error);
    return qmp_decode_list(query->shape, result, what, arena, &list->items, &list->count, error);
}

static int run(struct qmp *qmp, const char *command, struct json_object *arguments,
               unsigned deadline_ms, GError **error)
{
    return qmp_execute(qmp, command, arguments, deadline_ms, NULL, error);
}

int qmp_set_balloon(struct qmp *qmp, uint64_t bytes, unsigned deadline_ms, GError **error)
{
    return run(qmp, "balloon", json_build("U:value", bytes, NULL), deadline_ms, error);
}

int qmp_set_balloon_period(struct qmp *qmp, const char *qom_path, unsigned seconds,
                           unsigned deadline_ms, GError **error)
{
    return qmp_qom_set(qmp, qom_path, "guest-stats-polling-interval",
                       json_object_new_int64(seconds), deadline_ms, error);
}

int qmp_screendump(struct qmp *qmp, const char *filename, const char *device, unsigned head,
                   bool png, unsigned deadline_ms, GError **error)
{
    struct json_object *arguments = json_build("s:filename", filename, "S:device", device,
                                               "S:format", png ? "png" : NULL, NULL);

    if (device)
        json_add(arguments, "u:head", head, NULL);
    return run(qmp, "screendump", arguments, deadline_ms, error);
}

int qmp_send_keys(struct qmp *qmp, const unsigned *keys, unsigned count, unsigned hold_ms,
                  unsigned deadline_ms, GError **error)
{
    struct json_object *list = json_object_new_array();

    for (unsigned i = 0; i < count; i++)
        json_object_array_add(list, json_build("s:type", "number", "u:data", keys[i], NULL));
    struct json_object *arguments = json_build("j:keys", list, NULL);
    if (hold_ms)
        json_add(arguments, "u:hold-time", hold_ms, NULL);
    return run(qmp, "send-key", arguments, deadline_ms, error);
}

int qmp_human(struct qmp *qmp, const char *line, unsigned deadline_ms, char **ret_text,
              GError **error)
{
    struct json_object *result JSON_AUTO = NULL;

    if (qmp_execute(qmp, "human-monitor-command", json_build("s:command-line", line, NULL),
                    deadline_ms, &result, error) < 0)
        return -1;
    if (!json_object_is_type(result, json_type_string)) {
        error_set(error, VIR_ERR_INTERNAL_ERROR, "QEMU's reply to '%s' is no text", line);
        return -1;
    }
    *ret_text = g_strdup(json_object_get_string(result));
    return 0;
}

int qmp_qom_get(struct qmp *qmp, const char *path, const char *property, unsigned deadline_ms,
                struct json_object **ret_value, GError **error)
{
    return qmp_execute(qmp, "qom-get", json_build("s:path", path, "s:property", property, NULL),
                       deadline_ms, ret_value, error);
}

int qmp_qom_set(struct qmp *qmp, const char *path, const char *property, struct json_object *value,
                unsigned deadline_ms, GError **error)
{
    return run(qmp, "qom-set",
               json_build("s:path", path, "s:property", property, "j:value", value, NULL),
               deadline_ms, error);
}

int qmp_set_link(struct qmp *qmp, const char *device, bool up, unsigned deadline_ms, GError **error)
{
    return run(qmp, "set_link", json_build("s:name", device, "b:up", up, NULL), deadline_ms, error);
}

int qmp_set_password(struct qmp *qmp, const char *protocol, const char *password,
                     const char *connected, unsigned deadline_ms, GError **error)
{
    return run(
        qmp, "set_password",
        json_build("s:protocol", protocol, "s:password", password, "S:connected", connected, NULL),
        deadline_ms, error);
}

int qmp_expire_password(struct qmp *qmp, const char *protocol, const char *when,
                        unsigned deadline_ms, GError **error)
{
    return run(qmp, "expire_password", json_build("s:protocol", protocol, "s:time", when, NULL),
               deadline_ms, error);
}

int qmp_move_vnc(struct qmp *qmp, const char *host, int port, unsigned deadline_ms, GError **error)
{
    g_autofree char *service = g_strdup_printf("%d", port);
    struct json_object *addresses = json_object_new_array();

    json_object_array_add(addresses,
                          json_build("s:type", "inet", "s:host", host, "s:port", service, NULL));
    return run(qmp, "display-update", json_build("s:type", "vnc", "j:addresses", addresses, NULL),
               deadline_ms, error);
}

int qmp_device_add(struct qmp *qmp, struct json_object *device, unsigned deadline_ms,
                   GError **error)
{
    return run(qmp, "device_add", device, deadline_ms, error);
}

int qmp_object_add(struct qmp *qmp, struct json_object *object, unsigned deadline_ms,
                   GError **error)
{
    return run(qmp, "object-add", object, deadline_ms, error);
}

int qmp_device_del(struct qmp *qmp, const char *id, unsigned deadline_ms, GError **error)
{
    return run(qmp, "device_del", json_build("s:id", id, NULL), deadline_ms, error);
}

int qmp_object_del(struct qmp *qmp, const char *id, unsigned deadline_ms, GError **error)
{
    return run(qmp, "object-del", json_build("s:id", id, NULL), deadline_ms, error);
}

int qmp_block_resize(struct qmp *qmp, const char *node, uint64_t bytes, unsigned deadline_ms,
                     GError **error)
{
    return run(qmp, "block_resize", json_build("s:node-name", node, "U:size", bytes, NULL),
               deadline_ms, error);
}

int qmp_set_write_threshold(struct qmp *qmp, const char *node, uint64_t bytes, unsigned deadline_ms,
                            GError **error)
{
    return run(qmp, "block-set-write-threshold",
               json_build("s:node-name", node, "U:write-threshold", bytes, NULL), deadline_ms,
               error);
}

int qmp_save_memory(struct qmp *qmp, uint64_t offset, uint64_t size, const char *filename,
                    bool physical, unsigned deadline_ms, GError **error)
{
    return run(qmp, physical ? "pmemsave" : "memsave",
               json_build("U:val", offset, "U:size", size, "s:filename", filename, NULL),
               deadline_ms, error);
}

int qmp_getfd(struct qmp *qmp, const char *name, int fd, unsigned deadline_ms, GError **error)
{
    return qmp_execute_fds(qmp, "getfd", json_build("s:fdname", name, NULL), &fd, 1, deadline_ms,
                           NULL, error);
}

int qmp_closefd(struct qmp *qmp, const char *name, unsigned deadline_ms, GError **error)
{
    return run(qmp, "closefd", json_build("s:fdname", name, NULL), deadline_ms, error);
}
