/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Empty qcow2 images beside those that qemu-img makes: the same bytes, but for what it says of
 * names of features, which is of no use to anybody here. */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "image/image-header.h"
#include "image/qcow2.h"

#define KiB UINT64_C(1024)
#define MiB (KiB * 1024)
#define GiB (MiB * 1024)
#define HEADER_V3 112

struct place {
    char *folder, *ours, *theirs, *below;
};

static void place_make(struct place *place, gconstpointer data)
{
    GError *error = NULL;

    place->folder = g_dir_make_tmp("qcow2-XXXXXX", &error);
    g_assert_no_error(error);
    place->ours = g_build_filename(place->folder, "ours", NULL);
    place->theirs = g_build_filename(place->folder, "theirs", NULL);
    place->below = g_build_filename(place->folder, "below", NULL);
}

static void place_remove(struct place *place, gconstpointer data)
{
    char **files[] = {&place->ours, &place->theirs, &place->below};

    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_unlink(*files[i]);
        g_free(*files[i]);
    }
    g_rmdir(place->folder);
    g_free(place->folder);
}

static void run(const char *const *words)
{
    g_autofree char *said = NULL;
    GError *error = NULL;
    int status = 0;

    g_spawn_sync(NULL, (char **)words, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, &said, &status,
                 &error);
    g_assert_no_error(error);
    if (status)
        g_error("%s %s: %s", words[0], words[1], said);
}

