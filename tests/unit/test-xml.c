/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "machine.h"
#include "xml/share.h"

#define whole machine_whole /* shorter, for so many lines */

static const char least[] = "<machine type='xen'>\n"
                            "  <name>n</name>\n"
                            "  <memory unit='KiB'>1</memory>\n"
                            "  <vcpu>1</vcpu>\n"
                            "  <features/>\n"
                            "</machine>\n";

static struct machine *read_machine(const char *text, unsigned flags)
{
    g_autoptr(GError) error = NULL;
    struct definition *definition = xml_read(&machine_schema, text, -1, flags, NULL, &error);

    g_assert_no_error(error);
    g_assert_nonnull(definition);
    return (struct machine *)definition;
}

static char *write_machine(const struct machine *machine, unsigned flags)
{
    return xml_write(&machine->definition, flags);
}

static void assert_written(const struct machine *machine, unsigned flags, const char *expected)
{
    g_autofree char *text = write_machine(machine, flags);

    g_assert_cmpstr(text, ==, expected);
}

/* ---- reading and writing ---- */

static void test_whole(void)
{
    DEFINITION_AUTO struct machine *machine = read_machine(whole, XML_READ_VALIDATE);

    assert_written(machine, XML_WRITE_SECURE, whole);
}

static void test_least(void)
{
    DEFINITION_AUTO struct machine *machine = read_machine(least, XML_READ_VALIDATE);

    assert_written(machine, 0, least);
    g_assert_null(machine->timing);
    g_assert_cmpuint(machine->vcpus, ==, 1);
}

/* 0 is "absent" for a plain number, and so is the group that has nothing else. */
static void test_zero(void)
{
    g_autoptr(GString) text = g_string_new(least);
    g_assert_cmpuint(g_string_replace(text, "'xen'", "'xen' shift='0'", 1), ==, 1);
    DEFINITION_AUTO struct machine *machine = read_machine(text->str, XML_READ_VALIDATE);

    g_assert_null(machine->timing);
    assert_written(machine, 0, least);
}

static void test_members(void)
{
    DEFINITION_AUTO struct machine *machine = read_machine(whole, 0);
    const struct machine_disk *disk = machine->disks.items[0];

    g_assert_cmpint(machine->type, ==, MACHINE_KVM);
    g_assert_true(machine->id.set);
    g_assert_cmpuint(machine->id.value, ==, 0);
    g_assert_cmpint(machine->timing->shift, ==, -3);
    g_assert_cmpuint(machine->timing->period, ==, 100000);
    g_assert_true(machine->timing->quota.set);
    g_assert_cmpstr(machine->name, ==, "web & <co>");
    g_assert_cmpstr(machine->title, ==, "  spaces\n\n stay ");
    g_assert_cmpuint(machine->window.value, ==, 65536);
    g_assert_true(machine->acpi && machine->apic && machine->headless);
    g_assert_cmpint(machine->eoi, ==, TRISTATE_OFF);
    g_assert_true(machine->red && machine->green);
    g_assert_cmpuint(machine->owners.count, ==, 2);
    g_assert_cmpstr(machine->owners.items[1], ==, "bob & co");
    g_assert_cmpuint(machine->arguments.count, ==, 2);
    g_assert_cmpuint(machine->disks.count, ==, 3);
    g_assert_cmpstr(disk->path, ==, "/a \"b\".img");
    g_assert_cmpstr(disk->password, ==, "p");
    g_assert_nonnull(disk->backing->backing);
    g_assert_null(disk->backing->backing->backing);
    g_assert_cmpint(disk->info.address->pci.slot, ==, 0x1b);
    g_assert_cmpuint(machine->disks.items[2]->network->hosts.count, ==, 2);
    g_assert_cmpint(machine->screens.items[0]->size.height, ==, 480);
    g_assert_cmpuint(machine->screens.items[0]->mode, ==, 0755);
}

/* Other ways to say the same. */
static void test_spellings(void)
{
    static const char other[] =
        "<?xml version='1.0' encoding='UTF-8'?><!-- c --><!DOCTYPE machine>\n"
        "<x:machine_/>";
    static const char text[] =
        "<?xml version='1.0' encoding='ISO-8859-1'?>\n<!-- c --><!DOCTYPE machine>\n"
        "<machine xmlns:q='http://example.org/ext' xmlns:f='urn:foreign' type=\"kvm\" f:x='1'>"
        "<q:commandline><q:arg value='-a'/></q:commandline><f:anything f:b='2'><c/></f:anything>"
        "<features/><vcpu/>"
        "<memory unit='GiB'>\n 1 </memory><name><![CDATA[a<b]]>&#38;</name>"
        "<devices><disk><target dev='a' bus='ide'/><transient/>"
        "<address type='pci' slot='7' function='0x1'/></disk></devices></machine>";
    g_autoptr(GError) error = NULL;
    DEFINITION_AUTO struct machine *machine = read_machine(text, XML_READ_VALIDATE);

    assert_written(machine, 0,
                   "<machine type='kvm' xmlns:ext='http://example.org/ext'>\n"
                   "  <name>a&lt;b&amp;</name>\n"
                   "  <memory unit='KiB'>1048576</memory>\n"
                   "  <vcpu>1</vcpu>\n"
                   "  <features/>\n"
                   "  <devices>\n"
                   "    <disk type='file'>\n"
                   "      <target dev='a' bus='ide'/>\n"
                   "      <scratch/>\n"
                   "      <address type='pci' domain='0x0000' bus='0x00' slot='0x07' "
                   "function='0x1'/>\n"
                   "    </disk>\n"
                   "  </devices>\n"
                   "  <ext:commandline>\n"
                   "    <ext:arg value='-a'/>\n"
                   "  </ext:commandline>\n"
                   "</machine>\n");
    g_assert_null(xml_read(&machine_schema, other, -1, 0, NULL, &error));
    g_assert_nonnull(error);
}

