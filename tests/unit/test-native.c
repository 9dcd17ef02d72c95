/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "virtqemud/native.h"

#include <string.h>

#include "base/error.h"
#include "base/uuid.h"
#include "xml/xml.h"

/* What a command line becomes: parts of its document, in order. */
#define Q "/usr/bin/qemu-system-x86_64 "
#define NONE "-display none -nodefaults "

static const struct {
    const char *command;
    const char *parts[6];
} cases[] = {
    {Q "-name guest=a,debug-threads=on -uuid 8a3bd1a6-1111-2222-3333-444444444444",
     {"<domain type='qemu'>", "<name>a</name>", "<uuid>8a3bd1a6-1111-2222-3333-444444444444</uuid>",
      "<emulator>/usr/bin/qemu-system-x86_64</emulator>"}},
    {"qemu-kvm -m 2G", {"<domain type='kvm'>", "<name>unnamed</name>", ">2097152</memory>"}},
    {Q "-enable-kvm -machine q35,vmport=off,hpet=off",
     {"type='kvm' ", "machine='q35'", "<vmport state='off'/>", "'-machine'", "'hpet=off'"}},
    {Q "-accel kvm -m size=512,slots=2,maxmem=4G", {"'kvm'", ">524288</", "'slots=2,maxmem=4G'"}},
    {Q "-smp 4,sockets=1,cores=2,threads=2", {">4</vcpu>", "sockets='1'", "cores='2' threads='2'"}},
    {Q "-smp 2,maxcpus=8", {"current='2'>8</vcpu>"}},
    {Q "-smp cores=2,threads=2", {">4</vcpu>", "sockets='1'"}},
    {Q "-cpu host", {"mode='host-passthrough'"}},
    {Q "-cpu Nehalem,+vmx,-x2apic,aes=on",
     {"mode='custom' match='exact'", "'forbid'>Nehalem</model>", "'require' name='vmx'/>",
      "'disable' name='x2apic'/>", "'require' name='aes'/>"}},
    {Q "-cpu EPYC,hv_relaxed,kvm=off", {"'-cpu'", "'EPYC,hv_relaxed,kvm=off'"}},
    {Q "-kernel /vmlinuz -initrd /i -append 'console=ttyS0 quiet'",
     {"<kernel>/vmlinuz</", "<initrd>/i</", "<cmdline>console=ttyS0 quiet</"}},
    {Q "-boot order=dc,menu=on,once=n",
     {"<boot dev='cdrom'/>", "<boot dev='hd'/>", "<bootmenu enable='yes'/>", "'once=n'"}},
    {Q "-boot d -device virtio-blk-pci,drive=d,bootindex=1 -drive if=none,id=d,file=/x",
     {"<boot order='1'/>", "'-boot'", "'order=d'"}},
    {Q "-device isa-parallel,chardev=c -chardev null,id=c -drive if=none,id=d,file=/x "
       "-device floppy,unit=1,drive=d",
     {"device='floppy'", "unit='1'", "<parallel type='null'>"}},
    {Q "-spice port=5901,password=on -audiodev spice,id=a",
     {"'-spice'", "'port=5901,password=on'", "'-audiodev'", "'spice,id=a'"}},
    {Q "-device e1000,netdev=n -netdev user,id=n,hostfwd=tcp::22-:22 -device edu,addr=18 "
       "-device usb-braille -device e1000,netdev=n",
     {"'e1000,netdev=n,addr=0x17'", "'edu,addr=18'", "'usb-braille'",
      "'e1000,netdev=n,addr=0x16'"}},
    {Q "-device pcie-root-port,id=a -device pcie-root-port,id=b,bus=a -device edu,bus=b",
     {"'pcie-root-port,id=a,addr=0x18'", "'pcie-root-port,id=b,bus=a'", "'edu,bus=b'"}},
    {Q "-device virtio-scsi-pci,num_queues=4", {"model='virtio-scsi'", "<driver queues='4'/>"}},
    {Q "-serial unix:/a,reconnect=5", {"mode='connect'", "<reconnect enabled='yes' timeout='5'/>"}},
    {Q
     "-numa node,cpus=0-1,cpus=4,memdev=m -numa node,nodeid=1,mem=64 -numa dist,src=0,dst=1,val=21 "
     "-object memory-backend-ram,id=m,size=128M",
     {">196608</memory>", "<cell id='0' cpus='0-1,4' memory='131072' unit='KiB'>",
      "<sibling id='1' value='21'/>", "<cell id='1' memory='65536'"}},
    {Q "-numa node,cpus=0,memdev=m -numa node,mem=64 "
       "-object memory-backend-ram,id=m,size=128M,prealloc=on",
     {"'node,cpus=0,memdev=m'", "'node,mem=64'",
      "'memory-backend-ram,id=m,size=128M,prealloc=on'"}},
    {Q "-bios /b.bin", {"<loader type='rom'>/b.bin</loader>"}},
    {Q "-drive if=pflash,format=raw,unit=0,readonly=on,file=/c.fd "
       "-drive if=pflash,format=raw,unit=1,file=/v.fd",
     {"<loader readonly='yes' type='pflash'", "/c.fd</loader>", "/v.fd</nvram>"}},
    {Q "-rtc base=localtime,driftfix=slew -no-reboot",
     {"<clock offset='localtime'>", "name='rtc' tickpolicy='catchup'", "<on_reboot>destroy<"}},
    {Q "-hda '/a b.qcow2' -cdrom /c.iso",
     {"device='disk'", "type='qcow2'", "file='/a b.qcow2'", "dev='hda' bus='ide'", "device='cdrom'",
      "dev='hdc' bus='ide'"}},
    {Q "-M q35 -hda /a.img", {"type='raw'", "dev='sda' bus='sata'"}},
    {Q "/a.img", {"file='/a.img'", "dev='hda'"}},
    {Q "-drive file=/a,,b,if=virtio,format=qcow2,cache=none,aio=native,discard=unmap",
     {"type='qcow2' cache='none' io='native' discard='unmap'", "file='/a,b'",
      "'vda' bus='virtio'"}},
    {Q "-drive file=/x,if=virtio,throttling.iops-total=5",
     {"<qemu:arg value='-drive'/>", "throttling.iops-total=5"}},
    {Q "-drive file=rbd:pool/x,if=virtio", {"'-drive'", "'file=rbd:pool/x,if=virtio'"}},
    {Q "-device virtio-blk-pci,drive=d,bootindex=1,serial=S -drive if=none,id=d,file=/dev/sdb",
     {"<disk type='block'", "dev='/dev/sdb'", "'vda' bus='virtio'", "<serial>S<", "order='1'"}},
    {Q "-drive if=none,id=d,file=/x,format=raw -device virtio-scsi-pci,id=s "
       "-device scsi-cd,drive=d,bus=s.0",
     {"device='cdrom'", "dev='sda' bus='scsi'", "<readonly/>", "model='virtio-scsi'"}},
    {Q "-blockdev driver=qcow2,node-name=q,file=f,backing=b "
       "-blockdev driver=file,filename=/top,node-name=f "
       "-blockdev '{\"driver\":\"raw\",\"node-name\":\"b\",\"file\":{\"driver\":\"file\","
       "\"filename\":\"/base\"}}' -device virtio-blk-pci,drive=q",
     {"type='qcow2'", "file='/top'", "<backingStore type='file'>", "type='raw'", "file='/base'"}},
    {Q "-blockdev driver=nbd,node-name=n,host=h -device virtio-blk-pci,drive=n",
     {"'-blockdev'", "'driver=nbd,node-name=n,host=h'", "'-device'",
      "'virtio-blk-pci,drive=n,addr=0x18'"}},
    {Q "-fda /f.img", {"device='floppy'", "dev='fda' bus='fdc'"}},
    {Q "-netdev user,id=n -device virtio-net-pci,netdev=n,mac=52:54:00:01:02:03",
     {"<interface type='user'>", "address='52:54:00:01:02:03'", "type='virtio'"}},
    {Q "-netdev user,id=n,hostfwd=tcp::2222-:22 -device e1000,netdev=n",
     {"'-netdev'", "hostfwd=tcp::2222-:22", "'e1000,netdev=n,addr=0x18'"}},
    {Q "-netdev tap,id=n,ifname=tap3,script=no,downscript=no -device rtl8139,netdev=n",
     {"type='ethernet'", "dev='tap3' managed='no'", "type='rtl8139'"}},
    {Q "-netdev bridge,id=n,br=br7 -device e1000e,netdev=n",
     {"'bridge'", "<source bridge='br7'/>"}},
    {Q "-netdev socket,id=n,mcast=230.0.0.1:1234 -device e1000,netdev=n",
     {"type='mcast'", "address='230.0.0.1' port='1234'"}},
    {Q "-nic tap,br=br0,model=virtio,mac=52:54:00:00:00:09", {"'bridge'", ":09'", "'br0'"}},
    {Q "-net nic,model=rtl8139,macaddr=52:54:00:11:22:33 -net user",
     {"type='user'", "52:54:00:11:22:33", "type='rtl8139'"}},
    {Q "-net nic -net user -net nic", {"'-net'", "'nic'", "'user'", "'nic'"}},
    {Q "-vnc 127.0.0.1:3,websocket=5800",
     {"type='vnc' port='5903' autoport='no'", "websocket='5800'", "address='127.0.0.1'"}},
    {Q "-vnc :1,password=on", {"'-vnc'", "':1,password=on'"}},
    {Q "-spice port=5930,addr=::1,disable-ticketing=on", {"type='spice' port='5930'", "'::1'"}},
    {"DISPLAY=:7 " Q, {"type='sdl' display=':7'", "<model type='vga'", "name='DISPLAY'"}},
    {Q NONE, {"<controller type='usb'", "model='none'", "type='none'", "memballoon model='none'"}},
    {Q "-vga none -device cirrus-vga", {"<video>\n      <model type='cirrus'"}},
    {Q "-vga none", {"<model type='none'/>"}},
    {Q "-vga qxl", {"<model type='qxl'"}},
    {Q "-device VGA,vgamem_mb=32", {"type='vga' vram='32768'"}},
    {Q "-serial pty -serial file:/s.log",
     {"<serial type='pty'>", "port='0'", "<serial type='file'>", "path='/s.log'"}},
    {Q "-serial tcp:127.0.0.1:44,server,nowait",
     {"<serial type='tcp'>", "mode='bind' host='127.0.0.1' service='44'"}},
    {Q "-chardev socket,id=c,path=/s,server=on,wait=off -device isa-serial,chardev=c",
     {"<serial type='unix'>", "mode='bind' path='/s'"}},
    {Q "-chardev socket,id=c,path=/s,server=on -device isa-serial,chardev=c",
     {"'-chardev'", "'-device'", "'isa-serial,chardev=c'"}},
    {Q "-device virtio-serial -chardev pty,id=c -device virtserialport,chardev=c,name=org.a",
     {"<channel type='pty'>", "name='org.a'"}},
    {Q "-parallel null", {"<parallel type='null'>"}},
    {Q "-usbdevice tablet -device usb-kbd",
     {"type='tablet' bus='usb'", "type='keyboard' bus='usb'"}},
    {Q "-device qemu-xhci,id=x -device usb-mouse,bus=x.0,port=2",
     {"model='qemu-xhci'", "type='mouse' bus='usb'", "type='usb' bus='0' port='2'"}},
    {Q "-M q35 -device pcie-root-port,id=rp,chassis=1,addr=2 -device igb,netdev=n,bus=rp "
       "-netdev user,id=n",
     {"type='pci' index='1' model='pcie-root-port'", "chassis='1'", "slot='0x02'", "'user'",
      "bus='0x01' slot='0x00'"}},
    {Q "-soundhw ac97", {"<sound model='ac97'"}},
    {Q "-audiodev none,id=a -device intel-hda,id=h -device hda-micro,bus=h.0,audiodev=a",
     {"<sound model='ich6'>", "type='micro'", "<audio id='1'", "<audio id='1' type='none'"}},
    {Q "-device virtio-balloon-pci -device virtio-rng-pci,rng=r "
       "-object rng-random,id=r,filename=/dev/random",
     {"memballoon model='virtio'", "<rng model='virtio'>", "'random'>/dev/random<"}},
    {Q "-watchdog i6300esb -watchdog-action poweroff", {"'i6300esb' action='poweroff'"}},
    {Q "-device edu,addr= -device e1000e,netdev=n,addr= -netdev user,id=n",
     {"'edu,addr='", "'e1000e,netdev=n,addr='", "'user,id=n'"}},
    {"A=b " Q "-snapshot --foo 'x y' -global a.b=c -device edu",
     {"<qemu:arg value='-snapshot'/>", "'--foo'", "'x y'", "'-global'", "'edu,addr=0x18'",
      "<qemu:env name='A' value='b'/>"}},
    {"# a script\nLC_ALL=C \\\n " Q "\\\n -m \"1\"024", {">1048576</memory>"}},
    {"qemu-system-aarch64 -M virt -cpu max", {"arch='aarch64' machine='virt'", "mode='maximum'"}},
};

