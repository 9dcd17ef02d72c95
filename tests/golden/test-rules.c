/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "pipeline.h"
#include "virtqemud/check-limits.h"
#include "xml/xml.h"

/* What is refused when a guest is defined, by the code that clients know, and in which words. */
static const struct {
    const char *above;    /* beside <memory> */
    const char *features; /* beside <os> */
    const char *devices;
    enum error_code code;
    const char *says;
} refusals[] = {
#define DISK(bus, more) "<disk><source file='/a'/><target dev='vda' bus='" bus "'/>" more "</disk>"
    {"", "", DISK("scsi", "<vendor>123456789</vendor>"), VIR_ERR_CONFIG_UNSUPPORTED,
     "disk vendor is more than 8 characters"},
    {"", "", DISK("scsi", "<product>12345678901234567</product>"), VIR_ERR_CONFIG_UNSUPPORTED,
     "disk product is more than 16 characters"},
    {"", "", DISK("sata", "<wwn>5000c50015ea71ac</wwn>"), VIR_ERR_CONFIG_UNSUPPORTED,
     "Only ide and scsi disk support wwn"},
    {"", "", DISK("virtio", "<geometry cyls='1' heads='1' secs='1' trans='lba'/>"),
     VIR_ERR_CONFIG_UNSUPPORTED, "CHS translation mode can only be set for 'ide' bus not 'virtio'"},
    {"", "", DISK("virtio", "<driver name='qemu' iothread='1'/>"), VIR_ERR_CONFIG_UNSUPPORTED,
     "Disk iothread '1' not defined in iothreadid"},
#define NET(type, more) "<interface type='" type "'><model type='virtio'/>" more "</interface>"
    {"", "", NET("user", "<mtu size='1400'/>"), VIR_ERR_CONFIG_UNSUPPORTED,
     "setting MTU on interface type user is not supported yet"},
    {"", "", NET("ethernet", "<coalesce><rx><frames max='3'/></rx></coalesce>"),
     VIR_ERR_CONFIG_UNSUPPORTED, "coalesce settings on interface type ethernet are not supported"},
    {"", "", NET("user", "<port isolated='yes'/>"), VIR_ERR_CONFIG_UNSUPPORTED,
     "<port isolated='yes'/> is not supported for network interfaces with type='user'"},
    {"", "", NET("user", "<teaming type='transient' persistent='ua-x'/>"),
     VIR_ERR_CONFIG_UNSUPPORTED, "teaming transient interface must be type='hostdev', not 'user'"},
    {"", "", "<interface type='user'><model type='e1000'/><teaming type='persistent'/></interface>",
     VIR_ERR_CONFIG_UNSUPPORTED, "must be <model type='virtio'/>, not 'e1000'"},
    {"", "", NET("ethernet", "<ip address='10.0.0.1' prefix='8'/>"), VIR_ERR_CONFIG_UNSUPPORTED,
     "guest-side IP route and/or address info, not supported by QEMU"},
    {"", "", NET("user", "<ip address='10.0.0.1' prefix='8'/><ip address='10.0.0.2' prefix='8'/>"),
     VIR_ERR_CONFIG_UNSUPPORTED, "Only one IPv4 address per interface is allowed"},
    {"", "", NET("user", "<ip address='10.0.0.1' peer='1.1.1.1'/>"), VIR_ERR_CONFIG_UNSUPPORTED,
     "Invalid attempt to set peer IP for guest"},
    {"", "", "<graphics type='vnc' passwd='abcdefghi'/>", VIR_ERR_CONFIG_UNSUPPORTED,
     "VNC password is 9 characters long, only 8 permitted"},
    {"", "", "<video><model type='vga' vram='1'/></video>", VIR_ERR_CONFIG_UNSUPPORTED,
     "value for 'vram' must be at least 1 MiB (1024 KiB)"},
    {"", "", "<video><model type='virtio' ram='1'/></video>", VIR_ERR_CONFIG_UNSUPPORTED,
     "ram attribute only supported for video type qxl"},
    {"", "", "<tpm model='tpm-crb'><backend type='emulator' version='1.2'/></tpm>",
     VIR_ERR_CONFIG_UNSUPPORTED, "Unsupported interface 'tpm-crb' for TPM 1.2"},
    {"", "", "<tpm><backend type='emulator'/></tpm><tpm><backend type='emulator'/></tpm>",
     VIR_ERR_CONFIG_UNSUPPORTED, "only a single TPM non-proxy device is supported"},
    {"", "", "<panic model='isa'/><panic model='isa'/>", VIR_ERR_XML_ERROR,
     "Multiple panic devices with model 'isa'"},
    {"", "", "<vsock><cid address='2'/></vsock>", VIR_ERR_CONFIG_UNSUPPORTED,
     "guest CIDs must be >= 3"},
    {"", "", "<shmem name='a/b'><model type='ivshmem-plain'/></shmem>", VIR_ERR_CONFIG_UNSUPPORTED,
     "shmem name cannot include '/' character"},
    {"", "", "<shmem name='a'><model type='ivshmem-doorbell'/></shmem>", VIR_ERR_CONFIG_UNSUPPORTED,
     "'ivshmem-doorbell' is supported only with server option enabled"},
    {"", "", "<shmem name='a'><model type='ivshmem-plain'/><server path='/x'/></shmem>",
     VIR_ERR_CONFIG_UNSUPPORTED, "'ivshmem-plain' is supported only with server option disabled"},
    {"", "", "<shmem name='a'><model type='ivshmem-plain'/><msi/></shmem>", VIR_ERR_XML_ERROR,
     "msi option is only supported with a server"},
    {"", "", "<iommu model='intel'/>", VIR_ERR_CONFIG_UNSUPPORTED,
     "IOMMU device: 'intel' is only supported with Q35 machines"},
    {"", "", "<hostdev mode='capabilities' type='misc'><source><char>/x</char></source></hostdev>",
     VIR_ERR_CONFIG_UNSUPPORTED, "hostdev mode 'capabilities' is not supported in qemu"},
    {"", "", "<hostdev mode='subsystem' type='pci'/>", VIR_ERR_XML_ERROR,
     "Missing <source> element in hostdev device"},
    {"", "", "<hostdev mode='subsystem' type='scsi_host'><source protocol='vhost'/></hostdev>",
     VIR_ERR_XML_ERROR, "missing vhost-scsi hostdev source wwpn"},
    {"<cputune><shares>1</shares></cputune>", "", "", VIR_ERR_CONFIG_UNSUPPORTED,
     "Value of cputune 'shares' must be in range [2, 262144]"},
    {"<cputune><quota>5</quota></cputune>", "", "", VIR_ERR_CONFIG_UNSUPPORTED,
     "Value of cputune 'quota' must be in range [1000, 17592186044415]"},
    {"<cputune><emulator_period>5</emulator_period></cputune>", "", "", VIR_ERR_CONFIG_UNSUPPORTED,
     "Value of cputune 'emulator_period' must be in range [1000, 1000000]"},
    {"<cputune><iothreadpin iothread='3' cpuset='0'/></cputune>", "", "",
     VIR_ERR_CONFIG_UNSUPPORTED, "Cannot find 'iothread' : 3"},
#define LIMIT "<device><path>/x</path><weight>500</weight></device>"
    {"<blkiotune>" LIMIT LIMIT "</blkiotune>", "", "", VIR_ERR_CONFIG_UNSUPPORTED,
     "duplicate blkio device path '/x'"},
    {"", "<features><hyperv><spinlocks state='on' retries='1'/></hyperv></features>", "",
     VIR_ERR_XML_ERROR, "HyperV spinlock retry count must be at least 4095"},
    {"", "<features><hyperv><vendor_id state='on' value='1234567890123'/></hyperv></features>", "",
     VIR_ERR_XML_ERROR, "HyperV vendor_id value must not be more than 12 characters."},
    {"", "<features><cfpc value='fixed'/></features>", "", VIR_ERR_CONFIG_UNSUPPORTED,
     "The 'cfpc' feature is not supported for architecture 'x86_64'"},
    {"", "<features><tcg><tb-cache>5</tb-cache></tcg></features>", "", VIR_ERR_CONFIG_UNSUPPORTED,
     "tb-cache size must be an integer multiple of MiB"},
    {"", "<features><kvm><dirty-ring state='on' size='1025'/></kvm></features>", "",
     VIR_ERR_XML_ERROR, "dirty ring must be power of 2 and ranges [1024, 65536]"},
    {"", "<cpu migratable='on'><model>qemu64</model></cpu>", "", VIR_ERR_CONFIG_UNSUPPORTED,
     "Attribute migratable is only allowed for 'host-passthrough' / 'maximum' CPU mode"},
    {"", "<cpu><model>qemu64</model><cache mode='passthrough'/></cpu>", "",
     VIR_ERR_CONFIG_UNSUPPORTED, "CPU cache mode 'passthrough' can only be used with"},
    {"", "<cpu><model>qemu64</model><cache mode='emulate' level='2'/></cpu>", "",
     VIR_ERR_CONFIG_UNSUPPORTED, "CPU cache mode 'emulate' can only be used with level='3'"},
    {"", "<cpu><model vendor_id='AMD'>qemu64</model></cpu>", "", VIR_ERR_XML_ERROR,
     "vendor_id must be exactly 12 characters long"},
    {"", "<cpu><model>qemu64</model><maxphysaddr mode='emulate'/></cpu>", "",
     VIR_ERR_CONFIG_UNSUPPORTED, "bits= must be specified too"},
    {"",
     "<cpu><model>qemu64</model><numa><cell cpus='0' memory='1024'/><interconnects>"
     "<latency initiator='0' target='1' type='read' value='5'/></interconnects></numa></cpu>",
     "", VIR_ERR_XML_ERROR, "'target' refers to a non-existent NUMA node"},
    {"", "<clock><timer name='platform'/></clock>", "", VIR_ERR_CONFIG_UNSUPPORTED,
     "unsupported timer type (name) 'platform'"},
    {"", "<clock><timer name='armvtimer'/></clock>", "", VIR_ERR_CONFIG_UNSUPPORTED,
     "Configuring the 'armvtimer' timer is not supported"},
    {"", "<clock><timer name='rtc' tickpolicy='merge'/></clock>", "", VIR_ERR_CONFIG_UNSUPPORTED,
     "unsupported rtc timer tickpolicy 'merge'"},
    {"", "<clock><timer name='rtc' track='boot'/></clock>", "", VIR_ERR_CONFIG_UNSUPPORTED,
     "unsupported rtc timer track 'boot'"},
    {"<iothreads>1</iothreads><defaultiothread thread_pool_min='5' thread_pool_max='4'/>", "", "",
     VIR_ERR_CONFIG_UNSUPPORTED, "thread_pool_min must be smaller or equal to thread_pool_max"},
    {"<sysinfo type='smbios'><bios><entry name='date'>today</entry></bios></sysinfo>", "", "",
     VIR_ERR_XML_DETAIL, "Invalid BIOS 'date' format"},
    {"<sysinfo type='smbios'><system><entry name='uuid'>x</entry></system></sysinfo>", "", "",
     VIR_ERR_XML_DETAIL, "malformed <sysinfo> uuid element"},
    {"<sysinfo type='fwcfg'><entry name='a'>x</entry></sysinfo>", "", "",
     VIR_ERR_CONFIG_UNSUPPORTED, "Invalid firmware name"},
    {"<cputune><vcpusched vcpus='7' scheduler='batch'/></cputune>", "", "",
     VIR_ERR_CONFIG_UNSUPPORTED, "vCPU '7' is not present in domain definition"},
    {"<cputune><iothreadsched iothreads='7' scheduler='batch'/></cputune>", "", "",
     VIR_ERR_CONFIG_UNSUPPORTED, "Cannot find 'iothread' : 7"},
    {"<cputune><memorytune vcpus='0'><node id='0' bandwidth='9'/></memorytune></cputune>", "", "",
     VIR_ERR_CONFIG_UNSUPPORTED, "cachetune is only supported for KVM domains"},
    {"<memtune><min_guarantee>5</min_guarantee></memtune>", "", "", VIR_ERR_CONFIG_UNSUPPORTED,
     "Parameter 'min_guarantee' not supported by QEMU."},
    {"<numatune><memory mode='strict'/></numatune>", "", "", VIR_ERR_CONFIG_UNSUPPORTED,
     "nodeset for NUMA memory tuning must be set if 'placement' is 'static'"},
    {"<idmap><uid start='0' target='5' count='1'/></idmap>", "", "", VIR_ERR_CONFIG_UNSUPPORTED,
     "uid and gid should be mapped both"},
    {"<on_crash>rename-restart</on_crash>", "", "", VIR_ERR_CONFIG_UNSUPPORTED,
     "qemu driver doesn't support the 'rename-restart' action for 'on_crash'"},
    {"<seclabel type='static'><label>x</label></seclabel>", "", "", VIR_ERR_XML_ERROR,
     "missing security model in domain seclabel"},
    {"", "<features><smm state='on'><tseg>1</tseg></smm></features>", "",
     VIR_ERR_CONFIG_UNSUPPORTED, "SMM TSEG is only supported with q35 machine type"},
};

