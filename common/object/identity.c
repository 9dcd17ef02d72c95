/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "object/identity.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/account.h"
#include "base/error.h"
#include "base/file.h"

struct identity {
    gint references;
    struct identity_values values;
    GMutex lock; /* guards the two names below, which are looked up at most once */
    char *user_name, *group_name;
    bool user_looked_up, group_looked_up;
};

struct identity *identity_new(const struct identity_values *values)
{
    struct identity *identity = g_new0(struct identity, 1);
    struct identity_values *copy = &identity->values;

    identity->references = 1;
    g_mutex_init(&identity->lock);
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
    g_free(identity->user_name);
    g_free(identity->group_name);
    g_mutex_clear(&identity->lock);
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

/* ---- who is at the other end ---- */

/* Field 22 of /proc/PID/stat; the second is a name in parentheses that may hold anything. */
static uint64_t read_process_time(pid_t process)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/stat", process);
    g_autofree char *text = NULL;
    const char *field;

    if (file_read_all(path, 4096, &text, NULL, NULL) < 0)
        return 0;
    field = strrchr(text, ')');
    for (int number = 2; field && number < 22; number++)
        field = strchr(field + 1, ' ');
    return field ? g_ascii_strtoull(field + 1, NULL, 10) : 0;
}

static char *read_selinux_context(int fd)
{
    char context[256] = "";
    socklen_t length = sizeof(context) - 1;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERSEC, context, &length) < 0)
        return NULL;
    return g_strdup(context);
}

int identity_new_peer(int fd, bool readonly, struct identity **ret_identity, GError **error)
{
    g_autofree char *context = NULL;
    struct ucred peer;
    socklen_t length = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0) {
        error_set_errno(error, errno, "cannot tell who connected");
        return -1;
    }
    context = read_selinux_context(fd);
    *ret_identity = identity_new(&(struct identity_values){
        .has_user = true,
        .has_group = true,
        .has_process = peer.pid > 0,
        .user = peer.uid,
        .group = peer.gid,
        .process = peer.pid,
        .process_time = peer.pid > 0 ? read_process_time(peer.pid) : 0,
        .selinux_context = context,
        .readonly = readonly,
    });
    return 0;
}

struct identity *identity_new_self(void)
{
    return identity_new(&(struct identity_values){
        .has_user = true,
        .has_group = true,
        .has_process = true,
        .user = geteuid(),
        .group = getegid(),
        .process = getpid(),
        .process_time = read_process_time(getpid()),
    });
}

/* ---- names, from the name service ---- */

const char *identity_user_name(struct identity *identity)
{
    const struct identity_values *values = &identity->values;
    const char *name;

    if (values->user_name || !values->has_user)
        return values->user_name;
    g_mutex_lock(&identity->lock);
    if (!identity->user_looked_up)
        identity->user_name = account_user_name(values->user);
    identity->user_looked_up = true;
    name = identity->user_name;
    g_mutex_unlock(&identity->lock);
    return name;
}

const char *identity_group_name(struct identity *identity)
{
    const struct identity_values *values = &identity->values;
    const char *name;

    if (values->group_name || !values->has_group)
        return values->group_name;
    g_mutex_lock(&identity->lock);
    if (!identity->group_looked_up)
        identity->group_name = account_group_name(values->group);
    identity->group_looked_up = true;
    name = identity->group_name;
    g_mutex_unlock(&identity->lock);
    return name;
}

char *identity_describe(const struct identity *identity)
{
    const struct identity_values *values = &identity->values;

    if (values->sasl_user)
        return g_strdup(values->sasl_user);
    if (values->x509_name)
        return g_strdup(values->x509_name);
    if (values->has_process && values->has_user)
        return g_strdup_printf("pid %d of user %u", values->process, values->user);
    if (values->has_user)
        return g_strdup_printf("user %u", values->user);
    return g_strdup("an unknown client");
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