static void check_case(gconstpointer data)
{
    size_t i = GPOINTER_TO_SIZE(data);
    DEFINITION_AUTO struct domain *domain = NULL;
    g_autoptr(GError) error = NULL;

    native_read(cases[i].command, &domain, &error);
    g_assert_no_error(error);
    g_autofree char *text = xml_write(&domain->definition, XML_WRITE_INACTIVE);
    const char *at = text;
    for (size_t part = 0; part < G_N_ELEMENTS(cases[i].parts) && cases[i].parts[part]; part++) {
        at = strstr(at, cases[i].parts[part]);
        if (!at) {
            g_test_message("%s\nlacks, in its place: %s\n%s", cases[i].command,
                           cases[i].parts[part], text);
            g_test_fail();
            return;
        }
        at++;
    }
}

/* What has its place in the document is not passed through as well. */
static void test_nothing_left(void)
{
    DEFINITION_AUTO struct domain *domain = NULL;

    native_read(
        Q "-S -no-user-config -nodefaults -display none -monitor stdio -pidfile /p -daemonize "
          "-msg timestamp=on -sandbox on -overcommit mem-lock=off -no-shutdown "
          "-machine pc,usb=off,dump-guest-core=off,memory-backend=pc.ram -m size=1024k "
          "-object memory-backend-ram,id=pc.ram,size=1048576 -rtc base=utc -boot strict=on "
          "-chardev socket,id=m,path=/m -mon chardev=m,mode=control -net none -vga none",
        &domain, NULL);
    g_assert_nonnull(domain);
    g_assert_cmpuint(domain->qemu_arguments.count, ==, 0);
}

