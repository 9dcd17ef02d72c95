/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/process.h"

#include "backend.h"
#include "block.h"
#include "bytes.h"
#include "partition-table.h"
#include "program.h"
#include "qemu-img.h"

/* A disk of the host with a table of partitions, each a volume. */

#define TOOL_MS 60000
#define NODE_MS 20000
#define OUTPUT_MOST (1024 * 1024)

static const char *device_of(const struct storage_pool *pool)
{
    return pool->source.devices.items[0]->path;
}

static unsigned format_of(const struct storage_pool *pool)
{
    return pool->source.format == STORAGE_DISK_UNKNOWN ? STORAGE_DISK_DOS : pool->source.format;
}

static const char *format_word(const struct storage_pool *pool)
{
    return names_word(&storage_disk_format_names, pool->source.format);
}

static int check_device(const struct storage_pool *pool, GError **error)
{
    const char *device = device_of(pool);
    struct stat about;

    if (!g_path_is_absolute(device)) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "device '%s' of pool '%s' is not a path",
                  device, pool->name);
        return -1;
    }
    if (stat(device, &about) < 0) {
        error_set_errno(error, errno, "device '%s' of pool '%s'", device, pool->name);
        return -1;
    }
    if (S_ISBLK(about.st_mode))
        return 0;
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "'%s' of pool '%s' is not a block device", device,
              pool->name);
    return -1;
}

/* ---- the table ---- */

/* parted opens a disk for writing even to look at it. When it closes it, udev has the kernel read
 * the table anew, and while it does so nodes of partitions and links to them are gone: nobody is
 * told of any before that is over. */
static int run(const char *const *argv, GError **error)
{
    struct program program = {.argv = argv, .milliseconds = TOOL_MS};
    int result = program_run(&program, NULL, error);

    block_settle();
    return result;
}

/* Some tables know cylinders alone: "803:255:2:261kB;" are cylinders, heads, sectors. */
static int read_cylinder(const struct storage_pool *pool, struct partition_table *table,
                         GError **error)
{
    const char *const argv[] = {"parted", "-s",  "-m",    "--", device_of(pool),
                                "unit",   "cyl", "print", NULL};
    struct program program = {.argv = argv, .milliseconds = TOOL_MS};
    g_autofree char *text = NULL;
    unsigned cylinders, heads, sectors;

    if (program_run(&program, &text, error) < 0)
        return -1;
    g_auto(GStrv) lines = g_strsplit(text, "\n", 4);
    for (char **line = lines; *line; line++)
        if (sscanf(*line, "%u:%u:%u:", &cylinders, &heads, &sectors) == 3)
            table->cylinder = (uint64_t)heads * sectors * table->sector;
    return 0;
}

/* Without a table parted ends badly, and reports all the same. */
static int read_table(const struct storage_pool *pool, struct partition_table **ret_table,
                      GError **error)
{
    const char *const argv[] = {"parted", "-s", "--json", "--",   device_of(pool),
                                "unit",   "B",  "print",  "free", NULL};
    struct process_spec spec = {.argv = argv};
    struct process_output said = {0};
    PARTITION_TABLE_AUTO struct partition_table *table = NULL;

    if (process_capture(&spec, NULL, OUTPUT_MOST, TOOL_MS, &said, error) < 0)
        return -1;
    int result = 0;
    if (said.status && !*said.output) {
        error_set(error, VIR_ERR_INTERNAL_ERROR, "parted of '%s': %s", device_of(pool),
                  g_strstrip(said.errors));
        result = -1;
    } else {
        result = partition_table_read(said.output, &table, error);
    }
    process_output_clear(&said);
    if (result == 0 && (table->format == STORAGE_DISK_SUN || table->format == STORAGE_DISK_PC98))
        result = read_cylinder(pool, table, error);
    block_settle();
    if (result < 0)
        return -1;
    *ret_table = g_steal_pointer(&table);
    return 0;
}

