/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/storage-parts.h"

#include <string.h>

#include "model/text-types.h"

NAMES(storage_format_names, NULL, "raw", "dir", "bochs", "cloop", "dmg", "iso", "vpc", "vdi", "fat",
      "vhd", "ploop", "cow", "qcow", "qcow2", "qed", "vmdk", "luks", NULL, "vhdx", "none",
      "unknown", "auto", "ext2", "ext3", "ext4", "ufs", "iso9660", "udf", "gfs", "gfs2", "vfat",
      "hfs+", "xfs", "ocfs2", "vmfs", "linux", "fat16", "fat32", "linux-swap", "linux-lvm",
      "linux-raid", "extended", "dos", "dvh", "gpt", "mac", "bsd", "pc98", "sun", "lvm2");

/* ---- users and groups by number ---- */

static int parse_owner(const struct xml_row *row, const char *text, struct arena *arena,
                       void *member, GString *problem)
{
    struct opt_uint *owner = member;
    guint64 number;

    if (strcmp(text, "-1") == 0)
        return 0;
    if (!g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT32, &number, NULL)) {
        g_string_append(problem, "is not the number of a user or group");
        return -1;
    }
    if (number != G_MAXUINT32)
        *owner = OPT_UINT((unsigned)number);
    return 0;
}

static void format_owner(const struct xml_row *row, const void *member, GString *out)
{
    g_string_append_printf(out, "%u", ((const struct opt_uint *)member)->value);
}

static bool owner_is_set(const struct xml_row *row, const void *member)
{
    return ((const struct opt_uint *)member)->set;
}

static const struct xml_type owner_type = {
    .name = "number of a user or group",
    .rng = "<data type='string'><param name='pattern'>-1|[0-9]{1,10}</param></data>",
    .size = sizeof(struct opt_uint),
    .parse = parse_owner,
    .format = format_owner,
    .is_set = owner_is_set,
};

#define ROWS_OF struct storage_permissions
static const struct xml_row storage_permissions_rows[] = {
    ROW_OCTAL("mode", mode, 4, "Bits of its mode", RANGE(0, 07777), .flags = XML_EXPECTED),
    ROW_TYPE("owner", owner, owner_type, "User that owns it; -1: as it comes",
             .flags = XML_EXPECTED),
    ROW_TYPE("group", group, owner_type, "Group that owns it; -1: as it comes",
             .flags = XML_EXPECTED),
    ROW_TYPE("label", label, line_type, "Security label"),
};
#undef ROWS_OF
XML_SCHEMA(storage_permissions, "permissions", .doc = "Who may read and write");
