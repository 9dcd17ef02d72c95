/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <json-c/json.h>
#include <string.h>

#include "model/domain-defaults.h"
#include "xml/xml.h"

#include "virtqemud/chardev-json.h"
#include "virtqemud/device-document.h"
#include "virtqemud/device-match.h"
#include "virtqemud/hotplug-rules.h"
#include "virtqemud/json.h"

/* The pure parts of plugging: words as commands, which device a document means, what can be. */

/* ---- character devices ---- */

static const struct {
    const char *option, *json; /* NULL: refused */
} chardevs[] = {
    {"pty,id=charserial0", "{'backend':{'type':'pty','data':{}},'id':'charserial0'}"},
    {"socket,id=c,path=/run/a,,b,server=on,wait=off",
     "{'backend':{'type':'socket','data':{'server':true,'addr':{'data':{'path':'/run/a,b'},"
     "'type':'unix'},'wait':false}},'id':'c'}"},
    {"socket,id=c,host=::1,port=4000,telnet=on,reconnect=5",
     "{'backend':{'type':'socket','data':{'server':false,'addr':{'data':{'host':'::1','port':'4000'"
     "},"
     "'type':'inet'},'telnet':true,'reconnect':5}},'id':'c'}"},
    {"socket,id=c,fd=7,server=on",
     "{'backend':{'type':'socket','data':{'server':true,'addr':{'data':{'str':'7'},'type':'fd'}}},"
     "'id':'c'}"},
    {"file,id=c,path=/dev/fdset/3,append=on,logfile=/l,logappend=off",
     "{'backend':{'type':'file','data':{'out':'/dev/fdset/3','append':true,'logfile':'/l',"
     "'logappend':false}},'id':'c'}"},
    {"udp,id=c,host=a,port=1,localaddr=b,localport=2",
     "{'backend':{'type':'udp','data':{'remote':{'data':{'host':'a','port':'1'},'type':'inet'},"
     "'local':{'data':{'host':'b','port':'2'},'type':'inet'}}},'id':'c'}"},
    {"spicevmc,id=c,name=usbredir",
     "{'backend':{'type':'spicevmc','data':{'type':'usbredir'}},'id':'c'}"},
    {"qemu-vdagent,id=c,name=vdagent,clipboard=on",
     "{'backend':{'type':'qemu-vdagent','data':{'clipboard':true}},'id':'c'}"},
    {"pty", "{'backend':{'type':'pty','data':{}}}"},
    {"socket,id=c,unheard=1", NULL},
    {"socket,id=c,path", NULL},
    {"unheard,id=c", NULL},
    {"", NULL},
};

static void test_chardevs(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(chardevs); i++) {
        struct json_object *json JSON_AUTO = NULL;
        g_autoptr(GError) error = NULL;
        int result = chardev_json(chardevs[i].option, &json, &error);

        g_assert_cmpint(result, ==, chardevs[i].json ? 0 : -1);
        g_assert_true((error != NULL) == (result < 0));
        if (result < 0)
            continue;
        g_autofree char *expected = g_strdelimit(g_strdup(chardevs[i].json), "'", '"');
        g_assert_cmpstr(json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN |
                                                                 JSON_C_TO_STRING_NOSLASHESCAPE),
                        ==, expected);
    }
}

/* ---- which device ---- */

static const char guest[] =
    "<domain type='kvm'><name>g</name><memory>1048576</memory><maxMemory slots='2' "
    "unit='KiB'>2097152</maxMemory><os><type arch='x86_64'>hvm</type></os>"
    "<cpu><numa><cell id='0' cpus='0' memory='524288'/></numa></cpu><devices>"
    "<disk type='file'><source file='/a'/><target dev='vda'/></disk>"
    "<disk type='file' device='cdrom'><target dev='sda' bus='sata'/></disk>"
    "<disk type='file'><source file='/s'/><target dev='sdb' bus='scsi'/></disk>"
    "<controller type='scsi' index='0' model='virtio-scsi'/>"
    "<controller type='scsi' index='1' model='virtio-scsi'/>"
    "<interface type='user'><mac address='52:54:00:00:00:01'/><alias name='ua-one'/></interface>"
    "<interface type='user'><mac address='52:54:00:00:00:02'/>"
    "<address type='pci' bus='0' slot='9'/></interface>"
    "<interface type='user'><mac address='52:54:00:00:00:02'/>"
    "<address type='pci' bus='0' slot='10'/></interface>"
    "<channel type='pty'><target type='virtio' name='a'/></channel>"
    "<rng model='virtio'><rate bytes='5'/><backend model='random'>/dev/random</backend></rng>"
    "<rng model='virtio'><backend model='random'>/dev/random</backend></rng>"
    "<input type='tablet' bus='usb'/>"
    "<watchdog model='i6300esb'/><graphics type='vnc'/>"
    "<memory model='dimm'><target><size unit='KiB'>524288</size><node>0</node></target></memory>"
    "</devices></domain>";

