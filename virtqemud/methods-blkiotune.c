/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "driver/domains.h"
#include "driver/params.h"
#include "host/cgroup-value.h"
#include "protocol/remote-handlers.h"

#include "group-limits.h"
#include "methods.h"
#include "setting.h"
#include "tune-parts.h"

/* How much of the host's block devices guests may use. What is said of single devices is a text:
 * "/dev/sda,500,/dev/sdb,300". */

#define AFFECT (VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG)

struct blkio_values {
    unsigned weight;
    bool has_weight;
    const char *devices[BLKIO_ROWS];
};

#define DEVICE_ROW(field, value)                                                                   \
    {                                                                                              \
        VIR_DOMAIN_BLKIO_DEVICE_##field, VIR_TYPED_PARAM_STRING,                                   \
            offsetof(struct blkio_values, devices[value]), 0                                       \
    }

static const struct param_row rows_of_values[] = {
    {VIR_DOMAIN_BLKIO_WEIGHT, VIR_TYPED_PARAM_UINT, offsetof(struct blkio_values, weight),
     offsetof(struct blkio_values, has_weight)},
    DEVICE_ROW(WEIGHT, CGROUP_DEVICE_WEIGHT),
    DEVICE_ROW(READ_IOPS, CGROUP_DEVICE_READ_IOPS),
    DEVICE_ROW(WRITE_IOPS, CGROUP_DEVICE_WRITE_IOPS),
    DEVICE_ROW(READ_BPS, CGROUP_DEVICE_READ_BYTES),
    DEVICE_ROW(WRITE_BPS, CGROUP_DEVICE_WRITE_BYTES),
};
#define VALUES G_N_ELEMENTS(rows_of_values)

static int check_session(struct call *call, GError **error)
{
    if (!qemu_of_call(call)->driver->daemon->session)
        return 0;
    error_set(error, VIR_ERR_OPERATION_UNSUPPORTED,
              "Block I/O tuning is not available in session mode");
    return -1;
}

/* ---- reading ---- */

static const char *join_devices(const struct blkio_tune *tune, size_t row, struct arena *arena)
{
    g_autoptr(GString) text = g_string_new(NULL);

    LIST_EACH (device, &tune->devices) {
        uint64_t value = blkio_row_get(&blkio_rows[row], device);

        if (value)
            g_string_append_printf(text, "%s%s,%" G_GUINT64_FORMAT, text->len ? "," : "",
                                   device->path, value);
    }
    return arena_strdup(arena, text->str);
}

int domain_get_blkio_parameters(struct call *call,
                                const struct remote_domain_get_blkio_parameters_args *args,
                                struct remote_domain_get_blkio_parameters_ret *ret, GError **error)
{
    static const struct blkio_tune none;
    OBJECT_VIEW_AUTO struct object_view view = {0};
    struct params params = {.arena = &call->arena};
    const struct domain *domain;
    struct blkio_values values = {0};
    uint64_t weight;

    if (check_session(call, error) < 0 ||
        domain_get_affected(call, args->flags, &view, &domain, error) < 0)
        return -1;
    const struct blkio_tune *tune = domain->blkio_tune ? domain->blkio_tune : &none;
    g_auto(GStrv) group = guest_get_cgroup(guest_of(call->object));
    values.weight = tune->weight;
    if (&domain->definition == view.live &&
        cgroup_get((const char *const *)group, CGROUP_BLKIO_WEIGHT, &weight, NULL) == 0)
        values.weight = (unsigned)weight;
    for (size_t i = 0; i < BLKIO_ROWS; i++)
        values.devices[i] = join_devices(tune, i, &call->arena);
    params_add_rows(&params, rows_of_values, VALUES, &values);
    params_reply(&params, args->nparams, &ret->params_val, &ret->params_len, &ret->nparams);
    return 0;
}

/* ---- changing ---- */

static struct blkio_device *make_device(struct blkio_tune *tune, const char *path,
                                        struct arena *arena)
{
    struct blkio_device *device = blkio_find_device(tune, path);

    if (device)
        return device;
    device = arena_new(arena, struct blkio_device);
    device->path = arena_strdup(arena, path);
    LIST_APPEND(arena, &tune->devices, device);
    return device;
}

