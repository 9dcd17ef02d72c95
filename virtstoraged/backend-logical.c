/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/process.h"
#include "xml/xml.h"

#include "backend.h"
#include "block.h"
#include "bytes.h"
#include "program.h"
#include "qemu-img.h"
#include "volume-group.h"

/* A volume group of LVM: its logical volumes are the volumes. LVM locks its groups by itself. */

#define TOOL_MS (3 * 60 * 1000)
#define NODE_MS 20000
#define REPORT_MOST (32 * 1024 * 1024)
#define PHYSICAL "LVM2_member" /* libblkid's word */

static const char *group_of(const struct storage_pool *pool)
{
    return pool->source.name;
}

/* Not ended with us: what LVM has begun it ends. */
static int run(const char *const *argv, GError **error)
{
    struct program program = {.argv = argv, .milliseconds = TOOL_MS};

    return program_run(&program, NULL, error);
}

#define RUN(error, ...) run((const char *const[]){__VA_ARGS__, NULL}, error)

/* LVM takes whole sectors alone, and rounds up to extents. The caller frees. */
static char *size_word(uint64_t bytes)
{
    return g_strdup_printf("%" G_GUINT64_FORMAT "b", (MAX(bytes, 1) + 511) / 512 * 512);
}

/* ---- reports ---- */

/* Only output is JSON: *ret_text is NULL, without an error, when the tool ends badly. */
static int report(const char *const *argv, char **ret_text, GError **error)
{
    struct process_spec spec = {.argv = argv};
    struct process_output said = {0};

    if (process_capture(&spec, NULL, REPORT_MOST, TOOL_MS, &said, error) < 0)
        return -1;
    *ret_text = said.status == 0 ? g_steal_pointer(&said.output) : NULL;
    process_output_clear(&said);
    return 0;
}

static int read_group(const struct storage_pool *pool, const char *fields,
                      struct volume_group **ret_group, GError **error)
{
    const char *const argv[] = {"vgs", "--reportformat", "json", "--units",      "b", "--nosuffix",
                                "-o",  fields,           "--",   group_of(pool), NULL};
    g_autofree char *text = NULL;

    if (report(argv, &text, error) < 0)
        return -1;
    if (text)
        return volume_group_read(text, ret_group, error);
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "cannot find logical volume group name '%s'",
              group_of(pool));
    return -1;
}

static int get_group(const struct storage_pool *pool, struct volume_group **ret_group,
                     GError **error)
{
    VOLUME_GROUP_AUTO struct volume_group *group = NULL;

    if (read_group(pool, volume_group_fields, &group, error) < 0)
        return -1;
    if (group->size) {
        *ret_group = g_steal_pointer(&group);
        return 0;
    }
    return read_group(pool, volume_group_sizes, ret_group, error);
}

static int get_volume(const struct storage_pool *pool, const char *name,
                      struct volume_group **ret_group, const struct logical_volume **ret_volume,
                      GError **error)
{
    VOLUME_GROUP_AUTO struct volume_group *group = NULL;

    if (get_group(pool, &group, error) < 0)
        return -1;
    const struct logical_volume *volume = volume_group_find(group, name);
    if (!volume) {
        error_set(error, VIR_ERR_NO_STORAGE_VOL, "no storage vol with matching name '%s'", name);
        return -1;
    }
    *ret_volume = volume;
    *ret_group = g_steal_pointer(&group);
    return 0;
}

static int read_sources(struct storage_sources **ret_sources, GError **error)
{
    static const char *const argv[] = {"pvs", "--reportformat",  "json",
                                       "-o",  "pv_name,vg_name", NULL};
    g_autofree char *text = NULL;

    if (report(argv, &text, error) < 0)
        return -1;
    if (text)
        return volume_group_read_sources(text, ret_sources, error);
    error_set(error, VIR_ERR_OPERATION_FAILED, "pvs can't tell of volume groups");
    return -1;
}

static int logical_find_sources(const struct storage_source *wanted, char **ret_text,
                                GError **error)
{
    DEFINITION_AUTO struct storage_sources *sources = NULL;

    if (read_sources(&sources, error) < 0)
        return -1;
    *ret_text = xml_write(&sources->definition, 0);
    return 0;
}

/* ---- build ---- */

