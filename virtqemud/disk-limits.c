/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk-limits.h"

#include <string.h>

#include "base/error.h"

#define ROW(field, member)                                                                         \
    {                                                                                              \
        VIR_DOMAIN_BLOCK_IOTUNE_##field, VIR_TYPED_PARAM_ULLONG,                                   \
            offsetof(struct disk_iotune, member), 0                                                \
    }

static const struct param_row rows[] = {
    ROW(TOTAL_BYTES_SEC, total_bytes_sec),
    ROW(READ_BYTES_SEC, read_bytes_sec),
    ROW(WRITE_BYTES_SEC, write_bytes_sec),
    ROW(TOTAL_IOPS_SEC, total_iops_sec),
    ROW(READ_IOPS_SEC, read_iops_sec),
    ROW(WRITE_IOPS_SEC, write_iops_sec),
    ROW(TOTAL_BYTES_SEC_MAX, total_bytes_sec_max),
    ROW(READ_BYTES_SEC_MAX, read_bytes_sec_max),
    ROW(WRITE_BYTES_SEC_MAX, write_bytes_sec_max),
    ROW(TOTAL_IOPS_SEC_MAX, total_iops_sec_max),
    ROW(READ_IOPS_SEC_MAX, read_iops_sec_max),
    ROW(WRITE_IOPS_SEC_MAX, write_iops_sec_max),
    ROW(SIZE_IOPS_SEC, size_iops_sec),
    {VIR_DOMAIN_BLOCK_IOTUNE_GROUP_NAME, VIR_TYPED_PARAM_STRING,
     offsetof(struct disk_iotune, group_name), 0},
    ROW(TOTAL_BYTES_SEC_MAX_LENGTH, total_bytes_sec_max_length),
    ROW(READ_BYTES_SEC_MAX_LENGTH, read_bytes_sec_max_length),
    ROW(WRITE_BYTES_SEC_MAX_LENGTH, write_bytes_sec_max_length),
    ROW(TOTAL_IOPS_SEC_MAX_LENGTH, total_iops_sec_max_length),
    ROW(READ_IOPS_SEC_MAX_LENGTH, read_iops_sec_max_length),
    ROW(WRITE_IOPS_SEC_MAX_LENGTH, write_iops_sec_max_length),
};
#define ROWS G_N_ELEMENTS(rows)

/* Total, read and write of one kind are set together. */
static const struct kind {
    size_t total; /* offset of the three in a row */
    size_t most;  /* the same of the bursts; 0: this is one */
    size_t length;
} kinds[] = {
    {offsetof(struct disk_iotune, total_bytes_sec),
     offsetof(struct disk_iotune, total_bytes_sec_max),
     offsetof(struct disk_iotune, total_bytes_sec_max_length)},
    {offsetof(struct disk_iotune, total_iops_sec), offsetof(struct disk_iotune, total_iops_sec_max),
     offsetof(struct disk_iotune, total_iops_sec_max_length)},
    {offsetof(struct disk_iotune, total_bytes_sec_max), 0, 0},
    {offsetof(struct disk_iotune, total_iops_sec_max), 0, 0},
    {offsetof(struct disk_iotune, total_bytes_sec_max_length), 0, 0},
    {offsetof(struct disk_iotune, total_iops_sec_max_length), 0, 0},
};
#define MOST_LIMIT G_GUINT64_CONSTANT(1000000000000000)

static uint64_t *three_of(struct disk_iotune *tune, size_t offset)
{
    return (uint64_t *)((char *)tune + offset);
}

static const char *field_at(size_t offset)
{
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].offset == offset)
            return rows[i].field;
    return NULL;
}

/* What QEMU makes of bursts of no length. */
static void add_lengths(struct disk_iotune *tune)
{
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        for (size_t j = 0; kinds[i].most && j < 3; j++)
            if (three_of(tune, kinds[i].most)[j] && !three_of(tune, kinds[i].length)[j])
                three_of(tune, kinds[i].length)[j] = 1;
}

