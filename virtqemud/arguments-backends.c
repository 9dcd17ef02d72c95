/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "arguments-backends.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>

#include "base/error.h"

#include "block-nodes.h"
#include "chardev.h"
#include "device-parts.h"
#include "fd-group.h"
#include "filesystem.h"
#include "helper.h"
#include "hostdev.h"
#include "option.h"
#include "reservations.h"
#include "secret-object.h"
#include "throttle.h"
#include "tpm.h"
#include "vsock.h"

#define FD_IN_PLAN "@FD@"

static int add_object(const struct build *build, struct json_object *json)
{
    if (json)
        words_add_json(build->arguments, "-object", json);
    return 0;
}

int add_memory_backend(const struct build *build, const struct device *device, GError **error)
{
    return add_object(build, memory_object(build->domain, device->object, build->context));
}

int add_crypto_backend(const struct build *build, const struct device *device, GError **error)
{
    return add_object(build, crypto_object(device->object));
}

int add_pstore_backend(const struct build *build, const struct device *device, GError **error)
{
    return add_object(build, pstore_object(device->object));
}

/* ---- sockets that QEMU connects to ---- */

static int add_socket(const struct build *build, const struct device *device, const char *path,
                      struct source_reconnect *reconnect, GError **error)
{
    struct chardev_end end = {.path = path, .mode = CHARDEV_MODE_CONNECT, .reconnect = reconnect};
    struct chardev_end *ends[] = {&end};
    const struct chardev_source source = {.type = CHARDEV_UNIX, .ends = {ends, 1}};

    return chardev_build(&source, CHARDEV_USE_OTHER, device->info->alias, build->context,
                         build->arguments, error);
}

/* That of the program that works for the device. */
static int add_helper_socket(const struct build *build, const struct device *device, GError **error)
{
    g_autofree char *path =
        helper_socket_path(build->domain, helper_kind_of(device), device,
                           build->context->status_folder, build->context->folder);

    return add_socket(build, device, path, NULL, error);
}

int add_shmem_backend(const struct build *build, const struct device *device, GError **error)
{
    const struct domain_shmem *shmem = device->object;
    g_autofree char *path = shmem_server_path(shmem);

    if (shmem->model == SHMEM_IVSHMEM_DOORBELL)
        return add_socket(build, device, path, NULL, error);
    return add_object(build, shmem_object(shmem));
}

int add_filesystem_backend(const struct build *build, const struct device *device, GError **error)
{
    const struct domain_filesystem *filesystem = device->object;

    if (filesystem->driver != FILESYSTEM_DRIVER_VIRTIOFS) {
        filesystem_add_folder(filesystem, build->arguments);
        return 0;
    }
    if (filesystem->source_socket)
        return add_socket(build, device, filesystem->source_socket, NULL, error);
    return add_helper_socket(build, device, error);
}

int add_tpm_backend(const struct build *build, const struct device *device, GError **error)
{
    const struct domain_tpm *tpm = device->object;

    if (tpm->model == TPM_MODEL_SPAPR_PROXY)
        return 0;
    if (tpm->backend == TPM_BACKEND_EMULATOR && add_helper_socket(build, device, error) < 0)
        return -1;
    if (tpm->backend == TPM_BACKEND_EXTERNAL && tpm->external_path &&
        add_socket(build, device, tpm->external_path, NULL, error) < 0)
        return -1;
    return tpm_add_backend(tpm, build->context, build->arguments, error);
}

/* The connection to the program that draws. */
int add_video_stream(const struct build *build, const struct device *device, GError **error)
{
    const struct arguments_context *context = build->context;
    GString *option;

    if (helper_kind_of(device) == HELPER_NONE)
        return 0;
    option = option_new("socket");
    option_addf(option, "id", "char%s", device->info->alias);
    if (context->plan)
        option_add(option, "fd", FD_IN_PLAN);
    else
        option_addf(option, "fd", "%d",
                    words_add_fd(build->arguments, helper_take_peer(context->guest, device)));
    words_add_option(build->arguments, "-chardev", option);
    return 0;
}

int add_smartcard_stream(const struct build *build, const struct device *device, GError **error)
{
    const struct domain_smartcard *card = device->object;

    if (card->mode != SMARTCARD_PASSTHROUGH)
        return 0;
    return chardev_build(&card->source, CHARDEV_USE_SMARTCARD, card->info.alias, build->context,
                         build->arguments, error);
}

/* ---- nodes ---- */