static int check_replaceable(const char *device, GError **error)
{
    g_autofree char *what = NULL;

    if (block_probe(device, &what, error) < 0)
        return -1;
    if (!what)
        return 0;
    if (strcmp(what, PHYSICAL) == 0)
        error_set(error, VIR_ERR_STORAGE_POOL_BUILT, "Device '%s' already formatted using '%s'",
                  device, PHYSICAL);
    else
        error_set(error, VIR_ERR_STORAGE_POOL_BUILT,
                  "Format of device '%s' does not match the expected format '%s', forced overwrite "
                  "is necessary",
                  device, PHYSICAL);
    return -1;
}

static int check_device(const char *device, bool overwrite, GError **error)
{
    struct stat about;

    if (!g_path_is_absolute(device) || stat(device, &about) < 0) {
        error_set_errno(error, g_path_is_absolute(device) ? errno : ENOENT, "device '%s'", device);
        return -1;
    }
    if (block_check_unused(device, error) < 0)
        return -1;
    return overwrite ? 0 : check_replaceable(device, error);
}

static int make_physical(const char *device, bool overwrite, GError **error)
{
    if (overwrite && RUN(error, "wipefs", "-a", "-q", "--", device) < 0)
        return -1;
    return RUN(error, "pvcreate", "-q", "-y", "--", device);
}

static int make_group(const struct storage_pool *pool, GError **error)
{
    g_autoptr(GPtrArray) words = g_ptr_array_new();

    g_ptr_array_add(words, (char *)"vgcreate");
    g_ptr_array_add(words, (char *)"-q");
    g_ptr_array_add(words, (char *)"--");
    g_ptr_array_add(words, (char *)group_of(pool));
    LIST_EACH (device, &pool->source.devices)
        g_ptr_array_add(words, (char *)device->path);
    g_ptr_array_add(words, NULL);
    return run((const char *const *)words->pdata, error);
}

/* All are looked at before the first is written to. */
static int logical_build(const struct storage_pool *pool, unsigned flags, GError **error)
{
    bool overwrite = flags & VIR_STORAGE_POOL_BUILD_OVERWRITE;
    unsigned made = 0;

    if (!pool->source.devices.count) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "pool '%s' does not say which devices its volume group is to be on", pool->name);
        return -1;
    }
    LIST_EACH (device, &pool->source.devices)
        if (check_device(device->path, overwrite, error) < 0)
            return -1;
    LIST_EACH (device, &pool->source.devices) {
        if (make_physical(device->path, overwrite, error) < 0)
            break;
        made++;
    }
    if (made == pool->source.devices.count && make_group(pool, error) == 0)
        return 0;
    for (unsigned i = 0; i < made; i++)
        RUN(NULL, "pvremove", "-q", "--", pool->source.devices.items[i]->path);
    return -1;
}

static int logical_remove(const struct storage_pool *pool, unsigned flags, GError **error)
{
    if (RUN(error, "vgremove", "-q", "-f", "--", group_of(pool)) < 0)
        return -1;
    LIST_EACH (device, &pool->source.devices)
        if (RUN(error, "pvremove", "-q", "--", device->path) < 0)
            return -1;
    return 0;
}

/* ---- start and stop ---- */

static bool is_same_device(const char *path, const char *other)
{
    struct stat a, b;

    return strcmp(path, other) == 0 || (stat(path, &a) == 0 && stat(other, &b) == 0 &&
                                        S_ISBLK(a.st_mode) && a.st_rdev == b.st_rdev);
}

static bool is_on(const struct storage_source *source, const struct storage_pool *pool)
{
    LIST_EACH (device, &source->devices)
        LIST_EACH (wanted, &pool->source.devices)
            if (is_same_device(device->path, wanted->path))
                return true;
    return false;
}

/* Another group of the same name is not what was meant. */
static int check_devices(const struct storage_pool *pool, GError **error)
{
    DEFINITION_AUTO struct storage_sources *sources = NULL;

    if (!pool->source.devices.count)
        return 0;
    if (read_sources(&sources, error) < 0)
        return -1;
    LIST_EACH (source, &sources->sources)
        if (strcmp(source->name, group_of(pool)) == 0 && is_on(source, pool))
            return 0;
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
              "cannot find any matching source devices for logical volume group '%s'",
              group_of(pool));
    return -1;
}

static int remove_logical(const struct storage_pool *pool, const char *name, GError **error)
{
    g_autofree char *both = g_strdup_printf("%s/%s", group_of(pool), name);

    return RUN(error, "lvremove", "-q", "-f", "--", both);
}

/* What a daemon that is gone had under construction. */
static void sweep(const struct storage_pool *pool, const struct volume_group *group)
{
    LIST_EACH (volume, &group->volumes) {
        g_autoptr(GError) error = NULL;

        if (volume->part && remove_logical(pool, volume->name, &error) < 0)
            log_warn("volume '%s' of pool '%s', which was never finished: %s", volume->name,
                     pool->name, error->message);
    }
}