static void test_wrong(void)
{
    static const char *const wrong[] = {
        "",
        "-m 1",
        "A=b",
        "A=b -m 1",
        Q "-name 'a",
        Q "-m",
        Q "-m x",
        Q "-m 12Q",
        Q "-smp x",
        Q "-smp 4,sockets=3",
        Q "-smp 8,maxcpus=4",
        Q "-uuid x",
        Q "-name a/b",
        Q "-cpu ''",
        Q "-device ''",
        Q "-m 1 && reboot",
        Q "-name \x01",
        Q "-name \xff",
        /* a place that a document has, and a number that it can't hold */
        Q "-vnc :1,websocket=65536",
        Q "-boot reboot-timeout=65536",
        Q "-device pcie-root-port,chassis=256",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        struct domain *domain = NULL;
        g_autoptr(GError) error = NULL;
        g_autofree char *shown = g_strescape(wrong[i], NULL); /* bytes that are no text */
        g_test_message("%s", shown);
        g_assert_cmpint(native_read(wrong[i], &domain, &error), ==, -1);
        g_assert_true(error_is(error, VIR_ERR_INVALID_ARG));
        g_assert_null(domain);
    }
}

static void test_limits(void)
{
    g_autofree char *words = g_strnfill(2 * 5000, 'a');
    g_autofree char *commas = g_strnfill(900000, ',');
    g_autofree char *many = g_strconcat(Q "-drive ", commas, NULL);
    g_autofree char *more = g_strconcat(many, commas, NULL);
    struct domain *domain = NULL;
    g_autoptr(GError) error = NULL;

    for (size_t i = 0; i < 5000; i++)
        words[2 * i] = ' ';
    g_assert_cmpint(native_read(words, &domain, NULL), ==, -1);
    g_assert_cmpint(native_read(more, &domain, NULL), ==, -1);
    native_read(many, &domain, &error);
    if (domain)
        definition_unref(&domain->definition);
}

