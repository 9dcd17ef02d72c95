/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "autostart.h"

#include "base/log.h"
#include "base/workers.h"
#include "object/startup.h"

#include "start.h"

static int forget_once(struct job *job, GError **error)
{
    if (store_set_autostart_once(qemu_of(job_object(job))->store, job, false, error) < 0)
        return -1;
    object_publish_autostart_once(job, false);
    return 0;
}

static int start_one(struct object *object, void *data, GError **error)
{
    static const struct start_request request = {.reason = VIR_DOMAIN_RUNNING_BOOTED,
                                                 .event_detail = VIR_DOMAIN_EVENT_STARTED_BOOTED};
    OBJECT_VIEW_AUTO struct object_view view = {0};
    struct job *job;

    if (job_begin(object, JOB_MODIFY, "autostart", JOB_DEADLINE_MS, &job, error) < 0)
        return -1;
    object_get_view(object, &view);
    /* whatever becomes of it, once it is */
    if (view.autostart_once && forget_once(job, error) < 0) {
        job_end(job);
        return -1;
    }
    /* a client may have been faster */
    int result = view.live ? 0 : start_guest(job, view.config, &request, error);
    job_end(job);
    return result;
}

static void run(void *data)
{
    struct qemu *qemu = data;
    g_autofree char *marker = g_strdup_printf("%s/autostarted", qemu->status_folder);
    g_autoptr(GPtrArray) notes = NULL;
    g_autoptr(GError) error = NULL;

    if (startup_autostart(qemu->domains, marker, start_one, NULL, &notes, &error) < 0) {
        log_error("autostart: %s", error->message);
        return;
    }
    for (guint i = 0; i < notes->len; i++)
        log_error("autostart: %s", (const char *)notes->pdata[i]);
}

void autostart_guests(struct qemu *qemu)
{
    workers_push(qemu->driver->daemon->workers, run, qemu, false);
}
