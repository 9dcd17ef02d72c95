/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pstore.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/file.h"

#include "device-common.h"
#include "device-parts.h"

/* What a guest that crashes leaves behind: pstore on x86, the variables of the firmware on POWER.
 */

static int make_file(const struct domain_pstore *pstore, uid_t uid, gid_t gid, GError **error)
{
    autofd int fd = open(pstore->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd >= 0 && ftruncate(fd, (off_t)(pstore->size * 1024)) == 0 && fchown(fd, uid, gid) == 0)
        return 0;
    error_set_errno(error, errno, "pstore: cannot make '%s'", pstore->path);
    if (fd >= 0)
        unlink(pstore->path);
    return -1;
}

int pstore_make_file(const struct domain *live, const struct qemu_config *config, GError **error)
{
    const struct domain_pstore *pstore = live->devices.pstore;
    uid_t uid = config->set_user ? config->uid : (uid_t)-1;
    gid_t gid = config->set_user ? config->gid : (gid_t)-1;

    if (!pstore || !pstore->path || access(pstore->path, F_OK) == 0)
        return 0;
    g_autofree char *folder = g_path_get_dirname(pstore->path);
    if (file_make_folders_owned(folder, 0750, uid, gid, error) < 0)
        return -1;
    return make_file(pstore, uid, gid, error);
}

struct json_object *pstore_object(const struct domain_pstore *pstore)
{
    g_autofree char *id = g_strdup_printf("mem%s", pstore->info.alias);

    return json_build("s:qom-type", "memory-backend-file", "s:id", id, "S:mem-path", pstore->path,
                      "b:share", true, "U:size", pstore->size * 1024, NULL);
}

int device_pstore_properties(const struct domain *domain, const struct domain_pstore *pstore,
                             const struct arguments_context *context,
                             struct json_object **ret_properties, GError **error)
{
    g_autofree char *memory = g_strdup_printf("mem%s", pstore->info.alias);

    if (!pstore->path || !pstore->size)
        return device_refuse(error, "pstore", pstore->info.alias,
                             "its <path> or <size> is missing");
    struct json_object *json =
        json_build("s:driver", "acpi-erst", "S:id", pstore->info.alias, "s:memdev", memory, NULL);

    device_add_place(json, domain, &pstore->info);
    *ret_properties = json;
    return 0;
}

/* Part of the machine: only its place can be told, by a global property. */
int device_nvram_properties(const struct domain *domain, const struct domain_nvram *nvram,
                            const struct arguments_context *context,
                            struct json_object **ret_properties, GError **error)
{
    *ret_properties = NULL;
    if (emulator_has_type(context->emulator, "spapr-nvram"))
        return 0;
    return device_refuse(error, "nvram", "nvram", "the emulator has no device 'spapr-nvram'");
}