static int check_format(const struct storage_pool *pool, const struct partition_table *table,
                        GError **error)
{
    if (table->format == format_of(pool))
        return 0;
    if (!table->format)
        error_set(error, VIR_ERR_STORAGE_PROBE_FAILED,
                  "Device '%s' is unrecognized, requires build", device_of(pool));
    else
        error_set(error, VIR_ERR_OPERATION_INVALID,
                  "Format of device '%s' does not match the expected format '%s'", device_of(pool),
                  format_word(pool));
    return -1;
}

static int get_table(const struct storage_pool *pool, struct partition_table **ret_table,
                     GError **error)
{
    PARTITION_TABLE_AUTO struct partition_table *table = NULL;

    if (read_table(pool, &table, error) < 0 || check_format(pool, table, error) < 0)
        return -1;
    *ret_table = g_steal_pointer(&table);
    return 0;
}

/* ---- build ---- */

static int check_replaceable(const struct storage_pool *pool, GError **error)
{
    PARTITION_TABLE_AUTO struct partition_table *table = NULL;
    g_autofree char *what = NULL;

    if (read_table(pool, &table, error) < 0)
        return -1;
    if (table->format == format_of(pool)) {
        error_set(error, VIR_ERR_STORAGE_POOL_BUILT, "Device '%s' already formatted using '%s'",
                  device_of(pool), format_word(pool));
        return -1;
    }
    if (!table->format && block_probe(device_of(pool), &what, error) < 0)
        return -1;
    if (!table->format && !what)
        return 0;
    error_set(error, VIR_ERR_STORAGE_POOL_BUILT,
              "Format of device '%s' does not match the expected format '%s', forced overwrite is "
              "necessary",
              device_of(pool), format_word(pool));
    return -1;
}

static int clean(const struct storage_pool *pool, GError **error)
{
    const char *const argv[] = {"wipefs", "-a", "-q", "--", device_of(pool), NULL};

    return run(argv, error);
}

static int disk_build(const struct storage_pool *pool, unsigned flags, GError **error)
{
    const char *word = partition_table_word(format_of(pool));
    const char *const argv[] = {"parted", "-s", "--", device_of(pool), "mklabel", word, NULL};
    bool overwrite = flags & VIR_STORAGE_POOL_BUILD_OVERWRITE;

    if (!word) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "tables of format '%s' can't be made, use pools of type 'logical'",
                  format_word(pool));
        return -1;
    }
    if (check_device(pool, error) < 0 || block_check_unused(device_of(pool), error) < 0 ||
        (overwrite ? clean(pool, error) : check_replaceable(pool, error)) < 0)
        return -1;
    return run(argv, error);
}

static int disk_remove(const struct storage_pool *pool, unsigned flags, GError **error)
{
    if (check_device(pool, error) < 0 || block_check_unused(device_of(pool), error) < 0)
        return -1;
    return clean(pool, error);
}

/* ---- names ---- */

static bool is_mapped(const char *device)
{
    return g_str_has_prefix(device, "/dev/mapper/");
}

/* What a partition's number is put behind: /dev/vdb, /dev/nvme0n1p. A device of the device mapper
 * is called as its table calls it. */
static char *get_prefix(const struct storage_pool *pool)
{
    const struct storage_device *device = pool->source.devices.items[0];
    g_autofree char *path = is_mapped(device->path) ? g_strdup(device->path) : NULL;

    if (!path) {
        char *real = realpath(device->path, NULL);

        path = g_strdup(real ?: device->path);
        free(real);
    }
    bool digit = g_ascii_isdigit(path[strlen(path) - 1]);
    bool asked = is_mapped(device->path) && device->part_separator == TRISTATE_YES;
    return g_strdup_printf("%s%s", path, digit || asked ? "p" : "");
}

static const char *last_part(const char *path)
{
    return strrchr(path, '/') + 1;
}

/* 0: a name that is none of ours. */
static unsigned number_of(const struct storage_pool *pool, const char *name)
{
    g_autofree char *prefix = get_prefix(pool);
    const char *start = last_part(prefix);
    guint64 number;

    if (!g_str_has_prefix(name, start) ||
        !g_ascii_string_to_unsigned(name + strlen(start), 10, 1, G_MAXUINT16, &number, NULL))
        return 0;
    return (unsigned)number;
}