static int activate(const struct storage_pool *pool, const char *how, GError **error)
{
    return RUN(error, "vgchange", "-q", how, "--", group_of(pool));
}

static int logical_start(const struct storage_pool *pool, struct volumes **ret_volumes,
                         GError **error)
{
    VOLUME_GROUP_AUTO struct volume_group *group = NULL;

    if (get_group(pool, &group, error) < 0 || check_devices(pool, error) < 0)
        return -1;
    sweep(pool, group);
    if (activate(pool, "-aly", error) < 0)
        return -1;
    *ret_volumes = volumes_new(pool, NULL, -1);
    return 0;
}

static int logical_stop(const struct storage_pool *pool, GError **error)
{
    return activate(pool, "-aln", error);
}

/* ---- what is there ---- */

static void set_backing(struct storage_volume *found, const struct storage_pool *pool,
                        const struct logical_volume *volume)
{
    struct arena *arena = &found->definition.arena;

    found->backing = arena_new(arena, struct storage_target);
    found->backing->path = arena_printf(arena, "%s/%s", pool->target.path, volume->origin);
}

static void set_devices(struct storage_volume *found, const struct logical_volume *volume)
{
    struct arena *arena = &found->definition.arena;

    LIST_EACH (device, &volume->devices) {
        struct storage_volume_device *copy = arena_new(arena, struct storage_volume_device);
        struct storage_extent *extent = arena_new(arena, struct storage_extent);

        copy->path = arena_strdup(arena, device->path);
        *extent = *device->extents.items[0];
        LIST_APPEND(arena, &copy->extents, extent);
        LIST_APPEND(arena, &found->devices, copy);
    }
}

/* What the device shows is the capacity: a snapshot takes less. */
static int describe(const struct storage_pool *pool, const struct logical_volume *volume,
                    struct storage_volume **ret_found, GError **error)
{
    DEFINITION_AUTO struct storage_volume *found =
        (struct storage_volume *)definition_new(&storage_volume_schema);

    if (block_fill(found, volume->path, error) < 0)
        return -1;
    found->name = arena_strdup(&found->definition.arena, volume->name);
    found->key = arena_strdup(&found->definition.arena, volume->uuid);
    found->allocation = OPT_ULONG(volume->allocated);
    set_devices(found, volume);
    if (volume->origin)
        set_backing(found, pool, volume);
    *ret_found = g_steal_pointer(&found);
    return 0;
}

/* What is not active has no device, and so is not shown, as everywhere. */
static int logical_refresh(const struct storage_pool *pool, struct volumes *volumes,
                           struct pool_facts *ret_facts, GError **error)
{
    VOLUME_GROUP_AUTO struct volume_group *group = NULL;

    if (get_group(pool, &group, error) < 0)
        return -1;
    LIST_EACH (volume, &group->volumes) {
        struct storage_volume *found;

        if (!volume->active || volume->part || describe(pool, volume, &found, NULL) < 0)
            continue;
        struct volume_signature signature = block_signature(volume->path);
        volumes_found(volumes, found, &signature);
    }
    ret_facts->capacity = group->size;
    ret_facts->available = group->free;
    ret_facts->allocation = group->size - MIN(group->free, group->size);
    return 0;
}

/* What only LVM can tell is as of the last refresh. */
static int logical_look(struct volume *volume, struct storage_volume **ret_found,
                        struct volume_signature *ret_signature, GError **error)
{
    DEFINITION_AUTO struct storage_volume *known = volume_get_definition(volume);
    DEFINITION_AUTO struct storage_volume *found =
        (struct storage_volume *)definition_copy(&known->definition);

    if (block_fill(found, volume->path, error) < 0)
        return -1;
    found->allocation = known->allocation;
    *ret_signature = block_signature(volume->path);
    *ret_found = g_steal_pointer(&found);
    return 0;
}

/* ---- made ---- */

static int logical_complete(struct volumes *volumes, struct storage_volume *definition,
                            GError **error)
{
    struct arena *arena = &definition->definition.arena;

    if (storage_volume_check_name(definition->name, error) < 0)
        return -1;
    if (!definition->capacity.value) {
        error_set(error, VIR_ERR_NO_SUPPORT, "volume capacity required for this storage pool");
        return -1;
    }
    if (definition->target.encryption)
        return volume_refuse(VIR_ERR_CONFIG_UNSUPPORTED, definition->name,
                             "logical volumes can't be encrypted here", error);
    definition->type = STORAGE_VOLUME_BLOCK;
    definition->target.path =
        arena_printf(arena, "%s/%s", volumes->on->target.path, definition->name);
    definition->key = definition->target.path; /* until LVM says its own */
    if (!definition->allocation.set)
        definition->allocation = definition->capacity;
    return 0;
}

