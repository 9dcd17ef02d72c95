/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "autostart.h"

#include "base/log.h"
#include "base/workers.h"
#include "daemon/daemon.h"
#include "object/startup.h"

#include "start.h"
#include "vnet.h"

static int start_one(struct object *object, void *data, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    JOB_AUTO struct job *job = NULL;

    if (job_begin(object, JOB_MODIFY, "autostart", JOB_DEADLINE_MS, &job, error) < 0)
        return -1;
    object_get_view(object, &view);
    /* a client may have been faster */
    return view.live || !view.config ? 0 : start_network(job, definition_copy(view.config), error);
}

static void run(void *data)
{
    g_autofree char *marker = g_strdup_printf("%s/autostarted", networkd->status_folder);
    g_autoptr(GPtrArray) notes = NULL;
    g_autoptr(GError) error = NULL;

    if (startup_autostart(networkd->networks, marker, start_one, NULL, &notes, &error) < 0) {
        log_error("autostart: %s", error->message);
        return;
    }
    for (guint i = 0; i < notes->len; i++)
        log_error("autostart: %s", (const char *)notes->pdata[i]);
}

void autostart_networks(void)
{
    workers_push(networkd->driver->daemon->workers, run, NULL, false);
}