static bool has(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

static void test_write_flags(void)
{
    DEFINITION_AUTO struct machine *machine = read_machine(whole, 0);
    machine->socket = "/run/m.sock";
    g_autofree char *plain = write_machine(machine, 0);
    g_autofree char *inactive = write_machine(machine, XML_WRITE_INACTIVE);
    g_autofree char *migratable = write_machine(machine, XML_WRITE_MIGRATABLE);
    g_autofree char *status = write_machine(machine, XML_WRITE_STATUS | XML_WRITE_SECURE);

    g_assert_false(has(plain, "<secret>") || has(plain, "password"));
    g_assert_true(has(plain, " id='0'") && has(plain, "<alias name='disk0'/>"));
    g_assert_false(has(plain, "<socket>"));
    g_assert_false(has(inactive, " id='0'") || has(inactive, "<alias"));
    g_assert_true(has(plain, "<emulator>"));
    g_assert_false(has(migratable, "<emulator>"));
    g_assert_true(has(status, "<socket>/run/m.sock</socket>") && has(status, "<secret>"));
}

static void test_read_flags(void)
{
    static const char text[] = "<machine type='kvm' id='7'><name>a</name><memory>1</memory>"
                               "<socket>s</socket><devices><disk><target dev='a'/>"
                               "<alias name='x y'/></disk></devices></machine>";
    g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    DEFINITION_AUTO struct definition *read =
        xml_read(&machine_schema, text, -1, XML_READ_INACTIVE | XML_READ_STATUS, warnings, &error);
    const struct machine *machine = (struct machine *)read;

    g_assert_no_error(error);
    g_assert_false(machine->id.set);
    g_assert_cmpstr(machine->socket, ==, "s");
    g_assert_null(machine->disks.items[0]->info.alias);
    g_assert_cmpuint(warnings->len, ==, 1);
    g_assert_cmpstr(g_ptr_array_index(warnings, 0), ==,
                    "line 1: devices/disk[1]/target: no bus for disk 'a'");
}

static void test_parts(void)
{
    const struct xml_schema *schemas[] = {&machine_screen_schema, &machine_disk_schema}, *schema;
    static const char text[] = "<disk type='block'>\n"
                               "  <target dev='vdb' bus='usb'/>\n"
                               "</disk>\n";
    struct arena arena ARENA_AUTO = {0};
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) out = g_string_new(NULL);
    void *object;

    g_assert_cmpint(xml_read_part(schemas, 2, text, -1, 0, &arena, NULL, &schema, &object, &error),
                    ==, 0);
    g_assert_true(schema == &machine_disk_schema);
    xml_write_part(schema, object, 0, 0, out);
    g_assert_cmpstr(out->str, ==, text);
    g_assert_cmpint(
        xml_read_part(schemas, 2, "<disc/>", -1, 0, &arena, NULL, &schema, &object, &error), ==,
        -1);
    g_assert_cmpstr(error->message, ==,
                    "unsupported configuration: line 1: unexpected root element <disc>, expecting "
                    "<screen>, <disk>");
}

static void test_nested_document(void)
{
    static const char text[] = "<status pid='12'>\n"
                               "  <machine type='kvm' xmlns:ext='http://example.org/ext'>\n"
                               "    <name>n</name>\n"
                               "    <metadata>\n"
                               "      <a xmlns=\"http://example.org/a\"/>\n"
                               "    </metadata>\n"
                               "    <memory unit='KiB'>1</memory>\n"
                               "    <vcpu>1</vcpu>\n"
                               "    <features/>\n"
                               "    <ext:commandline>\n"
                               "      <ext:arg value='x'/>\n"
                               "    </ext:commandline>\n"
                               "  </machine>\n"
                               "</status>\n";
    g_autoptr(GError) error = NULL;
    DEFINITION_AUTO struct definition *read =
        xml_read(&machine_status_schema, text, -1, 0, NULL, &error);
    g_assert_no_error(error);
    g_autofree char *back = xml_write(read, 0);
    g_assert_cmpstr(back, ==, text);

    const struct machine_status *status = (struct machine_status *)read;
    DEFINITION_AUTO struct definition *part =
        definition_copy_part(&machine_schema, status->machine);
    g_assert_true(part->schema == &machine_schema);
    g_autofree char *alone = xml_write(part, 0);
    g_assert_true(g_str_has_prefix(alone, "<machine type='kvm' xmlns:ext="));
    g_assert_true(
        has(alone, "  <metadata>\n    <a xmlns=\"http://example.org/a\"/>\n  </metadata>\n"));
}

static void test_characters(void)
{
    DEFINITION_AUTO struct machine *machine = read_machine(least, 0);

    machine->name = "a\001b\r\n\t\xff\"'\xef\xbf\xbe\xe2\x82\xac";
    machine->arch = machine->name;
    g_autofree char *text = write_machine(machine, 0);
    g_assert_true(has(text, "<name>ab&#13;\n\t\xef\xbf\xbd&quot;&apos;\xe2\x82\xac</name>"));
    g_assert_true(has(text, "arch='ab&#13;&#10;&#9;\xef\xbf\xbd&quot;&apos;\xe2\x82\xac'"));

    DEFINITION_AUTO struct machine *again = read_machine(text, 0);
    g_assert_cmpstr(again->arch, ==, again->name);
}

