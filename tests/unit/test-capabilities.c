/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>
#include <json-c/json.h>
#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/error.h"
#include "qmp-peer.h"
#include "virtqemud/capabilities.h"
#include "virtqemud/domain-capabilities.h"
#include "virtqemud/element.h"
#include "virtqemud/emulator-evidence.h"
#include "virtqemud/firmware-descriptor.h"
#include "virtqemud/json.h"
#include "virtqemud/probe-cpu.h"
#include "virtqemud/probe-sev.h"
#include "virtqemud/probe.h"

#define QEMU "/usr/bin/qemu-system-x86_64"
#define QEMU_ARM "/usr/bin/qemu-system-aarch64"

static struct json_object *parse(const char *text)
{
    g_autoptr(GError) error = NULL;
    struct json_object *json = NULL;

    json_read(text, strlen(text), 32, 1 << 20, &json, &error);
    g_assert_no_error(error);
    return json;
}

/* ---- documents ---- */

/* What an XPath expression says of a document, as text; the caller frees. */
static char *ask(const char *xml, const char *path)
{
    xmlDoc *document = xmlReadMemory(xml, strlen(xml), "x", NULL, XML_PARSE_NONET);
    g_assert_nonnull(document);
    xmlXPathContext *context = xmlXPathNewContext(document);
    g_autofree char *expression = g_strdup_printf("string(%s)", path);
    xmlXPathObject *result = xmlXPathEval((const xmlChar *)expression, context);
    g_assert_nonnull(result);
    char *text = g_strdup((const char *)result->stringval);
    xmlXPathFreeObject(result);
    xmlXPathFreeContext(context);
    xmlFreeDoc(document);
    return text;
}

static void check(const char *xml, const char *path, const char *expected)
{
    g_autofree char *text = ask(xml, path);

    if (strcmp(text, expected) != 0)
        g_error("%s is '%s', not '%s'", path, text, expected);
}

static void test_element(void)
{
    g_autoptr(GString) text = g_string_new(NULL);
    struct element_writer writer = {text, 0};

    element_begin(&writer, "a", "b", "<'&>", "c", NULL, NULL);
    element_text(&writer, "d", "x < y", "e", "1", NULL);
    element_empty(&writer, "f", NULL);
    element_end(&writer, "a");
    check(text->str, "/a/@b", "<'&>");
    check(text->str, "count(/a/@*)", "1");
    check(text->str, "/a/d[@e=1]", "x < y");
    g_assert_true(g_str_has_suffix(text->str, "  <f/>\n</a>\n"));
}

/* ---- firmware ---- */

static void write_file(const char *folder, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);

    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void remove_folder(const char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_unlink(path);
    }
    g_rmdir(folder);
}

#define IMAGE(file, arch, machine)                                                                 \
    "{\"interface-types\": [\"uefi\"], \"mapping\": {\"device\": \"flash\", \"executable\": "      \
    "{\"filename\": \"" file "\", \"format\": \"raw\"}}, \"targets\": [{\"architecture\": \"" arch \
    "\", \"machines\": [\"" machine "\"]}], \"features\": [\"secure-boot\"]}"

static void test_firmware(void)
{
    g_autofree char *own = g_dir_make_tmp("firmware-XXXXXX", NULL);
    g_autofree char *packaged = g_dir_make_tmp("firmware-XXXXXX", NULL);
    const char *const folders[] = {own, packaged, "/nowhere", NULL};
    struct arena arena ARENA_AUTO = {0};
    struct firmware_descriptor *items;
    unsigned count;

    write_file(packaged, "30-c.json", IMAGE("/c", "i386", "pc-*"));
    write_file(packaged, "10-a.json", IMAGE("/a", "x86_64", "pc-q35-*"));
    write_file(packaged, "20-b.json", IMAGE("/b", "x86_64", "*"));
    write_file(packaged, "40-broken.json", "{\"targets\": ");
    write_file(packaged, "50-other", IMAGE("/e", "x86_64", "*"));
    write_file(own, "10-a.json", IMAGE("/own", "x86_64", "pc-q35-*"));
    write_file(own, "20-b.json", "");
    firmware_descriptors_load(folders, &arena, &items, &count);
    g_assert_cmpuint(count, ==, 2);
    g_assert_cmpstr(items[0].executable, ==, "/own");
    g_assert_cmpstr(items[1].executable, ==, "/c");
    g_assert_true(firmware_descriptor_fits(&items[0], "x86_64", "pc-q35-7.2"));
    g_assert_false(firmware_descriptor_fits(&items[0], "x86_64", "pc-i440fx-7.2"));
    g_assert_false(firmware_descriptor_fits(&items[0], "aarch64", "pc-q35-7.2"));
    g_assert_true(firmware_descriptor_fits(&items[1], "i686", "pc-i440fx-7.2"));
    g_assert_true(firmware_descriptor_offers(&items[0], "uefi"));
    g_assert_false(firmware_descriptor_offers(&items[0], "bios"));
    g_assert_true(firmware_descriptor_has(&items[0], "secure-boot"));
    remove_folder(own);
    remove_folder(packaged);
}

