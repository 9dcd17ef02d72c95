/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "status.h"

#include "xml/xml.h"

#include "helper.h"
#include "io-errors.h"
#include "reconnect.h"

NAMES(guest_state_names, "nostate", "running", "blocked", "paused", "shutdown", "shutoff",
      "crashed", "pmsuspended");

#define ROWS_OF struct status_helper
static const struct xml_row status_helper_rows[] = {
    ROW_ENUM("@name", kind, helper_kind_names, "Which program"),
    ROW_STRING("@device", device, "Alias of the device that it works for"),
    ROW_NUMBER("@pid", pid, "Its process"),
    ROW_NUMBER("@start_time", process_time, "When it began, in clock ticks since boot"),
};
#undef ROWS_OF
XML_SCHEMA(status_helper, "helper", .doc = "A program that works for the guest");

#define ROWS_OF struct guest_status
static const struct xml_row guest_status_rows[] = {
    ROW_ENUM("@state", state, guest_state_names, "State at the last change"),
    ROW_NUMBER("@reason", reason, "Why, by the number of the API"),
    ROW_NUMBER("@pid", pid, "QEMU's process"),
    ROW_NUMBER("@start_time", process_time, "When it began, in clock ticks since boot"),
    ROW_NUMBER("@taints", taints, "What was done to it, as bits"),
    ROW_STRING("folder", folder, "Files of this run"),
    ROW_STRINGS("cgroup", cgroup, "Folders of its control group"),
    ROW_LIST("helper", helpers, status_helper, "Programs that work for the guest"),
    ROW_NUMBER("@agent_timeout", agent_timeout, "Seconds that its agent has for an answer"),
    ROW_NUMBER("@last_node", last_node, "Highest number that a block node has had"),
    ROW_CHILD("domain", domain, domain, "The live definition", .flags = XML_REQUIRED),
    ROW_STRINGS("ioerror", io_errors, "The last I/O error of an image"),
    ROW_CHILD("plugging", plugging, domain_devices, "Devices that QEMU may have by now"),
};
#undef ROWS_OF
XML_SCHEMA(guest_status, "domstatus", .doc = "A running guest, for a restarted daemon");

#define FLAGS (XML_WRITE_SECURE | XML_WRITE_STATUS)

/* In the arena, with the list of them. */
static struct status_helper **list_helpers(const struct guest *guest, struct arena *arena)
{
    unsigned count = guest->helpers ? guest->helpers->len : 0;
    struct status_helper **items = arena_alloc(arena, (count + 1) * sizeof(*items));

    for (unsigned i = 0; i < count; i++) {
        const struct helper *helper = guest->helpers->pdata[i];
        items[i] = arena_alloc(arena, sizeof(**items));
        *items[i] = (struct status_helper){.kind = helper->kind,
                                           .pid = helper->process.pid,
                                           .process_time = helper->process_time,
                                           .device = helper->device};
    }
    return items;
}

static int status_write(struct object *object, const struct object_view *view, char **ret_text,
                        GError **error)
{
    struct arena arena ARENA_AUTO = {0};
    struct guest *guest = guest_of(object);
    struct guest_status status = {
        .state = (uint8_t)view->state,
        .reason = (unsigned)view->reason,
        .pid = guest->process.pid,
        .process_time = guest->process_time,
        .taints = atomic_load(&guest->taints),
        .folder = guest->folder,
        .cgroup = {(const char **)guest->cgroup, guest->cgroup ? g_strv_length(guest->cgroup) : 0},
        .domain = (struct domain *)view->live,
        .helpers = {list_helpers(guest, &arena), guest->helpers ? guest->helpers->len : 0},
        .plugging = guest->plugging ? &guest->plugging->devices : NULL,
        .last_node = guest->last_node,
        .agent_timeout = agent_get_timeout(guest),
    };
    GString *text = g_string_sized_new(8192);

    status.io_errors.items = io_errors_save(guest, &arena, &status.io_errors.count);
    xml_write_part(&guest_status_schema, &status, FLAGS, 0, text);
    *ret_text = g_string_free(text, FALSE);
    return 0;
}

static int status_read(const char *text, size_t length, struct definition **ret_live,
                       void **ret_rest, GError **error)
{
    struct definition *rest = xml_read(&guest_status_schema, text, (gssize)length,
                                       XML_READ_STATUS | XML_READ_OWN, NULL, error);

    if (!rest)
        return -1;
    *ret_live = definition_copy_part(&domain_schema, ((struct guest_status *)rest)->domain);
    *ret_rest = rest;
    return 0;
}

static void status_free(void *rest)
{
    definition_unref(rest);
}

const struct store_status status_file = {
    .write = status_write,
    .read = status_read,
    .restore = reconnect_restore,
    .free_rest = status_free,
};