/* ---- copies ---- */

static void test_copy(void)
{
    DEFINITION_AUTO struct machine *machine = read_machine(whole, 0);
    DEFINITION_AUTO struct machine *copy = (struct machine *)definition_copy(&machine->definition);

    g_assert_true(xml_equal(&machine_schema, machine, copy));
    g_assert_true(copy->name != machine->name && copy->cpus != machine->cpus);
    g_assert_cmpuint(definition_footprint(&copy->definition), <,
                     definition_footprint(&machine->definition));
    definition_unref(&g_steal_pointer(&machine)->definition);
    assert_written(copy, XML_WRITE_SECURE, whole);
}

/* A copy is one block: its size is that of the members and no more. */
static void test_copy_size(void)
{
    DEFINITION_AUTO struct machine *machine = read_machine(least, 0);
    DEFINITION_AUTO struct machine *copy = (struct machine *)definition_copy(&machine->definition);

    g_assert_cmpuint(definition_footprint(&copy->definition), <=,
                     32 + ((sizeof(struct machine) + 7) & ~7UL) + sizeof("n"));
}

/* A pointer under a condition that no longer holds must not lead into the source. */
static void test_copy_stale(void)
{
    DEFINITION_AUTO struct machine *machine = read_machine(whole, 0);
    machine->disks.items[2]->type = DISK_FILE;
    machine->disks.items[2]->info.address->type = ADDRESS_PCI;
    DEFINITION_AUTO struct machine *copy = (struct machine *)definition_copy(&machine->definition);

    g_assert_null(copy->disks.items[2]->network);
    g_assert_true(xml_equal(&machine_schema, machine, copy));
}

/* What repeats is shared from its second time on; the documents are the same, and so are copies,
 * which share nothing. */
static void test_pack(void)
{
    DEFINITION_AUTO struct machine *machine = read_machine(whole, 0);
    DEFINITION_AUTO struct machine *first = (struct machine *)definition_pack(&machine->definition);
    DEFINITION_AUTO struct machine *second =
        (struct machine *)definition_pack(&machine->definition);
    DEFINITION_AUTO struct machine *third = (struct machine *)definition_pack(&machine->definition);
    DEFINITION_AUTO struct machine *copy = (struct machine *)definition_copy(&third->definition);

    g_assert_true(first->disks.items[1] != second->disks.items[1]);
    g_assert_true(second->disks.items[1] == third->disks.items[1]);
    g_assert_true(second->disks.items[1] != second->disks.items[2]);
    g_assert_true(copy->disks.items[1] != third->disks.items[1]);
    g_assert_cmpuint(definition_footprint(&third->definition), <,
                     definition_footprint(&copy->definition));
    definition_unref(&g_steal_pointer(&machine)->definition);
    definition_unref(&g_steal_pointer(&second)->definition);
    assert_written(first, XML_WRITE_SECURE, whole);
    assert_written(third, XML_WRITE_SECURE, whole);
    assert_written(copy, XML_WRITE_SECURE, whole);
}

/* A part that differs in one byte, deep inside, is another part. */
static void test_pack_differing(void)
{
    DEFINITION_AUTO struct machine *machine = read_machine(whole, 0);

    for (unsigned i = 0; i < 4; i++) {
        g_autofree char *host = g_strdup_printf("host%u", i / 2);
        struct machine_disk *disk = machine->disks.items[2];

        disk->network->hosts.items[0]->name = host;
        DEFINITION_AUTO struct machine *packed =
            (struct machine *)definition_pack(&machine->definition);
        g_assert_cmpstr(packed->disks.items[2]->network->hosts.items[0]->name, ==, host);
        disk->network->hosts.items[0]->name = "";
    }
}

/* Many different parts: what is kept of them for good is bounded, and all are right. */
static void test_pack_many(void)
{
    DEFINITION_AUTO struct machine *machine = read_machine(whole, 0);
    struct machine_disk *disk = machine->disks.items[1];

    for (unsigned i = 0; i < 8000; i++) {
        g_autofree char *path = g_strdup_printf("/disk%u", i / 2);

        disk->path = path;
        DEFINITION_AUTO struct machine *packed =
            (struct machine *)definition_pack(&machine->definition);
        g_assert_cmpstr(packed->disks.items[1]->path, ==, path);
        disk->path = "";
    }
    g_assert_cmpuint(xml_shared_bytes(), >, 1000 * 1024);
    g_assert_cmpuint(xml_shared_bytes(), <=, 1024 * 1024);
}

static void test_change(void)
{
    DEFINITION_AUTO struct machine *machine = read_machine(whole, 0);
    DEFINITION_AUTO struct machine *copy = (struct machine *)definition_copy(&machine->definition);
    struct machine_disk *disk =
        xml_copy_part(&machine_disk_schema, machine->disks.items[0], &copy->definition.arena);

    disk->target = arena_strdup(&copy->definition.arena, "vdz");
    LIST_INSERT(&copy->definition.arena, &copy->disks, 1, disk);
    LIST_REMOVE(&copy->disks, 3);
    LIST_APPEND(&copy->definition.arena, &copy->owners, "carl");
    definition_unref(&g_steal_pointer(&machine)->definition);
    g_assert_cmpuint(copy->disks.count, ==, 3);
    g_assert_cmpstr(copy->disks.items[0]->target, ==, "vda");
    g_assert_cmpstr(copy->disks.items[1]->target, ==, "vdz");
    g_assert_cmpstr(copy->disks.items[1]->path, ==, "/a \"b\".img");
    g_assert_cmpstr(copy->disks.items[2]->target, ==, "sda");
    unsigned seen = 0;
    LIST_EACH (owner, &copy->owners) {
        seen += owner_i;
        if (strcmp(owner, "bob & co") == 0)
            break;
    }
    g_assert_cmpuint(seen, ==, 1);
}

