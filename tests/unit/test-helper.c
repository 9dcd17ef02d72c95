/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "xml/xml.h"

#include "virtqemud/helper-kinds.h"
#include "virtqemud/prepare.h"

/* What helpers are told, from the documents of their devices. */

#define FOLDER "<filesystem type='mount'><driver type='virtiofs'/>"
#define PASST "<interface type='user'><backend type='passt'"

static void *read_device(enum device_kind kind, const char *text, struct definition **ret_domain)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *whole = g_strdup_printf(
        "<domain type='qemu'><name>guest</name><memory>1</memory><os><type>hvm</type></os>"
        "<devices>%s</devices></domain>",
        text);
    struct definition *definition = xml_read(&domain_schema, whole, -1, 0, NULL, &error);
    unsigned count;

    g_assert_no_error(error);
    ((struct domain *)definition)->id = OPT_INT(7);
    g_autofree struct device *devices = domain_list_devices((struct domain *)definition, &count);
    for (unsigned i = 0; i < count; i++)
        if (devices[i].kind == kind) {
            devices[i].info->alias = "dev0";
            *ret_domain = definition;
            return g_memdup2(&devices[i], sizeof(devices[i]));
        }
    g_assert_not_reached();
}

/* The words of the program, joined by spaces. */
static char *words_of(enum device_kind kind, const char *text)
{
    struct definition *domain = NULL;
    g_autofree struct device *device = read_device(kind, text, &domain);
    g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    struct qemu qemu = {.config = {.set_user = true, .uid = 64055, .gid = 64055}};
    struct helper_launch launch = {.qemu = &qemu,
                                   .domain = (struct domain *)domain,
                                   .device = device,
                                   .socket = "/run/s",
                                   .pid_file = "/run/s.pid",
                                   .argv = argv};

    g_assert_cmpint(helper_kind_row(helper_kind_of(device))->build(&launch, &error), ==, 0);
    g_assert_no_error(error);
    g_ptr_array_add(argv, NULL);
    definition_unref(domain);
    return g_strjoinv(" ", (char **)argv->pdata);
}

static void expect(enum device_kind kind, const char *text, const char *words)
{
    g_autofree char *found = words_of(kind, text);

    g_assert_cmpstr(found, ==, words);
}

static void test_folder(void)
{
    expect(DEVICE_FILESYSTEM, FOLDER "<source dir='/'/><target dir='t'/></filesystem>",
           "--fd=3 -o source=/");
    expect(DEVICE_FILESYSTEM,
           "<filesystem type='mount'><driver type='virtiofs'/>"
           "<binary xattr='on'><cache mode='always'/><sandbox mode='chroot'/>"
           "<lock posix='off' flock='on'/><thread_pool size='16'/></binary>"
           "<source dir='/'/><target dir='t'/><readonly/></filesystem>",
           "--fd=3 -o source=/,cache=always,sandbox=chroot,xattr,flock,no_posix_lock "
           "--thread-pool-size=16 --readonly");
    expect(DEVICE_FILESYSTEM,
           FOLDER "<idmap><uid start='0' target='100000' count='10'/>"
                  "<uid start='10' target='1000' count='1'/><gid start='0' target='5' count='2'/>"
                  "</idmap><source dir='/'/><target dir='t'/></filesystem>",
           "--fd=3 -o source=/ --uid-map=:0:100000:10: --uid-map=:10:1000:1: --gid-map=:0:5:2:");
}