void disk_limits_add(struct params *params, const struct disk_iotune *tune, bool live)
{
    struct disk_iotune shown = *tune;

    if (live)
        add_lengths(&shown);
    params_add_rows(params, rows, ROWS, &shown);
}

/* ---- checking ---- */

static int check_values(struct disk_iotune *given, GError **error)
{
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].type == VIR_TYPED_PARAM_ULLONG &&
            *three_of(given, rows[i].offset) > MOST_LIMIT) {
            error_set(error, VIR_ERR_ARGUMENT_UNSUPPORTED,
                      "block I/O throttle limit value must be no more than %" G_GUINT64_FORMAT,
                      MOST_LIMIT);
            return -1;
        }
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        const uint64_t *three = three_of(given, kinds[i].total);

        if (three[0] && (three[1] || three[2])) {
            error_set(error, VIR_ERR_INVALID_ARG,
                      "total and read/write of %s cannot be set at the same time",
                      field_at(kinds[i].total) + strlen("total_"));
            return -1;
        }
    }
    return 0;
}

int disk_limits_check(const struct remote_typed_param *params, uint32_t count, GError **error)
{
    struct disk_iotune given = {0};

    return params_read(params, count, rows, ROWS, &given, error) < 0 ? -1
                                                                     : check_values(&given, error);
}

/* What QEMU asks of bursts. */
static int check_bursts(struct disk_iotune *tune, const struct kind *kind, GError **error)
{
    for (size_t i = 0; kind->most && i < 3; i++) {
        uint64_t value = three_of(tune, kind->total)[i], most = three_of(tune, kind->most)[i];
        const char *field = field_at(kind->total + i * sizeof(uint64_t));
        const char *field_of_most = field_at(kind->most + i * sizeof(uint64_t));

        if (most && !value) {
            error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "cannot reset '%s' when '%s' is set",
                      field, field_of_most);
            return -1;
        }
        if (most && most < value) {
            error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "value '%s' cannot be smaller than '%s'",
                      field_of_most, field);
            return -1;
        }
        if (three_of(tune, kind->length)[i] && !most) {
            error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "value '%s' cannot be set if '%s' is not",
                      field_at(kind->length + i * sizeof(uint64_t)), field_of_most);
            return -1;
        }
    }
    return 0;
}

/* ---- changing ---- */

struct given {
    const struct remote_typed_param *params;
    uint32_t count;
};

static bool is_given(const struct given *given, size_t offset)
{
    for (uint32_t i = 0; i < given->count; i++)
        for (size_t row = 0; row < ROWS; row++)
            if (rows[row].offset == offset && strcmp(rows[row].field, given->params[i].field) == 0)
                return true;
    return false;
}

bool disk_limits_are_given(const struct remote_typed_param *params, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(params[i].field, VIR_DOMAIN_BLOCK_IOTUNE_GROUP_NAME) != 0)
            return true;
    return false;
}

/* One of three makes those that are not given 0. */
static void clear_given_kinds(const struct given *given, struct disk_iotune *tune)
{
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        for (size_t j = 0; j < 3; j++)
            if (is_given(given, kinds[i].total + j * sizeof(uint64_t))) {
                memset(three_of(tune, kinds[i].total), 0, 3 * sizeof(uint64_t));
                break;
            }
}

int disk_limits_merge(const struct remote_typed_param *params, uint32_t count, bool live,
                      struct disk_iotune *tune, GError **error)
{
    const struct given given = {params, count};

    clear_given_kinds(&given, tune);
    if (params_read(params, count, rows, ROWS, tune, error) < 0)
        return -1;
    for (size_t i = 0; live && i < G_N_ELEMENTS(kinds); i++)
        if (check_bursts(tune, &kinds[i], error) < 0)
            return -1;
    return 0;
}