static void test_refusal(gconstpointer data)
{
    size_t i = GPOINTER_TO_SIZE(data);
    g_autoptr(GError) error = NULL;
    g_autofree char *text = g_strdup_printf(
        "<domain type='qemu'><name>a</name><memory>65536</memory>%s<os><type arch='x86_64' "
        "machine='pc'>hvm</type></os>%s<devices>%s</devices></domain>",
        refusals[i].above, refusals[i].features, refusals[i].devices);

    g_assert_null(pipeline_define(text, &error));
    g_test_message("%s", error->message);
    g_assert_nonnull(strstr(error->message, refusals[i].says));
    g_assert_cmpint(error_code_of(error), ==, refusals[i].code);
}

/* ---- refusals.txt ---- */

static char *make_text(const char *machine, char place, const char *words)
{
    g_auto(GStrv) parts = g_strsplit(words, " ;; ", 2);
    const char *top = place == 'd' ? "" : parts[0];
    const char *devices = place == 'd' ? words : place == 'b' && parts[1] ? parts[1] : "";
    bool memory = !strstr(top, "<memory>") && !strstr(top, "<memory ");
    bool vcpu = !strstr(top, "<vcpu>") && !strstr(top, "<vcpu ");

    if (place == 'F')
        return g_strdup(words);
    return g_strdup_printf("<domain type='qemu'><name>bad</name>%s%s%s%s%s%s<devices>%s</devices>"
                           "</domain>",
                           memory ? "<memory>1048576</memory>" : "", vcpu ? "<vcpu>2</vcpu>" : "",
                           strstr(top, "<os") ? "" : "<os><type arch='x86_64' machine='",
                           strstr(top, "<os") ? "" : machine,
                           strstr(top, "<os") ? "" : "'>hvm</type></os>", top, devices);
}

