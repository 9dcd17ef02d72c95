/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-img.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"

#include "chain.h"

#define TARGET_FD 3
#define SOURCE_FD 4
#define KEY_FD 5
#define TARGET "/proc/self/fd/3"
#define SOURCE "/proc/self/fd/4"
#define KEY_OBJECT "secret,id=key,file=/proc/self/fd/5"
#define OLD_COMPAT "0.10" /* what everybody can read, unless more is asked for */

/* QEMU's word: it has other names for some. */
static const char *format_word(unsigned format)
{
    if (format == IMAGE_FORMAT_ISO || format > IMAGE_FORMAT_VHDX)
        return "raw"; /* a device, too */
    if (format == IMAGE_FORMAT_VHD)
        return "vpc";
    return names_word(&image_format_names, format);
}

static void add(GPtrArray *words, const char *word)
{
    g_ptr_array_add(words, g_strdup(word));
}

static GPtrArray *begin(const char *verb)
{
    GPtrArray *words = g_ptr_array_new_with_free_func(g_free);

    add(words, "qemu-img");
    add(words, verb);
    return words;
}

static void add_fd(struct process_fd *fds, size_t *count, int from, int to)
{
    if (from >= 0)
        fds[(*count)++] = (struct process_fd){from, to};
}

/* Nothing of a secret is ever among the words. The target is handed over without what holds the
 * lock of a file under construction: with a killed daemon the lock is gone at once, however slowly
 * the program dies. */
static int run(struct volume_job *job, GPtrArray *words, int fd, int other_fd, int key,
               GError **error)
{
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
    autofd int target = open(path, O_PATH | O_CLOEXEC);
    struct process_fd fds[3];
    size_t count = 0;

    if (target < 0) {
        error_set_errno(error, errno, "cannot hand over '%s'", path);
        return -1;
    }
    add_fd(fds, &count, target, TARGET_FD);
    add_fd(fds, &count, other_fd, SOURCE_FD);
    add_fd(fds, &count, key, KEY_FD);
    g_ptr_array_add(words, NULL);
    return volume_job_run(job, (const char *const *)words->pdata, fds, count, error);
}

/* What a volume with this definition is to QEMU. */
static const char *made_format(const struct storage_volume *definition)
{
    bool raw = definition->target.format == IMAGE_FORMAT_RAW;

    return raw && definition->target.encryption ? "luks" : format_word(definition->target.format);
}

static void add_key(GPtrArray *words, int key)
{
    if (key < 0)
        return;
    add(words, "--object");
    add(words, KEY_OBJECT);
}

static void add_word(GString *options, const char *prefix, const char *option, const char *value)
{
    if (value)
        g_string_append_printf(options, ",%s%s=%s", prefix, option, value);
}

/* "aes", 256, "xts", "sha256" and "essiv", "sha256"; all of which volume_key_check() has seen. */
static void add_encryption(GString *options, const char *prefix,
                           const struct source_encryption *encryption)
{
    g_autofree char *cipher =
        encryption->cipher_name && encryption->cipher_size
            ? g_strdup_printf("%s-%u", encryption->cipher_name, encryption->cipher_size)
            : g_strdup(encryption->cipher_name);

    add_word(options, prefix, "key-secret", "key");
    add_word(options, prefix, "cipher-alg", cipher);
    add_word(options, prefix, "cipher-mode", encryption->cipher_mode);
    add_word(options, prefix, "hash-alg", encryption->cipher_hash);
    add_word(options, prefix, "ivgen-alg", encryption->ivgen_name);
    add_word(options, prefix, "ivgen-hash-alg", encryption->ivgen_hash);
}

static void add_list(GPtrArray *words, const GString *options)
{
    if (!options->len)
        return;
    add(words, "-o");
    add(words, options->str + (options->str[0] == ','));
}

/* Nothing less was asked for. */
static bool is_allocated(const struct storage_volume *definition)
{
    return !definition->allocation.set ||
           definition->allocation.value >= definition->capacity.value;
}

/* metadata: what is meant by that is all of it where no room is to be spared. */
static void add_options(GPtrArray *words, const struct storage_volume *definition, bool metadata)
{
    const struct storage_target *target = &definition->target;
    g_autoptr(GString) options = g_string_new(NULL);

    if (target->format != IMAGE_FORMAT_QCOW2) {
        if (target->encryption)
            add_encryption(options, "", target->encryption);
        add_list(words, options);
        return;
    }
    g_string_append_printf(options, "compat=%s", target->compat ?: OLD_COMPAT);
    if (target->cluster_size)
        g_string_append_printf(options, ",cluster_size=%" G_GUINT64_FORMAT, target->cluster_size);
    if (target->lazy_refcounts)
        g_string_append(options, ",lazy_refcounts=on");
    if (target->extended_l2)
        g_string_append(options, ",extended_l2=on");
    if (metadata)
        g_string_append_printf(options, ",preallocation=%s",
                               is_allocated(definition) ? "falloc" : "metadata");
    if (target->encryption) {
        g_string_append(options, ",encrypt.format=luks");
        add_encryption(options, "encrypt.", target->encryption);
    }
    add_list(words, options);
}

static json_object *layer(enum image_format format, const char *path, bool is_device)
{
    json_object *object = json_object_new_object(), *file = json_object_new_object();

    json_object_object_add(file, "driver",
                           json_object_new_string(is_device ? "host_device" : "file"));
    json_object_object_add(file, "filename", json_object_new_string(path));
    json_object_object_add(object, "driver", json_object_new_string(format_word(format)));
    json_object_object_add(object, "file", file);
    return object;
}

/* An image that is known by its descriptor has no folder that the name of the one below could be
 * relative to. */