static char *get_node(const struct storage_pool *pool, unsigned number)
{
    g_autofree char *prefix = get_prefix(pool);

    return g_strdup_printf("%s%u", prefix, number);
}

/* ---- volumes ---- */

static void set_extent(struct storage_volume *volume, const struct storage_pool *pool,
                       const struct partition *partition)
{
    struct arena *arena = &volume->definition.arena;
    struct storage_volume_device *device = arena_new(arena, struct storage_volume_device);
    struct storage_extent *extent = arena_new(arena, struct storage_extent);

    device->path = arena_strdup(arena, device_of(pool));
    *extent = (struct storage_extent){partition->start, partition->end};
    LIST_APPEND(arena, &device->extents, extent);
    LIST_APPEND(arena, &volume->devices, device);
}

/* The kernel shows the first sectors of an extended partition alone. */
static void set_sizes(struct storage_volume *volume, const struct partition *partition)
{
    bool extended = partition->kind == PARTITION_EXTENDED;
    uint64_t size = partition->end - partition->start;

    volume->capacity = OPT_ULONG(size);
    volume->allocation = OPT_ULONG(extended ? 0 : size);
    volume->physical = OPT_ULONG(extended ? volume->physical.value : size);
    volume->target.format = extended ? STORAGE_FORMAT_EXTENDED : STORAGE_FORMAT_NONE;
}

/* A partition whose node the host does not have is shown, so that it can be deleted. */
static struct storage_volume *new_volume(const struct storage_pool *pool,
                                         const struct partition *partition)
{
    struct storage_volume *volume = (struct storage_volume *)definition_new(&storage_volume_schema);
    struct arena *arena = &volume->definition.arena;
    g_autofree char *node = get_node(pool, partition->number);
    g_autofree char *path = block_find_path(pool->target.path, node);

    if (block_fill(volume, path, NULL) < 0) {
        volume->type = STORAGE_VOLUME_BLOCK;
        volume->target.path = arena_strdup(arena, path);
    }
    volume->name = arena_strdup(arena, last_part(node));
    volume->key = volume->target.path;
    set_extent(volume, pool, partition);
    set_sizes(volume, partition);
    return volume;
}

static void add_to_facts(const struct partition *partition, struct pool_facts *facts)
{
    uint64_t size = partition->end - partition->start;

    facts->capacity = MAX(facts->capacity, partition->end);
    if (partition->kind == PARTITION_FREE) {
        facts->available += size;
        if (facts->free_extent_count < POOL_FREE_EXTENTS)
            facts->free_extents[facts->free_extent_count++] =
                (struct storage_extent){partition->start, partition->end};
    } else if (partition->kind != PARTITION_EXTENDED) {
        facts->allocation += size;
    }
}

static int disk_refresh(const struct storage_pool *pool, struct volumes *volumes,
                        struct pool_facts *ret_facts, GError **error)
{
    PARTITION_TABLE_AUTO struct partition_table *table = NULL;

    if (get_table(pool, &table, error) < 0)
        return -1;
    for (guint i = 0; i < table->partitions->len; i++) {
        const struct partition *one = &g_array_index(table->partitions, struct partition, i);

        add_to_facts(one, ret_facts);
        if (one->kind == PARTITION_FREE)
            continue;
        struct storage_volume *volume = new_volume(pool, one);
        struct volume_signature signature = block_signature(volume->target.path);
        volumes_found(volumes, volume, &signature);
    }
    return 0;
}

/* ---- start ---- */

static bool lacks_nodes(const struct storage_pool *pool, const struct partition_table *table)
{
    for (guint i = 0; i < table->partitions->len; i++) {
        const struct partition *one = &g_array_index(table->partitions, struct partition, i);
        g_autofree char *node = get_node(pool, one->number);

        if (one->number && access(node, F_OK) < 0)
            return true;
    }
    return false;
}

