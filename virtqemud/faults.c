/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "faults.h"

static const struct {
    enum error_from from;
    enum error_code code;
} kinds[] = {
    [FAULT_QEMU] = {VIR_FROM_QEMU, VIR_ERR_CONFIG_UNSUPPORTED},
    [FAULT_GUEST] = {VIR_FROM_DOMAIN, VIR_ERR_CONFIG_UNSUPPORTED},
    [FAULT_XML] = {VIR_FROM_DOMAIN, VIR_ERR_XML_ERROR},
    [FAULT_DETAIL] = {VIR_FROM_DOMAIN, VIR_ERR_XML_DETAIL},
    [FAULT_ARGUMENT] = {VIR_FROM_DOMAIN, VIR_ERR_INVALID_ARG},
    [FAULT_LIMIT] = {VIR_FROM_QEMU, VIR_ERR_ARGUMENT_UNSUPPORTED},
    [FAULT_NO_SOURCE] = {VIR_FROM_DOMAIN, VIR_ERR_NO_SOURCE},
    [FAULT_INTERNAL] = {VIR_FROM_DOMAIN, VIR_ERR_INTERNAL_ERROR},
};

static int fail(enum fault_kind kind, GError **error, const char *says)
{
    error_set_from(error, kinds[kind].from, kinds[kind].code, "%s", says);
    return -1;
}

/* NULL: nothing is wrong. */
static const struct fault *find_first(const struct fault *faults, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (faults[i].found)
            return &faults[i];
    return NULL;
}

int faults_check(const struct fault *faults, unsigned count, GError **error, const char *format,
                 ...)
{
    const struct fault *first = find_first(faults, count);
    va_list arguments;

    if (!first)
        return 0;
    va_start(arguments, format);
    g_autofree char *where = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_autofree char *says = g_strconcat(where, ": ", first->says, NULL);
    return fail(first->kind, error, says);
}

int faults_say(const struct fault *faults, unsigned count, GError **error, const char *about)
{
    const struct fault *first = find_first(faults, count);

    if (!first)
        return 0;
    g_auto(GStrv) parts = g_strsplit(first->says, "%s", -1);
    g_autofree char *says = g_strjoinv(about ?: "", parts);
    return fail(first->kind, error, says);
}

int faults_fail(enum fault_kind kind, GError **error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *says = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    return fail(kind, error, says);
}
