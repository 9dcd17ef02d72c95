/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"

#include "aliases.h"
#include "backing-chain.h"
#include "dac.h"
#include "display.h"
#include "filesystem.h"
#include "firmware.h"
#include "guest-scope.h"
#include "helper.h"
#include "host-model.h"
#include "host-nodes.h"
#include "hostdev.h"
#include "launch-security.h"
#include "memory-size.h"
#include "netdev.h"
#include "netport.h"
#include "ownership.h"
#include "resource-limits.h"
#include "shares.h"
#include "tls-creds.h"
#include "transient.h"
#include "volume-source.h"
#include "vsock.h"

/* What of a name goes into a folder's name: paths of unix sockets end at 107 bytes. */
#define SHORT_NAME_BYTES 20

char *prepare_run_name(int id, const char *name)
{
    const char *end = name;

    /* whole UTF-8 characters only */
    for (const char *next = name; *next; end = next) {
        next = g_utf8_next_char(next);
        if (next - name > SHORT_NAME_BYTES)
            break;
    }
    if (strlen(name) <= SHORT_NAME_BYTES)
        end = name + strlen(name);
    return g_strdup_printf("%d-%.*s", id, (int)(end - name), name);
}

char *prepare_folder_name(struct qemu *qemu, int id, const char *name)
{
    g_autofree char *run = prepare_run_name(id, name);

    return g_strdup_printf("%s/domain-%s", qemu->state_folder, run);
}

/* A socket that the document leaves to us: channel/target/domain-ID-NAME/CHANNEL. */
void prepare_channel_path(struct qemu *qemu, struct domain *live, struct domain_channel *channel)
{
    struct arena *arena = &live->definition.arena;
    g_autofree char *run = prepare_folder_name(qemu, live->id.value, live->name);

    if (channel->source.type != CHARDEV_UNIX || !channel->name)
        return;
    struct chardev_end *end = chardev_source_make_end(&channel->source, arena);
    if (end->path)
        return;
    end->mode = CHARDEV_MODE_BIND;
    g_autofree char *file = g_strdelimit(g_strdup(channel->name), "/", '_');
    end->path =
        arena_printf(arena, "%s/channel/%s/%s", qemu->status_folder, strrchr(run, '/') + 1, file);
}

static int make_folder(const struct qemu_config *config, const char *path, GError **error)
{
    /* QEMU makes its sockets there, so it is QEMU's */
    uid_t uid = config->set_user ? config->uid : (uid_t)-1;
    gid_t gid = config->set_user ? config->gid : (gid_t)-1;

    return file_make_folders_owned(path, 0750, uid, gid, error);
}

int prepare_channel_folders(struct guest *guest, const struct domain *live, GError **error)
{
    const struct qemu *qemu = qemu_of(&guest->object);

    LIST_EACH (channel, &live->devices.channels) {
        const struct chardev_end *end = chardev_source_end(&channel->source);

        if (channel->source.type != CHARDEV_UNIX || !end || !end->path ||
            !g_str_has_prefix(end->path, qemu->status_folder))
            continue;
        g_autofree char *folder = g_path_get_dirname(end->path);
        if (make_folder(dac_config(guest), folder, error) < 0)
            return -1;
    }
    return 0;
}

/* What the document leaves to files of the host: images below images, firmware, its variables. */
static int look_up_files(struct qemu *qemu, struct domain *live, GError **error)
{
    if (volume_source_find_all(qemu, live, error) < 0 || backing_chain_load(live, error) < 0 ||
        transient_choose_all(live, error) < 0)
        return -1;
    tls_creds_choose(live, &qemu->config);
    return firmware_select(live, &qemu->config, qemu->nvram_folder, NULL, error);
}

/* What the guest gets is written down, so that it stays the same wherever and whenever it is
 * compared. */
static int choose_cpu(struct qemu *qemu, struct domain *live, GError **error)
{
    struct emulator *emulator EMULATOR_AUTO = NULL;
    bool host_model = live->cpu && host_model_is_wanted(live->cpu);

    if (!host_model && !live->launch_security)
        return 0;
    if (probe_get(qemu->probes, live->devices.emulator, &emulator, error) < 0)
        return -1;
    launch_security_choose(live, emulator);
    if (!host_model)
        return 0;
    host_model_expand(live, emulator);
    if (live->cpu->check == CPU_CHECK_FULL)
        live->cpu->check = CPU_CHECK_PARTIAL; /* whatever the host gives is what was asked for */
    return 0;
}