static void test_references(void)
{
    struct definition *definition = definition_new(&machine_schema);

    g_assert_true(definition_ref(definition) == definition);
    definition_unref(definition);
    g_assert_cmpint(definition->refs, ==, 1);
    definition_unref(definition);
    definition_unref(NULL);
}

/* ---- comparison ---- */

static void test_equal(void)
{
    static const char *const edits[][2] = {
        {"id='0'", "id='1'"},
        {"<acpi/>", ""},
        {"eoi='off'", ""},
        {"redgreen", "red"},
        {"bob", "rob"},
        {"slot='0x1b'", "slot='0x1c'"},
        {"<backingStore/>", ""},
        {"'-device'", "'-devicf'"},
        {"gamma='2.2'", "gamma='2.3'"},
        {"over there", "elsewhere"},
        {"<app:empty/>", ""},
        {"0-1,3,5", "0-1,3"},
        {"queues='0'", ""},
        {"<host name='b.example.org'/>", ""},
    };
    DEFINITION_AUTO struct machine *machine = read_machine(whole, 0);

    for (size_t i = 0; i < G_N_ELEMENTS(edits); i++) {
        g_autoptr(GString) text = g_string_new(whole);
        g_assert_cmpuint(g_string_replace(text, edits[i][0], edits[i][1], 1), ==, 1);
        DEFINITION_AUTO struct machine *other = read_machine(text->str, 0);

        g_assert_false(xml_equal(&machine_schema, machine, other));
        g_assert_false(xml_equal(&machine_schema, other, machine));
    }
}

static void test_abi(void)
{
    static const struct {
        const char *from, *to, *message; /* NULL: not of the ABI */
    } cases[] = {
        {"<title>", "<title>x", NULL},
        {"queues='0'", "queues='9'", NULL},
        {"'kvm'", "'xen'", "Target @type ('xen') does not match source ('kvm')"},
        {"c7a5", "c7a6",
         "Target uuid ('c7a6fdbd-cdaf-9455-926a-d65c16db1809') does not match source "
         "('c7a5fdbd-cdaf-9455-926a-d65c16db1809')"},
        {"bus='virtio'", "",
         "Target devices/disk[1]/target/@bus (absent) does not match source ('virtio')"},
        {"slot='0x1b'", "slot='0x1c'",
         "Target devices/disk[1]/address/@slot ('0x1c') does not match source ('0x1b')"},
        {"<address type='note' text='over there'/>", "",
         "Target devices/disk[3]/address (absent) does not match source (present)"},
        {"<screen size='640x480'", "<screen size='640x481'", NULL},
        {"    <disk type='network'>", "    <disk><target dev='q'/></disk><disk type='network'>",
         "Target count of devices/disk (4) does not match source (3)"},
    };
    DEFINITION_AUTO struct machine *machine = read_machine(whole, 0);

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GString) text = g_string_new(whole);
        g_assert_cmpuint(g_string_replace(text, cases[i].from, cases[i].to, 1), ==, 1);
        DEFINITION_AUTO struct machine *target = read_machine(text->str, 0);
        int result = xml_compare_abi(&machine_schema, machine, target, &error);

        if (!cases[i].message) {
            g_assert_no_error(error);
            g_assert_cmpint(result, ==, 0);
            continue;
        }
        g_assert_cmpint(result, ==, -1);
        g_assert_true(error_is(error, VIR_ERR_CONFIG_UNSUPPORTED));
        g_assert_true(g_str_has_prefix(error->message, "unsupported configuration: "));
        g_assert_cmpstr(error->message + strlen("unsupported configuration: "), ==,
                        cases[i].message);
    }
}

/* ---- errors ---- */

struct mistake {
    const char *from, *to; /* edit of `whole` */
    enum error_code code;
    const char *message; /* without the code's prefix */
};