static struct domain *read_guest(void)
{
    const struct domain_defaults defaults = {.mac_prefix = {0x52, 0x54, 0x00}};
    g_autoptr(GError) error = NULL;
    DEFINITION_AUTO struct domain *domain =
        (struct domain *)xml_read(&domain_schema, guest, -1, XML_READ_INACTIVE, NULL, &error);

    g_assert_no_error(error);
    domain_apply_defaults(domain, &defaults, &error);
    g_assert_no_error(error);
    return g_steal_pointer(&domain);
}

static const struct {
    const char *document;
    unsigned index;
    enum error_code code;
} matches[] = {
    {"<disk type='block'><target dev='vda'/></disk>", 0},
    {"<disk><target dev='vdb'/></disk>", 0, VIR_ERR_DEVICE_MISSING},
    {"<controller type='scsi' index='1'/>", 1},
    {"<controller type='scsi' index='2'/>", 0, VIR_ERR_DEVICE_MISSING},
    {"<interface type='user'><mac address='52:54:00:00:00:01'/></interface>", 0},
    {"<interface type='user'><alias name='ua-one'/></interface>", 0},
    {"<interface type='user'><mac address='52:54:00:00:00:02'/></interface>", 0,
     VIR_ERR_OPERATION_FAILED},
    {"<interface type='user'><mac address='52:54:00:00:00:02'/>"
     "<address type='pci' bus='0' slot='10'/></interface>",
     2},
    {"<interface type='user'><mac address='52:54:00:00:00:03'/></interface>", 0,
     VIR_ERR_DEVICE_MISSING},
    {"<channel type='pty'><source path='/dev/pts/3'/><target type='virtio' name='a'/></channel>",
     0},
    {"<channel type='pty'><target type='virtio' name='b'/></channel>", 0, VIR_ERR_INVALID_ARG},
    {"<rng model='virtio'><backend model='random'>/dev/random</backend></rng>", 1},
    {"<rng model='virtio'><rate bytes='5'/><backend model='random'>/dev/random</backend></rng>", 0},
    {"<rng model='virtio'><rate bytes='6'/><backend model='random'>/dev/random</backend></rng>", 0,
     VIR_ERR_DEVICE_MISSING},
    {"<input type='mouse' bus='usb'/>", 0, VIR_ERR_DEVICE_MISSING},
    {"<graphics type='spice'/>", 0, VIR_ERR_INVALID_ARG},
};

static void test_matches(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(matches); i++) {
        DEFINITION_AUTO struct domain *domain = read_guest();
        g_autoptr(GError) error = NULL;
        struct device document, found;

        g_test_message("%s", matches[i].document);
        device_document_read(domain, matches[i].document, false, &document, &error);
        g_assert_no_error(error);
        int result = device_match_find(domain, &document, false, &found, &error);
        if (matches[i].code) {
            g_assert_cmpint(result, ==, -1);
            g_assert_true(error_is(error, matches[i].code));
            continue;
        }
        g_assert_no_error(error);
        g_assert_cmpint(found.kind, ==, document.kind);
        g_assert_cmpuint(found.index, ==, matches[i].index);
    }
}

/* ---- what can be ---- */

enum step { ATTACH, ROOM, DETACH, UPDATE };

