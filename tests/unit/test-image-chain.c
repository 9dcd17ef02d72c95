/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"

#include "image/image-header.h"
#include "virtqemud/backing-chain.h"

/* Images written by hand, byte by byte. */
struct setup {
    char *folder;
    struct arena arena;
};

static void begin(struct setup *setup, gconstpointer data)
{
    setup->folder = g_dir_make_tmp("chain-XXXXXX", NULL);
    arena_init(&setup->arena, 0);
}

static void end(struct setup *setup, gconstpointer data)
{
    g_autoptr(GDir) dir = g_dir_open(setup->folder, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(setup->folder, name, NULL);
        unlink(path);
    }
    rmdir(setup->folder);
    g_free(setup->folder);
    arena_clear(&setup->arena);
}

static void put(uint8_t *at, uint64_t value, unsigned bytes)
{
    while (bytes-- > 0) {
        at[bytes] = (uint8_t)value;
        value >>= 8;
    }
}

static void write_file(const struct setup *setup, const char *name, const void *bytes, size_t size)
{
    g_autofree char *path = g_build_filename(setup->folder, name, NULL);

    g_assert_true(g_file_set_contents(path, bytes, (gssize)size, NULL));
}

/* A qcow2 image of version 3 with an image below and, if format is not NULL, its format. */
static void write_qcow2(const struct setup *setup, const char *name, const char *below,
                        const char *format)
{
    uint8_t image[512] = "QFI\xfb";

    put(image + 4, 3, 4);
    put(image + 20, 16, 4);
    put(image + 100, 104, 4);
    if (format) {
        put(image + 104, 0xE2792ACA, 4);
        put(image + 108, strlen(format), 4);
        memcpy(image + 112, format, strlen(format));
    }
    if (below) {
        put(image + 8, 256, 8);
        put(image + 16, strlen(below), 4);
        memcpy(image + 256, below, strlen(below));
    }
    write_file(setup, name, image, sizeof(image));
}

static struct domain_source *make_source(struct setup *setup, const char *name,
                                         enum image_format format)
{
    struct domain_source *source = arena_new(&setup->arena, struct domain_source);

    source->type = SOURCE_FILE;
    source->format = format;
    source->path = arena_printf(&setup->arena, "%s/%s", setup->folder, name);
    return source;
}

static void test_chain(struct setup *setup, gconstpointer data)
{
    struct domain_source *top = make_source(setup, "top", IMAGE_FORMAT_QCOW2);
    g_autofree char *base = g_build_filename(setup->folder, "base", NULL);
    g_autoptr(GError) error = NULL;

    write_qcow2(setup, "top", "middle", "qcow2");
    write_qcow2(setup, "middle", base, "raw");
    write_file(setup, "base", "bytes of the guest", 18);
    backing_chain_load_source(top, &setup->arena, &error);
    g_assert_no_error(error);
    g_assert_true(g_str_has_suffix(top->backing->path, "/middle"));
    g_assert_cmpint(top->backing->format, ==, IMAGE_FORMAT_QCOW2);
    g_assert_cmpstr(top->backing->backing->path, ==, base);
    g_assert_cmpint(top->backing->backing->format, ==, IMAGE_FORMAT_RAW);
    g_assert_cmpint(top->backing->backing->backing->type, ==, SOURCE_NONE);
}

