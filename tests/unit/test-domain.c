/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "model/domain-check.h"
#include "model/domain-defaults.h"
#include "xml/xml.h"

/* What the model answers about a domain; documents as a whole are in tests/golden. */

static const char guest[] =
    "<domain type='kvm'><name>g</name><memory>1024</memory>"
    "<os><type arch='x86_64'>hvm</type></os><devices>"
    "<disk type='file'><source file='/a'/><target dev='vdb'/><alias name='ua-a'/></disk>"
    "<disk type='block'><source dev='/dev/b'/><target dev='vda'/><alias "
    "name='virtio-disk9'/></disk>"
    "<interface type='user'><mac address='52:54:00:00:00:01'/><target dev='tap1'/></interface>"
    "<interface type='user'><mac address='52:54:00:00:00:02'/></interface>"
    "<interface type='user'><mac address='52:54:00:00:00:02'/></interface>"
    "<graphics type='vnc'/><memballoon model='virtio'/>"
    "</devices></domain>";

static struct domain *read_text(const char *text, GError **error)
{
    const struct domain_defaults defaults = {.mac_prefix = {0x52, 0x54, 0x00}};
    DEFINITION_AUTO struct domain *domain =
        (struct domain *)xml_read(&domain_schema, text, -1, XML_READ_INACTIVE, NULL, error);

    if (!domain || domain_apply_defaults(domain, &defaults, error) < 0 ||
        domain_add_controllers(domain, error) < 0 || domain_check(domain, error) < 0)
        return NULL;
    return g_steal_pointer(&domain);
}

static struct domain *read_guest(void)
{
    g_autoptr(GError) error = NULL;
    struct domain *domain = read_text(guest, &error);

    g_assert_no_error(error);
    return domain;
}

static void test_target_index(void)
{
    int partition = -1;

    g_assert_cmpint(disk_target_index("vda", NULL), ==, 0);
    g_assert_cmpint(disk_target_index("sdz", NULL), ==, 25);
    g_assert_cmpint(disk_target_index("sdaa", NULL), ==, 26);
    g_assert_cmpint(disk_target_index("hdc", &partition), ==, 2);
    g_assert_cmpint(partition, ==, 0);
    g_assert_cmpint(disk_target_index("xvdb12", &partition), ==, 1);
    g_assert_cmpint(partition, ==, 12);
    g_assert_cmpint(disk_target_index("vd", NULL), ==, -1);
    g_assert_cmpint(disk_target_index("vd1", NULL), ==, -1);
    g_assert_cmpint(disk_target_index("vda01", NULL), ==, -1);
    g_assert_cmpint(disk_target_index("vdaaaaaaaaaaaa", NULL), ==, -1);
    g_assert_cmpint(disk_target_index("other", NULL), ==, -1);
    g_assert_cmpint(disk_target_bus("xvda"), ==, DISK_BUS_XEN);
    g_assert_cmpint(disk_target_bus("zip"), ==, DISK_BUS_NONE);
}

static void test_find(void)
{
    DEFINITION_AUTO struct domain *domain = read_guest();

    g_assert_cmpstr(domain_find_disk(domain, "vda")->source.path, ==, "/dev/b");
    g_assert_cmpstr(domain_find_disk_or_path(domain, "/a")->target, ==, "vdb");
    g_assert_null(domain_find_disk(domain, "vdc"));
    g_assert_nonnull(domain_find_graphics(domain, GRAPHICS_VNC));
    g_assert_null(domain_find_graphics(domain, GRAPHICS_SPICE));
}

static void test_aliases(void)
{
    DEFINITION_AUTO struct domain *domain = read_guest();
    struct device device;

    g_assert_true(domain_find_alias(domain, "ua-a", &device));
    g_assert_cmpint(device.kind, ==, DEVICE_DISK);
    /* names that were made up belong to the running guest */
    g_assert_false(domain_find_alias(domain, "virtio-disk9", &device));
}

static void test_devices(void)
{
    DEFINITION_AUTO struct domain *domain = read_guest();
    struct domain_memballoon second = {.model = MEMBALLOON_NONE};
    g_autoptr(GError) error = NULL;
    unsigned count;
    g_autofree struct device *devices = domain_list_devices(domain, &count);

    g_assert_cmpuint(count, ==, 7);
    g_assert_cmpint(devices[0].kind, ==, DEVICE_DISK);
    g_assert_cmpint(devices[6].kind, ==, DEVICE_MEMBALLOON);
    g_assert_cmpint(domain_add_device(domain, DEVICE_MEMBALLOON, &second, &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_OPERATION_INVALID));
    domain_remove_device(domain, &devices[6]);
    g_assert_null(domain->devices.memballoon);
    domain_remove_device(domain, &devices[0]);
    g_assert_cmpuint(domain->devices.disks.count, ==, 1);
    g_assert_cmpint(domain_add_device(domain, DEVICE_DISK, devices[0].object, NULL), ==, 0);
    g_assert_cmpuint(domain->devices.disks.count, ==, 2);
}

