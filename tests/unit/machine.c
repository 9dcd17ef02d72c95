/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine.h"

#include <libxml/tree.h>
#include <stdio.h>
#include <string.h>

static NAMES(machine_type_names, NULL, "kvm", "xen");
static NAMES(disk_type_names, NULL, "file", "block", "network");
static NAMES(disk_bus_names, NULL, "ide", "scsi", "virtio", "usb");
static NAMES(address_type_names, NULL, "pci", "drive", "note");

XML_SCHEMA_DECLARE(machine_pci_address);
XML_SCHEMA_DECLARE(machine_drive_address);
XML_SCHEMA_DECLARE(machine_device_info);
XML_SCHEMA_DECLARE(machine_network_source);
XML_SCHEMA_DECLARE(machine_network_host);
XML_SCHEMA_DECLARE(machine_disk_driver);
XML_SCHEMA_DECLARE(machine_timing);

/* ---- <address>: a union ---- */

#define ROWS_OF struct machine_pci_address
static const struct xml_row machine_pci_address_rows[] = {
    ROW_HEX("@domain", domain, 4, "Domain", .flags = XML_ALWAYS),
    ROW_HEX("@bus", bus, 2, "Bus", .flags = XML_ALWAYS | XML_ABI),
    ROW_HEX("@slot", slot, 2, "Slot", RANGE(0, 31), .flags = XML_ALWAYS | XML_ABI),
    ROW_HEX("@function", function, 1, "Function", RANGE(0, 7), .flags = XML_ALWAYS | XML_ABI),
};
#undef ROWS_OF
XML_SCHEMA(machine_pci_address, "address", .doc = "An address on a PCI bus");

#define ROWS_OF struct machine_drive_address
static const struct xml_row machine_drive_address_rows[] = {
    ROW_NUMBER("@controller", controller, "Index of the controller"),
    ROW_NUMBER("@bus", unit, "Place on the bus", .flags = XML_ALWAYS),
};
#undef ROWS_OF
XML_SCHEMA(machine_drive_address, "address", .doc = "An address on a disk controller");

#define ROWS_OF struct machine_address
static const struct xml_row machine_address_rows[] = {
    ROW_ENUM("@type", type, address_type_names, "Kind of address", .flags = XML_REQUIRED),
    ROW_EMBED(".", pci, machine_pci_address, WHEN(type, BIT(ADDRESS_PCI))),
    ROW_EMBED(".", drive, machine_drive_address, WHEN(type, BIT(ADDRESS_DRIVE))),
    ROW_STRING("@text", note, "Words", WHEN(type, BIT(ADDRESS_NOTE)), .flags = XML_NEEDED),
};
#undef ROWS_OF
XML_SCHEMA(machine_address, "address", .doc = "Where a device is");

#define ROWS_OF struct machine_device_info
static const struct xml_row machine_device_info_rows[] = {
    ROW_STRING("alias/@name", alias, "Name at run time", .flags = XML_LIVE),
    ROW_NUMBER("boot/@order", boot, "Boot order", RANGE(1, 99), .flags = XML_NEEDED),
    ROW_CHILD("address", address, machine_address, "Where the device is", .flags = XML_ABI),
};
#undef ROWS_OF
static int check_device_info(struct xml_at *at, void *object, GError **error)
{
    const struct machine_device_info *info = object;

    if (info->alias && strchr(info->alias, ' '))
        return xml_at_fail(at, "alias/@name", VIR_ERR_CONFIG_UNSUPPORTED, error, "has a space");
    return 0;
}
XML_SCHEMA(machine_device_info, "info", .doc = "What all devices have", .check = check_device_info);

/* ---- <disk> ---- */

#define ROWS_OF struct machine_network_host
static const struct xml_row machine_network_host_rows[] = {
    ROW_STRING("@name", name, "Host"),
    ROW_NUMBER("@port", port, "Port"),
};
#undef ROWS_OF
XML_SCHEMA(machine_network_host, "host", .doc = "A server");

#define ROWS_OF struct machine_network_source
static const struct xml_row machine_network_source_rows[] = {
    ROW_STRING("@protocol", protocol, "Protocol", .flags = XML_REQUIRED),
    ROW_STRING("@name", volume, "Volume"),
    ROW_LIST("host", hosts, machine_network_host, "Servers", .flags = XML_REQUIRED),
};
#undef ROWS_OF
XML_SCHEMA(machine_network_source, "source", .doc = "A disk on the network");