static void test_json(struct setup *setup, gconstpointer data)
{
    struct domain_source *top = make_source(setup, "top", IMAGE_FORMAT_QCOW2);
    g_autofree char *base = g_build_filename(setup->folder, "base", NULL);
    g_autofree char *below = g_strdup_printf(
        "json:{\"driver\":\"raw\",\"file\":{\"driver\":\"file\",\"filename\":\"%s\"}}", base);
    g_autoptr(GError) error = NULL;

    write_qcow2(setup, "top", below, NULL);
    write_file(setup, "base", "bytes of the guest", 18);
    backing_chain_load_source(top, &setup->arena, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(top->backing->path, ==, base);
    g_assert_cmpint(top->backing->format, ==, IMAGE_FORMAT_RAW);
}

static void test_server(struct setup *setup, gconstpointer data)
{
    struct domain_source *top = make_source(setup, "top", IMAGE_FORMAT_QCOW2);
    g_autoptr(GError) error = NULL;

    write_qcow2(setup, "top", "nbd://host/export", "raw");
    backing_chain_load_source(top, &setup->arena, &error);
    g_assert_no_error(error);
    g_assert_cmpint(top->backing->type, ==, SOURCE_NETWORK);
    g_assert_cmpint(top->backing->format, ==, IMAGE_FORMAT_RAW);
    g_assert_cmpstr(top->backing->name, ==, "export");
    g_assert_cmpint(top->backing->backing->type, ==, SOURCE_NONE);
}

/* A guest may write what it wants into its raw disk. */
static void test_raw_is_not_read(struct setup *setup, gconstpointer data)
{
    struct domain_source *source = make_source(setup, "disk", IMAGE_FORMAT_RAW);
    g_autoptr(GError) error = NULL;

    write_qcow2(setup, "disk", "/etc/shadow", "raw");
    backing_chain_load_source(source, &setup->arena, &error);
    g_assert_no_error(error);
    g_assert_cmpint(source->backing->type, ==, SOURCE_NONE);
}

static void expect(struct setup *setup, struct domain_source *source, int code, const char *words)
{
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(backing_chain_load_source(source, &setup->arena, &error), ==, -1);
    g_assert_cmpint(error_code_of(error), ==, code);
    g_assert_nonnull(strstr(error->message, words));
}

/* What is below a header that does not tell the format must be raw: else the bytes of a guest's
 * disk could name files of the host. */
static void test_format_missing(struct setup *setup, gconstpointer data)
{
    struct domain_source *top = make_source(setup, "top", IMAGE_FORMAT_QCOW2);
    g_autoptr(GError) error = NULL;

    write_qcow2(setup, "top", "below", NULL);
    write_file(setup, "below", "plain", 5);
    backing_chain_load_source(top, &setup->arena, &error);
    g_assert_no_error(error);
    g_assert_cmpint(top->backing->format, ==, IMAGE_FORMAT_RAW);

    top->backing = NULL;
    write_qcow2(setup, "below", "/etc/shadow", "raw");
    expect(setup, top, VIR_ERR_CONFIG_UNSUPPORTED, "was not specified in the image metadata");
}

static void test_refused(struct setup *setup, gconstpointer data)
{
    struct domain_source *top = make_source(setup, "top", IMAGE_FORMAT_QCOW2);

    expect(setup, top, VIR_ERR_SYSTEM_ERROR, "Cannot access storage file");
    write_qcow2(setup, "top", "gone", "raw");
    expect(setup, top, VIR_ERR_SYSTEM_ERROR, "Cannot access backing file");
    write_qcow2(setup, "top", "top", "qcow2");
    expect(setup, top, VIR_ERR_CONFIG_UNSUPPORTED, "more than 200");
    top->backing = NULL;
    write_qcow2(setup, "top", "json:{\"driver\":\"nbd\"}", NULL);
    expect(setup, top, VIR_ERR_CONFIG_UNSUPPORTED, "server's name is missing");
    write_qcow2(setup, "top", "top", "marvellous");
    expect(setup, top, VIR_ERR_CONFIG_UNSUPPORTED, "unknown format 'marvellous'");
    write_file(setup, "top", "no image", 8);
    expect(setup, top, VIR_ERR_CONFIG_UNSUPPORTED, "is not of format qcow2");
}

/* Nobody waits for a pipe's writer. */
static void test_pipe(struct setup *setup, gconstpointer data)
{
    struct domain_source *top = make_source(setup, "pipe", IMAGE_FORMAT_QCOW2);

    g_assert_cmpint(mkfifo(top->path, 0600), ==, 0);
    expect(setup, top, VIR_ERR_CONFIG_UNSUPPORTED, "neither a file nor a block device");
}

/* What the document says is believed, and the rest looked up below it. */
static void test_document(struct setup *setup, gconstpointer data)
{
    struct domain_source *top = make_source(setup, "not-there", IMAGE_FORMAT_QCOW2);
    g_autoptr(GError) error = NULL;

    top->backing = make_source(setup, "middle", IMAGE_FORMAT_QCOW2);
    write_qcow2(setup, "middle", NULL, NULL);
    backing_chain_load_source(top, &setup->arena, &error);
    g_assert_no_error(error);
    g_assert_cmpint(top->backing->backing->type, ==, SOURCE_NONE);
}

static void test_numbers(struct setup *setup, gconstpointer data)
{
    DEFINITION_AUTO struct domain *live = (struct domain *)definition_new(&domain_schema);
    struct domain_disk disks[3] = {0};
    g_autoptr(GError) error = NULL;

    write_qcow2(setup, "top", "base", "raw");
    write_file(setup, "base", "x", 1);
    disks[0].source = *make_source(setup, "top", IMAGE_FORMAT_QCOW2);
    disks[1].device = DISK_DEVICE_CDROM;
    disks[1].source = *make_source(setup, "gone", IMAGE_FORMAT_RAW);
    disks[1].source.startup_policy = STARTUP_POLICY_OPTIONAL;
    disks[2].source = *make_source(setup, "base", IMAGE_FORMAT_RAW);
    for (int i = 0; i < 3; i++)
        LIST_APPEND(&live->definition.arena, &live->devices.disks, &disks[i]);
    backing_chain_load(live, &error);
    g_assert_no_error(error);
    g_assert_cmpint(disks[2].source.index, ==, 1);
    g_assert_null(disks[1].source.path);
    g_assert_cmpint(disks[1].source.index, ==, 0);
    g_assert_cmpint(disks[0].source.index, ==, 2);
    g_assert_cmpint(disks[0].source.backing->index, ==, 3);
}

/* Offsets and lengths are the image's, and so are their lies. */
static void test_lies(struct setup *setup, gconstpointer data)
{
    static const struct {
        unsigned offset, bytes;
        uint64_t value;
    } lies[] = {
        {8, 8, UINT64_MAX},  {8, 8, INT64_MAX},    {8, 8, 500},          {16, 4, 1024},
        {16, 4, UINT32_MAX}, {100, 4, UINT32_MAX}, {108, 4, UINT32_MAX}, {108, 4, 401},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(lies); i++) {
        g_autoptr(GError) error = NULL;
        struct image_header header IMAGE_HEADER_AUTO = {0};
        g_autofree char *path = g_build_filename(setup->folder, "top", NULL);

        write_qcow2(setup, "top", "0123456789abcdef", "raw");
        autofd int fd = open(path, O_RDWR | O_CLOEXEC);
        uint8_t value[8];
        put(value, lies[i].value, lies[i].bytes);
        g_assert_cmpint(pwrite(fd, value, lies[i].bytes, lies[i].offset), ==, lies[i].bytes);
        int result = image_header_read(fd, IMAGE_FORMAT_QCOW2, "top", &header, &error);
        g_assert_cmpint(result, ==, i < 5 ? -1 : 0);
        g_assert_null(header.backing_format);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define TEST(name, function)                                                                       \
    g_test_add("/image-chain/" name, struct setup, NULL, begin, function, end)
    TEST("chain", test_chain);
    TEST("json", test_json);
    TEST("server", test_server);
    TEST("raw-is-not-read", test_raw_is_not_read);
    TEST("format-missing", test_format_missing);
    TEST("refused", test_refused);
    TEST("pipe", test_pipe);
    TEST("document", test_document);
    TEST("numbers", test_numbers);
    TEST("lies", test_lies);
    return g_test_run();
}