/* A snapshot is of a volume of the same pool. */
static int find_origin(struct volumes *volumes, const struct storage_volume *definition,
                       char **ret_name, GError **error)
{
    const char *path = definition->backing->path;
    VOLUME_AUTO struct volume *origin = path ? volumes_get_by_path(volumes, path) : NULL;

    if (!origin) {
        error_set(
            error, VIR_ERR_CONFIG_UNSUPPORTED,
            "volume '%s': a snapshot can be taken of a volume of pool '%s' alone, not of '%s'",
            definition->name, volumes->pool, path ?: "nothing");
        return -1;
    }
    *ret_name = g_strdup(origin->name);
    return 0;
}

static int take_snapshot(struct volumes *volumes, const struct storage_volume *definition,
                         GError **error)
{
    VOLUME_GROUP_AUTO struct volume_group *group = NULL;
    const struct logical_volume *origin;
    g_autofree char *name = NULL;

    if (find_origin(volumes, definition, &name, error) < 0 ||
        get_volume(volumes->on, name, &group, &origin, error) < 0)
        return -1;
    uint64_t room = definition->allocation.value ?: definition->capacity.value;
    g_autofree char *both = g_strdup_printf("%s/%s", group_of(volumes->on), name);
    g_autofree char *size = size_word(room);
    if (origin->thin)
        return RUN(error, "lvcreate", "-q", "-y", "-s", "-kn", "-n", definition->name, "--", both);
    return RUN(error, "lvcreate", "-q", "-y", "-s", "-L", size, "-n", definition->name, "--", both);
}

static int make_plain(const struct storage_pool *pool, const struct storage_volume *definition,
                      GError **error)
{
    uint64_t capacity = definition->capacity.value, allocation = definition->allocation.value;
    g_autofree char *size = size_word(capacity);
    g_autofree char *room = size_word(allocation);

    if (allocation < capacity)
        return RUN(error, "lvcreate", "-q", "-y", "--type", "snapshot", "-L", room, "-V", size,
                   "-n", definition->name, "--", group_of(pool));
    return RUN(error, "lvcreate", "-q", "-y", "-Wy", "-L", size, "-n", definition->name, "--",
               group_of(pool));
}

static int write_content(struct volume_job *job, const struct storage_volume *definition,
                         const struct storage_volume *other, int other_fd, GError **error)
{
    autofd int fd = open(definition->target.path, O_RDWR | O_CLOEXEC);

    if (fd < 0) {
        error_set_errno(error, errno, "cannot open '%s'", definition->target.path);
        return -1;
    }
    return storage_volume_is_plain(other)
               ? bytes_copy_over(job, other_fd, fd, 0, error)
               : qemu_img_convert_over(job, other, other_fd, fd, 0, definition->capacity.value,
                                       error);
}

/* Whoever starts the pool removes what bears the tag. */
static int make_clone(struct volume_job *job, const struct storage_pool *pool,
                      const struct storage_volume *definition, const struct storage_volume *other,
                      int other_fd, GError **error)
{
    g_autofree char *size = size_word(definition->capacity.value);
    g_autofree char *both = g_strdup_printf("%s/%s", group_of(pool), definition->name);

    if (RUN(error, "lvcreate", "-q", "-y", "-Wy", "--addtag", VOLUME_GROUP_PART, "-L", size, "-n",
            definition->name, "--", group_of(pool)) < 0)
        return -1;
    if (block_await(definition->target.path, NODE_MS, error) == 0 &&
        write_content(job, definition, other, other_fd, error) == 0 &&
        RUN(error, "lvchange", "-q", "--deltag", VOLUME_GROUP_PART, "--", both) == 0)
        return 0;
    remove_logical(pool, definition->name, NULL);
    return -1;
}

static int make(struct volume_job *job, struct volumes *volumes,
                const struct storage_volume *definition, const struct storage_volume *other,
                int other_fd, GError **error)
{
    if (other)
        return make_clone(job, volumes->on, definition, other, other_fd, error);
    if (definition->backing)
        return take_snapshot(volumes, definition, error);
    return make_plain(volumes->on, definition, error);
}

