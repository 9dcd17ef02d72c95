/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Headers of all formats, as their makers write them and as liars would. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "image/image-header.h"

#define MiB (UINT64_C(1024) * 1024)

struct patch {
    unsigned offset, length;
    const char *bytes; /* NULL: number follows, little end first; or big end first */
    uint64_t number;
    bool big;
};

#define TEXT(at, text)                                                                             \
    {                                                                                              \
        .offset = (at), .length = sizeof(text) - 1, .bytes = (text)                                \
    }
#define LITTLE(at, size, value)                                                                    \
    {                                                                                              \
        .offset = (at), .length = (size), .number = (value)                                        \
    }
#define BIG(at, size, value)                                                                       \
    {                                                                                              \
        .offset = (at), .length = (size), .number = (value), .big = true                           \
    }

struct sample {
    enum image_format format;
    uint64_t capacity;
    const char *backing;
    struct patch patches[9]; /* the last one has no length */
};

#define VHDX_REGION "\x06\xa2\x7c\x8b\x90\x47\x9a\x4b\xb8\xfe\x57\x5f\x05\x0f\x88\x6e"
#define VHDX_SIZE "\x24\x42\xa5\x2f\x1b\xcd\x76\x48\xb2\x11\x5d\xbe\xd8\x3b\xf4\xb8"

static const struct sample samples[] = {
    {IMAGE_FORMAT_RAW, 0, NULL, {LITTLE(0, 8, 1)}},
    {IMAGE_FORMAT_ISO, 0, NULL, {TEXT(32769, "CD001")}},
    {IMAGE_FORMAT_DMG, 0, NULL, {TEXT(MiB - 512, "koly")}},
    {IMAGE_FORMAT_LUKS, 0, NULL, {TEXT(0, "LUKS\xba\xbe")}},
    {IMAGE_FORMAT_QCOW, 5 * MiB, NULL, {TEXT(0, "QFI\xfb\0\0\0\1"), BIG(24, 8, 5 * MiB)}},
    {IMAGE_FORMAT_COW,
     6 * MiB,
     "base",
     {TEXT(0, "OOOM"), BIG(4, 4, 2), TEXT(8, "base"), BIG(1036, 8, 6 * MiB)}},
    {IMAGE_FORMAT_VMDK,
     7 * MiB,
     "base.vmdk",
     {TEXT(0, "KDMV"), LITTLE(12, 8, 7 * MiB / 512), LITTLE(28, 8, 1), LITTLE(36, 8, 20),
      TEXT(512, "# Disk DescriptorFile\nparentFileNameHint=\"base.vmdk\"\n")}},
    {IMAGE_FORMAT_VMDK, 3 * MiB, NULL, {TEXT(0, "COWD"), LITTLE(12, 4, 3 * MiB / 512)}},
    {IMAGE_FORMAT_VPC, 8 * MiB, NULL, {TEXT(0, "conectix"), BIG(48, 8, 8 * MiB)}},
    {IMAGE_FORMAT_VDI, 9 * MiB, NULL, {TEXT(64, "\x7f\x10\xda\xbe"), LITTLE(368, 8, 9 * MiB)}},
    {IMAGE_FORMAT_BOCHS,
     MiB,
     NULL,
     {TEXT(0, "Bochs Virtual HD Image"), LITTLE(64, 4, 0x20000), LITTLE(88, 8, MiB)}},
    {IMAGE_FORMAT_CLOOP,
     65536 * 20,
     NULL,
     {TEXT(0, "#!/bin/sh\n#V2.0 Format\nmodprobe cloop file=$0"), BIG(128, 4, 65536),
      BIG(132, 4, 20)}},
    {IMAGE_FORMAT_PLOOP, 2 * MiB, NULL, {TEXT(0, "WithoutFreeSpace"), LITTLE(36, 8, 4096)}},
    {IMAGE_FORMAT_VHDX,
     11 * MiB,
     NULL,
     {TEXT(0, "vhdxfile"), TEXT(192 * 1024, "regi"), LITTLE(192 * 1024 + 8, 4, 1),
      TEXT(192 * 1024 + 16, VHDX_REGION), LITTLE(192 * 1024 + 32, 8, 256 * 1024),
      LITTLE(256 * 1024 + 10, 2, 1), TEXT(256 * 1024 + 32, VHDX_SIZE),
      LITTLE(256 * 1024 + 48, 4, 65536)}},
};