static const struct mistake mistakes[] = {
    {"bus='virtio'", "bus='virtoi'", VIR_ERR_XML_ERROR,
     "line 43: devices/disk[1]/target/@bus: 'virtoi' is not one of ide, scsi, virtio, usb "
     "(did you mean 'virtio'?)"},
    {"bus='scsi'", "bus='zorro'", VIR_ERR_XML_ERROR,
     "line 51: devices/disk[2]/target/@bus: 'zorro' is not one of ide, scsi, virtio, usb"},
    {"type='kvm'", "type='vmw'", VIR_ERR_CONFIG_UNSUPPORTED,
     "line 1: @type: 'vmw' is not one of kvm, xen"},
    {"machine type='kvm'", "machine tyqe='kvm'", VIR_ERR_CONFIG_UNSUPPORTED,
     "line 1: @type: is missing ('tyqe' is not known here)"},
    {"<name>web &amp; &lt;co&gt;</name>", "<name/>", VIR_ERR_XML_ERROR, "line 6: name: is missing"},
    {"<name>web &amp; &lt;co&gt;</name>", "", VIR_ERR_XML_ERROR, "line 1: name: is missing"},
    {"unit='KiB'>1048576", "unit='KiX'>1048576", VIR_ERR_INVALID_ARG,
     "line 20: memory/@unit: 'KiX' is not a unit of size like KiB, MiB, GiB"},
    {"unit='KiB'>1048576", "unit='EiB'>1048576", VIR_ERR_OVERFLOW, "line 20: memory: is too large"},
    {">1048576<", ">99999999999999999999<", VIR_ERR_XML_ERROR,
     "line 20: memory: '99999999999999999999' is too large"},
    {">1048576<", ">-1<", VIR_ERR_XML_ERROR, "line 20: memory: '-1' is not a whole number"},
    {">1048576<", ">0<", VIR_ERR_XML_ERROR,
     "line 20: memory: '0' is no value, and one is required"},
    {">4</vcpu>", ">4 5</vcpu>", VIR_ERR_XML_ERROR, "line 22: vcpu: '4 5' is not a whole number"},
    {">4</vcpu>", ">4294967296</vcpu>", VIR_ERR_XML_ERROR,
     "line 22: vcpu: '4294967296' is too large"},
    {"0-1,3,5", "0-", VIR_ERR_INVALID_ARG,
     "line 22: vcpu/@cpuset: '0-' is not a set of numbers like 0-3,^2,5"},
    {"eoi='off'", "eoi='no'", VIR_ERR_XML_ERROR,
     "line 28: features/apic/@eoi: 'no' is neither on nor off"},
    {">yes<", ">1<", VIR_ERR_XML_ERROR, "line 30: headless: '1' is neither yes nor no"},
    {"redgreen", "blue", VIR_ERR_XML_ERROR, "line 31: colors: neither red nor green"},
    {"c7a5fdbd-", "c7a5fdb-", VIR_ERR_XML_ERROR,
     "line 7: uuid: 'c7a5fdb-cdaf-9455-926a-d65c16db1809' is not a UUID"},
    {"52:54:00:12:34:56", "52-54", VIR_ERR_XML_ERROR,
     "line 66: devices/mac/@address: '52-54' is not a MAC address like 52:54:00:12:34:56"},
    {"order='1'", "order='100'", VIR_ERR_XML_ERROR,
     "line 46: devices/disk[1]/boot/@order: '100' is not between 1 and 99"},
    {" order='1'", "", VIR_ERR_XML_ERROR, "line 46: devices/disk[1]/boot/@order: is missing"},
    {"slot='0x1b'", "slot='0x20'", VIR_ERR_XML_ERROR,
     "line 47: devices/disk[1]/address/@slot: '0x20' is not between 0 and 31"},
    {"domain='0x0000'", "domain='0x10000'", VIR_ERR_XML_ERROR,
     "line 47: devices/disk[1]/address/@domain: '0x10000' is too large"},
    {"<target dev='vda' bus='virtio'/>", "", VIR_ERR_XML_ERROR,
     "line 36: devices/disk[1]/target/@dev: is missing"},
    {"<host name='b.example.org'/>", "<host port='x'/>", VIR_ERR_XML_ERROR,
     "line 58: devices/disk[3]/source/host[2]/@port: 'x' is not a whole number"},
    {" text='over there'", "", VIR_ERR_XML_ERROR,
     "line 61: devices/disk[3]/address/@text: is missing"},
    {"<address type='note'", "<address", VIR_ERR_XML_ERROR,
     "line 61: devices/disk[3]/address/@type: is missing"},
    {"640x480", "640", VIR_ERR_XML_ERROR,
     "line 63: devices/screen[1]/@size: '640' is not a size like 640x480"},
    {"gamma='2.2'", "gamma='nan'", VIR_ERR_XML_ERROR,
     "line 63: devices/screen[1]/@gamma: 'nan' is not a number"},
    {"priority='-1'", "priority='-6'", VIR_ERR_XML_ERROR,
     "line 63: devices/screen[1]/@priority: '-6' is not between -5 and 5"},
    {"priority='-1'", "priority='--1'", VIR_ERR_XML_ERROR,
     "line 63: devices/screen[1]/@priority: '--1' is not a whole number"},
    {"shift='-3'", "shift='-3000000000'", VIR_ERR_XML_ERROR,
     "line 1: @shift: '-3000000000' is too small"},
    {">0755<", ">0785<", VIR_ERR_XML_ERROR,
     "line 64: devices/screen[1]/mode: '0785' is not a whole number"},
    {"<ext:arg value=''/>", "<ext:arg/>", VIR_ERR_XML_ERROR,
     "line 70: commandline/arg[2]/@value: is missing"},
    {"<readonly/>", "<readonly/><scratch/>", VIR_ERR_CONFIG_UNSUPPORTED,
     "line 36: devices/disk[1]: disk 'vda' is readonly and scratch"},
    {"name='disk0'", "name='disk 0'", VIR_ERR_CONFIG_UNSUPPORTED,
     "line 45: devices/disk[1]/alias/@name: has a space"},
    {"</features>", "", VIR_ERR_XML_DETAIL,
     "line 72: Opening and ending tag mismatch: features line 26 and machine"},
    {"type='kvm'", "type='kvm' type='xen'", VIR_ERR_XML_DETAIL, "line 1: Attribute type redefined"},
};

static const char *without_prefix(const GError *error, const char *prefix)
{
    g_assert_true(g_str_has_prefix(error->message, prefix));
    return error->message + strlen(prefix);
}