/* ---- What we print ourselves ---- */

static unsigned count_words(const struct domain *domain, const char *part)
{
    unsigned count = 0;

    LIST_EACH (word, &domain->qemu_arguments)
        count += strstr(word, part) ? 1 : 0;
    return count;
}

/* The file has a word, or an option and its value, a line. */
static char *quote_lines(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autoptr(GString) command = g_string_new(NULL);

    for (unsigned i = 0; lines[i]; i++) {
        char *space = lines[i][0] == '-' ? strchr(lines[i], ' ') : NULL;
        if (space)
            *space = '\0';
        g_autofree char *first = g_shell_quote(lines[i]);
        g_autofree char *second = g_shell_quote(space ? space + 1 : "");
        if (lines[i][0])
            g_string_append_printf(command, "%s %s ", first, space ? second : "");
    }
    return g_string_free(g_steal_pointer(&command), FALSE);
}

static void compare(const struct domain *is, const struct domain *wanted)
{
    const struct domain_devices *a = &is->devices, *b = &wanted->devices;

    g_assert_cmpstr(is->name, ==, wanted->name);
    if (uuid_is_valid(wanted->hwuuid)) /* the one that a command line tells */
        g_assert_cmpmem(is->uuid, 16, wanted->hwuuid, 16);
    else if (wanted->given_uuid.set)
        g_assert_cmpmem(is->uuid, 16, wanted->uuid, 16);
    g_assert_cmpuint(is->max_vcpus, ==, MAX(wanted->max_vcpus, 1));
    g_assert_cmpuint(a->disks.count + count_words(is, "\"drive\":") + count_words(is, "scsi-cd") +
                         count_words(is, "vhost-user-blk"),
                     >=, b->disks.count);
    g_assert_cmpuint(a->nets.count + count_words(is, "\"netdev\":") + count_words(is, "vfio"), >=,
                     b->nets.count);
    if (!wanted->max_memory && b->memories.count == 0 && wanted->memory)
        g_assert_cmpuint(is->memory, >=, wanted->memory);
    g_assert_cmpuint(a->graphics.count + count_words(is, "-vnc") + count_words(is, "-spice") +
                         count_words(is, "-display"),
                     >=, b->graphics.count);
}