/* ---- evidence ---- */

static void test_evidence(void)
{
    struct json_object *schema JSON_AUTO =
        parse("[{\"name\": \"netdev_add\", \"meta-type\": \"command\", \"arg-type\": \"1\"},"
              " {\"name\": \"1\", \"meta-type\": \"object\", \"variants\": [{\"case\": \"stream\", "
              "\"type\": \"2\"}]},"
              " {\"name\": \"device_add\", \"meta-type\": \"command\", \"features\": "
              "[\"json-cli-hotplug\"]},"
              " {\"name\": \"query-tpm-types\", \"meta-type\": \"command\", \"ret-type\": \"[3]\"},"
              " {\"name\": \"[3]\", \"meta-type\": \"array\", \"element-type\": \"3\"},"
              " {\"name\": \"3\", \"meta-type\": \"enum\", \"values\": [\"passthrough\"]},"
              " {\"name\": \"screendump\", \"meta-type\": \"command\", \"arg-type\": \"loop\"},"
              " {\"name\": \"loop\", \"element-type\": \"loop\"},"
              " {\"name\": \"MEMORY_FAILURE\", \"meta-type\": \"event\"}, 5]");
    struct json_object *options JSON_AUTO =
        parse("[{\"option\": \"sandbox\", \"parameters\": [{\"name\": \"elevateprivileges\"}]}]");
    struct json_object *vga JSON_AUTO = parse("[{\"name\": \"edid\"}]");
    g_autoptr(GHashTable) properties = g_hash_table_new(g_str_hash, g_str_equal);
    struct emulator_evidence evidence = {schema, options, properties};

    g_hash_table_insert(properties, "VGA", vga);
    struct json_object *flags JSON_AUTO = emulator_evidence_flags(&evidence);
    g_assert_cmpstr(json_object_get_string(flags), ==,
                    "sandbox device-json netdev-json netdev-stream tpm-passthrough "
                    "event-memory-failure vga-edid");
}

/* ---- CPUs ---- */

#define CPU(features)                                                                              \
    "{\"model\": {\"name\": \"base\", \"props\": {\"vendor\": \"AuthenticAMD\", " features "}}}"