/* A comma would begin another option of virtiofsd. */
static void test_folder_with_comma(void)
{
    g_autofree char *top = g_dir_make_tmp("helper-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(top, "a,sandbox=none", NULL);
    g_autofree char *text =
        g_strdup_printf(FOLDER "<source dir='%s'/><target dir='t'/></filesystem>", path);
    g_autofree char *words = g_strdup_printf("--fd=3 -o source=%s/a\\,sandbox=none", top);

    g_assert_cmpint(g_mkdir(path, 0700), ==, 0);
    expect(DEVICE_FILESYSTEM, text, words);
    g_rmdir(path);
    g_rmdir(top);
}

static void test_network(void)
{
    expect(DEVICE_NET, PASST "/></interface>",
           "--one-off --socket /run/s --pid /run/s.pid --runas 64055:64055");
    expect(DEVICE_NET,
           PASST " logFile='/var/log/p' hostname='h' fqdn='h.example.org'/><source dev='eth0'/>"
                 "<ip family='ipv4' address='192.0.2.7' prefix='24'/>"
                 "<ip family='ipv6' address='2001:db8::7'/>"
                 "<portForward proto='tcp' address='192.0.2.1' dev='eth1'>"
                 "<range start='22' to='2022'/><range start='1000' end='1050' to='2000'/>"
                 "<range start='1020' exclude='yes'/></portForward>"
                 "<portForward proto='udp'/></interface>",
           "--one-off --socket /run/s --pid /run/s.pid --runas 64055:64055 --interface eth0 "
           "--log-file /var/log/p --hostname h --fqdn h.example.org --address 192.0.2.7 --netmask "
           "24 --address 2001:db8::7 "
           "--tcp-ports 192.0.2.1%eth1/22:2022,1000-1050:2000-2050,~1020 --udp-ports all");
}

static void test_sockets(void)
{
    struct definition *definition = NULL;
    g_autofree struct device *device = read_device(DEVICE_NET, PASST "/></interface>", &definition);
    const struct domain *domain = (struct domain *)definition;
    g_autofree char *run = helper_socket_path(domain, HELPER_FOLDER, device, "/run/q", "/lib/d");
    g_autofree char *own = helper_socket_path(domain, HELPER_NETWORK, device, "/run/q", "/lib/d");
    g_autofree char *all =
        helper_socket_path(domain, HELPER_RESERVATIONS, NULL, "/run/q", "/lib/d");

    g_assert_cmpstr(run, ==, "/lib/d/dev0-fs.sock");
    g_assert_cmpstr(own, ==, "/run/q/passt/7-guest-dev0.socket");
    g_assert_cmpstr(all, ==, "/lib/d/pr-helper0.sock");
    definition_unref(definition);
}

static void expect_kind(enum device_kind kind, const char *text, enum helper_kind helper)
{
    struct definition *domain = NULL;
    g_autofree struct device *device = read_device(kind, text, &domain);

    g_assert_cmpint(helper_kind_of(device), ==, helper);
    definition_unref(domain);
}

static void test_kinds(void)
{
    expect_kind(DEVICE_TPM, "<tpm><backend type='emulator'/></tpm>", HELPER_TPM);
    expect_kind(DEVICE_TPM, "<tpm><backend type='passthrough'/></tpm>", HELPER_NONE);
    expect_kind(DEVICE_FILESYSTEM, FOLDER "<source dir='/'/><target dir='t'/></filesystem>",
                HELPER_FOLDER);
    expect_kind(DEVICE_FILESYSTEM, FOLDER "<source socket='/s'/><target dir='t'/></filesystem>",
                HELPER_NONE);
    expect_kind(DEVICE_NET, "<interface type='user'/>", HELPER_NONE);
    expect_kind(DEVICE_NET, PASST "/></interface>", HELPER_NETWORK);
    expect_kind(DEVICE_GRAPHICS, "<graphics type='dbus'/>", HELPER_BUS);
    expect_kind(DEVICE_GRAPHICS, "<graphics type='dbus' p2p='yes'/>", HELPER_NONE);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/helper/folder", test_folder);
    g_test_add_func("/helper/folder-with-comma", test_folder_with_comma);
    g_test_add_func("/helper/network", test_network);
    g_test_add_func("/helper/sockets", test_sockets);
    g_test_add_func("/helper/kinds", test_kinds);
    return g_test_run();
}
