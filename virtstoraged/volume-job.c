/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "volume-job.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/log.h"
#include "driver/client.h"

#define SAID_MOST 4096

static GMutex lock; /* guards the list, and process of each job */
static GPtrArray *jobs;

void volume_job_begin(struct volume_job *job, struct client *client, const char *name,
                      const char *pool, const char *volume)
{
    *job = (struct volume_job){
        .client = client, .name = name, .volume = g_strdup_printf("%s/%s", pool, volume)};
    g_mutex_lock(&lock);
    if (!jobs)
        jobs = g_ptr_array_new();
    g_ptr_array_add(jobs, job);
    g_mutex_unlock(&lock);
    if (!client_await_end(client))
        g_atomic_int_set(&job->cancelled, 1);
    log_debug("%s of volume %s begins", name, job->volume);
}

void volume_job_end(struct volume_job *job)
{
    if (!job->volume)
        return;
    g_mutex_lock(&lock);
    g_ptr_array_remove_fast(jobs, job);
    if (!jobs->len)
        g_clear_pointer(&jobs, g_ptr_array_unref);
    g_mutex_unlock(&lock);
    log_debug("%s of volume %s has ended", job->name, job->volume);
    g_clear_pointer(&job->volume, g_free);
}

int volume_job_check(struct volume_job *job, GError **error)
{
    if (!g_atomic_int_get(&job->cancelled))
        return 0;
    error_set(error, VIR_ERR_OPERATION_ABORTED, "%s of volume %s: the client has gone", job->name,
              job->volume);
    return -1;
}

static void set_process(struct volume_job *job, struct process *process)
{
    g_mutex_lock(&lock);
    job->process = process;
    if (process && g_atomic_int_get(&job->cancelled))
        process_signal(process, SIGKILL, NULL);
    g_mutex_unlock(&lock);
}

static int fail(const char *program, int status, int said, GError **error)
{
    char text[SAID_MOST + 1] = "";
    g_autofree char *how = process_status_text(status);

    if (pread(said, text, SAID_MOST, 0) < 0)
        text[0] = '\0';
    error_set(error, VIR_ERR_INTERNAL_ERROR, "%s: %s: %s", program, how, g_strstrip(text));
    return -1;
}

int volume_job_run(struct volume_job *job, const char *const *argv, const struct process_fd *fds,
                   size_t fd_count, GError **error)
{
    autofd int said = memfd_create("errors", MFD_CLOEXEC);
    struct process process = PROCESS_INIT;
    struct process_spec spec = {
        .argv = argv, .errors = said, .fds = fds, .fd_count = fd_count, .end_with_us = SIGKILL};
    int status = 0;

    if (process_start(&spec, &process, error) < 0)
        return -1;
    set_process(job, &process);
    process_wait(&process, -1, &status);
    set_process(job, NULL);
    process_clear(&process);
    if (volume_job_check(job, error) < 0)
        return -1;
    return status == 0 ? 0 : fail(argv[0], status, said, error);
}

void volume_job_cancel_all(struct client *client)
{
    g_mutex_lock(&lock);
    for (guint i = 0; jobs && i < jobs->len; i++) {
        struct volume_job *job = jobs->pdata[i];

        if (job->client != client)
            continue;
        g_atomic_int_set(&job->cancelled, 1);
        if (job->process)
            process_signal(job->process, SIGKILL, NULL);
    }
    g_mutex_unlock(&lock);
}