static NAMES(driver_words, NULL, "qemu", "tap");

#define ROWS_OF struct machine_disk_driver
static const struct xml_row machine_disk_driver_rows[] = {
    ROW_STRING("@name", name, "Name", WORDS(driver_words)),
    ROW_ON_OFF("@discard", discard, "Discard", DEFAULT(TRISTATE_OFF), .flags = XML_BLANK),
    ROW_NUMBER("@queues", queues, "Queues", FORM_RANGE(0, 8)),
};
#undef ROWS_OF
XML_SCHEMA(machine_disk_driver, "driver", .doc = "How the disk is emulated");

#define ROWS_OF struct machine_store
static const struct xml_row machine_store_rows[] = {
    ROW_STRING("format/@type", format, "Format"),
    ROW_CHILD("backingStore", backing, machine_store, "What is below"),
};
#undef ROWS_OF
XML_SCHEMA(machine_store, "backingStore", .doc = "A layer of an image");

#define ROWS_OF struct machine_disk
static const struct xml_row machine_disk_rows[] = {
    ROW_ENUM("@type", type, disk_type_names, "Kind of source", DEFAULT(DISK_FILE),
             .flags = XML_ALWAYS),
    ROW_CHILD("driver", driver, machine_disk_driver, "How the disk is emulated"),
    ROW_STRING("source/@file", path, "File", WHEN(type, BIT(DISK_FILE))),
    ROW_STRING("source/@dev", path, "Device", WHEN(type, BIT(DISK_BLOCK))),
    ROW_CHILD("source", network, machine_network_source, "Server", WHEN(type, BIT(DISK_NETWORK))),
    ROW_STRING("source/@password", password, "Secret of the source", .flags = XML_SECURE),
    ROW_CHILD("backingStore", backing, machine_store, "What is below"),
    ROW_STRING("target/@dev", target, "Name in the guest", .flags = XML_REQUIRED | XML_ABI),
    ROW_ENUM("target/@bus", bus, disk_bus_names, "Bus", .flags = XML_ABI),
    ROW_FLAG("readonly", readonly, "The guest cannot write"),
    ROW_FLAG("transient", transient, "Changes are lost", .flags = XML_INPUT),
    ROW_FLAG("scratch", transient, "Changes are lost"),
    ROW_EMBED(".", info, machine_device_info),
};
#undef ROWS_OF
static int check_disk(struct xml_at *at, void *object, GError **error)
{
    struct machine_disk *disk = object;

    if (disk->readonly && disk->transient)
        return xml_at_fail(at, "", VIR_ERR_CONFIG_UNSUPPORTED, error,
                           "disk '%s' is readonly and scratch", disk->target);
    if (!disk->bus)
        xml_at_warn(at, "target", "no bus for disk '%s'", disk->target);
    return 0;
}
XML_SCHEMA(machine_disk, "disk", .doc = "A disk", .check = check_disk);

/* ---- <screen>: with a type of its own ---- */

static int parse_size(const struct xml_row *row, const char *text, struct arena *arena,
                      void *member, GString *problem)
{
    struct screen_size size;
    char end;

    if (text[strspn(text, "0123456789x")] ||
        sscanf(text, "%4hux%4hu%c", &size.width, &size.height, &end) != 2) {
        g_string_append_printf(problem, "'%.20s' is not a size like 640x480", text);
        return -1;
    }
    *(struct screen_size *)member = size;
    return 0;
}

static void format_size(const struct xml_row *row, const void *member, GString *out)
{
    const struct screen_size *size = member;

    g_string_append_printf(out, "%ux%u", size->width, size->height);
}

static const struct xml_type screen_size_type = {
    .name = "width and height, like 640x480",
    .rng = "<data type=\"string\"><param name=\"pattern\">[0-9]+x[0-9]+</param></data>",
    .size = sizeof(struct screen_size),
    .parse = parse_size,
    .format = format_size,
};