static void test_kinds(void)
{
    for (unsigned i = 0; i < domain_device_schema_count; i++) {
        enum device_kind kind = device_kind_of_schema(domain_device_schemas[i]);

        g_assert_cmpint(kind, !=, DEVICE_NONE);
        g_assert_true(device_kind_schema(kind) == domain_device_schemas[i]);
        g_assert_cmpstr(domain_device_schemas[i]->name, ==, names_word(&device_kind_names, kind));
    }
    g_assert_cmpuint(domain_device_schema_count, ==, DEVICE_KINDS - 1);
}

static void test_device_alone(void)
{
    struct arena arena ARENA_AUTO = {0};
    g_autoptr(GError) error = NULL;
    const struct xml_schema *schema;
    void *object;

    xml_read_part(domain_device_schemas, domain_device_schema_count, "<watchdog model='ib700'/>",
                  -1, XML_READ_INACTIVE, &arena, NULL, &schema, &object, &error);
    g_assert_no_error(error);
    g_assert_cmpint(device_kind_of_schema(schema), ==, DEVICE_WATCHDOG);
    g_assert_cmpint(((struct domain_watchdog *)object)->action, ==, WATCHDOG_ACTION_RESET);
}

/* ---- refusals: a part of the document, and what its error must say ---- */

static const struct {
    const char *devices;
    enum error_code code;
    const char *says;
} refusals[] = {
    {"<disk><source file='/a'/><target dev='vda'/></disk><disk><source file='/a'/><target "
     "dev='vda'/></disk>",
     VIR_ERR_XML_ERROR, "target 'vda' duplicated"},
    {"<disk><source file='/a'/></disk>", VIR_ERR_NO_TARGET, "devices/disk[1]/target/@dev"},
    {"<disk><source file='/a'/><target dev='vda' bus='virtoi'/></disk>", VIR_ERR_XML_ERROR,
     "did you mean 'virtio'"},
    {"<disk><source file='/a'/><target dev='hda'/><address type='pci' slot='3'/></disk>",
     VIR_ERR_CONFIG_UNSUPPORTED, "Invalid address type 'pci' for the disk 'hda'"},
    {"<disk><source file='/a'/><target dev='vda'/><boot order='1'/></disk>"
     "<disk><source file='/a'/><target dev='vdb'/><boot order='1'/></disk>",
     VIR_ERR_CONFIG_UNSUPPORTED, "boot order '1' used for more than one device"},
    {"<disk device='floppy'><target dev='vda' bus='virtio'/></disk>", VIR_ERR_CONFIG_UNSUPPORTED,
     "floppy"},
    {"<disk><source file='/a'/><target dev='vda'/><iotune><total_iops_sec>1</total_iops_sec>"
     "<read_iops_sec>1</read_iops_sec></iotune></disk>",
     VIR_ERR_XML_ERROR, "total and read/write"},
    {"<controller type='scsi' index='0'/><controller type='scsi' index='0'/>", VIR_ERR_XML_ERROR,
     "Multiple 'scsi' controllers with index '0'"},
    {"<controller type='pci' index='0'><address type='pci' slot='32'/></controller>",
     VIR_ERR_XML_ERROR, "@slot"},
    {"<smartcard mode='host-certificates'><certificate>a</certificate></smartcard>",
     VIR_ERR_XML_ERROR, "three certificates"},
    {"<video><model type='none'/></video><video><model type='vga'/></video>", VIR_ERR_XML_ERROR,
     "only video device"},
    {"<disk><source file='/a'><encryption format='luks'><secret type='passphrase'/></encryption>"
     "</source><target dev='vda'/></disk>",
     VIR_ERR_XML_ERROR, "uuid or usage"},
    {"<audio id='1' type='none'/><audio id='1' type='none'/>", VIR_ERR_XML_ERROR,
     "multiple audio backends have id '1'"},
    {"<memory model='dimm'><target><size>512</size></target></memory>", VIR_ERR_CONFIG_UNSUPPORTED,
     "maxMemory"},
    {"<disk><source file='/a'/><target dev='vda'/><alias name='ua-x'/></disk>"
     "<disk><source file='/a'/><target dev='vdb'/><alias name='ua-x'/></disk>",
     VIR_ERR_CONFIG_UNSUPPORTED, "non unique alias"},
    {"<interface type='bridge'/>", VIR_ERR_XML_ERROR, "source/@bridge"},
    {"<rng model='virtio'><backend model='egd'/></rng>", VIR_ERR_XML_ERROR, "backend/@type"},
    {"<disk><source file='/a'/><target dev='sda'/><address type='drive' controller='300'/></disk>",
     VIR_ERR_XML_ERROR, "300"},
    {"<disk><target dev='vda'/></disk>", VIR_ERR_NO_SOURCE,
     "missing source information: disk 'vda'"},
    {"<interface type='direct'><source dev='e'/><virtualport type='802.1Qbg'><parameters "
     "managerid='1'/></virtualport></interface>",
     VIR_ERR_XML_ERROR, "missing typeid in <virtualport type='802.1Qbg'>"},
    {"<interface type='direct'><source dev='e'/><virtualport type='802.1Qbh'><parameters "
     "managerid='1' profileid='p'/></virtualport></interface>",
     VIR_ERR_XML_ERROR, "managerid is not for a virtual port of type '802.1Qbh'"},
    {"<interface type='direct'><source dev='e'/><virtualport type='802.1Qbh'><parameters "
     "profileid='0123456789012345678901234567890123456789'/></virtualport></interface>",
     VIR_ERR_XML_ERROR, "is too long"},
    {"<interface type='bridge'><source bridge='b'/><virtualport/></interface>", VIR_ERR_XML_ERROR,
     "missing required virtualport type"},
    {"<interface type='user'><virtualport type='openvswitch'/></interface>",
     VIR_ERR_CONFIG_UNSUPPORTED, "<virtualport> element unsupported for <interface type='user'>"},
};