static void check_file(const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autofree char *xml_path = g_strndup(path, strlen(path) - strlen("args"));
    g_autofree char *xml_name = g_strconcat(xml_path, "xml", NULL);
    g_autofree char *arguments = NULL, *document = NULL;
    g_autoptr(GError) error = NULL;
    DEFINITION_AUTO struct domain *domain = NULL;

    g_test_message("%s", name);
    if (!g_file_get_contents(xml_name, &document, NULL, NULL))
        return;
    g_assert_true(g_file_get_contents(path, &arguments, NULL, NULL));
    g_autofree char *command = quote_lines(arguments);
    native_read(command, &domain, &error);
    g_assert_no_error(error);
    DEFINITION_AUTO struct domain *wanted =
        (struct domain *)xml_read(&domain_schema, document, -1, XML_READ_INACTIVE, NULL, &error);
    g_assert_no_error(error);
    compare(domain, wanted);
}

static void test_own(gconstpointer folder)
{
    g_autoptr(GDir) files = g_dir_open(folder, 0, NULL);
    const char *name;
    unsigned count = 0;

    g_assert_nonnull(files);
    while ((name = g_dir_read_name(files)))
        if (g_str_has_suffix(name, ".args")) {
            check_file(folder, name);
            count++;
        }
    g_assert_cmpuint(count, >, 20);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strdup_printf("/native/case/%zu", i);
        g_test_add_data_func(path, GSIZE_TO_POINTER(i), check_case);
    }
    g_test_add_func("/native/nothing-left", test_nothing_left);
    g_test_add_func("/native/wrong", test_wrong);
    g_test_add_func("/native/limits", test_limits);
    g_test_add_data_func("/native/own", argv[1], test_own);
    return g_test_run();
}
