/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/scope.h"

#include <errno.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>

#include "base/error.h"
#include "base/uuid.h"

#define MANAGER                                                                                    \
    "org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager"
#define MACHINES                                                                                   \
    "org.freedesktop.machine1", "/org/freedesktop/machine1", "org.freedesktop.machine1.Manager"

#define LONGEST_MACHINE_NAME 64
#define TASKS_MAX UINT64_C(32768)
#define MILLISECOND 1000

/* ---- names ---- */

bool scope_is_possible(void)
{
    return sd_booted() > 0;
}

char *scope_machine_name(const char *text)
{
    g_autoptr(GString) name = g_string_new(NULL);

    /* labels of letters and digits, with dashes inside, between single dots */
    for (; *text && name->len < LONGEST_MACHINE_NAME; text++) {
        bool after_word = name->len && g_ascii_isalnum(name->str[name->len - 1]);
        bool after_dash = name->len && name->str[name->len - 1] == '-';

        if (g_ascii_isalnum(*text) || (*text == '-' && (after_word || after_dash)) ||
            (*text == '.' && after_word))
            g_string_append_c(name, *text);
    }
    while (name->len && !g_ascii_isalnum(name->str[name->len - 1]))
        g_string_truncate(name, name->len - 1);
    return g_string_free(g_steal_pointer(&name), FALSE);
}

/* As units' names have it: all but letters, digits and ":_." in hexadecimal. */
static void escape(GString *unit, const char *text)
{
    for (const char *c = text; *c; c++) {
        if (g_ascii_isalnum(*c) || *c == ':' || *c == '_' || (*c == '.' && c > text))
            g_string_append_c(unit, *c);
        else
            g_string_append_printf(unit, "\\x%02x", (unsigned char)*c);
    }
}

char *scope_name(const char *machine)
{
    g_autoptr(GString) unit = g_string_new("machine-");

    escape(unit, machine);
    g_string_append(unit, ".scope");
    return g_string_free(g_steal_pointer(&unit), FALSE);
}

int scope_slice(const char *partition, char **ret_slice, GError **error)
{
    g_autoptr(GString) unit = g_string_new(NULL);
    g_auto(GStrv) parts = g_strsplit(partition, "/", -1);

    if (*partition != '/') {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "Resource partition '%s' must start with '/'",
                  partition);
        return -1;
    }
    for (char **part = parts; *part; part++) {
        if (!**part)
            continue;
        if (unit->len)
            g_string_append_c(unit, '-');
        escape(unit, *part);
    }
    g_string_append(unit, unit->len ? ".slice" : "-.slice");
    *ret_slice = g_string_free(g_steal_pointer(&unit), FALSE);
    return 0;
}

/* ---- the bus ---- */

struct link {
    sd_bus *bus;
    int64_t until; /* g_get_monotonic_time() */
};

static void link_close(struct link *link)
{
    sd_bus_close_unref(link->bus);
}

#define LINK_AUTO __attribute__((cleanup(link_close)))

static uint64_t left(const struct link *link)
{
    /* 0 would be the library's own, long */
    return (uint64_t)MAX(1, link->until - g_get_monotonic_time());
}

static int fail(const char *who, int status, const sd_bus_error *said, GError **error)
{
    bool late = status == -ETIMEDOUT || sd_bus_error_has_name(said, SD_BUS_ERROR_NO_REPLY);

    error_set(error, late ? VIR_ERR_OPERATION_TIMEOUT : VIR_ERR_OPERATION_FAILED, "%s: %s", who,
              late                    ? "no answer"
              : said && said->message ? said->message
                                      : g_strerror(-status));
    return -1;
}

/* Handles what comes until it is enough. The library's own waits may be longer than ours. */
static int link_await(const struct link *link, const char *who,
                      bool (*is_enough)(const struct link *link, const void *data),
                      const void *data, GError **error)
{
    while (!is_enough(link, data)) {
        int status = sd_bus_process(link->bus, NULL);

        if (status == 0 && g_get_monotonic_time() >= link->until)
            status = -ETIMEDOUT;
        if (status == 0)
            status = sd_bus_wait(link->bus, left(link));
        if (status < 0 && status != -EINTR)
            return fail(who, status, NULL, error);
    }
    return 0;
}

static bool is_ready(const struct link *link, const void *data)
{
    return sd_bus_is_ready(link->bus) > 0;
}