/* "v92 q35 d <vsock/>": all are read. */
static void check_validation(const char *line, const char *text)
{
    g_autoptr(GError) none = NULL, error = NULL;
    DEFINITION_AUTO struct definition *plain =
        xml_read(&domain_schema, text, -1, XML_READ_INACTIVE, NULL, &none);
    DEFINITION_AUTO struct definition *valid =
        xml_read(&domain_schema, text, -1, XML_READ_INACTIVE | XML_READ_VALIDATE, NULL, &error);
    int code = valid ? 0 : (int)error_code_of(error);

    if (plain && code == atoi(line + strlen("v")))
        return;
    g_test_message("%d instead of %s: %s", code, line, error ? error->message : "accepted");
    g_test_fail();
}

/* "67 q35 d <vsock/>" */
static void check_line(const char *line)
{
    g_auto(GStrv) words = g_strsplit(line, " ", 4);
    g_autoptr(GError) error = NULL;

    g_assert_cmpuint(g_strv_length(words), ==, 4);
    g_autofree char *text = make_text(words[1], *words[2], words[3]);
    if (*words[0] == 'v') {
        check_validation(line, text);
        return;
    }
    DEFINITION_AUTO struct domain *domain = pipeline_define(text, &error);
    bool starts = *words[0] == 's';
    bool accepted = domain && (!starts || check_limits(domain, &error) == 0);
    int code = accepted ? 0 : (int)error_code_of(error);
    if (code == atoi(words[0] + starts) && (domain || !starts))
        return;
    g_test_message("%d instead of %s: %s", code, line, error ? error->message : "accepted");
    g_test_fail();
}

static void test_recorded(gconstpointer name)
{
    g_autofree char *path = g_test_build_filename(G_TEST_DIST, name, NULL);
    g_autofree char *text = NULL;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (unsigned i = 0; lines[i]; i++)
        if (*lines[i] && *lines[i] != '#')
            check_line(lines[i]);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/rules/recorded", "refusals.txt", test_recorded);
    g_test_add_data_func("/rules/validation", "validation.txt", test_recorded);
    for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
        g_autofree char *path = g_strdup_printf("/rules/%zu", i + 1);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_refusal);
    }
    return g_test_run();
}
