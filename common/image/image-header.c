/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/image-header.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "image/reader.h"

#define LONGEST_NAME 1023 /* of an image below: the formats' own limit */
#define FIRST_BYTES 4096  /* enough to know nearly all formats by */

#define CLOOP_MAGIC "#!/bin/sh\n#V2.0 Format\nmodprobe cloop"
#define ISO_OFFSET 32769 /* behind the system area */
#define DMG_TRAILER 512

#define MAGIC(format, offset, bytes)                                                               \
    {                                                                                              \
        IMAGE_FORMAT_##format, offset, sizeof(bytes) - 1, bytes                                    \
    }
static const struct {
    enum image_format format;
    unsigned offset, length;
    const char *bytes;
} magics[] = {
    MAGIC(QCOW2, 0, "QFI\xfb\0\0\0\2"),
    MAGIC(QCOW2, 0, "QFI\xfb\0\0\0\3"),
    MAGIC(QCOW, 0, "QFI\xfb\0\0\0\1"),
    MAGIC(QED, 0, "QED\0"),
    MAGIC(VMDK, 0, "KDMV"),
    MAGIC(VMDK, 0, "COWD"),
    MAGIC(VMDK, 0, "# Disk DescriptorFile"),
    MAGIC(LUKS, 0, "LUKS\xba\xbe"),
    MAGIC(VPC, 0, "conectix"),
    MAGIC(VDI, 64, "\x7f\x10\xda\xbe"),
    MAGIC(VDI, 64, "\xbe\xda\x10\x7f"),
    MAGIC(VHDX, 0, "vhdxfile"),
    MAGIC(BOCHS, 0, "Bochs Virtual HD Image"),
    MAGIC(CLOOP, 0, CLOOP_MAGIC),
    MAGIC(COW, 0, "OOOM"),
    MAGIC(PLOOP, 0, "WithoutFreeSpace"),
    MAGIC(PLOOP, 0, "WithouFreSpacExt"),
};

/* ---- bytes ---- */

int reader_fail(const struct reader *reader, const char *what, GError **error)
{
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "image '%s': %s", reader->shown, what);
    return -1;
}

int reader_fill(struct reader *reader, size_t bytes, GError **error)
{
    while (reader->length < bytes) {
        ssize_t got = pread(reader->fd, reader->head + reader->length, bytes - reader->length,
                            (off_t)reader->length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            error_set_errno(error, errno, "cannot read '%s'", reader->shown);
            return -1;
        }
        if (got == 0)
            return 0;
        reader->length += (size_t)got;
    }
    return 0;
}

uint64_t reader_big_endian(const struct reader *reader, size_t offset, unsigned bytes)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < bytes; i++)
        value = value << 8 | (offset + i < reader->length ? reader->head[offset + i] : 0);
    return value;
}

uint64_t reader_little_endian(const struct reader *reader, size_t offset, unsigned bytes)
{
    uint64_t value = 0;

    for (unsigned i = bytes; i-- > 0;)
        value = value << 8 | (offset + i < reader->length ? reader->head[offset + i] : 0);
    return value;
}

int reader_get_name(const struct reader *reader, uint64_t offset, uint64_t length, char **ret_name,
                    GError **error)
{
    if (offset == 0 || length == 0)
        return 0;
    if (length > LONGEST_NAME || offset > G_MAXINT64 - LONGEST_NAME)
        return reader_fail(reader, "the name of the image below is too long", error);
    g_autofree char *name = g_malloc0(length + 1);
    if (pread(reader->fd, name, length, (off_t)offset) != (ssize_t)length || strlen(name) != length)
        return reader_fail(reader, "the name of the image below is cut off", error);
    if (!g_utf8_validate(name, -1, NULL))
        return reader_fail(reader, "the name of the image below is not UTF-8", error);
    *ret_name = g_steal_pointer(&name);
    return 0;
}

/* ---- what it looks like ---- */

static bool has_bytes(int fd, off_t offset, const char *bytes)
{
    char found[8];
    size_t length = strlen(bytes);

    return pread(fd, found, length, offset) == (ssize_t)length && memcmp(found, bytes, length) == 0;
}

static enum image_format guess_by_far_bytes(int fd)
{
    struct stat about;

    if (has_bytes(fd, ISO_OFFSET, "CD001"))
        return IMAGE_FORMAT_ISO;
    if (fstat(fd, &about) == 0 && about.st_size > DMG_TRAILER &&
        has_bytes(fd, about.st_size - DMG_TRAILER, "koly"))
        return IMAGE_FORMAT_DMG;
    return IMAGE_FORMAT_RAW;
}

static enum image_format guess(const struct reader *reader)
{
    for (size_t i = 0; i < G_N_ELEMENTS(magics); i++)
        if (reader->length >= magics[i].offset + magics[i].length &&
            memcmp(reader->head + magics[i].offset, magics[i].bytes, magics[i].length) == 0)
            return magics[i].format;
    return guess_by_far_bytes(reader->fd);
}

enum image_format image_header_guess(int fd)
{
    uint8_t head[FIRST_BYTES];
    struct reader reader = {.fd = fd, .shown = "", .head = head};

    return reader_fill(&reader, sizeof(head), NULL) < 0 ? IMAGE_FORMAT_RAW : guess(&reader);
}

/* ---- headers ---- */

bool image_header_has_backing(enum image_format format)
{
    return reader_format_has_backing(format);
}

int image_header_read(int fd, enum image_format format, const char *shown,
                      struct image_header *ret_header, GError **error)
{
    struct image_header header IMAGE_HEADER_AUTO = {0};
    reader_function read_format = reader_of(format);

    if (read_format) {
        g_autofree uint8_t *head = g_malloc(READER_HEAD);
        struct reader reader = {.fd = fd, .shown = shown, .head = head};

        if (reader_fill(&reader, READER_HEAD, error) < 0)
            return -1;
        if (guess(&reader) != format) {
            error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "image '%s' is not of format %s", shown,
                      names_word(&image_format_names, format));
            return -1;
        }
        if (read_format(&reader, &header, error) < 0)
            return -1;
    }
    *ret_header = header;
    header = (struct image_header){0};
    return 0;
}

void image_header_clear(struct image_header *header)
{
    g_clear_pointer(&header->backing, g_free);
    g_clear_pointer(&header->backing_format, g_free);
}