static int set_permissions(const struct storage_volume *definition, GError **error)
{
    const struct storage_permissions *permissions = definition->target.permissions;
    const char *path = definition->target.path;

    if (!permissions)
        return 0;
    uid_t owner = permissions->owner.set ? permissions->owner.value : (uid_t)-1;
    gid_t group = permissions->group.set ? permissions->group.value : (gid_t)-1;
    if (chown(path, owner, group) == 0 &&
        (!permissions->mode.set || chmod(path, permissions->mode.value) == 0))
        return 0;
    error_set_errno(error, errno, "cannot set owner and mode of '%s'", path);
    return -1;
}

/* Does LVM know it as what was made? */
static int finish(struct volumes *volumes, const struct storage_volume *definition,
                  struct storage_volume **ret_found, GError **error)
{
    VOLUME_GROUP_AUTO struct volume_group *group = NULL;
    const struct logical_volume *made;

    if (block_await(definition->target.path, NODE_MS, error) < 0 ||
        set_permissions(definition, error) < 0 ||
        get_volume(volumes->on, definition->name, &group, &made, error) < 0)
        return -1;
    return describe(volumes->on, made, ret_found, error);
}

static int logical_create(struct volume_job *job, struct volume *volume,
                          const struct storage_volume *definition,
                          const struct storage_volume *other, int other_fd, unsigned flags,
                          struct storage_volume **ret_found, struct volume_signature *ret_signature,
                          GError **error)
{
    struct volumes *volumes = volume->volumes;

    if (make(job, volumes, definition, other, other_fd, error) < 0)
        return -1;
    if (finish(volumes, definition, ret_found, error) < 0) {
        remove_logical(volumes->on, definition->name, NULL);
        return -1;
    }
    *ret_signature = block_signature(definition->target.path);
    return 0;
}

/* ---- changed ---- */

static int logical_resize(struct volume_job *job, struct volume *volume, uint64_t capacity,
                          bool allocate, GError **error)
{
    const struct storage_pool *pool = volume->volumes->on;
    VOLUME_GROUP_AUTO struct volume_group *group = NULL;
    const struct logical_volume *now;

    if (get_volume(pool, volume->name, &group, &now, error) < 0)
        return -1;
    if (now->sparse && !now->thin)
        return volume_refuse(VIR_ERR_NO_SUPPORT, volume->name,
                             "snapshots and sparse logical volumes can't be resized", error);
    if (allocate && now->thin)
        return volume_refuse(VIR_ERR_NO_SUPPORT, volume->name,
                             "a thin volume can't be allocated in advance", error);
    if (group->extent &&
        (capacity + group->extent - 1) / group->extent * group->extent == now->size)
        return 0;
    g_autofree char *both = g_strdup_printf("%s/%s", group_of(pool), volume->name);
    g_autofree char *size = size_word(capacity);
    return RUN(error, "lvresize", "-q", "-f", "-y", "-L", size, "--", both);
}

static int logical_remove_volume(struct volume *volume, GError **error)
{
    return remove_logical(volume->volumes->on, volume->name, error);
}

/* Overwriting fills up what a snapshot has room for, or a thin pool, and reaches no old data. */
static int logical_wipe(struct volume_job *job, struct volume *volume, unsigned algorithm,
                        GError **error)
{
    VOLUME_GROUP_AUTO struct volume_group *group = NULL;
    const struct logical_volume *now;
    autofd int fd = -1;

    if (get_volume(volume->volumes->on, volume->name, &group, &now, error) < 0)
        return -1;
    if (now->sparse) {
        error_set(error, VIR_ERR_NO_SUPPORT,
                  "logical volume '%s' is sparse, volume wipe not supported", volume->path);
        return -1;
    }
    if (block_open(volume, O_RDWR, &fd, error) < 0)
        return -1;
    return bytes_wipe(job, fd, algorithm, error);
}

static const struct volume_backend logical_volumes = {
    .complete = logical_complete,
    .create = logical_create,
    .look = logical_look,
    .remove = logical_remove_volume,
    .open = block_open,
    .resize = logical_resize,
    .wipe = logical_wipe,
};

const struct backend logical_backend = {
    .needs = "lvm",
    .build_flags = VIR_STORAGE_POOL_BUILD_OVERWRITE | VIR_STORAGE_POOL_BUILD_NO_OVERWRITE,
    .build = logical_build,
    .remove = logical_remove,
    .start = logical_start,
    .stop = logical_stop,
    .refresh = logical_refresh,
    .find_sources = logical_find_sources,
    .volumes = &logical_volumes,
};
