/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What QEMU would be started with: reads paths of domain documents from its input, one a line, and
 * answers each with a line of JSON: {"argv":[...],"environment":[...],"devices":[[KIND,ALIAS]]} or
 * {"error":{"code":...,"message":...}}. Opens nothing that a document names. For golden tests, and
 * for looking at.
 */
#include <glib.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/loop.h"

#include "virtqemud/document.h"
#include "virtqemud/json.h"
#include "virtqemud/plan.h"

#define LARGEST_DOCUMENT (1024 * 1024)

static char *cache_folder;

static const GOptionEntry options[] = {
    {"cache", 0, 0, G_OPTION_ARG_FILENAME, &cache_folder, "Where to keep what emulators can do",
     "FOLDER"},
    {NULL},
};

static void *run_loop(void *loop)
{
    loop_run(loop);
    return NULL;
}

static void quit(void *loop)
{
    loop_quit(loop);
}

static struct json_object *list_of(const GPtrArray *words)
{
    struct json_object *list = json_object_new_array();

    for (guint i = 0; i + 1 < words->len; i++)
        json_object_array_add(list, json_object_new_string(words->pdata[i]));
    return list;
}

/* Part of the machine or of its processor, without a name of its own, or nothing at all. */
static bool is_no_device(const struct device *device)
{
    const void *object = device->object;

    switch (device->kind) {
    case DEVICE_INPUT:
        return ((const struct domain_input *)object)->bus == INPUT_BUS_PS2;
    case DEVICE_CONTROLLER:
        return ((const struct domain_controller *)object)->type == CONTROLLER_USB &&
               ((const struct domain_controller *)object)->model == CONTROLLER_USB_DISABLED;
    case DEVICE_MEMBALLOON:
        return ((const struct domain_memballoon *)object)->model == MEMBALLOON_NONE;
    case DEVICE_PANIC:
        return ((const struct domain_panic *)object)->model != PANIC_PVPANIC;
    case DEVICE_SOUND:
        return ((const struct domain_sound *)object)->model == SOUND_PCSPK;
    case DEVICE_VIDEO:
        return ((const struct domain_video *)object)->type == VIDEO_NONE;
    case DEVICE_IOMMU:
        return ((const struct domain_iommu *)object)->model == IOMMU_SMMUV3;
    case DEVICE_WATCHDOG:
        return ((const struct domain_watchdog *)object)->model == WATCHDOG_ITCO;
    default:
        return false;
    }
}

/* What the guest is to have: pairs of kind and alias. */
static struct json_object *devices_of(const struct domain *live)
{
    struct json_object *list = json_object_new_array();
    unsigned count;
    g_autofree struct device *devices = domain_list_devices(live, &count);

    for (unsigned i = 0; i < count; i++) {
        if (!devices[i].info || !devices[i].info->alias || is_no_device(&devices[i]))
            continue;
        struct json_object *pair = json_object_new_array();
        json_object_array_add(
            pair, json_object_new_string(names_word(&device_kind_names, devices[i].kind)));
        json_object_array_add(pair, json_object_new_string(devices[i].info->alias));
        json_object_array_add(list, pair);
    }
    return list;
}

static int answer(struct qemu *qemu, const char *path, struct json_object **ret_answer,
                  GError **error)
{
    DEFINITION_AUTO struct definition *definition = NULL;
    g_autofree char *text = NULL;
    struct arguments arguments;

    if (file_read_all(path, LARGEST_DOCUMENT, &text, NULL, error) < 0 ||
        document_read(qemu, text, false, &definition, error) < 0)
        return -1;
    struct domain *live = (struct domain *)definition;
    if (plan_arguments(qemu, live, &arguments, error) < 0)
        return -1;
    *ret_answer = json_build("j:argv", list_of(arguments.words), "j:environment",
                             list_of(arguments.environment), "j:devices", devices_of(live), NULL);
    arguments_clear(&arguments);
    return 0;
}

static void serve(struct qemu *qemu)
{
    char path[4096];

    while (fgets(path, sizeof(path), stdin)) {
        g_autoptr(GError) error = NULL;
        struct json_object *reply JSON_AUTO = NULL;

        path[strcspn(path, "\n")] = '\0';
        if (answer(qemu, path, &reply, &error) < 0)
            reply = json_build(
                "j:error",
                json_build("i:code", (int)error_code_of(error), "s:message", error->message, NULL),
                NULL);
        puts(json_object_to_json_string_ext(reply, JSON_C_TO_STRING_PLAIN |
                                                       JSON_C_TO_STRING_NOSLASHESCAPE));
        fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    g_autoptr(GOptionContext) parser = g_option_context_new(NULL);
    g_autoptr(GError) error = NULL;
    struct daemon daemon = {0};
    struct driver driver = {.daemon = &daemon};
    struct qemu qemu = {.driver = &driver,
                        .state_folder = "/var/lib/libvirt/qemu",
                        .nvram_folder = "/var/lib/libvirt/qemu/nvram",
                        .status_folder = "/run/libvirt/qemu"};

    g_option_context_add_main_entries(parser, options, NULL);
    if (!g_option_context_parse(parser, &argc, &argv, &error) ||
        qemu_config_load("/nonexistent", false, &qemu.config, NULL, NULL, &error) < 0) {
        fprintf(stderr, "%s\n", error->message);
        return 2;
    }
    struct loop *loop = loop_new(NULL);
    GThread *thread = g_thread_new("monitors", run_loop, loop);
    const struct probes_settings settings = {.folder = cache_folder};
    qemu.probes = probes_new(loop, &settings);
    serve(&qemu);
    probes_free(qemu.probes);
    loop_post(loop, quit, loop);
    g_thread_join(thread);
    loop_free(loop);
    qemu_config_clear(&qemu.config);
    g_free(cache_folder);
    return 0;
}
