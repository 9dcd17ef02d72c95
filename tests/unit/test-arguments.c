/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"

#include "virtqemud/aliases.h"
#include "virtqemud/chardev.h"
#include "virtqemud/device.h"
#include "virtqemud/firmware.h"
#include "virtqemud/netdev.h"
#include "virtqemud/option.h"

/* What golden documents cannot show: quoting, descriptors, files that are made. */
struct setup {
    char *folder;
    struct qemu_config config;
    struct emulator emulator;
    struct arguments_context context;
    struct arguments arguments;
};

static void begin(struct setup *setup, gconstpointer data)
{
    setup->folder = g_dir_make_tmp("arguments-XXXXXX", NULL);
    setup->context = (struct arguments_context){
        .config = &setup->config, .emulator = &setup->emulator, .folder = setup->folder};
    setup->arguments.words = g_ptr_array_new_with_free_func(g_free);
    setup->arguments.environment = g_ptr_array_new_with_free_func(g_free);
    setup->arguments.fds = g_array_new(FALSE, FALSE, sizeof(struct process_fd));
}

static void end(struct setup *setup, gconstpointer data)
{
    g_autoptr(GDir) dir = g_dir_open(setup->folder, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(setup->folder, name, NULL);
        unlink(path);
    }
    for (guint i = 0; i < setup->arguments.fds->len; i++)
        close(g_array_index(setup->arguments.fds, struct process_fd, i).from);
    arguments_clear(&setup->arguments);
    rmdir(setup->folder);
    g_free(setup->folder);
}

static const char *word(const struct setup *setup, guint index)
{
    g_assert_cmpuint(index, <, setup->arguments.words->len);
    return setup->arguments.words->pdata[index];
}

static char *path_of(const struct setup *setup, const char *name)
{
    return g_build_filename(setup->folder, name, NULL);
}

static void test_option(struct setup *setup, gconstpointer data)
{
    GString *option = option_new("socket");

    option_add(option, "path", "/a,b=c,,d,");
    option_add(option, "nothing", NULL);
    option_add(option, "empty", "");
    option_addf(option, "number", "%d", 7);
    option_add_bool(option, "server", true);
    option_add_tristate(option, "telnet", TRISTATE_ABSENT);
    option_add_tristate(option, "wait", TRISTATE_NO);
    words_add_option(&setup->arguments, "-chardev", option);
    g_assert_cmpstr(word(setup, 0), ==, "-chardev");
    g_assert_cmpstr(word(setup, 1), ==,
                    "socket,path=/a,,b=c,,,,d,,,empty=,number=7,server=on,wait=off");
}

static void test_print(struct setup *setup, gconstpointer data)
{
    words_add(&setup->arguments, "/usr/bin/qemu", "-name", "guest=it's $HOME \"a\"", "-S",
              "-append", "", NULL);
    words_add_variable(&setup->arguments, "HOME", "/a b");
    g_ptr_array_add(setup->arguments.words, NULL);
    g_ptr_array_add(setup->arguments.environment, NULL);
    g_autofree char *text = arguments_print(&setup->arguments, " \\\n");
    g_assert_cmpstr(
        text, ==,
        "'HOME=/a b' \\\n/usr/bin/qemu \\\n-name 'guest=it'\\''s $HOME \"a\"' \\\n-S \\\n"
        "-append ''");
}

static int build(struct setup *setup, unsigned type, const struct chardev_end *end, GError **error)
{
    struct chardev_end *ends[] = {(struct chardev_end *)end};
    const struct chardev_source source = {.type = (uint8_t)type, .ends = {ends, 1}};

    return chardev_build(&source, CHARDEV_USE_SERIAL, "serial0", &setup->context, &setup->arguments,
                         error);
}

