/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"

#include "device-common.h"
#include "device-parts.h"

#define MIB ((uint64_t)1024 * 1024)
#define DEFAULT_MIB 4

static bool is_doorbell(const struct domain_shmem *shmem)
{
    return shmem->model == SHMEM_IVSHMEM_DOORBELL;
}

struct json_object *shmem_object(const struct domain_shmem *shmem)
{
    g_autofree char *id = g_strdup_printf("shmmem-%s", shmem->info.alias);
    g_autofree char *path = g_strdup_printf("/dev/shm/%s", shmem->name);

    if (is_doorbell(shmem))
        return NULL;
    return json_build("s:qom-type", "memory-backend-file", "s:id", id, "s:mem-path", path, "U:size",
                      (shmem->size ? shmem->size : DEFAULT_MIB) * MIB, "b:share", true, NULL);
}

char *shmem_server_path(const struct domain_shmem *shmem)
{
    if (shmem->server && shmem->server->path)
        return g_strdup(shmem->server->path);
    return g_strdup_printf("/var/lib/libvirt/shmem-%s-sock", shmem->name);
}

static int check_shmem(const struct domain_shmem *shmem, GError **error)
{
    const char *alias = shmem->info.alias;

    if (shmem->model == SHMEM_IVSHMEM)
        return device_refuse(error, "shmem", alias,
                             "model='ivshmem' is gone from QEMU: use ivshmem-plain or "
                             "ivshmem-doorbell");
    if (is_doorbell(shmem) != (shmem->server != NULL))
        return device_refuse(error, "shmem", alias,
                             "<server> belongs to model='ivshmem-doorbell' alone");
    if (is_doorbell(shmem) && shmem->size)
        return device_refuse(error, "shmem", alias,
                             "the <size> of 'ivshmem-doorbell' is its server's");
    if (!is_doorbell(shmem) && shmem->msi)
        return device_refuse(error, "shmem", alias, "<msi> needs model='ivshmem-doorbell'");
    return 0;
}

static struct json_object *build_plain(const struct domain_shmem *shmem)
{
    g_autofree char *memory = g_strdup_printf("shmmem-%s", shmem->info.alias);
    struct json_object *json = json_build("s:driver", "ivshmem-plain", "S:id", shmem->info.alias,
                                          "s:memdev", memory, NULL);

    if (shmem->role)
        json_add(json, "s:master", shmem->role == SHMEM_ROLE_MASTER ? "on" : "off", NULL);
    return json;
}

static struct json_object *build_doorbell(const struct domain_shmem *shmem)
{
    g_autofree char *stream = g_strdup_printf("char%s", shmem->info.alias);
    struct json_object *json = json_build("s:driver", "ivshmem-doorbell", "S:id", shmem->info.alias,
                                          "s:chardev", stream, NULL);

    if (shmem->role)
        json_add(json, "s:master", shmem->role == SHMEM_ROLE_MASTER ? "on" : "off", NULL);
    if (shmem->msi && shmem->msi->vectors)
        json_add(json, "u:vectors", shmem->msi->vectors, NULL);
    if (shmem->msi)
        device_add_bool(json, "ioeventfd", shmem->msi->ioeventfd);
    return json;
}

int device_shmem_properties(const struct domain *domain, const struct domain_shmem *shmem,
                            const struct arguments_context *context,
                            struct json_object **ret_properties, GError **error)
{
    if (check_shmem(shmem, error) < 0)
        return -1;
    struct json_object *json = is_doorbell(shmem) ? build_doorbell(shmem) : build_plain(shmem);
    device_add_place(json, domain, &shmem->info);
    *ret_properties = json;
    return 0;
}