static void test_refusal(gconstpointer data)
{
    size_t i = GPOINTER_TO_SIZE(data);
    g_autofree char *text = g_strdup_printf(
        "<domain type='kvm'><name>g</name><memory>1024</memory><os><type>hvm</type></os>"
        "<devices>%s</devices></domain>",
        refusals[i].devices);
    g_autoptr(GError) error = NULL;
    DEFINITION_AUTO struct domain *domain = read_text(text, &error);

    g_assert_null(domain);
    g_assert_nonnull(error);
    if (!strstr(error->message, refusals[i].says))
        g_test_message("says: %s", error->message);
    g_assert_nonnull(strstr(error->message, refusals[i].says));
    g_assert_cmpint(error_code_of(error), ==, refusals[i].code);
}

/* ---- guests as a whole ---- */

static const struct {
    const char *inside;
    const char *says;
} wrong_guests[] = {
    {"<name>a/b</name><memory>1024</memory>", "name a/b"},
    {"<name>g</name>", "Memory size must be specified"},
    {"<name>g</name><memory>1024</memory><vcpu>4</vcpu>"
     "<cpu><topology sockets='1' cores='1' threads='1'/></cpu>",
     "CPU topology doesn't match"},
    {"<name>g</name><memory>1024</memory><on_reboot>coredump-destroy</on_reboot>", "on_crash"},
    {"<name>g</name><memory>1024</memory><iothreads>4294967295</iothreads>", "more than 16384"},
    {"<name>g</name><memory unit='furlong'>1</memory>", "memory/@unit"},
    {"<name>g</name><memory>1024</memory><clock adjustment='soon'/>", "@adjustment"},
    {"<name>g</name><memory>99999999999999999999</memory>", "too large"},
};

static void test_wrong_guests(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(wrong_guests); i++) {
        g_autofree char *text =
            g_strdup_printf("<domain type='kvm'>%s</domain>", wrong_guests[i].inside);
        g_autoptr(GError) error = NULL;
        DEFINITION_AUTO struct domain *domain = read_text(text, &error);

        g_assert_null(domain);
        g_test_message("%s", error->message);
        g_assert_nonnull(strstr(error->message, wrong_guests[i].says));
    }
}

/* What of a guest can change under it, and what cannot; by a word of its document. */
static const struct {
    const char *from, *to, *path; /* NULL: it may */
} abi_changes[] = {
    {"<name>g</name>", "<name>g</name><title>t</title>", NULL},
    {"/dev/b", "/dev/c", NULL},
    {"type='file'><source file='/a'/>", "type='block'><source dev='/a'/>", NULL},
    {"dev='tap1'", "dev='tap2'", NULL},
    {"type='user'><mac address='52:54:00:00:00:01'/>",
     "type='ethernet'><mac address='52:54:00:00:00:01'/>", NULL},
    {"type='kvm'", "type='qemu'", "@type"},
    {"<memory>1024<", "<memory>2048<", "memory"},
    {"arch='x86_64'", "arch='i686'", "os/type/@arch"},
    {"52:54:00:00:00:01", "52:54:00:00:00:0a", "devices/interface[1]/mac/@address"},
    {"dev='vda'", "dev='vdc'", "devices/disk["},
    {"<memballoon model='virtio'/>", "<memballoon model='none'/>", "devices/memballoon/@model"},
    {"<graphics", "<rng model='virtio'><backend model='random'/></rng><graphics", "devices/rng"},
};