/* A log grows, or begins anew, and QEMU needs no right to its folder. */
static void test_file(struct setup *setup, gconstpointer data)
{
    g_autofree char *path = path_of(setup, "serial.log");
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;
    struct chardev_end end = {.path = path, .append = TRISTATE_ON};

    g_assert_true(g_file_set_contents(path, "before ", -1, NULL));
    build(setup, CHARDEV_FILE, &end, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(word(setup, 0), ==, "-add-fd");
    g_assert_cmpstr(word(setup, 1), ==, "set=3,fd=3");
    g_assert_cmpstr(word(setup, 3), ==, "file,id=charserial0,path=/dev/fdset/3,append=on");
    const struct process_fd *fd = &g_array_index(setup->arguments.fds, struct process_fd, 0);
    g_assert_cmpint(fd->to, ==, 3);
    g_assert_cmpint(write(fd->from, "after", 5), ==, 5);
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, "before after");

    end.append = TRISTATE_ABSENT;
    build(setup, CHARDEV_FILE, &end, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(word(setup, 7), ==, "file,id=charserial0,path=/dev/fdset/4,append=on");
    struct stat about;
    g_assert_cmpint(stat(path, &about), ==, 0);
    g_assert_cmpint(about.st_size, ==, 0);
}

static void test_socket(struct setup *setup, gconstpointer data)
{
    g_autofree char *path = path_of(setup, "serial.sock");
    g_autoptr(GError) error = NULL;
    const struct chardev_end end = {.path = path, .mode = CHARDEV_MODE_BIND};
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    /* twice: what an earlier run left is no obstacle */
    for (int i = 0; i < 2; i++) {
        build(setup, CHARDEV_UNIX, &end, &error);
        g_assert_no_error(error);
    }
    g_assert_cmpstr(word(setup, 1), ==, "socket,id=charserial0,fd=3,server=on,wait=off");
    g_assert_cmpstr(word(setup, 3), ==, "socket,id=charserial0,fd=4,server=on,wait=off");
    autofd int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
    g_assert_cmpint(connect(client, (struct sockaddr *)&address, sizeof(address)), ==, 0);
}

/* What is there and is no socket stays there. */
static void test_socket_refused(struct setup *setup, gconstpointer data)
{
    g_autofree char *path = path_of(setup, "precious");
    g_autofree char *longer = g_strnfill(200, 'x');
    g_autoptr(GError) error = NULL;
    struct chardev_end end = {.path = path, .mode = CHARDEV_MODE_BIND};

    g_assert_true(g_file_set_contents(path, "file", -1, NULL));
    g_assert_cmpint(build(setup, CHARDEV_UNIX, &end, &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_SYSTEM_ERROR));
    g_assert_true(g_file_test(path, G_FILE_TEST_IS_REGULAR));
    g_clear_error(&error);
    end.path = longer;
    g_assert_cmpint(build(setup, CHARDEV_UNIX, &end, &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_CONFIG_UNSUPPORTED));
    g_assert_cmpuint(setup->arguments.words->len, ==, 0);
}

static void test_firmware(struct setup *setup, gconstpointer data)
{
    DEFINITION_AUTO struct domain *domain = (struct domain *)definition_new(&domain_schema);
    g_autofree char *code = path_of(setup, "CODE.fd");
    g_autofree char *vars = path_of(setup, "VARS.fd");
    g_autofree char *pair = g_strdup_printf("%s:%s", code, vars);
    char *pairs[] = {pair, NULL};
    const char *const no_folders[] = {NULL};
    struct os_loader loader = {.path = code, .type = LOADER_PFLASH, .readonly = TRISTATE_YES};
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;

    domain->name = "guest";
    domain->os.arch = "x86_64";
    domain->os.machine = "pc-q35-7.2";
    domain->os.loader = &loader;
    setup->config.nvram = pairs;
    firmware_select(domain, &setup->config, setup->folder, no_folders, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(domain->os.nvram->template, ==, vars);
    g_assert_true(g_str_has_suffix(firmware_nvram_path(domain), "/guest_VARS.fd"));

    g_assert_cmpint(firmware_make_nvram(domain, &setup->config, false, &error), ==, -1);
    g_clear_error(&error);
    g_assert_true(g_file_set_contents(vars, "template", -1, NULL));
    firmware_make_nvram(domain, &setup->config, false, &error);
    g_assert_no_error(error);
    /* kept, until it is reset */
    g_assert_true(g_file_set_contents(firmware_nvram_path(domain), "changed", -1, NULL));
    firmware_make_nvram(domain, &setup->config, false, &error);
    g_assert_true(g_file_get_contents(firmware_nvram_path(domain), &text, NULL, NULL));
    g_assert_cmpstr(text, ==, "changed");
    g_clear_pointer(&text, g_free);
    firmware_make_nvram(domain, &setup->config, true, &error);
    g_assert_true(g_file_get_contents(firmware_nvram_path(domain), &text, NULL, NULL));
    g_assert_cmpstr(text, ==, "template");
}

static void test_firmware_none(struct setup *setup, gconstpointer data)
{
    DEFINITION_AUTO struct domain *domain = (struct domain *)definition_new(&domain_schema);
    const char *const folders[] = {setup->folder, NULL};
    g_autoptr(GError) error = NULL;

    domain->name = "guest";
    domain->os.arch = "x86_64";
    domain->os.machine = "pc-q35-7.2";
    domain->os.firmware = OS_FIRMWARE_EFI;
    g_assert_cmpint(firmware_select(domain, &setup->config, "/", folders, &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_OPERATION_FAILED));
}

static void test_aliases(struct setup *setup, gconstpointer data)
{
    DEFINITION_AUTO struct domain *live = (struct domain *)definition_new(&domain_schema);
    struct domain_net nets[3] = {0};
    struct domain_net plugged = {0};
    const struct device device = {.kind = DEVICE_NET, .object = &plugged, .info = &plugged.info};

    nets[0].info.alias = "net7";
    nets[1].info.alias = "ua-wan";
    for (int i = 0; i < 3; i++)
        LIST_APPEND(&live->definition.arena, &live->devices.nets, &nets[i]);
    aliases_assign(live);
    g_assert_cmpstr(nets[0].info.alias, ==, "net0");
    g_assert_cmpstr(nets[1].info.alias, ==, "ua-wan");
    g_assert_cmpstr(nets[2].info.alias, ==, "net1");
    aliases_assign_device(live, &device);
    g_assert_cmpstr(plugged.info.alias, ==, "net2");
}

/* What a QEMU newer than the installed one gets. */
static void test_iommufd(struct setup *setup, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    struct json_object *json JSON_AUTO = NULL;
    struct domain domain = {0};
    struct hostdev_pci pci = {.address = {.bus = 6, .slot = 2}};
    struct domain_hostdev hostdev = {.mode = HOSTDEV_MODE_SUBSYSTEM,
                                     .type = HOSTDEV_PCI,
                                     .pci = &pci,
                                     .iommufd = TRISTATE_YES,
                                     .info.alias = "hostdev0"};
    int result = device_hostdev_properties(&domain, &hostdev, &setup->context, &json, &error);

    g_assert_cmpint(result, ==, -1);
    g_assert_true(error_is(error, VIR_ERR_CONFIG_UNSUPPORTED));
    g_assert_nonnull(strstr(error->message, "iommufd"));
    g_clear_error(&error);
    setup->emulator.flags[EMULATOR_VFIO_IOMMUFD] = true;
    device_hostdev_properties(&domain, &hostdev, &setup->context, &json, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(json_string_member(json, "driver"), ==, "vfio-pci");
    g_assert_cmpstr(json_string_member(json, "host"), ==, "0000:06:02.0");
    g_assert_cmpstr(json_string_member(json, "iommufd"), ==, "iommufd0");
}

static void test_awaited(struct setup *setup, gconstpointer data)
{
    struct domain_net nets[] = {
        {.type = NET_VHOST_USER, .path = "/run/a", .path_mode = "server", .info.alias = "net0"},
        {.type = NET_VHOST_USER, .path = "/run/b", .path_mode = "client", .info.alias = "net1"},
        {.type = NET_VHOST_USER, .path = "/run/c", .path_mode = "server", .info.alias = "net2"},
    };
    struct domain_net *items[] = {&nets[1], &nets[0], &nets[2]};
    struct domain domain = {.devices.nets = {items, 1}};

    g_assert_null(netdev_awaited(&domain));
    domain.devices.nets.count = 3;
    g_autofree char *text = netdev_awaited(&domain);
    g_assert_cmpstr(text, ==, "interface 'net0' at '/run/a', interface 'net2' at '/run/c'");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define TEST(name, function)                                                                       \
    g_test_add("/arguments/" name, struct setup, NULL, begin, function, end)
    TEST("option", test_option);
    TEST("print", test_print);
    TEST("file", test_file);
    TEST("socket", test_socket);
    TEST("socket-refused", test_socket_refused);
    TEST("firmware", test_firmware);
    TEST("firmware-none", test_firmware_none);
    TEST("aliases", test_aliases);
    TEST("iommufd", test_iommufd);
    TEST("awaited", test_awaited);
    return g_test_run();
}