static const char *prefix_of(enum error_code code)
{
    return code == VIR_ERR_CONFIG_UNSUPPORTED   ? "unsupported configuration: "
           : code == VIR_ERR_INVALID_ARG        ? "invalid argument: "
           : code == VIR_ERR_OVERFLOW           ? "numerical overflow: "
           : code == VIR_ERR_XML_DETAIL         ? ""
           : code == VIR_ERR_XML_INVALID_SCHEMA ? "XML document failed to validate against schema: "
                                                : "XML error: ";
}

static void test_mistakes(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(mistakes); i++) {
        const struct mistake *mistake = &mistakes[i];
        g_autoptr(GError) error = NULL;
        g_autoptr(GString) text = g_string_new(whole);

        g_assert_cmpuint(g_string_replace(text, mistake->from, mistake->to, 1), ==, 1);
        g_assert_null(xml_read(&machine_schema, text->str, -1, 0, NULL, &error));
        g_assert_cmpstr(without_prefix(error, prefix_of(mistake->code)), ==, mistake->message);
        g_assert_cmpint(error_code_of(error), ==, mistake->code);
        g_assert_cmpint(error_from_of(error, VIR_FROM_NONE), ==, VIR_FROM_XML);
    }
}

/* An error with XML_READ_VALIDATE, else a warning. */
static const struct {
    const char *from, *to, *message;
} unknowns[] = {
    {"bus='virtio'", "bus='virtio' cahe='x'",
     "line 43: devices/disk[1]/target/@cahe: unknown attribute"},
    {"queues='0'", "qeues='0'",
     "line 37: devices/disk[1]/driver/@qeues: unknown attribute (did you mean 'queues'?)"},
    {"protocol='rbd'", "protocol='rbd' nam='x'",
     "line 56: devices/disk[3]/source/@nam: unknown attribute (did you mean 'name'?)"},
    {"<readonly/>", "<readolny/>",
     "line 44: devices/disk[1]/readolny: unknown element (did you mean 'readonly'?)"},
    {"<owner>ann", "<xyzzy><a><b/></a></xyzzy><owner>ann", "line 32: xyzzy: unknown element"},
    {"<source dev='/dev/sdb'/>", "<source file='/dev/sdb'/>",
     "line 50: devices/disk[2]/source/@file: has no meaning while @type is 'block'"},
    {"controller='0'", "slot='0'",
     "line 53: devices/disk[2]/address/@slot: has no meaning while @type is 'drive'"},
    {"<scratch/>", "<scratch/><scratch/>",
     "line 52: devices/disk[2]/scratch: is given more than once"},
    {"<acpi/>", "<acpi>on</acpi>", "line 27: features/acpi: text that means nothing here"},
    {"<owner>ann", "<owner x='1'>ann", "line 32: owner[1]/@x: unknown attribute"},
    {"<features>", "<socket>s</socket><features>", "line 26: socket: has no meaning here"},
};

static void test_unknown(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(unknowns); i++) {
        g_autoptr(GError) error = NULL, none = NULL;
        g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GString) text = g_string_new(whole);

        g_assert_cmpuint(g_string_replace(text, unknowns[i].from, unknowns[i].to, 1), ==, 1);
        g_assert_null(xml_read(&machine_schema, text->str, -1, XML_READ_VALIDATE, NULL, &error));
        g_assert_true(error_is(error, VIR_ERR_XML_INVALID_SCHEMA));
        g_assert_cmpstr(without_prefix(error, prefix_of(VIR_ERR_XML_INVALID_SCHEMA)), ==,
                        unknowns[i].message);

        DEFINITION_AUTO struct definition *read =
            xml_read(&machine_schema, text->str, -1, 0, warnings, &none);
        g_assert_no_error(none);
        g_assert_cmpuint(warnings->len, ==, 1);
        g_assert_cmpstr(g_ptr_array_index(warnings, 0), ==, unknowns[i].message);
    }
}

/* ---- hostile text ---- */

static void assert_refused(const char *text, gssize length, enum error_code code,
                           const char *message)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(xml_read(&machine_schema, text, length, 0, NULL, &error));
    g_assert_nonnull(error);
    if (message)
        g_assert_cmpstr(error->message, ==, message);
    g_assert_cmpint(error_code_of(error), ==, code);
}

/* A # in middle becomes a number, each time another. */
static char *repeat(const char *start, const char *middle, unsigned times, const char *end)
{
    GString *text = g_string_new(start);
    g_auto(GStrv) parts = g_strsplit(middle, "#", 2);

    for (unsigned i = 0; i < times; i++)
        if (parts[1])
            g_string_append_printf(text, "%s%u%s", parts[0], i, parts[1]);
        else
            g_string_append(text, middle);
    g_string_append(text, end);
    return g_string_free(text, FALSE);
}

static void test_not_xml(void)
{
    assert_refused("", -1, VIR_ERR_XML_DETAIL, NULL);
    assert_refused("hello", -1, VIR_ERR_XML_DETAIL, "line 1: Start tag expected, '<' not found");
    assert_refused("<machine", -1, VIR_ERR_XML_DETAIL, NULL);
    assert_refused("<machine/><machine/>", -1, VIR_ERR_XML_DETAIL, NULL);
    assert_refused("<machine>\0</machine>", 20, VIR_ERR_XML_ERROR,
                   "XML error: the document contains a NUL byte");
    assert_refused("<?xml version='1.0' encoding='UTF-7'?><machine/>", -1, VIR_ERR_XML_ERROR,
                   "XML error: the document's encoding is not supported: use UTF-8");
    assert_refused("<network/>", -1, VIR_ERR_XML_ERROR,
                   "XML error: line 1: unexpected root element <network>, expecting <machine>");
    assert_refused("<machine xmlns='urn:x' type='kvm'/>", -1, VIR_ERR_XML_ERROR,
                   "XML error: line 1: unexpected root element <machine>, expecting <machine>");
    assert_refused("<machine>&undeclared;</machine>", -1, VIR_ERR_XML_DETAIL, NULL);
}