static int read_number(const struct blkio_row *row, const char *text, const char *path,
                       uint64_t *ret_value, GError **error)
{
    uint64_t most = row->wide ? UINT64_MAX : UINT_MAX;

    if (g_ascii_string_to_unsigned(text, 10, 0, most, ret_value, NULL))
        return 0;
    error_set(error, VIR_ERR_INVALID_ARG, "invalid value '%s' for parameter '%s' of device '%s'",
              text, row->field, path);
    return -1;
}

static int read_devices(const struct blkio_row *row, const char *text, struct blkio_tune *tune,
                        struct arena *arena, GError **error)
{
    g_auto(GStrv) words = g_strsplit(text, ",", 0);
    unsigned count = *text ? g_strv_length(words) : 0;
    uint64_t value;

    if (count % 2) {
        error_set(error, VIR_ERR_INVALID_ARG, "unable to parse blkio device '%s' '%s'", row->field,
                  text);
        return -1;
    }
    for (unsigned i = 0; i < count; i += 2) {
        if (read_number(row, words[i + 1], words[i], &value, error) < 0)
            return -1;
        blkio_row_set(row, make_device(tune, words[i], arena), value);
    }
    return 0;
}

/* A device of which nothing is said any more. */
static void drop_unlimited(struct blkio_tune *tune)
{
    for (unsigned i = tune->devices.count; i-- > 0;) {
        bool limited = false;

        for (size_t row = 0; row < BLKIO_ROWS; row++)
            limited |= blkio_row_get(&blkio_rows[row], tune->devices.items[i]) != 0;
        if (!limited)
            LIST_REMOVE(&tune->devices, i);
    }
}

struct blkio_request {
    struct blkio_values values;
    struct blkio_tune given; /* of its devices, what is named: 1 */
};

static int read_all_devices(const struct blkio_values *values, struct blkio_tune *tune,
                            struct arena *arena, GError **error)
{
    for (size_t i = 0; i < BLKIO_ROWS; i++)
        if (values->devices[i] &&
            read_devices(&blkio_rows[i], values->devices[i], tune, arena, error) < 0)
            return -1;
    return 0;
}

static int modify(struct domain *domain, bool live, const void *data, GError **error)
{
    const struct blkio_request *request = data;
    struct blkio_tune *tune = tune_make_blkio(domain);

    if (request->values.has_weight)
        tune->weight = request->values.weight;
    if (read_all_devices(&request->values, tune, &domain->definition.arena, error) < 0)
        return -1;
    drop_unlimited(tune);
    return 0;
}

static int apply(struct guest *guest, const struct domain *live, const void *data,
                 unsigned deadline_ms, GError **error)
{
    const struct blkio_request *request = data;

    return group_limits_apply_blkio(guest, live->blkio_tune, &request->given, error);
}

static const struct setting blkio_setting = {modify, apply};

/* What is named, whatever its value: 0 takes a limit away. */
static int note_given(struct blkio_request *request, struct arena *arena, GError **error)
{
    request->given.weight = request->values.has_weight;
    for (size_t i = 0; i < BLKIO_ROWS; i++) {
        struct blkio_tune named = {0};

        if (request->values.devices[i] &&
            read_devices(&blkio_rows[i], request->values.devices[i], &named, arena, error) < 0)
            return -1;
        LIST_EACH (device, &named.devices)
            blkio_row_set(&blkio_rows[i], make_device(&request->given, device->path, arena), 1);
    }
    return 0;
}

int domain_set_blkio_parameters(struct call *call,
                                const struct remote_domain_set_blkio_parameters_args *args,
                                void *ret, GError **error)
{
    struct blkio_request request = {0};

    if (check_session(call, error) < 0 ||
        params_read(args->params_val, args->params_len, rows_of_values, VALUES, &request.values,
                    error) < 0 ||
        note_given(&request, &call->arena, error) < 0)
        return -1;
    return setting_change(call, args->flags, &blkio_setting, &request, NULL, error);
}

static const struct method rows[] = {
    {.binding = HANDLER(remote, domain_get_blkio_parameters),
     .flags = AFFECT | VIR_TYPED_PARAM_STRING_OKAY},
    {.binding = HANDLER(remote, domain_set_blkio_parameters), .flags = AFFECT, .job = true},
};

const struct driver_methods blkiotune_methods = DRIVER_METHODS(rows);