/* The kernel does not read all of these tables by itself. */
static int disk_start(const struct storage_pool *pool, struct volumes **ret_volumes, GError **error)
{
    const char *const argv[] = {"partprobe", "--", device_of(pool), NULL};
    PARTITION_TABLE_AUTO struct partition_table *table = NULL;

    if (check_device(pool, error) < 0 || get_table(pool, &table, error) < 0 ||
        (lacks_nodes(pool, table) && run(argv, error) < 0))
        return -1;
    *ret_volumes = volumes_new(pool, NULL, -1);
    return 0;
}

/* ---- made ---- */

static int disk_complete(struct volumes *volumes, struct storage_volume *definition, GError **error)
{
    struct arena *arena = &definition->definition.arena;
    unsigned format = definition->target.format;
    g_autofree char *prefix = get_prefix(volumes->on);
    g_autofree char *folder = g_path_get_dirname(prefix);

    if (storage_volume_check_name(definition->name, error) < 0)
        return -1;
    if (!definition->capacity.value) {
        error_set(error, VIR_ERR_NO_SUPPORT, "volume capacity required for this storage pool");
        return -1;
    }
    if (format && format != STORAGE_FORMAT_NONE &&
        (format < STORAGE_FORMAT_LINUX || format > STORAGE_FORMAT_EXTENDED)) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "unknown volume format type %s",
                  names_word(&storage_format_names, format));
        return -1;
    }
    if (definition->target.encryption || definition->backing)
        return volume_refuse(VIR_ERR_CONFIG_UNSUPPORTED, definition->name,
                             "a partition has neither encryption nor an image below", error);
    definition->type = STORAGE_VOLUME_BLOCK;
    definition->target.path = arena_printf(arena, "%s/%s", folder, definition->name);
    definition->key = definition->target.path;
    definition->allocation = definition->capacity;
    return 0;
}

static int check_expected_name(const struct storage_pool *pool, const char *name,
                               const struct partition *plan, GError **error)
{
    g_autofree char *node = get_node(pool, plan->number);

    if (strcmp(last_part(node), name) == 0)
        return 0;
    error_set(error, VIR_ERR_INVALID_ARG, "invalid partition name '%s', expected '%s'", name,
              last_part(node));
    return -1;
}

/* Into the free room: the partition comes when it has its content. */
static int write_content(struct volume_job *job, const struct storage_pool *pool,
                         const struct partition *plan, const struct storage_volume *other,
                         int other_fd, GError **error)
{
    autofd int fd = open(device_of(pool), O_RDWR | O_CLOEXEC);

    if (fd < 0) {
        error_set_errno(error, errno, "cannot open '%s'", device_of(pool));
        return -1;
    }
    return storage_volume_is_plain(other)
               ? bytes_copy_over(job, other_fd, fd, plan->start, error)
               : qemu_img_convert_over(job, other, other_fd, fd, plan->start,
                                       plan->end - plan->start, error);
}

static int make_partition(const struct storage_pool *pool, const struct partition *plan,
                          unsigned format, GError **error)
{
    static const char *const kinds[] = {"primary", "logical", "extended"};
    static const struct {
        const char *system, *flag;
    } contents[] = {
        [STORAGE_FORMAT_FAT16 - STORAGE_FORMAT_LINUX] = {"fat16", NULL},
        [STORAGE_FORMAT_FAT32 - STORAGE_FORMAT_LINUX] = {"fat32", NULL},
        [STORAGE_FORMAT_LINUX_SWAP - STORAGE_FORMAT_LINUX] = {"linux-swap", NULL},
        [STORAGE_FORMAT_LINUX_LVM - STORAGE_FORMAT_LINUX] = {"ext2", "lvm"},
        [STORAGE_FORMAT_LINUX_RAID - STORAGE_FORMAT_LINUX] = {"ext2", "raid"},
    };
    unsigned which = format >= STORAGE_FORMAT_LINUX ? format - STORAGE_FORMAT_LINUX : 0;
    bool known = which < G_N_ELEMENTS(contents) && contents[which].system;
    bool kindless = format_of(pool) == STORAGE_DISK_SUN || format_of(pool) == STORAGE_DISK_BSD;
    g_autofree char *start = g_strdup_printf("%" G_GUINT64_FORMAT "B", plan->start);
    g_autofree char *last = g_strdup_printf("%" G_GUINT64_FORMAT "B", plan->end - 1);
    g_autofree char *number = g_strdup_printf("%u", plan->number);
    const char *argv[20] = {"parted", "-s", "-a", "none", "--", device_of(pool), "mkpart"};
    size_t words = 7;

    if (!kindless)
        argv[words++] = kinds[plan->kind];
    if (plan->kind != PARTITION_EXTENDED)
        argv[words++] = known ? contents[which].system : "ext2";
    argv[words++] = start;
    argv[words++] = last;
    if (known && contents[which].flag) {
        argv[words++] = "set";
        argv[words++] = number;
        argv[words++] = contents[which].flag;
        argv[words++] = "on";
    }
    return run(argv, error);
}

