/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image-header.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

#define HEAD_BYTES 65536
#define LONGEST_NAME 1023 /* of an image below: the formats' own limit */

#define QCOW2_V2_HEADER 72
#define QCOW2_EXTERNAL_DATA (UINT64_C(1) << 2)
#define QCOW2_EXTENSION_END 0
#define QCOW2_EXTENSION_FORMAT 0xE2792ACAu
#define QED_HAS_BACKING (UINT64_C(1) << 0)
#define QED_BACKING_IS_RAW (UINT64_C(1) << 2)

static const struct {
    enum image_format format;
    const char *magic;
    unsigned length;
} magics[] = {
    {IMAGE_FORMAT_QCOW2, "QFI\xfb\0\0\0\2", 8},
    {IMAGE_FORMAT_QCOW2, "QFI\xfb\0\0\0\3", 8},
    {IMAGE_FORMAT_QCOW, "QFI\xfb\0\0\0\1", 8},
    {IMAGE_FORMAT_QED, "QED\0", 4},
    {IMAGE_FORMAT_VMDK, "KDMV", 4},
    {IMAGE_FORMAT_VMDK, "COWD", 4},
    {IMAGE_FORMAT_LUKS, "LUKS\xba\xbe", 6},
    {IMAGE_FORMAT_VPC, "conectix", 8},
};

/* The first bytes of an image, and the image for what lies behind them. */
struct reader {
    int fd;
    const char *shown;
    size_t length;
    uint8_t *head; /* HEAD_BYTES */
};

static int fail(const struct reader *reader, const char *what, GError **error)
{
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "image '%s': %s", reader->shown, what);
    return -1;
}

static int read_head(struct reader *reader, GError **error)
{
    while (reader->length < HEAD_BYTES) {
        ssize_t got = pread(reader->fd, reader->head + reader->length, HEAD_BYTES - reader->length,
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

/* Numbers beyond what was read are zero, which is nothing in all these formats. */
static uint64_t big_endian(const struct reader *reader, size_t offset, unsigned bytes)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < bytes; i++)
        value = value << 8 | (offset + i < reader->length ? reader->head[offset + i] : 0);
    return value;
}

static uint64_t little_endian(const struct reader *reader, size_t offset, unsigned bytes)
{
    uint64_t value = 0;

    for (unsigned i = bytes; i-- > 0;)
        value = value << 8 | (offset + i < reader->length ? reader->head[offset + i] : 0);
    return value;
}

/* The name of the image below, which may lie behind the head; *ret_name stays NULL for none. */
static int read_name(const struct reader *reader, uint64_t offset, uint64_t length, char **ret_name,
                     GError **error)
{
    if (offset == 0 || length == 0)
        return 0;
    if (length > LONGEST_NAME || offset > G_MAXINT64 - LONGEST_NAME)
        return fail(reader, "the name of the image below is too long", error);
    g_autofree char *name = g_malloc0(length + 1);
    if (pread(reader->fd, name, length, (off_t)offset) != (ssize_t)length || strlen(name) != length)
        return fail(reader, "the name of the image below is cut off", error);
    if (!g_utf8_validate(name, -1, NULL))
        return fail(reader, "the name of the image below is not UTF-8", error);
    *ret_name = g_steal_pointer(&name);
    return 0;
}

/* Extensions follow the header, each with type and length, padded to eight bytes. */
static void find_qcow2_format(const struct reader *reader, uint64_t offset, char **ret_format)
{
    while (offset + 8 <= reader->length) {
        uint32_t type = (uint32_t)big_endian(reader, offset, 4);
        uint64_t length = big_endian(reader, offset + 4, 4);

        offset += 8;
        if (type == QCOW2_EXTENSION_END || length > reader->length - offset)
            return;
        if (type == QCOW2_EXTENSION_FORMAT) {
            *ret_format = g_strndup((const char *)reader->head + offset, length);
            return;
        }
        offset += (length + 7) & ~UINT64_C(7);
    }
}

static int read_qcow2(const struct reader *reader, struct image_header *header, GError **error)
{
    bool v2 = big_endian(reader, 4, 4) == 2;
    uint64_t length = v2 ? QCOW2_V2_HEADER : big_endian(reader, 100, 4);

    header->capacity = big_endian(reader, 24, 8);
    header->data_file = !v2 && big_endian(reader, 72, 8) & QCOW2_EXTERNAL_DATA;
    if (read_name(reader, big_endian(reader, 8, 8), big_endian(reader, 16, 4), &header->backing,
                  error) < 0)
        return -1;
    if (header->backing)
        find_qcow2_format(reader, length, &header->backing_format);
    return 0;
}

static int read_qcow(const struct reader *reader, struct image_header *header, GError **error)
{
    header->capacity = big_endian(reader, 24, 8);
    return read_name(reader, big_endian(reader, 8, 8), big_endian(reader, 16, 4), &header->backing,
                     error);
}

static int read_qed(const struct reader *reader, struct image_header *header, GError **error)
{
    uint64_t features = little_endian(reader, 16, 8);

    header->capacity = little_endian(reader, 48, 8);
    if (!(features & QED_HAS_BACKING))
        return 0;
    if (features & QED_BACKING_IS_RAW)
        header->backing_format = g_strdup("raw");
    return read_name(reader, little_endian(reader, 56, 4), little_endian(reader, 60, 4),
                     &header->backing, error);
}

static enum image_format guess(const struct reader *reader)
{
    for (size_t i = 0; i < G_N_ELEMENTS(magics); i++)
        if (reader->length >= magics[i].length &&
            memcmp(reader->head, magics[i].magic, magics[i].length) == 0)
            return magics[i].format;
    return IMAGE_FORMAT_RAW;
}

typedef int (*read_function)(const struct reader *, struct image_header *, GError **);

static read_function reader_of(enum image_format format)
{
    static const read_function readers[] = {[IMAGE_FORMAT_QCOW] = read_qcow,
                                            [IMAGE_FORMAT_QCOW2] = read_qcow2,
                                            [IMAGE_FORMAT_QED] = read_qed};

    return format < G_N_ELEMENTS(readers) ? readers[format] : NULL;
}

bool image_header_has_backing(enum image_format format)
{
    return reader_of(format) != NULL;
}

int image_header_read(int fd, enum image_format format, const char *shown,
                      struct image_header *ret_header, GError **error)
{
    g_autofree uint8_t *head = g_malloc(HEAD_BYTES);
    struct reader reader = {.fd = fd, .shown = shown, .head = head};
    struct image_header header IMAGE_HEADER_AUTO = {0};
    read_function read_format = reader_of(format);

    if (read_format) {
        if (read_head(&reader, error) < 0)
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

enum image_format image_header_guess(int fd)
{
    g_autofree uint8_t *head = g_malloc(HEAD_BYTES);
    struct reader reader = {.fd = fd, .shown = "", .head = head};

    return read_head(&reader, NULL) < 0 ? IMAGE_FORMAT_RAW : guess(&reader);
}
