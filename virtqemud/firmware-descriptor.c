/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "firmware-descriptor.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"

#include "json.h"
#include "probe-run.h"
#include "qmp-decode.h"

#define FILE_MAX (1u << 20)
#define DEPTH_MAX 32
#define MEMORY_MAX (32u << 20)

/* What the administrator has put there hides what packages bring. */
static const char *const usual_folders[] = {"/etc/qemu/firmware", "/usr/share/qemu/firmware", NULL};

static const struct qmp_field target_fields[] = {
    QMP_REQUIRED(firmware_target, "architecture", STRING, arch),
    QMP_OPTIONAL(firmware_target, "machines", STRINGS, machines),
};
static const struct qmp_shape target_shape = QMP_SHAPE(struct firmware_target, target_fields);

static const struct qmp_field descriptor_fields[] = {
    QMP_OPTIONAL(firmware_descriptor, "interface-types", STRINGS, interfaces),
    QMP_OPTIONAL(firmware_descriptor, "mapping/device", STRING, device),
    QMP_OPTIONAL(firmware_descriptor, "mapping/mode", STRING, mode),
    QMP_OPTIONAL(firmware_descriptor, "mapping/filename", STRING, executable),
    QMP_OPTIONAL(firmware_descriptor, "mapping/executable/filename", STRING, executable),
    QMP_OPTIONAL(firmware_descriptor, "mapping/executable/format", STRING, format),
    QMP_OPTIONAL(firmware_descriptor, "mapping/nvram-template/filename", STRING, template),
    QMP_OPTIONAL(firmware_descriptor, "mapping/nvram-template/format", STRING, template_format),
    QMP_OPTIONAL(firmware_descriptor, "features", STRINGS, features),
    {"targets", QMP_FIELD_LIST, offsetof(struct firmware_descriptor, targets), true,
     offsetof(struct firmware_descriptor, target_count), &target_shape},
};
static const struct qmp_shape descriptor_shape =
    QMP_SHAPE(struct firmware_descriptor, descriptor_fields);

static bool load(const char *path, struct arena *arena, struct firmware_descriptor *descriptor)
{
    struct json_object *json JSON_AUTO = NULL;
    g_autofree char *text = NULL;
    size_t length;

    return file_read_all(path, FILE_MAX, &text, &length, NULL) == 0 &&
           json_read(text, length, DEPTH_MAX, MEMORY_MAX, &json, NULL) == 0 &&
           qmp_decode_struct(&descriptor_shape, json, path, arena, descriptor, NULL) == 0 &&
           descriptor->executable;
}

static int compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* File name -> path of the file that counts; *ret_names in order, borrowed from the table. */
static GHashTable *list_files(const char *const *folders, GPtrArray *names)
{
    GHashTable *paths = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);

    for (const char *const *folder = folders; *folder; folder++) {
        g_auto(GStrv) found = NULL;
        if (file_list(*folder, ".json", &found, NULL) < 0)
            continue;
        for (char **name = found; *name; name++) {
            if (g_hash_table_contains(paths, *name))
                continue;
            char *key = g_strdup(*name);
            g_hash_table_insert(paths, key, g_build_filename(*folder, *name, NULL));
            g_ptr_array_add(names, key);
        }
    }
    g_ptr_array_sort(names, compare_names);
    return paths;
}

void firmware_descriptors_load(const char *const *folders, struct arena *arena,
                               struct firmware_descriptor **ret_items, unsigned *ret_count)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_autoptr(GHashTable) paths = list_files(folders ? folders : usual_folders, names);
    struct firmware_descriptor *items = arena_array(arena, names->len, sizeof(*items));
    unsigned count = 0;

    for (unsigned i = 0; i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);
        struct firmware_descriptor descriptor = {.name = arena_strdup(arena, name)};
        if (load(g_hash_table_lookup(paths, name), arena, &descriptor))
            items[count++] = descriptor;
    }
    *ret_items = items;
    *ret_count = count;
}

bool firmware_descriptor_fits(const struct firmware_descriptor *descriptor, const char *arch,
                              const char *machine)
{
    for (unsigned i = 0; i < descriptor->target_count; i++) {
        const struct firmware_target *target = &descriptor->targets[i];
        if (strcmp(probe_arch_name(target->arch), arch) != 0)
            continue;
        for (char **pattern = target->machines; *pattern; pattern++)
            if (g_pattern_match_simple(*pattern, machine))
                return true;
    }
    return false;
}

static bool contains(char **words, const char *word)
{
    return g_strv_contains((const char *const *)words, word);
}

bool firmware_descriptor_has(const struct firmware_descriptor *descriptor, const char *feature)
{
    return contains(descriptor->features, feature);
}

bool firmware_descriptor_offers(const struct firmware_descriptor *descriptor, const char *interface)
{
    return contains(descriptor->interfaces, interface);
}