static void test_cpu(void)
{
    struct json_object *definitions JSON_AUTO = parse(
        "[{\"name\": \"max\", \"unavailable-features\": []}, {\"name\": \"EPYC\", "
        "\"unavailable-features\": [\"pclmulqdq\", \"avx2\"]}, {\"name\": \"EPYC-v1\"}, {\"name\": "
        "\"Opteron_G1\", \"unavailable-features\": []}, {\"name\": \"Haswell\"}]");
    struct json_object *maximum JSON_AUTO =
        parse(CPU("\"sse2\": true, \"avx\": true, \"avx2\": false, \"pclmulqdq\": true, "
                  "\"lahf-lm\": false, \"kvm-asyncpf\": true, \"x-odd\": true"));
    g_auto(GStrv) candidates = probe_cpu_candidates(definitions);
    g_autoptr(GPtrArray) expansions =
        g_ptr_array_new_with_free_func((GDestroyNotify)(void (*)(void))json_object_put);

    g_assert_cmpstr(candidates[0], ==, "EPYC");
    g_assert_cmpstr(candidates[1], ==, "Opteron_G1");
    g_assert_cmpstr(candidates[2], ==, "Haswell");
    g_assert_null(candidates[3]);
    g_assert_cmpstr(probe_cpu_vendor(maximum), ==, "AMD");
    g_ptr_array_add(expansions, parse(CPU("\"sse2\": true, \"avx\": true, \"avx2\": true, "
                                          "\"pclmulqdq\": false, \"lahf-lm\": false")));
    g_ptr_array_add(expansions, parse(CPU("\"sse2\": true, \"avx\": false, \"avx2\": false, "
                                          "\"pclmulqdq\": false, \"lahf-lm\": true")));
    g_ptr_array_add(expansions, parse(CPU("\"sse2\": true, \"avx\": true, \"pclmulqdq\": true, "
                                          "\"x2apic\": true, \"monitor\": true")));

    struct json_object *part JSON_AUTO =
        probe_cpu_describe(definitions, maximum, candidates, expansions);
    g_assert_cmpstr(json_string_member(part, "host-model"), ==, "EPYC");
    g_assert_cmpstr(json_object_to_json_string_ext(json_array_member(part, "host-features"),
                                                   JSON_C_TO_STRING_PLAIN),
                    ==, "[{\"name\":\"pclmuldq\",\"on\":true},{\"name\":\"avx2\"}]");
    g_assert_cmpstr(json_string_member(part, "maximum"), ==, "avx pclmuldq sse2");
    g_assert_nonnull(strstr(json_string_member(part, "known"), "avx2"));
    struct json_object *model = json_object_array_get_idx(json_array_member(part, "models"), 1);
    g_assert_cmpstr(json_string_member(model, "blockers"), ==, "avx2 pclmuldq");
    g_assert_false(json_bool_member(model, "usable", false));
    g_assert_false(json_bool_member(model, "unknown", false));
    g_assert_cmpstr(json_string_member(model, "own"), ==, "");
    model = json_object_array_get_idx(json_array_member(part, "models"), 4);
    g_assert_true(json_bool_member(model, "unknown", false));
    g_assert_cmpstr(json_string_member(model, "own"), ==, "x2apic");
    model = json_object_array_get_idx(json_array_member(part, "models"), 2);
    g_assert_null(json_string_member(model, "own")); /* a version of one */

    struct json_object *interrupts JSON_AUTO =
        parse("[{\"version\": 3, \"emulated\": true, \"kernel\": false}, "
              "{\"version\": 2, \"emulated\": true, \"kernel\": true}]");
    struct json_object *emulated JSON_AUTO = probe_cpu_gic_versions(interrupts, "emulated");
    struct json_object *kernel JSON_AUTO = probe_cpu_gic_versions(interrupts, "kernel");
    g_assert_cmpstr(json_object_get_string(emulated), ==, "2 3");
    g_assert_cmpstr(json_object_get_string(kernel), ==, "2");
    g_assert_null(probe_cpu_gic_versions(NULL, "kernel"));

    struct json_object *document JSON_AUTO = json_object_new_object();
    probe_cpu_add_host(document, "processor\t: 0\nflags\t\t: sse2 pclmulqdq lahf_lm nonsense\n",
                       maximum, candidates, expansions);
    struct json_object *host = json_member(document, "host-cpu");
    g_assert_cmpstr(json_string_member(host, "model"), ==, "Opteron_G1");
    g_assert_cmpstr(json_string_member(host, "features"), ==, "pclmuldq");
}

/* ---- encryption ---- */

static void test_sev(void)
{
    struct json_object *capabilities JSON_AUTO = parse("{\"cbitpos\": 47}");
    struct json_object *sev JSON_AUTO =
        probe_sev_describe(capabilities, (struct probe_sev_asids){.last = 509, .first = 100});

    g_assert_cmpint(json_int_member(sev, "cbitpos", 0), ==, 47);
    g_assert_cmpint(json_int_member(sev, "max-guests", -1), ==, 410);
    g_assert_cmpint(json_int_member(sev, "max-es-guests", -1), ==, 99);
    g_assert_null(probe_sev_describe(NULL, probe_sev_read_asids()));

    struct json_object *unknown JSON_AUTO =
        probe_sev_describe(capabilities, (struct probe_sev_asids){0});
    g_assert_cmpint(json_int_member(unknown, "max-guests", -1), ==, 0);
    g_assert_cmpint(json_int_member(unknown, "max-es-guests", -1), ==, 0);
}

/* ---- capabilities ---- */

struct setup {
    struct qmp_bench bench;
    struct probes *probes;
};

static void begin(struct setup *setup, const char *search)
{
    const struct probes_settings settings = {.search = search};

    qmp_bench_begin(&setup->bench);
    setup->probes = probes_new(setup->bench.loop, &settings);
}

static void end(struct setup *setup)
{
    probes_free(setup->probes);
    qmp_bench_end(&setup->bench);
}

