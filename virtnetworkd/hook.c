/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hook.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/process.h"
#include "xml/xml.h"

#include "vnet.h"

#define DEADLINE_MS 30000
#define OUTPUT_MOST 65536

static char *make_input(const struct network *network, const struct network_port *port)
{
    GString *text = g_string_new("<hookData>\n");

    xml_write_part(&network_schema, network, 0, 2, text);
    if (port)
        xml_write_part(&network_port_schema, port, XML_WRITE_STATUS, 2, text);
    g_string_append(text, "</hookData>\n");
    return g_string_free(text, FALSE);
}

static int run(const struct network *network, const struct network_port *port,
               const char *operation, const char *sub, GError **error)
{
    const char *argv[] = {networkd->hook, network->name, operation, sub, "-", NULL};
    const struct process_spec spec = {.argv = argv};
    g_autofree char *input = NULL;
    struct process_output output = {0};

    if (access(networkd->hook, X_OK) < 0)
        return 0;
    input = make_input(network, port);
    if (process_capture(&spec, input, OUTPUT_MOST, DEADLINE_MS, &output, error) < 0)
        return -1;
    bool good = WIFEXITED(output.status) && WEXITSTATUS(output.status) == 0;
    if (!good) {
        g_autofree char *status = process_status_text(output.status);
        error_set(error, VIR_ERR_HOOK_SCRIPT_FAILED, "%s %s %s: %s: %s", networkd->hook,
                  network->name, operation, status, g_strstrip(output.errors));
    }
    process_output_clear(&output);
    return good ? 0 : -1;
}

int hook_run(const struct network *network, const char *operation, const char *sub, GError **error)
{
    return run(network, NULL, operation, sub, error);
}

int hook_run_port(const struct network *network, const struct network_port *port,
                  const char *operation, GError **error)
{
    return run(network, port, operation, "begin", error);
}

void hook_tell_port(const struct network *network, const struct network_port *port,
                    const char *operation)
{
    g_autoptr(GError) error = NULL;

    if (hook_run_port(network, port, operation, &error) < 0)
        log_warn("%s", error->message);
}

void hook_tell(const struct network *network, const char *operation, const char *sub)
{
    g_autoptr(GError) error = NULL;

    if (hook_run(network, operation, sub, &error) < 0)
        log_warn("%s", error->message);
}