#define ROWS_OF struct machine_screen
static const struct xml_row machine_screen_rows[] = {
    ROW_TYPE("@size", size, screen_size_type, "Size", .flags = XML_REQUIRED),
    ROW_NUMBER("@gamma", gamma, "Gamma"),
    ROW_NUMBER("@priority", priority, "Priority", RANGE(-5, 5)),
    ROW_OCTAL("mode", mode, 4, "Permissions"),
};
#undef ROWS_OF
XML_SCHEMA(machine_screen, "screen", .doc = "A screen");

/* ---- <machine> ---- */

#define ROWS_OF struct machine_timing
static const struct xml_row machine_timing_rows[] = {
    ROW_NUMBER("cputune/period", period, "Period"),
    ROW_NUMBER("cputune/quota", quota, "Quota"),
    ROW_NUMBER("@shift", shift, "Shift of the clock"),
};
#undef ROWS_OF
XML_SCHEMA(machine_timing, "timing", .doc = "Rare settings, out of the way");

static int read_colors(struct xml_at *at, void *node, void *object, GError **error)
{
    struct machine *machine = object;
    xmlChar *text = xmlNodeGetContent(node);

    machine->red = strstr((const char *)text, "red");
    machine->green = strstr((const char *)text, "green");
    xmlFree(text);
    return machine->red || machine->green
               ? 0
               : xml_at_fail(at, "", VIR_ERR_XML_ERROR, error, "neither red nor green");
}

static void write_colors(const void *object, unsigned indent, unsigned flags, GString *out)
{
    const struct machine *machine = object;

    g_string_append_printf(out, "%*s<colors>%s%s</colors>\n", (int)indent, "",
                           machine->red ? "red" : "", machine->green ? "green" : "");
}

static bool colors_are_set(const void *object)
{
    const struct machine *machine = object;

    return machine->red || machine->green;
}

static const struct xml_hook colors_hook = {
    .read = read_colors, .write = write_colors, .is_set = colors_are_set, .rng = "<text/>"};

static const struct xml_namespace machine_namespaces[] = {{"ext", "http://example.org/ext"},
                                                          {NULL}};

#define ROWS_OF struct machine
static const struct xml_row machine_rows[] = {
    ROW_ENUM("@type", type, machine_type_names, "Accelerator", .flags = XML_REQUIRED | XML_ABI,
             CODE(VIR_ERR_CONFIG_UNSUPPORTED)),
    ROW_NUMBER("@id", id, "Number at run time", .flags = XML_LIVE),
    ROW_CHILD(".", timing, machine_timing, "Timing"),
    ROW_STRING("name", name, "Name", .flags = XML_REQUIRED),
    ROW_UUID("uuid", uuid, "Identity", .flags = XML_ABI),
    ROW_STRING("title", title, "Title"),
    ROW_RAW("metadata", metadata, "Other programs' data"),
    ROW_STRING("secret", secret, "Secret", .flags = XML_SECURE),
    ROW_SIZE("memory", memory, UNIT_KIB, "Memory", .flags = XML_REQUIRED | XML_ABI),
    ROW_SIZE("window/@size", window, UNIT_BYTES, "Window"),
    ROW_NUMBER("vcpu", vcpus, "Processors", DEFAULT(1), .flags = XML_ALWAYS | XML_ABI),
    ROW_CPUSET("vcpu/@cpuset", cpus, "Where they run"),
    ROW_ELEMENT("os/type", "Kind of machine", .flags = XML_EXPECTED),
    ROW_STRING("os/type/@arch", arch, "Architecture", .flags = XML_EXPECTED),
    ROW_ELEMENT("features", "Features", .flags = XML_ALWAYS),
    ROW_FLAG("features/acpi", acpi, "ACPI"),
    ROW_FLAG("features/apic", apic, "APIC"),
    ROW_ON_OFF("features/apic/@eoi", eoi, "End of interrupt"),
    ROW_YES_NO("headless", headless, "No screen"),
    ROW_HOOK("colors", colors_hook, "Colours"),
    ROW_YES_NO("red", red, NULL, .flags = XML_HIDDEN),
    ROW_YES_NO("green", green, NULL, .flags = XML_HIDDEN),
    ROW_STRINGS("owner", owners, "Owners"),
    ROW_STRING("devices/emulator", emulator, "Emulator", .flags = XML_NOT_MIGRATED),
    ROW_LIST("devices/disk", disks, machine_disk, "Disks", .flags = XML_ABI),
    ROW_LIST("devices/screen", screens, machine_screen, "Screens"),
    ROW_MAC("devices/mac/@address", mac, "Card"),
    ROW_STRING("socket", socket, "Monitor", .flags = XML_STATUS),
    ROW_STRINGS("ext:commandline/ext:arg/@value", arguments, "Arguments"),
};
#undef ROWS_OF
XML_SCHEMA(machine, "machine", .doc = "A machine", .namespaces = machine_namespaces);