/* The bus of a display that the document leaves to us. */
static void choose_bus(const struct guest *guest, struct domain *live,
                       struct domain_graphics *graphics)
{
    const struct qemu *qemu = qemu_of(&guest->object);

    if (graphics->type != GRAPHICS_DBUS || graphics->p2p || graphics->address)
        return;
    g_autofree char *path =
        helper_socket_path(live, HELPER_BUS, NULL, qemu->status_folder, guest->folder);
    graphics->address = arena_printf(&live->definition.arena, "unix:path=%s", path);
    graphics->own_bus = true;
}

/* Devices and programs of the host that the document names by what they are, or leaves to us. */
static int find_devices(struct domain *live, GError **error)
{
    LIST_EACH (filesystem, &live->devices.filesystems)
        filesystem_choose_program(filesystem, &live->definition.arena);
    if (hostdev_find_all(live, error) < 0)
        return -1;
    return live->devices.vsock ? vsock_choose_cid(live->devices.vsock, error) : 0;
}

void prepare_run(struct guest *guest, struct domain *live, int id)
{
    struct qemu *qemu = qemu_of(&guest->object);

    live->id = OPT_INT(id);
    g_free(guest->folder);
    guest->folder = prepare_folder_name(qemu, id, live->name);
    aliases_assign(live);
    memory_size_round(live);
    LIST_EACH (channel, &live->devices.channels)
        prepare_channel_path(qemu, live, channel);
    LIST_EACH (net, &live->devices.nets)
        netport_choose(net);
    LIST_EACH (disk, &live->devices.disks)
        disk->tray = DISK_TRAY_NONE; /* QEMU starts with all of them closed */
}

int prepare_live(struct guest *guest, struct domain *live, GError **error)
{
    struct qemu *qemu = qemu_of(&guest->object);

    if (dac_choose(live, &qemu->config, error) < 0 || netport_take_all(qemu, live, error) < 0)
        return -1;
    dac_adopt(guest, live);
    net_choose_names(live);
    display_choose_sockets(live, &qemu->config, guest->folder);
    LIST_EACH (graphics, &live->devices.graphics)
        choose_bus(guest, live, graphics);
    if (guest_scope_choose_partition(qemu, live, error) < 0 || find_devices(live, error) < 0 ||
        host_nodes_choose(live, error) < 0 || shares_make(live, error) < 0 ||
        choose_cpu(qemu, live, error) < 0 || look_up_files(qemu, live, error) < 0 ||
        display_take_ports(live, qemu, error) < 0 ||
        make_folder(dac_config(guest), guest->folder, error) < 0 ||
        prepare_channel_folders(guest, live, error) < 0)
        return -1;
    return 0;
}

int prepare_access(struct guest *guest, const struct domain *live, GError **error)
{
    /* nodes of devices are there once their driver is the right one */
    if (hostdev_take_all(qemu_of(&guest->object), live, error) < 0 ||
        transient_make(live, error) < 0)
        return -1;
    return ownership_take(dac_config(guest), live, error);
}

/* Folders of ours are flat: files and sockets alone. */
static void remove_folder(const char *path)
{
    g_auto(GStrv) names = NULL;
    g_autoptr(GError) error = NULL;

    if (file_list(path, NULL, &names, &error) < 0) {
        log_warn("%s", error->message);
        return;
    }
    for (char **name = names; *name; name++) {
        g_autofree char *file = g_build_filename(path, *name, NULL);
        unlink(file);
    }
    file_sweep(path, NULL);
    if (rmdir(path) < 0 && errno != ENOENT)
        log_warn("cannot remove %s: %s", path, g_strerror(errno));
}

static void remove_channel_folder(struct qemu *qemu, const struct guest *guest)
{
    const char *run = strrchr(guest->folder, '/') + 1;
    g_autofree char *folder = g_strdup_printf("%s/channel/%s", qemu->status_folder, run);

    remove_folder(folder);
}

void prepare_undo(struct guest *guest, const struct domain *live)
{
    struct qemu *qemu = qemu_of(&guest->object);

    display_return_ports(live, qemu);
    helper_stop_all(guest, live);
    ownership_restore(dac_config(guest), live);
    dac_forget(guest);
    transient_remove(live);
    hostdev_give_back_all(qemu, live->name, live);
    LIST_EACH (net, &live->devices.nets)
        netdev_remove(net);
    netport_give_back(qemu, live);
    resource_limits_remove_group(guest);
    shares_remove(live);
    if (!guest->folder)
        return;
    remove_channel_folder(qemu, guest);
    remove_folder(guest->folder);
    g_clear_pointer(&guest->folder, g_free);
}