static int remove_partition(const struct storage_pool *pool, unsigned number, GError **error)
{
    g_autofree char *word = g_strdup_printf("%u", number);
    const char *const argv[] = {"parted", "-s", "--", device_of(pool), "rm", word, NULL};

    return run(argv, error);
}

/* Is it where it was to be, and has it a node? */
static int check_made(const struct storage_pool *pool, const struct partition *plan,
                      struct storage_volume **ret_found, GError **error)
{
    PARTITION_TABLE_AUTO struct partition_table *table = NULL;
    g_autofree char *node = get_node(pool, plan->number);

    if (get_table(pool, &table, error) < 0)
        return -1;
    const struct partition *made = partition_table_find(table, plan->number);
    if (!made || made->start != plan->start) {
        error_set(error, VIR_ERR_INTERNAL_ERROR, "the new partition of '%s' is not number %u",
                  device_of(pool), plan->number);
        return -1;
    }
    if (block_await(node, NODE_MS, error) < 0) {
        remove_partition(pool, plan->number, NULL);
        return -1;
    }
    *ret_found = new_volume(pool, made);
    return 0;
}

static int make(struct volume_job *job, const struct storage_pool *pool,
                const struct storage_volume *definition, const struct storage_volume *other,
                int other_fd, struct storage_volume **ret_found, GError **error)
{
    PARTITION_TABLE_AUTO struct partition_table *table = NULL;
    unsigned format = definition->target.format;
    struct partition plan;

    if (get_table(pool, &table, error) < 0 ||
        partition_table_plan(table, format == STORAGE_FORMAT_EXTENDED, definition->capacity.value,
                             &plan, error) < 0 ||
        check_expected_name(pool, definition->name, &plan, error) < 0 ||
        (other && write_content(job, pool, &plan, other, other_fd, error) < 0) ||
        volume_job_check(job, error) < 0 || make_partition(pool, &plan, format, error) < 0)
        return -1;
    return check_made(pool, &plan, ret_found, error);
}

static int disk_create(struct volume_job *job, struct volume *volume,
                       const struct storage_volume *definition, const struct storage_volume *other,
                       int other_fd, unsigned flags, struct storage_volume **ret_found,
                       struct volume_signature *ret_signature, GError **error)
{
    struct volumes *volumes = volume->volumes;

    if (other && definition->target.format == STORAGE_FORMAT_EXTENDED)
        return volume_refuse(VIR_ERR_INVALID_ARG, definition->name,
                             "an extended partition has no content of its own", error);
    if (volumes_begin_turn(volumes, error) < 0)
        return -1;
    int result = make(job, volumes->on, definition, other, other_fd, ret_found, error);
    volumes_end_turn(volumes);
    if (result == 0)
        *ret_signature = block_signature((*ret_found)->target.path);
    return result;
}

/* ---- what is there ---- */

