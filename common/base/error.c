/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"

#include <string.h>

/* What stock clients show before the detail. Codes without a row carry the bare message. */
static const struct {
    enum error_code code;
    const char *prefix;
} prefixes[] = {
    {VIR_ERR_INTERNAL_ERROR, "internal error"},
    {VIR_ERR_NO_MEMORY, "out of memory"},
    {VIR_ERR_NO_SUPPORT, "this function is not supported by the connection driver"},
    {VIR_ERR_NO_CONNECT, "no connection driver available"},
    {VIR_ERR_INVALID_CONN, "invalid connection pointer in"},
    {VIR_ERR_INVALID_DOMAIN, "invalid domain pointer in"},
    {VIR_ERR_INVALID_ARG, "invalid argument"},
    {VIR_ERR_OPERATION_FAILED, "operation failed"},
    {VIR_ERR_OS_TYPE, "unknown OS type"},
    {VIR_ERR_NO_SOURCE, "missing source information"},
    {VIR_ERR_NO_TARGET, "missing target information"},
    {VIR_ERR_NO_NAME, "missing name information"},
    {VIR_ERR_DOM_EXIST, "this domain exists already"},
    {VIR_ERR_OPERATION_DENIED, "operation forbidden"},
    {VIR_ERR_XML_ERROR, "XML error"},
    {VIR_ERR_XML_INVALID_SCHEMA, "XML document failed to validate against schema"},
    {VIR_ERR_NO_DOMAIN, "Domain not found"},
    {VIR_ERR_INVALID_STREAM, "invalid stream pointer"},
    {VIR_ERR_INVALID_MAC, "invalid MAC address"},
    {VIR_ERR_OPERATION_INVALID, "Requested operation is not valid"},
    {VIR_ERR_OPERATION_TIMEOUT, "Timed out during operation"},
    {VIR_ERR_OPERATION_UNSUPPORTED, "Operation not supported"},
    {VIR_ERR_ARGUMENT_UNSUPPORTED, "argument unsupported"},
    {VIR_ERR_OPERATION_ABORTED, "operation aborted"},
    {VIR_ERR_CONFIG_UNSUPPORTED, "unsupported configuration"},
    {VIR_ERR_CONF_SYNTAX, "configuration file syntax error"},
    {VIR_ERR_NO_DOMAIN_METADATA, "metadata not found"},
    {VIR_ERR_NO_HOSTNAME, "no hostname found"},
    {VIR_ERR_AUTH_FAILED, "authentication failed"},
    {VIR_ERR_AUTH_UNAVAILABLE, "authentication unavailable"},
    {VIR_ERR_AUTH_CANCELLED, "authentication cancelled"},
    {VIR_ERR_ACCESS_DENIED, "access denied"},
    {VIR_ERR_AGENT_UNRESPONSIVE, "Guest agent is not responding"},
    {VIR_ERR_AGENT_UNSYNCED, "guest agent replied with wrong id to guest-sync command"},
    {VIR_ERR_AGENT_COMMAND_TIMEOUT, "guest agent command timed out"},
    {VIR_ERR_AGENT_COMMAND_FAILED, "guest agent command failed"},
    {VIR_ERR_RESOURCE_BUSY, "resource busy"},
    {VIR_ERR_NO_DEVICE, "device not found"},
    {VIR_ERR_DEVICE_MISSING, "device not found"},
    {VIR_ERR_NO_NETWORK, "Network not found"},
    {VIR_ERR_NO_STORAGE_POOL, "Storage pool not found"},
    {VIR_ERR_NO_STORAGE_VOL, "Storage volume not found"},
    {VIR_ERR_NO_SECRET, "Secret not found"},
    {VIR_ERR_INVALID_SECRET, "Invalid secret"},
    {VIR_ERR_NO_CLIENT, "Client not found"},
    {VIR_ERR_NO_SERVER, "Server not found"},
    {VIR_ERR_OVERFLOW, "numerical overflow"},
    {VIR_ERR_CPU_INCOMPATIBLE, "the CPU is incompatible with host CPU"},
    {VIR_ERR_INVALID_NETWORK, "invalid network pointer in"},
};

static const char *prefix_of(enum error_code code)
{
    for (size_t i = 0; i < G_N_ELEMENTS(prefixes); i++)
        if (prefixes[i].code == code)
            return prefixes[i].prefix;
    return NULL;
}

/* One GError domain per speaker: "modvirt-0" is nobody in particular, "modvirt-7" is RPC. */
#define DOMAIN_STEM "modvirt-"

static GQuark domain_of(enum error_from from)
{
    g_autofree char *name = g_strdup_printf(DOMAIN_STEM "%d", from);

    return g_quark_from_string(name);
}

static int speaker_of(const GError *error)
{
    const char *name = g_quark_to_string(error->domain);

    if (!g_str_has_prefix(name, DOMAIN_STEM))
        return -1;
    return (int)g_ascii_strtoll(name + strlen(DOMAIN_STEM), NULL, 10);
}

static void G_GNUC_PRINTF(4, 0)
    set_with_prefix(GError **error, enum error_from from, enum error_code code, const char *format,
                    va_list args)
{
    const char *prefix = prefix_of(code);
    g_autofree char *detail = g_strdup_vprintf(format, args);

    if (prefix)
        g_set_error(error, domain_of(from), code, "%s: %s", prefix, detail);
    else
        g_set_error_literal(error, domain_of(from), code, detail);
}

void error_set(GError **error, enum error_code code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    set_with_prefix(error, VIR_FROM_NONE, code, format, args);
    va_end(args);
}

void error_set_from(GError **error, enum error_from from, enum error_code code, const char *format,
                    ...)
{
    va_list args;

    va_start(args, format);
    set_with_prefix(error, from, code, format, args);
    va_end(args);
}

void error_set_errno(GError **error, int errnum, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *what = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, domain_of(VIR_FROM_NONE), VIR_ERR_SYSTEM_ERROR, "%s: %s", what,
                g_strerror(errnum));
}

enum error_code error_code_of(const GError *error)
{
    return speaker_of(error) < 0 ? VIR_ERR_INTERNAL_ERROR : (enum error_code)error->code;
}

enum error_from error_from_of(const GError *error, enum error_from fallback)
{
    int from = speaker_of(error);

    return from > 0 ? (enum error_from)from : fallback;
}

bool error_is(const GError *error, enum error_code code)
{
    return error && speaker_of(error) >= 0 && error->code == (int)code;
}
