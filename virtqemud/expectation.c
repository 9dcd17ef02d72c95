/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "expectation.h"

void expectation_begin(struct expectation *expectation, struct guest *guest, const char *alias)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&guest->lock);

    expectation->alias = alias;
    atomic_store(&expectation->news, NEWS_NONE);
    guest->expectation = expectation;
}

static bool has_news(void *data)
{
    struct expectation *expectation = data;

    return atomic_load(&expectation->news) != NEWS_NONE;
}

enum news expectation_end(struct expectation *expectation, struct job *job, unsigned deadline_ms)
{
    struct guest *guest = guest_of(job_object(job));

    if (deadline_ms)
        job_wait(job, has_news, expectation, "the guest", deadline_ms, NULL);
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&guest->lock);
    guest->expectation = NULL;
    return atomic_load(&expectation->news);
}

bool expectation_tell(struct guest *guest, const char *alias, enum news news)
{
    g_mutex_lock(&guest->lock);
    struct expectation *expectation = guest->expectation;
    bool waits = expectation && g_strcmp0(expectation->alias, alias) == 0;
    if (waits)
        atomic_store(&expectation->news, news);
    g_mutex_unlock(&guest->lock);
    if (waits)
        job_signal(&guest->object);
    return waits;
}
