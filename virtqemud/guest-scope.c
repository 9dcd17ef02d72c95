/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guest-scope.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/log.h"
#include "host/cgroup.h"
#include "host/scope.h"

/* As clients of D-Bus usually wait. */
#define ANSWER_MS 25000
/* Who has not answered is not waited for by every guest. */
#define REST_MS 60000
#define KEEPER_GRACE_MS 1000

/* Until when nothing is asked of them, g_get_monotonic_time(). */
static _Atomic int64_t systemd_rests, machined_rests;

static bool rests(_Atomic int64_t *until)
{
    return g_get_monotonic_time() < atomic_load(until);
}

static void note_silence(_Atomic int64_t *until, const GError *error)
{
    if (error_is(error, VIR_ERR_OPERATION_TIMEOUT))
        atomic_store(until, g_get_monotonic_time() + (int64_t)REST_MS * G_TIME_SPAN_MILLISECOND);
}

static bool is_possible(const struct qemu *qemu)
{
    return !qemu->driver->daemon->session && scope_is_possible();
}

int guest_scope_choose_partition(struct qemu *qemu, struct domain *live, GError **error)
{
    g_autofree char *slice = NULL;

    if (live->resource && live->resource->partition)
        return scope_slice(live->resource->partition, &slice, error);
    if (!is_possible(qemu))
        return 0;
    if (!live->resource)
        live->resource = arena_new(&live->definition.arena, struct domain_resource);
    live->resource->partition = GUEST_SCOPE_PARTITION;
    return 0;
}

/* ---- the process that keeps it ---- */

/* It ends with the pipe that only we have: also when we are killed. */
static int start_keeper(struct guest *guest, GError **error)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0) {
        error_set_errno(error, errno, "cannot make a pipe");
        return -1;
    }
    const struct process_spec spec = {.argv = (const char *[]){"cat", NULL}, .input = ends[0]};
    int result = process_start(&spec, &guest->keeper, error);
    close(ends[0]);
    if (result < 0)
        close(ends[1]);
    else
        guest->keeper_fd = ends[1];
    return result;
}

void guest_scope_release(struct guest *guest)
{
    if (!guest->keeper.pid)
        return;
    fd_clear(&guest->keeper_fd);
    process_kill(&guest->keeper, KEEPER_GRACE_MS);
    process_clear(&guest->keeper);
    guest->keeper.pid = 0;
}

/* ---- the scope ---- */

static char *machine_name(const struct domain *live)
{
    g_autofree char *text = g_strdup_printf("qemu-%d-%s", live->id.value, live->name);

    return scope_machine_name(text);
}

static int make_kept(struct guest *guest, const struct domain *live, const char *machine,
                     char ***ret_folders, GError **error)
{
    const struct qemu_config *config = &qemu_of(&guest->object)->config;
    g_autofree char *name = scope_name(machine);
    g_autofree char *description = g_strdup_printf("Virtual Machine %s", machine);
    g_autofree char *slice = NULL;
    const char *partition = live->resource && live->resource->partition ? live->resource->partition
                                                                        : GUEST_SCOPE_PARTITION;

    if (scope_slice(partition, &slice, error) < 0)
        return -1;
    const struct scope_spec spec = {.name = name,
                                    .slice = slice,
                                    .description = description,
                                    .service = "virtqemud.service",
                                    .pid = guest->keeper.pid};
    if (scope_start(&spec, ANSWER_MS, error) < 0)
        return -1;
    return cgroup_make_in_scope(guest->keeper.pid, name, machine,
                                (const char *const *)config->cgroup_controllers, ret_folders,
                                error);
}

int guest_scope_make(struct guest *guest, const struct domain *live, char ***ret_folders,
                     GError **error)
{
    GError *refused = NULL;

    if (!is_possible(qemu_of(&guest->object)) || rests(&systemd_rests)) {
        *ret_folders = NULL;
        return 0;
    }
    g_autofree char *machine = machine_name(live);
    if (start_keeper(guest, error) < 0)
        return -1;
    if (make_kept(guest, live, machine, ret_folders, &refused) == 0)
        return 0;
    /* with it goes a scope that comes too late */
    guest_scope_release(guest);
    note_silence(&systemd_rests, refused);
    g_propagate_error(error, refused);
    return -1;
}

/* ---- machined ---- */

/* Devices on the host that are the guest's alone. */
static GArray *list_links(const struct domain *live)
{
    GArray *links = g_array_new(FALSE, FALSE, sizeof(int));

    LIST_EACH (net, &live->devices.nets) {
        int index = net->target ? (int)if_nametoindex(net->target) : 0;

        if (index > 0)
            g_array_append_val(links, index);
    }
    return links;
}

/* One that is not installed is not to be told of at each start. */
static void log_unlisted(const char *name, const GError *error)
{
    static atomic_bool told;

    if (!atomic_exchange(&told, true))
        log_warn("%s is not known to machinectl, nor may later guests be: %s", name,
                 error->message);
}

void guest_scope_hand_over(struct guest *guest, const struct domain *live)
{
    g_autoptr(GError) error = NULL;

    if (!guest->keeper.pid)
        return;
    g_autofree char *name = machine_name(live);
    g_autoptr(GArray) links = list_links(live);
    const struct scope_machine machine = {.name = name,
                                          .uuid = live->uuid,
                                          .leader = guest_pid(guest),
                                          .links = (const int *)links->data,
                                          .link_count = links->len};

    guest_scope_release(guest);
    if (!rests(&machined_rests) && scope_register_machine(&machine, ANSWER_MS, &error) < 0) {
        note_silence(&machined_rests, error);
        log_unlisted(name, error);
    }
}