static void put(int fd, const struct patch *patch)
{
    uint8_t bytes[8];

    for (unsigned i = 0; i < patch->length && !patch->bytes; i++)
        bytes[patch->big ? patch->length - 1 - i : i] = (uint8_t)(patch->number >> 8 * i);
    g_assert_cmpint(pwrite(fd, patch->bytes ?: (const char *)bytes, patch->length, patch->offset),
                    ==, patch->length);
}

static int make(const struct sample *sample)
{
    int fd = memfd_create("image", MFD_CLOEXEC);

    g_assert_cmpint(ftruncate(fd, MiB), ==, 0);
    for (const struct patch *patch = sample->patches; patch->length; patch++)
        put(fd, patch);
    if (sample->format == IMAGE_FORMAT_VHDX)
        put(fd, &(struct patch)LITTLE(320 * 1024, 8, sample->capacity));
    return fd;
}

static void test_samples(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(samples); i++) {
        const struct sample *sample = &samples[i];
        struct image_header header IMAGE_HEADER_AUTO = {0};
        g_autoptr(GError) error = NULL;
        autofd int fd = make(sample);

        g_assert_cmpuint(image_header_guess(fd), ==, sample->format);
        image_header_read(fd, sample->format, "sample", &header, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(header.capacity, ==, sample->capacity);
        g_assert_cmpstr(header.backing, ==, sample->backing);
    }
}

/* What says that it is raw is raw, whatever its bytes say. */
static void test_raw(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(samples); i++) {
        struct image_header header IMAGE_HEADER_AUTO = {0};
        autofd int fd = make(&samples[i]);

        g_assert_cmpint(image_header_read(fd, IMAGE_FORMAT_RAW, "x", &header, NULL), ==, 0);
        g_assert_null(header.backing);
        g_assert_cmpuint(header.capacity, ==, 0);
    }
}

/* Cut anywhere, or with all bits set where numbers are, a header is refused or means little. */
static void test_broken(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(samples); i++)
        for (unsigned j = 0; samples[i].patches[j].length; j++) {
            const struct patch *patch = &samples[i].patches[j];
            struct image_header header IMAGE_HEADER_AUTO = {0};
            autofd int fd = make(&samples[i]);

            if (!patch->bytes)
                put(fd, &(struct patch)LITTLE(patch->offset, patch->length, UINT64_MAX));
            else if (patch->offset)
                g_assert_cmpint(ftruncate(fd, patch->offset), ==, 0);
            image_header_guess(fd);
            image_header_read(fd, samples[i].format, "x", &header, NULL);
            g_assert_true(!header.backing || strlen(header.backing) < 1024);
        }
}

static void test_qcow2_features(void)
{
    static const struct sample sample = {IMAGE_FORMAT_QCOW2,
                                         4 * MiB,
                                         NULL,
                                         {TEXT(0, "QFI\xfb\0\0\0\3"), BIG(20, 4, 17),
                                          BIG(24, 8, 4 * MiB), BIG(32, 4, 2), BIG(72, 8, 16),
                                          BIG(80, 8, 1), BIG(100, 4, 104)}};
    struct image_header header IMAGE_HEADER_AUTO = {0};
    autofd int fd = make(&sample);

    g_assert_cmpint(image_header_read(fd, IMAGE_FORMAT_QCOW2, "x", &header, NULL), ==, 0);
    g_assert_cmpuint(header.version, ==, 3);
    g_assert_cmpuint(header.cluster_size, ==, 131072);
    g_assert_true(header.lazy_refcounts && header.extended_l2 && !header.data_file);
    g_assert_cmpstr(header.encryption, ==, "luks");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/image-format/samples", test_samples);
    g_test_add_func("/image-format/raw", test_raw);
    g_test_add_func("/image-format/broken", test_broken);
    g_test_add_func("/image-format/qcow2", test_qcow2_features);
    return g_test_run();
}