static void write_ours(const struct place *place, const struct qcow2 *qcow2)
{
    autofd int fd = open(place->ours, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    GError *error = NULL;

    g_assert_cmpint(fd, >=, 0);
    g_assert_true(qcow2_is_usual(qcow2));
    g_assert_cmpint(qcow2_write(qcow2, fd, &error), ==, 0);
    g_assert_no_error(error);
}

static void write_theirs(const struct place *place, const struct qcow2 *qcow2)
{
    g_autofree char *options = g_strdup_printf(
        "compat=%s,cluster_size=%" G_GUINT64_FORMAT "%s%s%s%s%s",
        qcow2->version == 2 ? "0.10" : "1.1", qcow2->cluster_size ?: 64 * KiB,
        qcow2->lazy_refcounts ? ",lazy_refcounts=on" : "", qcow2->backing ? ",backing_file=" : "",
        qcow2->backing ?: "", qcow2->backing ? ",backing_fmt=" : "", qcow2->backing_format ?: "");
    g_autofree char *size = g_strdup_printf("%" G_GUINT64_FORMAT, qcow2->capacity);
    const char *words[] = {"qemu-img", "create", "-q",          "-f", "qcow2",
                           "-o",       options,  place->theirs, size, NULL};

    run(words);
}

static void compare(const struct place *place, const struct qcow2 *qcow2)
{
    g_autofree char *ours = NULL, *theirs = NULL;
    size_t our_size, their_size, tables = qcow2->cluster_size ?: 64 * KiB;

    g_assert_true(g_file_get_contents(place->ours, &ours, &our_size, NULL));
    g_assert_true(g_file_get_contents(place->theirs, &theirs, &their_size, NULL));
    g_assert_cmpuint(our_size, ==, their_size);
    g_assert_cmpint(memcmp(ours + tables, theirs + tables, our_size - tables), ==, 0);
    if (qcow2->version == 2)
        g_assert_cmpint(memcmp(ours, theirs, tables), ==, 0);
    else if (!qcow2->backing)
        g_assert_cmpint(memcmp(ours, theirs, HEADER_V3), ==, 0);
}

static void check_header(const struct place *place, const struct qcow2 *qcow2)
{
    struct image_header header IMAGE_HEADER_AUTO = {0};
    autofd int fd = open(place->ours, O_RDONLY | O_CLOEXEC);
    GError *error = NULL;

    image_header_read(fd, IMAGE_FORMAT_QCOW2, "ours", &header, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(header.capacity, ==, (qcow2->capacity + 511) / 512 * 512);
    g_assert_cmpstr(header.backing, ==, qcow2->backing);
    g_assert_cmpstr(header.backing_format, ==, qcow2->backing_format);
    g_assert_cmpuint(header.lazy_refcounts, ==, qcow2->lazy_refcounts);
}

static void check_one(const struct place *place, const struct qcow2 *qcow2, bool has_tool)
{
    const char *check[] = {"qemu-img", "check", "-q", "-f", "qcow2", place->ours, NULL};

    write_ours(place, qcow2);
    check_header(place, qcow2);
    if (!has_tool)
        return;
    run(check);
    write_theirs(place, qcow2);
    compare(place, qcow2);
}

static void test_same(struct place *place, gconstpointer data)
{
    static const uint64_t capacities[] = {1,         512,           513,      64 * KiB,
                                          512 * MiB, 512 * MiB + 1, 10 * GiB, 4096 * GiB - 512};
    g_autofree char *tool = g_find_program_in_path("qemu-img");

    for (unsigned version = 2; version <= 3; version++)
        for (size_t i = 0; i < G_N_ELEMENTS(capacities); i++)
            check_one(place, &(struct qcow2){.capacity = capacities[i], .version = version}, tool);
    check_one(place, &(struct qcow2){.capacity = GiB, .version = 3, .lazy_refcounts = true}, tool);
    for (uint64_t size = 4 * KiB; size <= 2 * MiB; size *= 2)
        check_one(place, &(struct qcow2){.capacity = 700 * MiB, .version = 3, .cluster_size = size},
                  tool);
}

static void test_backing(struct place *place, gconstpointer data)
{
    static const char *const formats[] = {"raw", "qcow2", "vdi", "parallels"};
    g_autofree char *tool = g_find_program_in_path("qemu-img");

    for (unsigned i = 0; i < 2 * G_N_ELEMENTS(formats); i++) {
        const char *format = formats[i / 2];
        const char *make[] = {"qemu-img", "create", "-q", "-f", format, place->below, "1M", NULL};
        struct qcow2 qcow2 = {.capacity = 5 * MiB,
                              .version = 2 + i % 2,
                              .backing = place->below,
                              .backing_format = format};

        if (tool)
            run(make);
        check_one(place, &qcow2, tool);
    }
}

static void test_unusual(void)
{
    char name[1025];
    const struct qcow2 images[] = {
        {.capacity = 0, .version = 3},
        {.capacity = MiB, .version = 0},
        {.capacity = MiB, .version = 4},
        {.capacity = MiB, .version = 2, .lazy_refcounts = true},
        {.capacity = MiB, .version = 3, .cluster_size = 2 * KiB},
        {.capacity = MiB, .version = 3, .cluster_size = 4 * MiB},
        {.capacity = MiB, .version = 3, .cluster_size = 65537},
        {.capacity = 4096 * GiB + 1, .version = 3},
        {.capacity = UINT64_MAX, .version = 3, .cluster_size = 2 * MiB},
        {.capacity = MiB, .version = 3, .backing = "/below"},
        {.capacity = MiB, .version = 3, .backing = name, .backing_format = "raw"},
        {.capacity = MiB, .version = 3, .backing = "/x", .backing_format = "seventeen letters"},
    };

    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    for (size_t i = 0; i < G_N_ELEMENTS(images); i++)
        g_assert_false(qcow2_is_usual(&images[i]));
    name[1023] = '\0';
    g_assert_true(qcow2_is_usual(&images[10]));
}

static void test_longest(struct place *place, gconstpointer data)
{
    char name[1024];
    struct qcow2 qcow2 = {.capacity = MiB,
                          .version = 3,
                          .cluster_size = 4096,
                          .backing = name,
                          .backing_format = "qcow2"};

    memset(name, 'y', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    write_ours(place, &qcow2);
    check_header(place, &qcow2);
}

static void test_unwritable(void)
{
    const struct qcow2 qcow2 = {.capacity = MiB, .version = 2};
    autofd int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(qcow2_write(&qcow2, fd, &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_SYSTEM_ERROR));
}

#define ADD(path, function) g_test_add(path, struct place, NULL, place_make, function, place_remove)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/qcow2/same", test_same);
    ADD("/qcow2/backing", test_backing);
    ADD("/qcow2/longest", test_longest);
    g_test_add_func("/qcow2/unusual", test_unusual);
    g_test_add_func("/qcow2/unwritable", test_unwritable);
    return g_test_run();
}
