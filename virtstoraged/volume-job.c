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
#define WORTH_TELLING_MS 1000
#define MIB (UINT64_C(1024) * 1024)

static GMutex lock; /* guards the list, and process of each job */
static GPtrArray *jobs;

void volume_job_begin(struct volume_job *job, struct client *client, const char *name,
                      const char *pool, const char *volume)
{
    *job = (struct volume_job){.client = client,
                               .name = name,
                               .volume = g_strdup_printf("%s/%s", pool, volume),
                               .begun = g_get_monotonic_time(),
                               .said = -1};
    g_mutex_lock(&lock);
    if (!jobs)
        jobs = g_ptr_array_new();
    g_ptr_array_add(jobs, job);
    g_mutex_unlock(&lock);
    if (!client_await_end(client))
        g_atomic_int_set(&job->cancelled, 1);
    log_debug("%s of volume %s begins", name, job->volume);
}

/* What took its time is worth a line. */
static void log_end(const struct volume_job *job)
{
    gint64 taken = (g_get_monotonic_time() - job->begun) / G_TIME_SPAN_MILLISECOND;

    if (taken < WORTH_TELLING_MS)
        log_debug("%s of volume %s has ended", job->name, job->volume);
    else
        log_info("%s of volume %s has ended after %" G_GINT64_FORMAT " ms: %" G_GUINT64_FORMAT
                 " of %" G_GUINT64_FORMAT " MiB",
                 job->name, job->volume, taken, job->done / MIB, job->total / MIB);
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
    log_end(job);
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

int volume_job_step(struct volume_job *job, uint64_t done, uint64_t total, GError **error)
{
    g_mutex_lock(&lock);
    job->done = done;
    job->total = total;
    g_mutex_unlock(&lock);
    return volume_job_check(job, error);
}

/* ---- what is at work ---- */

/* The last "(12.34/100%)" of many. */
static double part_said(int said)
{
    char text[64] = "";
    off_t end = lseek(said, 0, SEEK_END), from = MAX(end - (off_t)sizeof(text) + 1, 0);
    ssize_t got = pread(said, text, sizeof(text) - 1, from);
    const char *last = got > 0 ? strrchr(text, '(') : NULL;

    return last ? CLAMP(g_ascii_strtod(last + 1, NULL) / 100, 0, 1) : 0;
}

static void add_job(struct storage_volume *volume, const struct volume_job *job)
{
    struct arena *arena = &volume->definition.arena;
    struct storage_volume_job *shown = arena_new(arena, struct storage_volume_job);

    shown->name = job->name;
    shown->total = job->total;
    shown->done = job->said < 0 ? job->done : (uint64_t)(part_said(job->said) * (double)job->total);
    LIST_APPEND(arena, &volume->jobs, shown);
}

void volume_job_fill(struct storage_volume *volume, const char *pool)
{
    g_autofree char *name = g_strdup_printf("%s/%s", pool, volume->name);

    g_mutex_lock(&lock);
    for (guint i = 0; jobs && i < jobs->len; i++) {
        const struct volume_job *job = jobs->pdata[i];

        if (strcmp(job->volume, name) == 0)
            add_job(volume, job);
    }
    g_mutex_unlock(&lock);
}

/* ---- programs ---- */

static void set_process(struct volume_job *job, struct process *process, int said)
{
    g_mutex_lock(&lock);
    job->process = process;
    job->said = said;
    if (process && g_atomic_int_get(&job->cancelled))
        process_signal(process, SIGKILL, NULL);
    g_mutex_unlock(&lock);
}

static int fail(const char *program, int status, int errors, GError **error)
{
    char text[SAID_MOST + 1] = "";
    g_autofree char *how = process_status_text(status);

    if (pread(errors, text, SAID_MOST, 0) < 0)
        text[0] = '\0';
    error_set(error, VIR_ERR_INTERNAL_ERROR, "%s: %s: %s", program, how, g_strstrip(text));
    return -1;
}

int volume_job_run(struct volume_job *job, const char *const *argv, const struct process_fd *fds,
                   size_t fd_count, GError **error)
{
    autofd int errors = memfd_create("errors", MFD_CLOEXEC);
    autofd int said = memfd_create("progress", MFD_CLOEXEC);
    struct process process = PROCESS_INIT;
    struct process_spec spec = {.argv = argv,
                                .output = said,
                                .errors = errors,
                                .fds = fds,
                                .fd_count = fd_count,
                                .end_with_us = SIGKILL};
    int status = 0;

    if (process_start(&spec, &process, error) < 0)
        return -1;
    set_process(job, &process, said);
    process_wait(&process, -1, &status);
    set_process(job, NULL, -1);
    process_clear(&process);
    if (volume_job_check(job, error) < 0)
        return -1;
    return status == 0 ? 0 : fail(argv[0], status, errors, error);
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