static int disk_look(struct volume *volume, struct storage_volume **ret_found,
                     struct volume_signature *ret_signature, GError **error)
{
    DEFINITION_AUTO struct storage_volume *known = volume_get_definition(volume);
    DEFINITION_AUTO struct storage_volume *found =
        (struct storage_volume *)definition_copy(&known->definition);
    const struct storage_extent *extent = known->devices.items[0]->extents.items[0];
    struct partition partition = {
        .kind =
            known->target.format == STORAGE_FORMAT_EXTENDED ? PARTITION_EXTENDED : PARTITION_NORMAL,
        .start = extent->start,
        .end = extent->end,
    };

    if (block_fill(found, volume->path, error) < 0)
        return -1;
    set_sizes(found, &partition);
    *ret_signature = block_signature(volume->path);
    *ret_found = g_steal_pointer(&found);
    return 0;
}

static int disk_open(struct volume *volume, int mode, int *ret_fd, GError **error)
{
    DEFINITION_AUTO struct storage_volume *definition = volume_get_definition(volume);

    if (definition->target.format == STORAGE_FORMAT_EXTENDED)
        return volume_refuse(VIR_ERR_OPERATION_INVALID, volume->name,
                             "is an extended partition: its bytes are those of the logical ones",
                             error);
    return block_open(volume, mode, ret_fd, error);
}

/* The host mounts, or uses as a part of something else, what can't be opened exclusively. */
static int check_unused(const struct storage_pool *pool, unsigned number, GError **error)
{
    g_autofree char *node = get_node(pool, number);
    autofd int fd = open(node, O_RDONLY | O_EXCL | O_NONBLOCK | O_CLOEXEC);

    if (fd >= 0 || errno != EBUSY)
        return 0;
    error_set(error, VIR_ERR_OPERATION_INVALID, "'%s' is in use by this host", node);
    return -1;
}

/* Logical partitions behind it get other numbers. */
static int check_removable(const struct storage_pool *pool, const struct partition_table *table,
                           const struct partition *which, GError **error)
{
    for (guint i = 0; i < table->partitions->len; i++) {
        const struct partition *one = &g_array_index(table->partitions, struct partition, i);
        bool logical = one->kind == PARTITION_LOGICAL;

        if (logical && which->kind == PARTITION_EXTENDED) {
            error_set(error, VIR_ERR_OPERATION_INVALID,
                      "there are logical partitions in the extended one: delete them first");
            return -1;
        }
        if ((one == which ||
             (logical && which->kind == PARTITION_LOGICAL && one->number > which->number)) &&
            check_unused(pool, one->number, error) < 0)
            return -1;
    }
    return 0;
}

static int remove_volume(const struct storage_pool *pool, const struct storage_volume *known,
                         GError **error)
{
    PARTITION_TABLE_AUTO struct partition_table *table = NULL;

    if (get_table(pool, &table, error) < 0)
        return -1;
    const struct partition *which = partition_table_find(table, number_of(pool, known->name));
    if (!which || which->start != known->devices.items[0]->extents.items[0]->start) {
        error_set(error, VIR_ERR_NO_STORAGE_VOL,
                  "'%s' is not what it was when pool '%s' was refreshed", known->name, pool->name);
        return -1;
    }
    if (check_removable(pool, table, which, error) < 0)
        return -1;
    return remove_partition(pool, which->number, error);
}

static int disk_remove_volume(struct volume *volume, GError **error)
{
    DEFINITION_AUTO struct storage_volume *known = volume_get_definition(volume);

    if (volumes_begin_turn(volume->volumes, error) < 0)
        return -1;
    int result = remove_volume(volume->volumes->on, known, error);
    volumes_end_turn(volume->volumes);
    return result;
}

static const struct volume_backend partition_volumes = {
    .complete = disk_complete,
    .create = disk_create,
    .look = disk_look,
    .remove = disk_remove_volume,
    .open = disk_open,
};

const struct backend disk_backend = {
    .needs = "parted",
    .build_flags = VIR_STORAGE_POOL_BUILD_OVERWRITE | VIR_STORAGE_POOL_BUILD_NO_OVERWRITE,
    .build = disk_build,
    .remove = disk_remove,
    .start = disk_start,
    .refresh = disk_refresh,
    .volumes = &partition_volumes,
};
