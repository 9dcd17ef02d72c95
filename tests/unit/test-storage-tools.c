/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "base/error.h"
#include "virtstoraged/exports.h"
#include "virtstoraged/gluster-list.h"
#include "virtstoraged/iscsi.h"
#include "virtstoraged/lun.h"
#include "virtstoraged/scsi-host.h"

/* What the storage daemon reads of tools, of sysfs and of devices. */

static void test_exports(void)
{
    g_autoptr(GPtrArray) folders = exports_read("/srv/a (everyone)\n/srv/b\t10.0.0.0/8,host\n"
                                                "no folder\n\n/srv/\033[m x\n/c");

    g_assert_cmpuint(folders->len, ==, 3);
    g_assert_cmpstr(folders->pdata[0], ==, "/srv/a");
    g_assert_cmpstr(folders->pdata[1], ==, "/srv/b");
    g_assert_cmpstr(folders->pdata[2], ==, "/c");
}

static void test_gluster(void)
{
    g_autoptr(GPtrArray) volumes =
        gluster_list_read("disks\nmore_1-2\n\nNo volumes present in cluster\n../etc\nlast");

    g_assert_cmpuint(volumes->len, ==, 3);
    g_assert_cmpstr(volumes->pdata[0], ==, "disks");
    g_assert_cmpstr(volumes->pdata[1], ==, "more_1-2");
    g_assert_cmpstr(volumes->pdata[2], ==, "last");
}

static void test_lun(void)
{
    static const char *const others[] = {"",          "host0",    "target1:0:0", "1:2:3",
                                         "1:2:3:4:5", "-1:0:0:0", "1:2:3:4x",    ":::"};
    struct lun_address address;

    g_assert_true(lun_read_address("7:0:12:16640", &address));
    g_assert_cmpuint(address.host, ==, 7);
    g_assert_cmpuint(address.bus, ==, 0);
    g_assert_cmpuint(address.target, ==, 12);
    g_assert_cmpuint(address.lun, ==, 16640);
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
        g_assert_false(lun_read_address(others[i], &address));
}

static void test_label(void)
{
    uint8_t bytes[8192] = {0};

    g_assert_cmpint(lun_guess_label(bytes, sizeof(bytes)), ==, STORAGE_FORMAT_ABSENT);
    memcpy(bytes + 510, "\x55\xaa", 2);
    g_assert_cmpint(lun_guess_label(bytes, sizeof(bytes)), ==, STORAGE_FORMAT_DOS);
    g_assert_cmpint(lun_guess_label(bytes, 511), ==, STORAGE_FORMAT_ABSENT);
    memcpy(bytes + 4096, "EFI PART", 8);
    g_assert_cmpint(lun_guess_label(bytes, sizeof(bytes)), ==, STORAGE_FORMAT_GPT);
    g_assert_cmpint(lun_guess_label(bytes, 4103), ==, STORAGE_FORMAT_DOS);
    g_assert_cmpint(lun_guess_label(bytes, 0), ==, STORAGE_FORMAT_ABSENT);
}

static void test_scsi_host_name(void)
{
    static const char *const others[] = {"",       "host", "scsi_",          "host-1",
                                         "host1x", "ost1", "scsi_scsi_host1"};
    unsigned host;

    g_assert_cmpint(scsi_host_read_name("host12", &host, NULL), ==, 0);
    g_assert_cmpuint(host, ==, 12);
    g_assert_cmpint(scsi_host_read_name("scsi_host3", &host, NULL), ==, 0);
    g_assert_cmpuint(host, ==, 3);
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_cmpint(scsi_host_read_name(others[i], &host, &error), ==, -1);
        g_assert_true(error_is(error, VIR_ERR_INTERNAL_ERROR));
    }
}

static void test_scsi_host_address(void)
{
    const char *path =
        "/sys/devices/pci0000:00/0000:00:02.0/0000:01:1f.2/ata1/host0/scsi_host/host0";

    g_assert_true(scsi_host_is_behind(path, &(struct pci_address){0, 1, 0x1f, 2, 0}));
    g_assert_false(scsi_host_is_behind(path, &(struct pci_address){0, 0, 2, 0, 0}));
    g_assert_false(scsi_host_is_behind("", &(struct pci_address){0}));
}

static void test_targets(void)
{
    g_autoptr(GPtrArray) names =
        iscsi_read_targets("127.0.0.1:3260,1 iqn.2026-01.x:a\n[::1]:3260,1 "
                           "iqn.2026-01.x:a\n10.0.0.1:3260,1 iqn.2026-01.x:b\n"
                           "nothing\n10.0.0.1:3260,1 ../../x\n10.0.0.1:3260,1 \n");

    g_assert_cmpuint(names->len, ==, 2);
    g_assert_cmpstr(names->pdata[0], ==, "iqn.2026-01.x:a");
    g_assert_cmpstr(names->pdata[1], ==, "iqn.2026-01.x:b");
}

static void test_record(void)
{
    const char *record =
        "# BEGIN RECORD\nnode.startup = automatic\nnode.startup2 = x\n# END RECORD\n";
    g_autofree char *changed = iscsi_set(record, "node.startup", "manual");
    g_autofree char *added = iscsi_set(record, "node.x", "1 2");
    g_autofree char *of_nothing = iscsi_set("", "a", "b");
    g_autofree char *value = iscsi_get(added, "node.x");

    g_assert_cmpstr(changed, ==,
                    "# BEGIN RECORD\nnode.startup = manual\nnode.startup2 = x\n# END RECORD\n");
    g_assert_cmpstr(added, ==,
                    "# BEGIN RECORD\nnode.startup = automatic\nnode.startup2 = x\nnode.x = 1 2\n# "
                    "END RECORD\n");
    g_assert_cmpstr(of_nothing, ==, "a = b\n");
    g_assert_cmpstr(value, ==, "1 2");
    g_assert_null(iscsi_get(record, "node.none"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/storage-tools/exports", test_exports);
    g_test_add_func("/storage-tools/gluster", test_gluster);
    g_test_add_func("/storage-tools/lun", test_lun);
    g_test_add_func("/storage-tools/label", test_label);
    g_test_add_func("/storage-tools/scsi-host-name", test_scsi_host_name);
    g_test_add_func("/storage-tools/scsi-host-address", test_scsi_host_address);
    g_test_add_func("/storage-tools/targets", test_targets);
    g_test_add_func("/storage-tools/record", test_record);
    return g_test_run();
}