static void test_entities(void)
{
    assert_refused("<!DOCTYPE m [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;&a;'>]>\n"
                   "<machine>&b;</machine>",
                   -1, VIR_ERR_XML_ERROR, "XML error: line 1: entity declarations are not allowed");
    assert_refused("<!DOCTYPE m [<!ENTITY f SYSTEM 'file:///etc/passwd'>]>\n"
                   "<machine type='kvm'><name>&f;</name></machine>",
                   -1, VIR_ERR_XML_ERROR, "XML error: line 1: entity declarations are not allowed");
    assert_refused("<!DOCTYPE m [<!ENTITY % p SYSTEM 'file:///etc/passwd'>%p;]><machine/>", -1,
                   VIR_ERR_XML_ERROR, "XML error: line 1: entity declarations are not allowed");
    assert_refused("<!DOCTYPE m SYSTEM 'file:///etc/passwd'>"
                   "<machine type='kvm'><name>&x;</name></machine>",
                   -1, VIR_ERR_XML_ERROR, "XML error: line 1: name: is missing");
}

static void test_limits(void)
{
    g_autofree char *deep = repeat("<machine>", "<a>", 100000, "");
    g_autofree char *wide = repeat("<machine>", "<a/>", XML_MAX_NODES, "</machine>");
    g_autofree char *attributes = repeat("<machine", " a# = '1'", 100000, "/>");
    g_autofree char *namespaces = repeat("<machine>", "<a xmlns:a#='u'/>", 1000, "</machine>");
    g_autofree char *long_tag = repeat("<", "machine_", 2000000, "/>");
    g_autofree char *huge = g_strnfill(XML_MAX_TEXT + 1, ' ');

    assert_refused(deep, -1, VIR_ERR_XML_ERROR, "XML error: line 1: elements are nested too deep");
    assert_refused(wide, -1, VIR_ERR_XML_ERROR,
                   "XML error: line 1: the document has too many elements");
    assert_refused(attributes, -1, VIR_ERR_XML_ERROR,
                   "XML error: an element has too many attributes");
    assert_refused(namespaces, -1, VIR_ERR_XML_ERROR,
                   "XML error: line 1: the document declares too many namespaces");
    assert_refused(long_tag, -1, VIR_ERR_XML_DETAIL, NULL);
    assert_refused(huge, -1, VIR_ERR_XML_ERROR, "XML error: the document is larger than 16 MiB");
}

/* As deep as allowed, every table function survives. */
static void test_deepest(void)
{
    unsigned depth = XML_MAX_DEPTH - 3;
    g_autofree char *start = repeat("<machine type='kvm'><name>a</name><memory>1</memory><devices>"
                                    "<disk><target dev='a'/>",
                                    "<backingStore>", depth, "");
    g_autofree char *text = repeat(start, "</backingStore>", depth, "</disk></devices></machine>");
    DEFINITION_AUTO struct machine *machine = read_machine(text, 0);
    DEFINITION_AUTO struct machine *copy = (struct machine *)definition_copy(&machine->definition);
    unsigned found = 0;

    for (const struct machine_store *store = copy->disks.items[0]->backing; store;
         store = store->backing)
        found++;
    g_assert_cmpuint(found, ==, depth);
    g_assert_true(xml_equal(&machine_schema, machine, copy));
    g_autofree char *back = write_machine(copy, 0);
    DEFINITION_AUTO struct machine *again = read_machine(back, 0);
    g_assert_true(xml_equal(&machine_schema, machine, again));
}

static void test_many_unknown(void)
{
    g_autofree char *text = repeat("<machine type='kvm'><name>a</name><memory>1</memory>",
                                   "<unkown#/>", 50000, "</machine>");
    g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
    DEFINITION_AUTO struct definition *read =
        xml_read(&machine_schema, text, -1, 0, warnings, NULL);

    g_assert_nonnull(read);
    g_assert_cmpuint(warnings->len, ==, 100);
}

static void test_truncated(void)
{
    for (size_t length = 0; length < strlen(whole) - 1; length++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(xml_read(&machine_schema, whole, (gssize)length, 0, NULL, &error));
        g_assert_cmpint(error_code_of(error), ==, VIR_ERR_XML_DETAIL);
    }
}

/* Any change of one byte is read or refused, and what is read can be written and read again. */
static void test_flipped(void)
{
    for (size_t i = 0; i < 4 * strlen(whole); i++) {
        static const char bytes[] = {'<', '\'', 'z', '\xc3'};
        g_autofree char *text = g_strdup(whole);
        g_autoptr(GError) error = NULL;

        text[i / 4] = bytes[i % 4];
        DEFINITION_AUTO struct machine *machine =
            (struct machine *)xml_read(&machine_schema, text, -1, 0, NULL, &error);
        g_assert_true(!machine == (error != NULL));
        if (!machine)
            continue;
        g_autofree char *back = write_machine(machine, XML_WRITE_SECURE);
        DEFINITION_AUTO struct machine *again = read_machine(back, 0);
        g_assert_true(xml_equal(&machine_schema, machine, again));
    }
}

/* ---- tables ---- */

