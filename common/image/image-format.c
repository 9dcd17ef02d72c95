/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "image/reader.h"

#define SECTOR 512

#define QCOW2_V2_HEADER 72
#define QCOW2_EXTERNAL_DATA (UINT64_C(1) << 2)
#define QCOW2_EXTENDED_L2 (UINT64_C(1) << 4)
#define QCOW2_LAZY_REFCOUNTS (UINT64_C(1) << 0)
#define QCOW2_EXTENSION_END 0
#define QCOW2_EXTENSION_FORMAT 0xE2792ACAu
#define QCOW2_CLUSTER_BITS_LEAST 9
#define QCOW2_CLUSTER_BITS_MOST 21
#define QED_HAS_BACKING (UINT64_C(1) << 0)
#define QED_BACKING_IS_RAW (UINT64_C(1) << 2)
#define COW_NAME 8
#define COW_NAME_LENGTH 1024
#define VMDK_DESCRIPTOR_MOST 20480
#define BOCHS_V2 0x20000
#define VHDX_REGIONS (192 * 1024)
#define VHDX_TABLE_BYTES 65536

/* ---- qcow, qcow2, qed ---- */

/* Extensions follow the header, each with type and length, padded to eight bytes. */
static void find_qcow2_format(const struct reader *reader, uint64_t offset, char **ret_format)
{
    while (offset + 8 <= reader->length) {
        uint32_t type = (uint32_t)reader_big_endian(reader, offset, 4);
        uint64_t length = reader_big_endian(reader, offset + 4, 4);

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

static void read_qcow2_v3(const struct reader *reader, struct image_header *header)
{
    uint64_t incompatible = reader_big_endian(reader, 72, 8);

    header->data_file = incompatible & QCOW2_EXTERNAL_DATA;
    header->extended_l2 = incompatible & QCOW2_EXTENDED_L2;
    header->lazy_refcounts = reader_big_endian(reader, 80, 8) & QCOW2_LAZY_REFCOUNTS;
}

static int read_qcow2(const struct reader *reader, struct image_header *header, GError **error)
{
    static const char *const encryptions[] = {NULL, "qcow", "luks"};
    uint64_t cluster_bits = reader_big_endian(reader, 20, 4);
    uint64_t encryption = reader_big_endian(reader, 32, 4);

    header->version = (unsigned)reader_big_endian(reader, 4, 4);
    header->capacity = reader_big_endian(reader, 24, 8);
    if (cluster_bits >= QCOW2_CLUSTER_BITS_LEAST && cluster_bits <= QCOW2_CLUSTER_BITS_MOST)
        header->cluster_size = UINT64_C(1) << cluster_bits;
    if (encryption < G_N_ELEMENTS(encryptions))
        header->encryption = encryptions[encryption];
    if (header->version > 2)
        read_qcow2_v3(reader, header);
    if (reader_get_name(reader, reader_big_endian(reader, 8, 8), reader_big_endian(reader, 16, 4),
                        &header->backing, error) < 0)
        return -1;
    if (header->backing)
        find_qcow2_format(reader,
                          header->version > 2 ? reader_big_endian(reader, 100, 4) : QCOW2_V2_HEADER,
                          &header->backing_format);
    return 0;
}

static int read_qcow(const struct reader *reader, struct image_header *header, GError **error)
{
    header->capacity = reader_big_endian(reader, 24, 8);
    if (reader_big_endian(reader, 36, 4))
        header->encryption = "qcow";
    return reader_get_name(reader, reader_big_endian(reader, 8, 8),
                           reader_big_endian(reader, 16, 4), &header->backing, error);
}

static int read_qed(const struct reader *reader, struct image_header *header, GError **error)
{
    uint64_t features = reader_little_endian(reader, 16, 8);

    header->capacity = reader_little_endian(reader, 48, 8);
    if (!(features & QED_HAS_BACKING))
        return 0;
    if (features & QED_BACKING_IS_RAW)
        header->backing_format = g_strdup("raw");
    return reader_get_name(reader, reader_little_endian(reader, 56, 4),
                           reader_little_endian(reader, 60, 4), &header->backing, error);
}

/* ---- vmdk ---- */

/* parentFileNameHint="base.vmdk" in the descriptor, a text. */
static int find_vmdk_parent(const struct reader *reader, const char *descriptor,
                            struct image_header *header, GError **error)
{
    static const char hint[] = "parentFileNameHint=\"";
    const char *name = strstr(descriptor, hint);
    const char *end = name ? strchr(name + strlen(hint), '"') : NULL;

    if (!name)
        return 0;
    if (!end)
        return reader_fail(reader, "the name of the image below is cut off", error);
    g_autofree char *backing = g_strndup(name + strlen(hint), (gsize)(end - name) - strlen(hint));
    if (!g_utf8_validate(backing, -1, NULL))
        return reader_fail(reader, "the name of the image below is not UTF-8", error);
    header->backing = g_steal_pointer(&backing);
    header->backing_format = g_strdup("vmdk");
    return 0;
}

static int read_vmdk_descriptor(const struct reader *reader, uint64_t offset, uint64_t length,
                                struct image_header *header, GError **error)
{
    g_autofree char *text = g_malloc0(VMDK_DESCRIPTOR_MOST + 1);

    if (offset > G_MAXINT64 / 2)
        return reader_fail(reader, "its descriptor is nowhere", error);
    if (pread(reader->fd, text, MIN(length, VMDK_DESCRIPTOR_MOST), (off_t)offset) < 0)
        return reader_fail(reader, "its descriptor can't be read", error);
    return find_vmdk_parent(reader, text, header, error);
}

static int read_vmdk(const struct reader *reader, struct image_header *header, GError **error)
{
    if (memcmp(reader->head, "COWD", 4) == 0) {
        header->capacity = reader_little_endian(reader, 12, 4) * SECTOR;
        return 0;
    }
    if (reader->head[0] == '#')
        return read_vmdk_descriptor(reader, 0, VMDK_DESCRIPTOR_MOST, header, error);
    uint64_t sectors = reader_little_endian(reader, 12, 8);
    uint64_t at = reader_little_endian(reader, 28, 8), size = reader_little_endian(reader, 36, 8);
    if (sectors > G_MAXINT64 / SECTOR || at > G_MAXINT64 / SECTOR || size > G_MAXINT64 / SECTOR)
        return reader_fail(reader, "its header is broken", error);
    header->capacity = sectors * SECTOR;
    return at ? read_vmdk_descriptor(reader, at * SECTOR, size * SECTOR, header, error) : 0;
}

/* ---- vhdx: the size is behind a table of regions, and a table of items in one of them ---- */

static const uint8_t vhdx_metadata_region[16] = {0x06, 0xa2, 0x7c, 0x8b, 0x90, 0x47, 0x9a, 0x4b,
                                                 0xb8, 0xfe, 0x57, 0x5f, 0x05, 0x0f, 0x88, 0x6e};
static const uint8_t vhdx_disk_size_item[16] = {0x24, 0x42, 0xa5, 0x2f, 0x1b, 0xcd, 0x76, 0x48,
                                                0xb2, 0x11, 0x5d, 0xbe, 0xd8, 0x3b, 0xf4, 0xb8};

/* Where the entry with that id has its 8 bytes (regions) or 4 bytes (items) of offset; 0: nowhere.
 */
static uint64_t find_vhdx_entry(const struct reader *table, size_t count_at, size_t entries_at,
                                const uint8_t id[16], unsigned offset_bytes)
{
    uint64_t count = reader_little_endian(table, count_at, offset_bytes == 8 ? 4 : 2);

    for (uint64_t i = 0; i < MIN(count, 2047); i++) {
        size_t entry = entries_at + 32 * i;

        if (entry + 32 > table->length)
            return 0;
        if (memcmp(table->head + entry, id, 16) == 0)
            return reader_little_endian(table, entry + 16, offset_bytes);
    }
    return 0;
}

static bool read_at(struct reader *table, uint64_t offset, size_t bytes)
{
    ssize_t got =
        offset > G_MAXINT64 / 2 ? -1 : pread(table->fd, table->head, bytes, (off_t)offset);

    table->length = got > 0 ? (size_t)got : 0;
    return got > 0;
}

static int read_vhdx(const struct reader *reader, struct image_header *header, GError **error)
{
    g_autofree uint8_t *bytes = g_malloc(VHDX_TABLE_BYTES);
    struct reader table = {.fd = reader->fd, .shown = reader->shown, .head = bytes};
    uint64_t region, item;

    if (!read_at(&table, VHDX_REGIONS, VHDX_TABLE_BYTES) ||
        !(region = find_vhdx_entry(&table, 8, 16, vhdx_metadata_region, 8)) ||
        !read_at(&table, region, VHDX_TABLE_BYTES) ||
        !(item = find_vhdx_entry(&table, 10, 32, vhdx_disk_size_item, 4)) ||
        region > G_MAXINT64 / 4 || !read_at(&table, region + item, 8))
        return reader_fail(reader, "its metadata are broken", error);
    header->capacity = reader_little_endian(&table, 0, 8);
    return 0;
}

/* ---- those with a size alone ---- */

static int read_cow(const struct reader *reader, struct image_header *header, GError **error)
{
    const char *name = (const char *)reader->head + COW_NAME;

    header->capacity = reader_big_endian(reader, COW_NAME + COW_NAME_LENGTH + 4, 8);
    if (reader->length < COW_NAME + COW_NAME_LENGTH || !*name)
        return 0;
    return reader_get_name(reader, COW_NAME, strnlen(name, COW_NAME_LENGTH), &header->backing,
                           error);
}

static int read_vpc(const struct reader *reader, struct image_header *header, GError **error)
{
    header->capacity = reader_big_endian(reader, 48, 8);
    return 0;
}

static int read_vdi(const struct reader *reader, struct image_header *header, GError **error)
{
    header->capacity = reader_little_endian(reader, 368, 8);
    return 0;
}

static int read_bochs(const struct reader *reader, struct image_header *header, GError **error)
{
    bool v2 = reader_little_endian(reader, 64, 4) == BOCHS_V2;

    header->capacity = reader_little_endian(reader, v2 ? 88 : 84, 8);
    return 0;
}

static int read_cloop(const struct reader *reader, struct image_header *header, GError **error)
{
    header->capacity = reader_big_endian(reader, 128, 4) * reader_big_endian(reader, 132, 4);
    return 0;
}

static int read_ploop(const struct reader *reader, struct image_header *header, GError **error)
{
    uint64_t sectors = reader_little_endian(reader, 36, 8);

    if (sectors > G_MAXINT64 / SECTOR)
        return reader_fail(reader, "its header is broken", error);
    header->capacity = sectors * SECTOR;
    return 0;
}

/* What a guest sees is all behind the header. Version 2 says where that is in other ways. */
static int read_luks(const struct reader *reader, struct image_header *header, GError **error)
{
    uint64_t payload = reader_big_endian(reader, 104, 4) * SECTOR;
    off_t size = lseek(reader->fd, 0, SEEK_END);

    header->encryption = "luks";
    if (reader_big_endian(reader, 6, 2) == 1 && size > 0 && (uint64_t)size > payload)
        header->capacity = (uint64_t)size - payload;
    return 0;
}

static const struct {
    reader_function read;
    bool has_backing;
} formats[] = {
    [IMAGE_FORMAT_BOCHS] = {read_bochs},     [IMAGE_FORMAT_CLOOP] = {read_cloop},
    [IMAGE_FORMAT_VPC] = {read_vpc},         [IMAGE_FORMAT_VDI] = {read_vdi},
    [IMAGE_FORMAT_PLOOP] = {read_ploop},     [IMAGE_FORMAT_COW] = {read_cow, true},
    [IMAGE_FORMAT_QCOW] = {read_qcow, true}, [IMAGE_FORMAT_QCOW2] = {read_qcow2, true},
    [IMAGE_FORMAT_QED] = {read_qed, true},   [IMAGE_FORMAT_VMDK] = {read_vmdk, true},
    [IMAGE_FORMAT_LUKS] = {read_luks},       [IMAGE_FORMAT_VHDX] = {read_vhdx},
};

reader_function reader_of(enum image_format format)
{
    return format < G_N_ELEMENTS(formats) ? formats[format].read : NULL;
}

bool reader_format_has_backing(enum image_format format)
{
    return format < G_N_ELEMENTS(formats) && formats[format].has_backing;
}
