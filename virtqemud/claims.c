/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "claims.h"

#include <string.h>

#include "base/error.h"

struct claims {
    GMutex lock;
    GPtrArray *all; /* struct claim, with strings of its own: few, so nobody needs an index */
};

static void claim_free(void *data)
{
    struct claim *claim = data;

    g_free((char *)claim->device);
    g_free((char *)claim->guest);
    g_free((char *)claim->alias);
    g_free(claim);
}

struct claims *claims_new(void)
{
    struct claims *claims = g_new0(struct claims, 1);

    g_mutex_init(&claims->lock);
    claims->all = g_ptr_array_new_with_free_func(claim_free);
    return claims;
}

void claims_free(struct claims *claims)
{
    if (!claims)
        return;
    g_ptr_array_unref(claims->all);
    g_mutex_clear(&claims->lock);
    g_free(claims);
}

static void add(struct claims *claims, const struct claim *claim)
{
    struct claim *copy = g_new0(struct claim, 1);

    *copy = (struct claim){g_strdup(claim->device), g_strdup(claim->guest), g_strdup(claim->alias),
                           claim->shared};
    g_ptr_array_add(claims->all, copy);
}

/* Who stands against it; NULL: nobody. With the lock. */
static const struct claim *find_other(const struct claims *claims, const struct claim *claim)
{
    for (guint i = 0; i < claims->all->len; i++) {
        const struct claim *other = claims->all->pdata[i];

        if (strcmp(other->device, claim->device) == 0 && !(other->shared && claim->shared))
            return other;
    }
    return NULL;
}

int claims_take(struct claims *claims, const struct claim *claim, GError **error)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&claims->lock);
    const struct claim *other = find_other(claims, claim);

    if (other) {
        error_set(error, VIR_ERR_OPERATION_INVALID, "%s is in use by driver QEMU, domain %s",
                  claim->device, other->guest);
        return -1;
    }
    add(claims, claim);
    return 0;
}

void claims_mark(struct claims *claims, const struct claim *claim)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&claims->lock);

    add(claims, claim);
}

/* Its place; -1: the guest's device does not have it. With the lock. */
static int find_own(const struct claims *claims, const struct claim *claim)
{
    for (guint i = 0; i < claims->all->len; i++) {
        const struct claim *own = claims->all->pdata[i];

        if (strcmp(own->device, claim->device) == 0 && strcmp(own->guest, claim->guest) == 0 &&
            g_strcmp0(own->alias, claim->alias) == 0)
            return (int)i;
    }
    return -1;
}

bool claims_holds_alone(struct claims *claims, const struct claim *claim)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&claims->lock);
    unsigned count = 0;

    for (guint i = 0; i < claims->all->len; i++)
        count += strcmp(((struct claim *)claims->all->pdata[i])->device, claim->device) == 0;
    return count == 1 && find_own(claims, claim) >= 0;
}

void claims_drop(struct claims *claims, const struct claim *claim)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&claims->lock);
    int at = find_own(claims, claim);

    if (at >= 0)
        g_ptr_array_remove_index_fast(claims->all, (guint)at);
}
