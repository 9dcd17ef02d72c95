/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "object/identity.h"

#include <limits.h>
#include <string.h>

#include "base/error.h"

struct identity {
    gint references;
    struct identity_values values;
};

struct identity *identity_new(const struct identity_values *values)
{
    struct identity *identity = g_new0(struct identity, 1);
    struct identity_values *copy = &identity->values;

    identity->references = 1;
    *copy = *values;
    copy->user_name = g_strdup(values->user_name);
    copy->group_name = g_strdup(values->group_name);
    copy->sasl_user = g_strdup(values->sasl_user);
    copy->x509_name = g_strdup(values->x509_name);
    copy->selinux_context = g_strdup(values->selinux_context);
    return identity;
}

struct identity *identity_ref(struct identity *identity)
{
    g_atomic_int_inc(&identity->references);
    return identity;
}

void identity_unref(struct identity *identity)
{
    const struct identity_values *values;

    if (!identity || !g_atomic_int_dec_and_test(&identity->references))
        return;
    values = &identity->values;
    g_free((char *)values->user_name);
    g_free((char *)values->group_name);
    g_free((char *)values->sasl_user);
    g_free((char *)values->x509_name);
    g_free((char *)values->selinux_context);
    g_free(identity);
}

const struct identity_values *identity_values(const struct identity *identity)
{
    return &identity->values;
}

struct identity *identity_with_readonly(const struct identity *identity, bool readonly)
{
    struct identity_values values = identity->values;

    values.readonly = readonly;
    return identity_new(&values);
}

/* ---- as typed parameters ---- */

/* What of struct identity_values a parameter carries. */
enum member { STRING, USER, GROUP, PROCESS, TIME };

static const struct {
    const char *field;
    int type;
    enum member member;
    size_t offset; /* of strings */
} rows[IDENTITY_PARAMS] = {
    {VIR_CONNECT_IDENTITY_USER_NAME, VIR_TYPED_PARAM_STRING, STRING,
     offsetof(struct identity_values, user_name)},
    {VIR_CONNECT_IDENTITY_UNIX_USER_ID, VIR_TYPED_PARAM_ULLONG, USER, 0},
    {VIR_CONNECT_IDENTITY_GROUP_NAME, VIR_TYPED_PARAM_STRING, STRING,
     offsetof(struct identity_values, group_name)},
    {VIR_CONNECT_IDENTITY_UNIX_GROUP_ID, VIR_TYPED_PARAM_ULLONG, GROUP, 0},
    {VIR_CONNECT_IDENTITY_PROCESS_ID, VIR_TYPED_PARAM_LLONG, PROCESS, 0},
    {VIR_CONNECT_IDENTITY_PROCESS_TIME, VIR_TYPED_PARAM_ULLONG, TIME, 0},
    {VIR_CONNECT_IDENTITY_SASL_USER_NAME, VIR_TYPED_PARAM_STRING, STRING,
     offsetof(struct identity_values, sasl_user)},
    {VIR_CONNECT_IDENTITY_X509_DISTINGUISHED_NAME, VIR_TYPED_PARAM_STRING, STRING,
     offsetof(struct identity_values, x509_name)},
    {VIR_CONNECT_IDENTITY_SELINUX_CONTEXT, VIR_TYPED_PARAM_STRING, STRING,
     offsetof(struct identity_values, selinux_context)},
};

static bool get_number(const struct identity_values *values, enum member member, uint64_t *ret)
{
    switch (member) {
    case USER:
        *ret = values->user;
        return values->has_user;
    case GROUP:
        *ret = values->group;
        return values->has_group;
    case PROCESS:
        *ret = (uint64_t)values->process;
        return values->has_process;
    case TIME:
        *ret = values->process_time;
        return values->process_time != 0;
    case STRING:
        break;
    }
    return false;
}

unsigned identity_to_params(const struct identity *identity,
                            struct identity_param ret_params[IDENTITY_PARAMS])
{
    const struct identity_values *values = &identity->values;
    unsigned count = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct identity_param param = {.field = rows[i].field, .type = rows[i].type};
        bool known;

        if (rows[i].member == STRING)
            known = (param.text = G_STRUCT_MEMBER(const char *, values, rows[i].offset)) != NULL;
        else
            known = get_number(values, rows[i].member, &param.number);
        if (known)
            ret_params[count++] = param;
    }
    return count;
}

/* False when the number is out of range. (uid_t)-1 and (gid_t)-1 are nobody's. */
static bool set_number(struct identity_values *values, enum member member, uint64_t number)
{
    switch (member) {
    case USER:
        values->has_user = true;
        values->user = (uid_t)number;
        return number < (uid_t)-1;
    case GROUP:
        values->has_group = true;
        values->group = (gid_t)number;
        return number < (gid_t)-1;
    case PROCESS:
        values->has_process = true;
        values->process = (pid_t)number;
        return number > 0 && number <= INT_MAX;
    case TIME:
        values->process_time = number;
        return true;
    case STRING:
        break;
    }
    return false;
}

static int find_row(const char *field)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if (strcmp(rows[i].field, field) == 0)
            return (int)i;
    return -1;
}

static int set_param(struct identity_values *values, const struct identity_param *param,
                     bool seen[IDENTITY_PARAMS], GError **error)
{
    int row = find_row(param->field);

    if (row < 0) {
        error_set(error, VIR_ERR_INVALID_ARG, "unknown identity parameter '%s'", param->field);
        return -1;
    }
    if (param->type != rows[row].type || seen[row]) {
        error_set(error, VIR_ERR_INVALID_ARG, "identity parameter '%s' %s", param->field,
                  seen[row] ? "is given twice" : "has the wrong type");
        return -1;
    }
    seen[row] = true;
    if (rows[row].member == STRING) {
        G_STRUCT_MEMBER(const char *, values, rows[row].offset) = param->text;
        return 0;
    }
    if (!set_number(values, rows[row].member, param->number)) {
        error_set(error, VIR_ERR_INVALID_ARG, "identity parameter '%s' is out of range",
                  param->field);
        return -1;
    }
    return 0;
}

int identity_from_params(const struct identity_param *params, unsigned count, bool readonly,
                         struct identity **ret_identity, GError **error)
{
    struct identity_values values = {.readonly = readonly};
    bool seen[IDENTITY_PARAMS] = {false};

    for (unsigned i = 0; i < count; i++)
        if (set_param(&values, &params[i], seen, error) < 0)
            return -1;
    *ret_identity = identity_new(&values);
    return 0;
}