static void test_abi_of_documents(void)
{
    DEFINITION_AUTO struct domain *source = read_guest();

    for (size_t i = 0; i < G_N_ELEMENTS(abi_changes); i++) {
        g_autoptr(GString) text = g_string_new(guest);
        g_autoptr(GError) error = NULL;

        g_string_replace(text, abi_changes[i].from, abi_changes[i].to, 1);
        g_assert_cmpstr(text->str, !=, guest);
        DEFINITION_AUTO struct domain *target = read_text(text->str, &error);
        g_assert_no_error(error);
        memcpy(target->uuid, source->uuid, sizeof(target->uuid));
        int result = domain_check_abi(source, target, &error);
        g_test_message("%s: %s", abi_changes[i].to, error ? error->message : "fits");
        g_assert_cmpint(result, ==, abi_changes[i].path ? -1 : 0);
        if (abi_changes[i].path)
            g_assert_nonnull(strstr(error->message, abi_changes[i].path));
    }
}

static void test_abi(void)
{
    DEFINITION_AUTO struct domain *domain = read_guest();
    DEFINITION_AUTO struct domain *changed = (struct domain *)definition_copy(&domain->definition);
    g_autoptr(GError) error = NULL;

    changed->title = "free to change";
    g_assert_cmpint(xml_compare_abi(&domain_schema, domain, changed, NULL), ==, 0);
    changed->devices.disks.items[1]->serial = "other";
    g_assert_cmpint(xml_compare_abi(&domain_schema, domain, changed, &error), ==, -1);
    g_assert_nonnull(strstr(error->message, "devices/disk[2]/serial"));
}

static void test_made_up(void)
{
    g_autoptr(GError) error = NULL;
    DEFINITION_AUTO struct domain *domain =
        read_text("<domain type='kvm'><name>g</name><genid/><memory>1024</memory>"
                  "<devices><interface type='user'/></devices></domain>",
                  &error);
    static const uint8_t none[16];

    g_assert_no_error(error);
    g_assert_cmpint(memcmp(domain->uuid, none, 16), !=, 0);
    g_assert_cmpint(memcmp(domain->genid, none, 16), !=, 0);
    g_assert_cmphex(domain->devices.nets.items[0]->mac[0], ==, 0x52);
    g_assert_cmphex(domain->devices.nets.items[0]->mac[1], ==, 0x54);
}

/* One of nothing but zeros is somebody's choice too, and stays when it is read again. */
static void test_zero_uuid(void)
{
    static const char line[] = "<uuid>00000000-0000-0000-0000-000000000000</uuid>";
    g_autoptr(GError) error = NULL;
    DEFINITION_AUTO struct domain *domain =
        read_text("<domain type='kvm'><name>g</name><uuid>00000000000000000000000000000000</uuid>"
                  "<memory>1024</memory></domain>",
                  &error);

    g_assert_no_error(error);
    g_autofree char *text = xml_write(&domain->definition, 0);
    g_assert_nonnull(strstr(text, line));
    DEFINITION_AUTO struct domain *again = read_text(text, &error);
    g_assert_no_error(error);
    g_autofree char *same = xml_write(&again->definition, 0);
    g_assert_cmpstr(same, ==, text);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/domain/target-index", test_target_index);
    g_test_add_func("/domain/find", test_find);
    g_test_add_func("/domain/aliases", test_aliases);
    g_test_add_func("/domain/devices", test_devices);
    g_test_add_func("/domain/kinds", test_kinds);
    g_test_add_func("/domain/device-alone", test_device_alone);
    for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
        g_autofree char *path = g_strdup_printf("/domain/refusal/%zu", i + 1);
        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_refusal);
    }
    g_test_add_func("/domain/wrong-guests", test_wrong_guests);
    g_test_add_func("/domain/abi", test_abi);
    g_test_add_func("/domain/abi-of-documents", test_abi_of_documents);
    g_test_add_func("/domain/made-up", test_made_up);
    g_test_add_func("/domain/zero-uuid", test_zero_uuid);
    return g_test_run();
}