static char *write_capabilities(struct setup *setup, bool privileged)
{
    static const uint8_t uuid[16] = {0x12, 0x34, [15] = 0xff};
    const struct capabilities_settings settings = {uuid, 64055, 64056, privileged};
    g_autoptr(GError) error = NULL;
    char *xml = NULL;

    capabilities_write(setup->probes, &settings, &xml, &error);
    g_assert_no_error(error);
    return xml;
}

/* A host without any emulator still says what it is. */
static void test_host(void)
{
    struct setup setup;

    begin(&setup, "/nowhere");
    g_autofree char *xml = write_capabilities(&setup, true);
    check(xml, "/capabilities/host/uuid", "12340000-0000-0000-0000-0000000000ff");
    check(xml, "count(/capabilities/guest)", "0");
    check(xml, "/capabilities/host/secmodel[model='dac']/baselabel[@type='kvm']", "+64055:+64056");
    check(xml, "boolean(/capabilities/host/topology/cells/cell/cpus/cpu)", "true");
    check(xml,
          "/capabilities/host/topology/cells/@num = "
          "count(/capabilities/host/topology/cells/cell)",
          "true");
    check(xml,
          "/capabilities/host/cpu/pages[1]/@size * 1024 = 4096 or "
          "/capabilities/host/cpu/pages[1]/@size > 4",
          "true");
    g_autofree char *session = write_capabilities(&setup, false);
    check(session, "count(/capabilities/host/secmodel)", "1");
    end(&setup);
}

static bool begin_real(struct setup *setup)
{
    if (access(QEMU, X_OK) < 0) {
        g_test_skip("no " QEMU);
        return false;
    }
    begin(setup, "/usr/bin");
    return true;
}

static void test_guests(void)
{
    struct setup setup;

    if (!begin_real(&setup))
        return;
    g_autofree char *xml = write_capabilities(&setup, true);
    check(xml, "//guest/arch[@name='x86_64']/emulator", QEMU);
    check(xml, "//guest/arch[@name='x86_64']/wordsize", "64");
    check(xml, "starts-with(//guest/arch[@name='x86_64']/machine[.='q35']/@canonical, 'pc-q35-')",
          "true");
    check(xml, "//guest/arch[@name='x86_64']/machine[2]", "pc");
    check(xml, "boolean(//guest/arch[@name='x86_64']/domain[@type='qemu'])", "true");
    check(xml, "boolean(//machine[.='none'])", "false");
    check(xml, "//guest[arch/@name='x86_64']/features/acpi/@default", "on");
    check(xml, "boolean(//host/cpu/model)", "true");
    end(&setup);
}

/* ---- domain capabilities ---- */

static void test_domain(void)
{
    const struct domain_capabilities_wish wish = {.machine = "q35", .virttype = "qemu"};
    struct setup setup;
    g_autofree char *xml = NULL;
    g_autoptr(GError) error = NULL;

    if (!begin_real(&setup))
        return;
    domain_capabilities_write(setup.probes, &wish, &xml, &error);
    g_assert_no_error(error);
    check(xml, "/domainCapabilities/path", QEMU);
    check(xml, "/domainCapabilities/domain", "qemu");
    check(xml, "/domainCapabilities/arch", "x86_64");
    check(xml, "starts-with(/domainCapabilities/machine, 'pc-q35-')", "true");
    check(xml, "//cpu/mode[@name='host-passthrough']/@supported", "no");
    check(xml, "//cpu/mode[@name='host-model']/@supported", "yes");
    check(xml, "//cpu/mode[@name='custom']/model[.='qemu64']/@usable", "yes");
    check(xml, "//cpu/mode[@name='custom']/model[.='Icelake-Server']/@usable", "no");
    check(xml, "boolean(//mode/model[.='EPYC-v1' or .='max' or .='host'])", "false");
    check(xml, "boolean(//disk/enum[@name='bus']/value[.='ide'])", "false");
    check(xml, "boolean(//disk/enum[@name='bus']/value[.='sata'])", "true");
    check(xml, "boolean(//graphics/enum/value[.='vnc'])", "true");
    check(xml, "//features/vmcoreinfo/@supported", "yes");
    check(xml, "boolean(//hyperv/enum/value[.='vpindex'])", "false");
    end(&setup);
}