static void test_lint(void)
{
    g_autoptr(GPtrArray) found = xml_schema_lint(&machine_status_schema);
    unsigned rows, hooks;

    for (unsigned i = 0; i < found->len; i++)
        g_test_message("%s", (const char *)g_ptr_array_index(found, i));
    g_assert_cmpuint(found->len, ==, 0);
    xml_schema_count(&machine_status_schema, &rows, &hooks);
    g_assert_cmpuint(hooks, ==, 1);
    g_assert_cmpuint(rows, >, 60);
}

struct broken {
    uint8_t kind;
    const char *text, *more;
    struct screen_size size;
    uint64_t memory;
};

#define ROWS_OF struct broken
static const struct xml_row broken_rows[] = {
    ROW_STRING("@a", text, "Depends on what comes later", WHEN(kind, BIT(1))),
    ROW_NUMBER("@kind", kind, ""),
    ROW_STRING("@b", text, "Twice"),
    ROW_STRING("@b", more, "Twice"),
    ROW_SIZE("memory", memory, UNIT_KIB, "Size", RANGE(1, 2)),
    ROW_NUMBER("@c", memory, "No main row", .flags = XML_OUTPUT),
    ROW_TYPE("@d", size, xml_type_uuid, "Wrong type"),
};
#undef ROWS_OF
XML_SCHEMA(broken, "broken");

struct misplaced {
    bool flag;
    const char *text;
};

#define ROWS_OF struct misplaced
static const struct xml_row misplaced_rows[] = {
    ROW_FLAG("@flag", flag, "A flag is an element"),
    ROW_STRING("x:text", text, "No such prefix"),
};
#undef ROWS_OF
XML_SCHEMA(misplaced, "misplaced");

static void assert_found(const struct xml_schema *schema, const char *const *expected)
{
    g_autoptr(GPtrArray) found = xml_schema_lint(schema);

    for (unsigned i = 0; i < found->len; i++)
        g_assert_cmpstr(g_ptr_array_index(found, i), ==, expected[i]);
    g_assert_cmpuint(found->len, ==, g_strv_length((char **)expected));
}

static void test_broken_tables(void)
{
    assert_found(
        &broken_schema,
        (const char *const[]){"broken: row '@a': the member of its WHEN has no row before this one",
                              "broken: row '@kind': no doc text",
                              "broken: row '@b': the path is there twice",
                              "broken: row 'memory': a size has no RANGE",
                              "broken: row '@d': the member has not the size of the type", NULL});
    assert_found(&misplaced_schema,
                 (const char *const[]){
                     "misplaced: row '@flag': this kind of row cannot be an attribute",
                     "misplaced: row 'x:text': no such prefix in the table's namespaces", NULL});
}

/* ---- speed ---- */

static void test_speed(void)
{
    unsigned rounds = g_test_perf() ? 20000 : 100;
    gint64 start = g_get_monotonic_time();

    for (unsigned i = 0; i < rounds; i++) {
        DEFINITION_AUTO struct machine *machine = read_machine(whole, 0);
    }
    gint64 read = g_get_monotonic_time();
    DEFINITION_AUTO struct machine *machine = read_machine(whole, 0);
    for (unsigned i = 0; i < rounds; i++) {
        g_autofree char *text = write_machine(machine, 0);
    }
    gint64 written = g_get_monotonic_time();
    for (unsigned i = 0; i < rounds; i++) {
        DEFINITION_AUTO struct definition *copy = definition_copy(&machine->definition);
    }
    gint64 copied = g_get_monotonic_time();

    g_test_message("%zu bytes: read %.1f us, write %.1f us, copy %.1f us", strlen(whole),
                   (double)(read - start) / rounds, (double)(written - read) / rounds,
                   (double)(copied - written) / rounds);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/xml/whole", test_whole);
    g_test_add_func("/xml/least", test_least);
    g_test_add_func("/xml/zero", test_zero);
    g_test_add_func("/xml/members", test_members);
    g_test_add_func("/xml/spellings", test_spellings);
    g_test_add_func("/xml/write-flags", test_write_flags);
    g_test_add_func("/xml/read-flags", test_read_flags);
    g_test_add_func("/xml/parts", test_parts);
    g_test_add_func("/xml/nested-document", test_nested_document);
    g_test_add_func("/xml/characters", test_characters);
    g_test_add_func("/xml/copy", test_copy);
    g_test_add_func("/xml/copy-size", test_copy_size);
    g_test_add_func("/xml/copy-stale", test_copy_stale);
    g_test_add_func("/xml/pack", test_pack);
    g_test_add_func("/xml/pack-differing", test_pack_differing);
    g_test_add_func("/xml/pack-many", test_pack_many);
    g_test_add_func("/xml/change", test_change);
    g_test_add_func("/xml/references", test_references);
    g_test_add_func("/xml/equal", test_equal);
    g_test_add_func("/xml/abi", test_abi);
    g_test_add_func("/xml/mistakes", test_mistakes);
    g_test_add_func("/xml/unknown", test_unknown);
    g_test_add_func("/xml/not-xml", test_not_xml);
    g_test_add_func("/xml/entities", test_entities);
    g_test_add_func("/xml/limits", test_limits);
    g_test_add_func("/xml/deepest", test_deepest);
    g_test_add_func("/xml/many-unknown", test_many_unknown);
    g_test_add_func("/xml/truncated", test_truncated);
    g_test_add_func("/xml/flipped", test_flipped);
    g_test_add_func("/xml/lint", test_lint);
    g_test_add_func("/xml/broken-tables", test_broken_tables);
    g_test_add_func("/xml/speed", test_speed);
    return g_test_run();
}