static void add_layers(GPtrArray *words, enum image_format format, const char *path,
                       const struct image_below *below, int key)
{
    json_object *object = layer(format, path, false);

    json_object_object_add(object, "backing", layer(below->format, below->path, below->is_device));
    if (key >= 0) {
        json_object *encrypt = json_object_new_object();

        json_object_object_add(encrypt, "format", json_object_new_string("luks"));
        json_object_object_add(encrypt, "key-secret", json_object_new_string("key"));
        json_object_object_add(object, "encrypt", encrypt);
    }
    g_ptr_array_add(words, g_strconcat("json:", json_object_to_json_string(object), NULL));
    json_object_put(object);
}

/* A format and a key can't be said at the same time but by options of the image. */
static void add_image(GPtrArray *words, enum image_format format, const char *path,
                      const struct image_below *below, int key)
{
    if (below->path) {
        add_layers(words, format, path, below, key);
    } else if (key < 0) {
        add(words, "-f");
        add(words, format_word(format));
        add(words, path);
    } else {
        add(words, "--image-opts");
        g_ptr_array_add(words, g_strdup_printf("driver=%s,encrypt.key-secret=key,file.filename=%s",
                                               format_word(format), path));
    }
}

/* What qemu-img would follow, and how far. */
static int find_below(const struct storage_volume *volume, int fd, struct image_below *ret_below,
                      GError **error)
{
    enum image_format format = storage_volume_image_format(volume);

    if (!image_header_has_backing(format))
        return 0;
    return chain_check_open(fd, volume->target.path, format, ret_below, error);
}

static int check_backing(const struct storage_volume *definition, GError **error)
{
    const struct storage_target *backing = definition->backing;
    g_autofree char *folder = g_path_get_dirname(definition->target.path);
    g_autofree char *path = g_path_is_absolute(backing->path)
                                ? g_strdup(backing->path)
                                : g_build_filename(folder, backing->path, NULL);

    return chain_check(path, backing->format, error);
}

int qemu_img_create(struct volume_job *job, const struct storage_volume *definition, int fd,
                    int key, bool metadata, GError **error)
{
    g_autoptr(GPtrArray) words = begin("create");
    const struct storage_target *backing = definition->backing;

    if (backing && check_backing(definition, error) < 0)
        return -1;
    add(words, "-q");
    add_key(words, key);
    add(words, "-f");
    add(words, made_format(definition));
    add_options(words, definition, metadata);
    if (backing) {
        if (!g_path_is_absolute(backing->path))
            add(words, "-u"); /* the folder of the image is not that of its descriptor */
        add(words, "-b");
        add(words, backing->path);
        add(words, "-F");
        add(words, format_word(backing->format));
    }
    add(words, TARGET);
    if (definition->capacity.set)
        g_ptr_array_add(words, g_strdup_printf("%" G_GUINT64_FORMAT, definition->capacity.value));
    return run(job, words, fd, -1, key, error);
}

bool qemu_img_could_not_measure(const GError *error)
{
    return strstr(error->message, "Unable to get accurate CPU usage");
}

int qemu_img_convert(struct volume_job *job, const struct storage_volume *definition, int fd,
                     int key, const struct storage_volume *other, int other_fd, bool metadata,
                     GError **error)
{
    g_autoptr(GPtrArray) words = begin("convert");
    struct image_below below IMAGE_BELOW_AUTO = {0};

    if (find_below(other, other_fd, &below, error) < 0)
        return -1;
    add(words, "-p");
    add_key(words, key);
    add(words, "-O");
    add(words, made_format(definition));
    add_options(words, definition, metadata);
    add_image(words, other->target.format, SOURCE, &below, -1);
    add(words, TARGET);
    if (volume_job_step(job, 0, other->capacity.value, error) < 0)
        return -1;
    return run(job, words, fd, other_fd, key, error);
}

int qemu_img_convert_over(struct volume_job *job, const struct storage_volume *other, int other_fd,
                          int fd, uint64_t offset, uint64_t length, GError **error)
{
    g_autoptr(GPtrArray) words = begin("convert");
    struct image_below below IMAGE_BELOW_AUTO = {0};

    if (find_below(other, other_fd, &below, error) < 0)
        return -1;
    add(words, "-p");
    add(words, "-n"); /* the device is there */
    add(words, "--target-image-opts");
    add_image(words, other->target.format, SOURCE, &below, -1);
    g_ptr_array_add(words, g_strdup_printf("driver=raw,offset=%" G_GUINT64_FORMAT
                                           ",size=%" G_GUINT64_FORMAT
                                           ",file.driver=host_device,file.filename=" TARGET,
                                           offset, length));
    if (volume_job_step(job, 0, other->capacity.value, error) < 0)
        return -1;
    if (run(job, words, fd, other_fd, -1, error) < 0)
        return -1;
    /* qemu-img leaves that to the kernel, which knows a partition's bytes apart from its disk's */
    if (fdatasync(fd) == 0)
        return 0;
    error_set_errno(error, errno, "cannot write the volume");
    return -1;
}

int qemu_img_resize(struct volume_job *job, const struct storage_volume *volume, int fd, int key,
                    uint64_t bytes, bool shrink, GError **error)
{
    g_autoptr(GPtrArray) words = begin("resize");
    struct image_below below IMAGE_BELOW_AUTO = {0};

    if (find_below(volume, fd, &below, error) < 0)
        return -1;
    add(words, "-q");
    add_key(words, key);
    if (shrink)
        add(words, "--shrink");
    add_image(words, volume->target.format, TARGET, &below, key);
    g_ptr_array_add(words, g_strdup_printf("%" G_GUINT64_FORMAT, bytes));
    return run(job, words, fd, -1, key, error);
}