static const struct {
    enum step step;
    bool live;
    const char *document;
    enum error_code code; /* 0: it can */
} rules[] = {
    {ATTACH, true, "<rng model='virtio'><backend model='random'/></rng>", 0},
    {ATTACH, true, "<sound model='usb'/>", VIR_ERR_OPERATION_UNSUPPORTED},
    {ATTACH, false, "<sound model='usb'/>", 0},
    {ATTACH, false, "<memballoon model='virtio'/>", VIR_ERR_OPERATION_UNSUPPORTED},
    {ATTACH, true, "<controller type='usb'/>", VIR_ERR_OPERATION_UNSUPPORTED},
    {ATTACH, false, "<controller type='usb'/>", 0},
    {ATTACH, true, "<disk device='floppy'><target dev='fda'/></disk>",
     VIR_ERR_OPERATION_UNSUPPORTED},
    {ATTACH, true, "<filesystem><source dir='/a'/><target dir='b'/></filesystem>",
     VIR_ERR_OPERATION_UNSUPPORTED},
    {ROOM, true, "<disk><target dev='vda'/></disk>", 0}, /* said elsewhere */
    {ROOM, false, "<disk><target dev='vda'/></disk>", VIR_ERR_OPERATION_INVALID},
    {ROOM, true, "<controller type='scsi' index='0'/>", VIR_ERR_OPERATION_FAILED},
    {ROOM, false, "<controller type='scsi' index='0'/>", VIR_ERR_OPERATION_INVALID},
    {ROOM, true, "<watchdog model='i6300esb'/>", VIR_ERR_OPERATION_INVALID},
    {ROOM, false, "<channel type='pty'><target type='virtio' name='a'/></channel>",
     VIR_ERR_OPERATION_INVALID},
    {ROOM, true,
     "<memory model='dimm'><target><size unit='MiB'>1024</size><node>0</node></target></memory>",
     0},
    {ROOM, true,
     "<memory model='dimm'><target><size unit='MiB'>1025</size><node>0</node></target></memory>",
     VIR_ERR_CONFIG_UNSUPPORTED},
    {ROOM, true,
     "<memory model='dimm'><target><size unit='MiB'>512</size><node>1</node></target></memory>",
     VIR_ERR_XML_DETAIL},
    {DETACH, true, "<disk><target dev='vda'/></disk>", 0},
    {DETACH, true, "<disk><target dev='sda'/></disk>", VIR_ERR_OPERATION_UNSUPPORTED},
    {DETACH, true, "<controller type='scsi' index='0'/>", VIR_ERR_OPERATION_FAILED},
    {DETACH, true, "<controller type='scsi' index='1'/>", 0},
    {DETACH, false, "<controller type='scsi' index='0'/>", 0},
    {UPDATE, true, "<rng model='virtio'><backend model='random'/></rng>",
     VIR_ERR_CONFIG_UNSUPPORTED},
    {UPDATE, false, "<rng model='virtio'><backend model='random'/></rng>",
     VIR_ERR_OPERATION_UNSUPPORTED},
    {UPDATE, true, "<graphics type='vnc'/>", 0},
};

static int check_rule(size_t i, const struct domain *domain, const struct device *document,
                      GError **error)
{
    struct device found;

    switch (rules[i].step) {
    case ATTACH:
        return hotplug_rules_check_attach(document, rules[i].live, error);
    case ROOM:
        return hotplug_rules_check_room(domain, document, rules[i].live, error);
    case UPDATE:
        return hotplug_rules_check_update(document, rules[i].live, error);
    default:
        return device_match_find(domain, document, rules[i].live, &found, error) < 0
                   ? -1
                   : hotplug_rules_check_detach(domain, &found, rules[i].live, error);
    }
}

static void test_rules(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rules); i++) {
        DEFINITION_AUTO struct domain *domain = read_guest();
        g_autoptr(GError) error = NULL;
        struct device document;

        device_document_read(domain, rules[i].document, rules[i].live, &document, &error);
        g_assert_no_error(error);
        int result = check_rule(i, domain, &document, &error);
        g_test_message("%s: %s", rules[i].document, error ? error->message : "can be");
        g_assert_cmpint(result, ==, rules[i].code ? -1 : 0);
        if (rules[i].code)
            g_assert_true(error_is(error, rules[i].code));
    }
}

static void test_memory_counts(void)
{
    DEFINITION_AUTO struct domain *domain = read_guest();
    uint64_t before = domain->memory;
    struct device memory;

    device_document_read(domain,
                         "<memory model='dimm'><target><size unit='KiB'>1024</size></target>"
                         "</memory>",
                         true, &memory, NULL);
    device_document_add(domain, &memory, NULL);
    g_assert_cmpuint(memory.index, ==, 1);
    /* in blocks that a guest can take */
    g_assert_cmpuint(domain->memory, ==, before + 2048);
    device_document_remove(domain, &memory);
    g_assert_cmpuint(domain->memory, ==, before);
    g_assert_cmpuint(domain->devices.memories.count, ==, 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hotplug/chardevs", test_chardevs);
    g_test_add_func("/hotplug/matches", test_matches);
    g_test_add_func("/hotplug/rules", test_rules);
    g_test_add_func("/hotplug/memory-counts", test_memory_counts);
    return g_test_run();
}
