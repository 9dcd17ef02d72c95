/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "media.h"

#include <json-c/json.h>

#include "base/log.h"

#include "backing-chain.h"
#include "block-nodes.h"
#include "expectation.h"
#include "hotplug.h"
#include "json.h"
#include "prepare-device.h"

#define TRAY_DEADLINE_MS 10000
#define TRAY_ATTEMPTS 5

bool media_is_meant(const struct domain *live, const struct domain_disk *disk)
{
    const struct domain_disk *drive = domain_find_disk(live, disk->target);

    return drive && domain_disk_is_drive(drive) && domain_disk_is_drive(disk);
}

static struct device device_of(struct domain_disk *disk)
{
    return (struct device){.kind = DEVICE_DISK, .object = disk, .info = &disk->info};
}

/* ---- what QEMU is told ---- */

static int tell(struct qmp *qmp, const char *command, const struct domain_disk *drive,
                struct json_object *arguments, GError **error)
{
    json_add(arguments, "s:id", drive->info.alias, NULL);
    return qmp_execute(qmp, command, arguments, 0, NULL, error);
}

static int remove_medium(struct qmp *qmp, const struct domain_disk *drive, GError **error)
{
    return tell(qmp, "blockdev-remove-medium", drive, json_object_new_object(), error);
}

/* A guest that has locked the tray is asked, and may open it or not. QEMU does not say whether it
 * has asked: the medium can be taken out or not. *ret_opened: the tray was open at some moment. */
static int open_and_remove(struct job *job, struct qmp *qmp, const struct domain_disk *drive,
                           bool force, bool *ret_opened, GError **error)
{
    struct expectation expectation;

    expectation_begin(&expectation, guest_of(job_object(job)), drive->info.alias);
    int asked = tell(qmp, "blockdev-open-tray", drive, json_build("b:force", force, NULL), error);
    bool is_out = asked == 0 && remove_medium(qmp, drive, NULL) == 0;
    enum news news = expectation_end(&expectation, job, asked < 0 || is_out ? 0 : TRAY_DEADLINE_MS);
    if (asked < 0 || is_out)
        return asked;
    *ret_opened = news == NEWS_OPEN;
    if (news == NEWS_OPEN)
        return remove_medium(qmp, drive, error);
    error_set(error, VIR_ERR_OPERATION_FAILED,
              "timeout when waiting for the guest to open the tray of '%s'", drive->target);
    return -1;
}

/* A guest may close the tray before the medium is out: firmware that looks for something to boot
 * does. */
static int take_out(struct job *job, struct qmp *qmp, const struct domain_disk *drive, bool force,
                    GError **error)
{
    for (unsigned left = TRAY_ATTEMPTS;; left--) {
        g_autoptr(GError) refusal = NULL;
        bool opened = false;

        if (open_and_remove(job, qmp, drive, force, &opened, &refusal) == 0)
            return 0;
        if (!opened || left == 1) {
            g_propagate_error(error, g_steal_pointer(&refusal));
            return -1;
        }
    }
}

static int insert(struct qmp *qmp, const struct domain_disk *drive, const struct domain_disk *disk,
                  GError **error)
{
    g_autofree char *node = block_node_of_disk(disk);

    if (!node)
        return 0;
    return tell(qmp, "blockdev-insert-medium", drive, json_build("s:node-name", node, NULL), error);
}

/* The old medium goes in again if the new one does not fit. */
static int swap(struct job *job, struct qmp *qmp, const struct domain_disk *drive,
                const struct domain_disk *disk, bool force, GError **error)
{
    if (take_out(job, qmp, drive, force, error) < 0)
        return -1;
    int result = insert(qmp, drive, disk, error);
    if (result < 0)
        insert(qmp, drive, drive, NULL);
    g_autoptr(GError) stuck = NULL;
    if (tell(qmp, "blockdev-close-tray", drive, json_object_new_object(), &stuck) < 0)
        log_warn("%s: %s", qmp_who(qmp), stuck->message);
    return result;
}

/* ---- images ---- */

static void withdraw_images(struct guest *guest, struct qmp *qmp, const struct domain *live,
                            struct domain_disk *disk)
{
    struct plug *plug PLUG_AUTO = NULL;
    struct device device = device_of(disk);
    g_autoptr(GError) error = NULL;

    if (hotplug_build(guest, live, &device, true, &plug, &error) == 0)
        plug_withdraw(plug, qmp);
    else
        log_warn("%s: %s", qmp_who(qmp), error->message);
    prepare_device_undo(guest, live, &device);
}

static int add_images(struct guest *guest, struct qmp *qmp, struct domain *live,
                      struct domain_disk *disk, GError **error)
{
    struct plug *plug PLUG_AUTO = NULL;
    struct device device = device_of(disk);

    if (prepare_device(guest, live, &device, error) < 0 ||
        prepare_device_access(guest, live, &device, error) < 0)
        return -1;
    if (hotplug_build(guest, live, &device, false, &plug, error) == 0 &&
        plug_apply_parts(plug, qmp, error) == 0) {
        if (backing_chain_confirm_source(&disk->source, qmp, error) == 0)
            return 0;
        plug_withdraw(plug, qmp);
    }
    prepare_device_undo(guest, live, &device);
    return -1;
}

/* ---- changing ---- */

/* The drive with another medium: all else of the document has been compared, or does not count. */
static struct domain_disk *drive_with(struct domain *live, const struct domain_disk *drive,
                                      const struct domain_disk *disk)
{
    struct domain_disk *loaded = arena_memdup(&live->definition.arena, drive, sizeof(*drive));

    loaded->source = disk->source;
    loaded->source.index = 0;
    if (!loaded->source.type)
        loaded->source.type = SOURCE_FILE;
    if (!loaded->source.format)
        loaded->source.format = IMAGE_FORMAT_RAW;
    return loaded;
}

static int change_with(struct change *change, struct qmp *qmp, struct domain_disk *drive,
                       struct domain_disk *loaded, bool force, GError **error)
{
    struct guest *guest = guest_of(job_object(change->job));
    struct domain *live = (struct domain *)change->live;

    if (add_images(guest, qmp, live, loaded, error) < 0)
        return -1;
    if (swap(change->job, qmp, drive, loaded, force, error) < 0) {
        withdraw_images(guest, qmp, live, loaded);
        return -1;
    }
    withdraw_images(guest, qmp, live, drive);
    loaded->tray = DISK_TRAY_NONE;
    *drive = *loaded;
    change->applied = true;
    return 0;
}

int media_change(struct change *change, struct domain_disk *disk, bool force, GError **error)
{
    struct domain *live = (struct domain *)change->live;
    struct domain_disk *drive = domain_find_disk(live, disk->target);
    struct domain_disk *loaded = drive_with(live, drive, disk);
    struct qmp *qmp = guest_get_qmp(guest_of(job_object(change->job)), error);

    if (!qmp)
        return -1;
    int result = change_with(change, qmp, drive, loaded, force, error);
    qmp_unref(qmp);
    return result;
}