static void test_ide(void)
{
    const struct domain_capabilities_wish wish = {
        .arch = "i686", .emulator = QEMU, .virttype = "qemu"};
    struct setup setup;
    g_autofree char *xml = NULL;

    if (!begin_real(&setup))
        return;
    g_assert_cmpint(domain_capabilities_write(setup.probes, &wish, &xml, NULL), ==, 0);
    check(xml, "/domainCapabilities/arch", "i686");
    check(xml, "boolean(//disk/enum[@name='bus']/value[.='ide'])", "true");
    end(&setup);
}

/* QEMU does not say there which models work, and has its own interrupt controller. */
static void test_arm(void)
{
    const struct domain_capabilities_wish wish = {
        .arch = "aarch64", .emulator = QEMU_ARM, .machine = "virt", .virttype = "qemu"};
    struct setup setup;
    g_autofree char *xml = NULL;

    if (access(QEMU_ARM, X_OK) < 0) {
        g_test_skip("there is no " QEMU_ARM);
        return;
    }
    if (!begin_real(&setup))
        return;
    g_assert_cmpint(domain_capabilities_write(setup.probes, &wish, &xml, NULL), ==, 0);
    check(xml, "//mode[@name='maximum']/@supported", "yes");
    check(xml, "//mode[@name='host-model']/@supported", "no");
    check(xml, "//model[.='cortex-a57']/@usable", "unknown");
    check(xml, "boolean(//gic/enum/value[.='3'])", "true");
    end(&setup);
}

static const struct refusal {
    struct domain_capabilities_wish wish;
    enum error_code code;
    const char *message;
} refusals[] = {
    {{.machine = "nope"},
     VIR_ERR_INVALID_ARG,
     "invalid argument: the machine 'nope' is not supported by emulator '" QEMU "'"},
    {{.arch = "nope"}, VIR_ERR_INVALID_ARG, "invalid argument: unknown architecture: nope"},
    {{.virttype = "xen"},
     VIR_ERR_INVALID_ARG,
     "invalid argument: the accel 'xen' is not supported by '" QEMU "' on this host"},
    {{.virttype = "nope"}, VIR_ERR_INVALID_ARG, "invalid argument: unknown virttype: nope"},
    {{.emulator = QEMU, .arch = "s390x"},
     VIR_ERR_INVALID_ARG,
     "invalid argument: emulator '" QEMU "' is for 'x86_64', not for 's390x'"},
    {{.emulator = "/nowhere/qemu"},
     VIR_ERR_SYSTEM_ERROR,
     "Cannot check QEMU binary /nowhere/qemu: No such file or directory"},
};

static void test_refusals(void)
{
    struct setup setup;

    if (!begin_real(&setup))
        return;
    for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
        g_autoptr(GError) error = NULL;
        char *xml = NULL;
        g_assert_cmpint(domain_capabilities_write(setup.probes, &refusals[i].wish, &xml, &error),
                        ==, -1);
        g_assert_cmpstr(error->message, ==, refusals[i].message);
        g_assert_cmpint(error_code_of(error), ==, refusals[i].code);
        g_assert_null(xml);
    }
    end(&setup);
}

static void test_no_emulator(void)
{
    const struct domain_capabilities_wish wish = {.arch = "xtensaeb"};
    g_autoptr(GError) error = NULL;
    char *xml = NULL;
    struct setup setup;

    begin(&setup, "/nowhere");
    g_assert_cmpint(domain_capabilities_write(setup.probes, &wish, &xml, &error), ==, -1);
    g_assert_cmpstr(
        error->message, ==,
        "unsupported configuration: unable to find any emulator to serve 'xtensaeb' architecture");
    g_assert_cmpint(error_code_of(error), ==, VIR_ERR_CONFIG_UNSUPPORTED);
    end(&setup);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/element/write", test_element);
    g_test_add_func("/firmware-descriptor/load", test_firmware);
    g_test_add_func("/emulator/evidence", test_evidence);
    g_test_add_func("/probe-cpu/describe", test_cpu);
    g_test_add_func("/probe-sev/describe", test_sev);
    g_test_add_func("/capabilities/host", test_host);
    g_test_add_func("/capabilities/guests", test_guests);
    g_test_add_func("/domain-capabilities/q35", test_domain);
    g_test_add_func("/domain-capabilities/ide", test_ide);
    g_test_add_func("/domain-capabilities/arm", test_arm);
    g_test_add_func("/domain-capabilities/refusals", test_refusals);
    g_test_add_func("/domain-capabilities/no-emulator", test_no_emulator);
    return g_test_run();
}
