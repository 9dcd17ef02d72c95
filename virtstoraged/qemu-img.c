/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-img.h"

#include <string.h>

#include "base/error.h"

#define TARGET_FD 3
#define SOURCE_FD 4
#define TARGET "/proc/self/fd/3"
#define SOURCE "/proc/self/fd/4"
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

static int run(struct volume_job *job, GPtrArray *words, int fd, int other_fd, GError **error)
{
    struct process_fd fds[] = {{fd, TARGET_FD}, {other_fd, SOURCE_FD}};

    g_ptr_array_add(words, NULL);
    return volume_job_run(job, (const char *const *)words->pdata, fds, other_fd < 0 ? 1 : 2, error);
}

static void add_options(GPtrArray *words, const struct storage_volume *definition, bool metadata)
{
    const struct storage_target *target = &definition->target;
    g_autoptr(GString) options = g_string_new(NULL);

    if (target->format != IMAGE_FORMAT_QCOW2)
        return;
    g_string_append_printf(options, "compat=%s", target->compat ?: OLD_COMPAT);
    if (target->cluster_size)
        g_string_append_printf(options, ",cluster_size=%" G_GUINT64_FORMAT, target->cluster_size);
    if (target->lazy_refcounts)
        g_string_append(options, ",lazy_refcounts=on");
    if (target->extended_l2)
        g_string_append(options, ",extended_l2=on");
    if (metadata)
        g_string_append(options, ",preallocation=metadata");
    add(words, "-o");
    add(words, options->str);
}

int qemu_img_create(struct volume_job *job, const struct storage_volume *definition, int fd,
                    bool metadata, GError **error)
{
    g_autoptr(GPtrArray) words = begin("create");
    const struct storage_target *backing = definition->backing;

    add(words, "-q");
    add(words, "-f");
    add(words, format_word(definition->target.format));
    add_options(words, definition, metadata);
    if (backing) {
        add(words, "-b");
        add(words, backing->path);
        add(words, "-F");
        add(words, format_word(backing->format));
    }
    add(words, TARGET);
    if (definition->capacity.set)
        g_ptr_array_add(words, g_strdup_printf("%" G_GUINT64_FORMAT, definition->capacity.value));
    return run(job, words, fd, -1, error);
}

int qemu_img_convert(struct volume_job *job, const struct storage_volume *definition, int fd,
                     const struct storage_volume *other, int other_fd, GError **error)
{
    g_autoptr(GPtrArray) words = begin("convert");

    add(words, "-p");
    add(words, "-f");
    add(words, format_word(other->target.format));
    add(words, "-O");
    add(words, format_word(definition->target.format));
    add_options(words, definition, false);
    /* names of images below are relative to its own */
    add(words, other->backing ? other->target.path : SOURCE);
    add(words, TARGET);
    if (volume_job_step(job, 0, other->capacity.value, error) < 0)
        return -1;
    return run(job, words, fd, other_fd, error);
}

int qemu_img_convert_over(struct volume_job *job, const struct storage_volume *other, int other_fd,
                          int fd, uint64_t offset, uint64_t length, GError **error)
{
    g_autoptr(GPtrArray) words = begin("convert");

    add(words, "-p");
    add(words, "-n"); /* the device is there */
    add(words, "-f");
    add(words, format_word(other->target.format));
    add(words, "--target-image-opts");
    add(words, other->backing ? other->target.path : SOURCE);
    g_ptr_array_add(words, g_strdup_printf("driver=raw,offset=%" G_GUINT64_FORMAT
                                           ",size=%" G_GUINT64_FORMAT
                                           ",file.driver=host_device,file.filename=" TARGET,
                                           offset, length));
    if (volume_job_step(job, 0, other->capacity.value, error) < 0)
        return -1;
    return run(job, words, fd, other_fd, error);
}

int qemu_img_resize(struct volume_job *job, enum image_format format, int fd, uint64_t bytes,
                    bool shrink, GError **error)
{
    g_autoptr(GPtrArray) words = begin("resize");

    add(words, "-q");
    add(words, "-f");
    add(words, format_word(format));
    if (shrink)
        add(words, "--shrink");
    add(words, TARGET);
    g_ptr_array_add(words, g_strdup_printf("%" G_GUINT64_FORMAT, bytes));
    return run(job, words, fd, -1, error);
}
