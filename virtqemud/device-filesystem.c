/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/error.h"

#include "device-common.h"
#include "filesystem.h"
#include "option.h"
#include "vhost-user-descriptor.h"

void filesystem_choose_program(struct domain_filesystem *filesystem, struct arena *arena)
{
    if (filesystem->driver != FILESYSTEM_DRIVER_VIRTIOFS || filesystem->source_socket ||
        (filesystem->binary && filesystem->binary->path))
        return;
    g_autofree char *program = vhost_user_descriptor_find("fs");
    if (!program)
        return;
    if (!filesystem->binary)
        filesystem->binary = arena_new(arena, struct filesystem_binary);
    filesystem->binary->path = arena_strdup(arena, program);
}

static int refuse(const struct domain_filesystem *filesystem, const char *reason, GError **error)
{
    return device_refuse(error, "filesystem", filesystem->info.alias, "%s", reason);
}

static bool is_virtiofs(const struct domain_filesystem *filesystem)
{
    return filesystem->driver == FILESYSTEM_DRIVER_VIRTIOFS;
}

/* ---- what can't be ---- */

static int check_virtiofs(const struct domain *domain, const struct domain_filesystem *filesystem,
                          GError **error)
{
    if (!domain_shares_memory(domain))
        return refuse(filesystem,
                      "'virtiofs' requires shared memory: <memoryBacking> needs "
                      "<access mode='shared'/>",
                      error);
    if (filesystem->access && filesystem->access != FILESYSTEM_ACCESS_PASSTHROUGH)
        return refuse(filesystem, "virtiofs only supports passthrough accessmode", error);
    if (filesystem->wrpolicy)
        return refuse(filesystem, "virtiofs does not support wrpolicy", error);
    if (filesystem->fmode || filesystem->dmode ||
        filesystem->multidevs != FILESYSTEM_MULTIDEVS_DEFAULT)
        return refuse(filesystem, "virtiofs has no fmode, dmode and multidevs", error);
    if (filesystem->source_socket && filesystem->binary)
        return refuse(filesystem, "<binary> is for us to start, <source socket=''/> for others",
                      error);
    return 0;
}

static int check_9p(const struct domain_filesystem *filesystem,
                    const struct arguments_context *context, GError **error)
{
    if (filesystem->driver && filesystem->driver != FILESYSTEM_DRIVER_PATH)
        return refuse(filesystem, "the emulator has no such driver type", error);
    if (filesystem->wrpolicy && strcmp(filesystem->wrpolicy, "immediate") != 0)
        return refuse(filesystem, "wrpolicy has one word: immediate", error);
    if (filesystem->multidevs > FILESYSTEM_MULTIDEVS_DEFAULT &&
        !emulator_has(context->emulator, EMULATOR_FSDEV_MULTIDEVS))
        return refuse(filesystem, "the emulator has no multidevs", error);
    if (filesystem->access != FILESYSTEM_ACCESS_MAPPED && (filesystem->fmode || filesystem->dmode))
        return refuse(filesystem, "fmode and dmode need accessmode='mapped'", error);
    return 0;
}

static int check_filesystem(const struct domain *domain, const struct domain_filesystem *filesystem,
                            const struct arguments_context *context, GError **error)
{
    if (filesystem->type != FILESYSTEM_NONE && filesystem->type != FILESYSTEM_MOUNT)
        return refuse(filesystem, "only type='mount' is supported with QEMU", error);
    if (!filesystem->source_dir && !(is_virtiofs(filesystem) && filesystem->source_socket))
        return refuse(filesystem, "its <source> is missing", error);
    if (!filesystem->target)
        return refuse(filesystem, "its <target dir=''/> is missing", error);
    return is_virtiofs(filesystem) ? check_virtiofs(domain, filesystem, error)
                                   : check_9p(filesystem, context, error);
}

/* ---- the host's end of 9p ---- */

void filesystem_add_folder(const struct domain_filesystem *filesystem, struct arguments *arguments)
{
    static const char *const models[] = {[FILESYSTEM_ACCESS_NONE] = "passthrough",
                                         [FILESYSTEM_ACCESS_PASSTHROUGH] = "passthrough",
                                         [FILESYSTEM_ACCESS_MAPPED] = "mapped",
                                         [FILESYSTEM_ACCESS_SQUASH] = "none"};
    GString *option;

    if (is_virtiofs(filesystem))
        return;
    option = option_new("local");
    option_add(option, "security_model", models[filesystem->access]);
    if (filesystem->multidevs > FILESYSTEM_MULTIDEVS_DEFAULT)
        option_add(option, "multidevs",
                   names_word(&filesystem_multidevs_names, filesystem->multidevs));
    if (filesystem->fmode)
        option_addf(option, "fmode", "%04o", filesystem->fmode);
    if (filesystem->dmode)
        option_addf(option, "dmode", "%04o", filesystem->dmode);
    option_add(option, "writeout", filesystem->wrpolicy);
    option_addf(option, "id", "fsdev-%s", filesystem->info.alias);
    option_add(option, "path", filesystem->source_dir);
    if (filesystem->readonly)
        option_add_bool(option, "readonly", true);
    words_add_option(arguments, "-fsdev", option);
}

/* ---- the device ---- */

static struct json_object *build_virtiofs(const struct domain *domain,
                                          const struct domain_filesystem *filesystem)
{
    g_autofree char *driver =
        device_virtio_name("vhost-user-fs", filesystem->model, &filesystem->info);
    g_autofree char *stream = g_strdup_printf("char%s", filesystem->info.alias);
    unsigned order = device_boot_index(domain, &filesystem->info);
    struct json_object *json =
        json_build("s:driver", driver, "S:id", filesystem->info.alias, "s:chardev", stream, NULL);

    if (filesystem->queue_size)
        json_add(json, "u:queue-size", filesystem->queue_size, NULL);
    json_add(json, "s:tag", filesystem->target, NULL);
    if (order)
        json_add(json, "u:bootindex", order, NULL);
    return json;
}

static struct json_object *build_9p(const struct domain_filesystem *filesystem)
{
    g_autofree char *driver = device_virtio_name("virtio-9p", filesystem->model, &filesystem->info);
    g_autofree char *folder = g_strdup_printf("fsdev-%s", filesystem->info.alias);

    return json_build("s:driver", driver, "S:id", filesystem->info.alias, "s:fsdev", folder,
                      "s:mount_tag", filesystem->target, NULL);
}

int device_filesystem_properties(const struct domain *domain,
                                 const struct domain_filesystem *filesystem,
                                 const struct arguments_context *context,
                                 struct json_object **ret_properties, GError **error)
{
    if (check_filesystem(domain, filesystem, context, error) < 0)
        return -1;
    struct json_object *json =
        is_virtiofs(filesystem) ? build_virtiofs(domain, filesystem) : build_9p(filesystem);
    device_add_virtio(json, &filesystem->virtio);
    device_add_place(json, domain, &filesystem->info);
    *ret_properties = json;
    return 0;
}