#define ROWS_OF struct machine_status
static const struct xml_row machine_status_rows[] = {
    ROW_NUMBER("@pid", pid, "Process"),
    ROW_CHILD("machine", machine, machine, "The machine", .flags = XML_REQUIRED),
};
#undef ROWS_OF
XML_SCHEMA(machine_status, "status", .doc = "A running machine");

/* Written exactly as it is here. */
const char machine_whole[] =
    "<machine type='kvm' id='0' shift='-3' xmlns:ext='http://example.org/ext'>\n"
    "  <cputune>\n"
    "    <period>100000</period>\n"
    "    <quota>0</quota>\n"
    "  </cputune>\n"
    "  <name>web &amp; &lt;co&gt;</name>\n"
    "  <uuid>c7a5fdbd-cdaf-9455-926a-d65c16db1809</uuid>\n"
    "  <title>  spaces\n\n stay </title>\n"
    "  <metadata xmlns:app=\"http://example.org/app\">\n"
    "    <app:a b=\"&quot;'&#10;\">\n"
    "      <app:empty/>\n"
    "      <!-- note -->\n"
    "    </app:a>\n"
    "    <t:text xmlns:t=\"http://example.org/text\">one <b>two</b>\n three\"</t:text>\n"
    "  </metadata>\n"
    "  <secret>hush</secret>\n"
    "  <memory unit='KiB'>1048576</memory>\n"
    "  <window size='65536' unit='bytes'/>\n"
    "  <vcpu cpuset='0-1,3,5'>4</vcpu>\n"
    "  <os>\n"
    "    <type arch='x86_64'/>\n"
    "  </os>\n"
    "  <features>\n"
    "    <acpi/>\n"
    "    <apic eoi='off'/>\n"
    "  </features>\n"
    "  <headless>yes</headless>\n"
    "  <colors>redgreen</colors>\n"
    "  <owner>ann</owner>\n"
    "  <owner>bob &amp; co</owner>\n"
    "  <devices>\n"
    "    <emulator>/usr/bin/qemu</emulator>\n"
    "    <disk type='file'>\n"
    "      <driver name='qemu' discard='on' queues='0'/>\n"
    "      <source file='/a &quot;b&quot;.img' password='p'/>\n"
    "      <backingStore>\n"
    "        <format type='qcow2'/>\n"
    "        <backingStore/>\n"
    "      </backingStore>\n"
    "      <target dev='vda' bus='virtio'/>\n"
    "      <readonly/>\n"
    "      <alias name='disk0'/>\n"
    "      <boot order='1'/>\n"
    "      <address type='pci' domain='0x0000' bus='0x00' slot='0x1b' function='0x0'/>\n"
    "    </disk>\n"
    "    <disk type='block'>\n"
    "      <source dev='/dev/sdb'/>\n"
    "      <target dev='sda' bus='scsi'/>\n"
    "      <scratch/>\n"
    "      <address type='drive' controller='0' bus='2'/>\n"
    "    </disk>\n"
    "    <disk type='network'>\n"
    "      <source protocol='rbd' name='pool/image'>\n"
    "        <host name='a.example.org' port='6321'/>\n"
    "        <host name='b.example.org'/>\n"
    "      </source>\n"
    "      <target dev='sdb' bus='usb'/>\n"
    "      <address type='note' text='over there'/>\n"
    "    </disk>\n"
    "    <screen size='640x480' gamma='2.2' priority='-1'>\n"
    "      <mode>0755</mode>\n"
    "    </screen>\n"
    "    <mac address='52:54:00:12:34:56'/>\n"
    "  </devices>\n"
    "  <ext:commandline>\n"
    "    <ext:arg value='-device'/>\n"
    "    <ext:arg value=''/>\n"
    "  </ext:commandline>\n"
    "</machine>\n";
