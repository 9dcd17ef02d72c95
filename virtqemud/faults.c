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
};

int faults_check(const struct fault *faults, unsigned count, GError **error, const char *format,
                 ...)
{
    unsigned i = 0;
    va_list arguments;

    while (i < count && !faults[i].found)
        i++;
    if (i == count)
        return 0;
    va_start(arguments, format);
    g_autofree char *where = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    error_set_from(error, kinds[faults[i].kind].from, kinds[faults[i].kind].code, "%s: %s", where,
                   faults[i].says);
    return -1;
}