void arguments_add_throttle_groups(const struct build *build)
{
    LIST_EACH (group, &build->domain->throttle_groups)
        words_add_json(build->arguments, "-object", throttle_object(group));
}

/* All that are encrypted with it come after the key. */
static void add_node(struct json_object *node, const struct arguments_context *context,
                     struct arguments *arguments)
{
    const char *type = json_string_member(node, "qom-type");
    bool is_secret = g_strcmp0(type, "secret") == 0;

    if (is_secret && !arguments->has_key)
        words_add_json(arguments, "-object", secret_object_key(context));
    arguments->has_key |= is_secret;
    words_add_json(arguments, type ? "-object" : "-blockdev", node);
}

void arguments_add_nodes(GPtrArray *nodes, const struct arguments_context *context,
                         struct arguments *arguments)
{
    while (nodes->len > 0)
        add_node(g_ptr_array_steal_index(nodes, 0), context, arguments);
}

static void add_nodes(const struct build *build, GPtrArray *nodes)
{
    arguments_add_nodes(nodes, build->context, build->arguments);
}

int add_disk_backend(const struct build *build, const struct device *device, GError **error)
{
    const struct domain_disk *disk = device->object;
    g_autoptr(GPtrArray) nodes = block_nodes_new();
    struct arguments_context context = *build->context;
    g_autoptr(GHashTable) sets = NULL;

    if (disk->source.type == SOURCE_VHOST_USER)
        return add_socket(build, device, disk->source.path, disk->source.reconnect, error);
    reservations_add_objects(disk, build->context, build->arguments);
    if (fd_group_add_sets(disk, build->context, build->arguments, &sets, error) < 0)
        return -1;
    context.fd_sets = sets;
    if (block_nodes_disk(disk, &context, nodes, error) < 0)
        return -1;
    add_nodes(build, nodes);
    return 0;
}

/* The kernel lets root alone open it: QEMU gets it open. */
static int add_iommufd(const struct build *build, GError **error)
{
    g_autofree char *number = g_strdup(FD_IN_PLAN);
    int fd;

    if (build->domain->iommufd_group) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "iommufd/@fdgroup: a descriptor of /dev/iommu is not taken from clients");
        return -1;
    }
    if (!build->context->plan) {
        if ((fd = open("/dev/iommu", O_RDWR | O_CLOEXEC)) < 0) {
            error_set_errno(error, errno, "iommufd: cannot open /dev/iommu");
            return -1;
        }
        g_free(number);
        number = g_strdup_printf("%d", words_add_fd(build->arguments, fd));
    }
    return add_object(
        build, json_build("s:qom-type", "iommufd", "s:id", HOSTDEV_IOMMUFD, "s:fd", number, NULL));
}

int add_hostdev_backend(const struct build *build, const struct device *device, GError **error)
{
    g_autoptr(GPtrArray) nodes = block_nodes_new();

    if (hostdev_nodes(device->object, build->context, nodes, error) < 0)
        return -1;
    add_nodes(build, nodes);
    return hostdev_brings_iommufd(build->domain, device->object) ? add_iommufd(build, error) : 0;
}

/* ---- descriptors ---- */

static void name_fd(const struct build *build, int fd, struct json_object *properties)
{
    g_autofree char *number = g_strdup_printf("%d", words_add_fd(build->arguments, fd));

    json_add(properties, "s:vhostfd", number, NULL);
}

int open_vsock(const struct build *build, const struct device *device,
               struct json_object *properties, GError **error)
{
    int fd;

    if (build->context->plan) {
        json_add(properties, "s:vhostfd", FD_IN_PLAN, NULL);
        return 0;
    }
    if (vsock_open(device->object, &fd, error) < 0)
        return -1;
    name_fd(build, fd, properties);
    return 0;
}

int open_hostdev(const struct build *build, const struct device *device,
                 struct json_object *properties, GError **error)
{
    const struct domain_hostdev *hostdev = device->object;

    if (hostdev->type != HOSTDEV_SCSI_HOST)
        return 0;
    if (build->context->plan) {
        json_add(properties, "s:vhostfd", FD_IN_PLAN, NULL);
        return 0;
    }
    int fd = open("/dev/vhost-scsi", O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        error_set_errno(error, errno, "hostdev '%s': vhost-scsi: cannot open /dev/vhost-scsi",
                        hostdev->info.alias);
        return -1;
    }
    name_fd(build, fd, properties);
    return 0;
}