static int link_open(struct link *link, int milliseconds, GError **error)
{
    int status;

    link->until = g_get_monotonic_time() + (int64_t)milliseconds * MILLISECOND;
    if ((status = sd_bus_open_system(&link->bus)) < 0 ||
        (status = sd_bus_set_method_call_timeout(link->bus, left(link))) < 0)
        return fail("D-Bus", status, NULL, error);
    return link_await(link, "D-Bus", is_ready, NULL, error);
}

static int link_call(const struct link *link, const char *who, sd_bus_message *message,
                     GError **error)
{
    sd_bus_error said = SD_BUS_ERROR_NULL;
    int status = sd_bus_call(link->bus, message, left(link), &said, NULL);
    int result = status < 0 ? fail(who, status, &said, error) : 0;

    sd_bus_error_free(&said);
    return result;
}

/* ---- a scope ---- */

struct start {
    const char *name;
    char *result; /* of the job; NULL: it is at work */
};

static int job_removed(sd_bus_message *message, void *data, sd_bus_error *error)
{
    struct start *start = data;
    const char *path, *unit, *result;
    uint32_t id;

    if (sd_bus_message_read(message, "uoss", &id, &path, &unit, &result) >= 0 && !start->result &&
        strcmp(unit, start->name) == 0)
        start->result = g_strdup(result);
    return 0;
}

static int ask_for_scope(const struct link *link, const struct scope_spec *spec, GError **error)
{
    sd_bus_message *message = NULL;
    int status = sd_bus_message_new_method_call(link->bus, &message, MANAGER, "StartTransientUnit");

    if (status >= 0)
        status = sd_bus_message_append(message, "ssa(sv)a(sa(sv))", spec->name, "fail", (int)8,
                                       "Description", "s", spec->description, "Slice", "s",
                                       spec->slice, "PIDs", "au", 1, (uint32_t)spec->pid,
                                       "Delegate", "b", 1, "CollectMode", "s", "inactive-or-failed",
                                       "TasksMax", "t", TASKS_MAX, "After", "as", 1, spec->service,
                                       "Before", "as", 1, "virt-guest-shutdown.target", 0);
    int result = status < 0 ? fail("systemd", status, NULL, error)
                            : link_call(link, "systemd", message, error);
    sd_bus_message_unref(message);
    return result;
}

static bool has_result(const struct link *link, const void *data)
{
    return ((const struct start *)data)->result != NULL;
}

static int await_job(const struct link *link, const struct start *start, GError **error)
{
    if (link_await(link, "systemd", has_result, start, error) < 0)
        return -1;
    if (strcmp(start->result, "done") == 0)
        return 0;
    error_set(error, VIR_ERR_OPERATION_FAILED, "systemd: the start of %s: %s", start->name,
              start->result);
    return -1;
}

int scope_start(const struct scope_spec *spec, int milliseconds, GError **error)
{
    struct link link LINK_AUTO = {0};
    struct start start = {.name = spec->name};
    sd_bus_error said = SD_BUS_ERROR_NULL;
    int result = -1;

    if (link_open(&link, milliseconds, error) < 0)
        return -1;
    /* heard from before the job is there */
    int status = sd_bus_match_signal(link.bus, NULL, MANAGER, "JobRemoved", job_removed, &start);
    if (status >= 0)
        status = sd_bus_call_method(link.bus, MANAGER, "Subscribe", &said, NULL, NULL);
    if (status < 0)
        fail("systemd", status, &said, error);
    else if (ask_for_scope(&link, spec, error) == 0)
        result = await_job(&link, &start, error);
    sd_bus_error_free(&said);
    g_free(start.result);
    return result;
}

/* ---- a machine ---- */

int scope_register_machine(const struct scope_machine *machine, int milliseconds, GError **error)
{
    struct link link LINK_AUTO = {0};
    sd_bus_message *message = NULL;
    int status;

    if (link_open(&link, milliseconds, error) < 0)
        return -1;
    if ((status = sd_bus_message_new_method_call(link.bus, &message, MACHINES,
                                                 "RegisterMachineWithNetwork")) >= 0 &&
        (status = sd_bus_message_append(message, "s", machine->name)) >= 0 &&
        (status = sd_bus_message_append_array(message, 'y', machine->uuid, UUID_BYTES)) >= 0 &&
        (status = sd_bus_message_append(message, "ssus", "libvirt-qemu", "vm",
                                        (uint32_t)machine->leader, "")) >= 0)
        status = sd_bus_message_append_array(message, 'i', machine->links,
                                             machine->link_count * sizeof(machine->links[0]));
    int result = status < 0 ? fail("machined", status, NULL, error)
                            : link_call(&link, "machined", message, error);
    sd_bus_message_unref(message);
    return result;
}
