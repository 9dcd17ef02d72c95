/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "capabilities.h"

#include <string.h>
#include <sys/utsname.h>

#include "base/uuid.h"

#include "capabilities-host.h"
#include "probe.h"

#define PROBES_AT_ONCE 4

/* One kind of guest: an architecture and its emulator. */
struct guest_kind {
    char *arch;
    char *path;
    struct probes *probes;
    struct emulator *emulator; /* NULL: could not be probed */
};

static void guest_kind_free(gpointer data)
{
    struct guest_kind *kind = data;

    g_free(kind->arch);
    g_free(kind->path);
    emulator_unref(kind->emulator);
    g_free(kind);
}

static void probe_kind(gpointer data, gpointer user)
{
    struct guest_kind *kind = data;

    probe_get(kind->probes, kind->path, &kind->emulator, NULL);
}

/* Every kind of guest, probed side by side but not all at once: a host may have thirty emulators.
 */
static GPtrArray *probe_all(struct probes *probes)
{
    GPtrArray *kinds = g_ptr_array_new_with_free_func(guest_kind_free);
    GThreadPool *pool = g_thread_pool_new(probe_kind, NULL, PROBES_AT_ONCE, FALSE, NULL);
    g_auto(GStrv) archs = probe_list(probes);

    for (char **arch = archs; *arch; arch++) {
        struct guest_kind *kind = g_new0(struct guest_kind, 1);
        kind->arch = g_strdup(*arch);
        kind->path = probe_find(probes, *arch);
        kind->probes = probes;
        g_ptr_array_add(kinds, kind);
        if (kind->path)
            g_thread_pool_push(pool, kind, NULL);
    }
    g_thread_pool_free(pool, FALSE, TRUE);
    return kinds;
}

static const struct emulator *find_native(const GPtrArray *kinds)
{
    struct utsname kernel;

    uname(&kernel);
    for (unsigned i = 0; i < kinds->len; i++) {
        const struct guest_kind *kind = g_ptr_array_index(kinds, i);
        if (strcmp(kind->arch, kernel.machine) == 0)
            return kind->emulator;
    }
    return NULL;
}

/* ---- <host> ---- */

static void write_migration(struct element_writer *writer, const struct emulator *native)
{
    element_begin(writer, "migration_features", NULL);
    element_empty(writer, "live", NULL);
    element_begin(writer, "uri_transports", NULL);
    element_text(writer, "uri_transport", "tcp", NULL);
    if (native && emulator_has(native, EMULATOR_MIGRATION_RDMA))
        element_text(writer, "uri_transport", "rdma", NULL);
    element_end(writer, "uri_transports");
    element_end(writer, "migration_features");
}

static void write_security(struct element_writer *writer,
                           const struct capabilities_settings *settings)
{
    g_autofree char *label = g_strdup_printf("+%u:+%u", settings->uid, settings->gid);

    element_begin(writer, "secmodel", NULL);
    element_text(writer, "model", "none", NULL);
    element_text(writer, "doi", "0", NULL);
    element_end(writer, "secmodel");
    if (!settings->privileged)
        return;
    element_begin(writer, "secmodel", NULL);
    element_text(writer, "model", "dac", NULL);
    element_text(writer, "doi", "0", NULL);
    element_text(writer, "baselabel", label, "type", "kvm", NULL);
    element_text(writer, "baselabel", label, "type", "qemu", NULL);
    element_end(writer, "secmodel");
}

static void write_host(struct element_writer *writer, const struct capabilities_settings *settings,
                       const struct emulator *native)
{
    char uuid[UUID_TEXT];

    uuid_format(settings->host_uuid, uuid);
    element_begin(writer, "host", NULL);
    element_text(writer, "uuid", uuid, NULL);
    capabilities_write_cpu(writer, native);
    capabilities_write_power(writer);
    capabilities_write_iommu(writer);
    write_migration(writer, native);
    capabilities_write_topology(writer);
    capabilities_write_caches(writer);
    write_security(writer, settings);
    element_end(writer, "host");
}

/* ---- <guest> ---- */

static void write_machine(struct element_writer *writer, const struct emulator_machine *machine)
{
    g_autofree char *cpus = g_strdup_printf("%u", machine->max_cpus);
    const char *deprecated = machine->deprecated ? "yes" : NULL;

    element_text(writer, "machine", machine->name, "maxCpus", cpus, "deprecated", deprecated, NULL);
    if (machine->alias)
        element_text(writer, "machine", machine->alias, "canonical", machine->name, "maxCpus", cpus,
                     "deprecated", deprecated, NULL);
}

/* The default first: clients take the first for it. */
static void write_machines(struct element_writer *writer, const struct emulator *emulator)
{
    const struct emulator_machine *first = emulator_find_machine(emulator, NULL);

    if (first)
        write_machine(writer, first);
    for (unsigned i = 0; i < emulator->machine_count; i++)
        if (&emulator->machines[i] != first && strcmp(emulator->machines[i].name, "none") != 0)
            write_machine(writer, &emulator->machines[i]);
}

static bool has_64_bits(const char *arch)
{
    return strstr(arch, "64") || strcmp(arch, "s390x") == 0 || strcmp(arch, "alpha") == 0;
}

static const struct {
    const char *name;
    const char *archs; /* NULL: all */
    const char *by_default;
    const char *toggle;
} guest_features[] = {
    {"pae", "i686", NULL, NULL},
    {"nonpae", "i686", NULL, NULL},
    {"acpi", "i686 x86_64 aarch64", "on", "yes"},
    {"apic", "i686 x86_64", "on", "no"},
    {"cpuselection", NULL, NULL, NULL},
    {"deviceboot", NULL, NULL, NULL},
    {"disksnapshot", NULL, "on", "no"},
};

static void write_guest_features(struct element_writer *writer, const char *arch)
{
    element_begin(writer, "features", NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(guest_features); i++)
        if (!guest_features[i].archs || strstr(guest_features[i].archs, arch))
            element_empty(writer, guest_features[i].name, "default", guest_features[i].by_default,
                          "toggle", guest_features[i].toggle, NULL);
    element_end(writer, "features");
}

static void write_guest(struct element_writer *writer, const struct guest_kind *kind)
{
    element_gap(writer);
    element_begin(writer, "guest", NULL);
    element_text(writer, "os_type", "hvm", NULL);
    element_begin(writer, "arch", "name", kind->arch, NULL);
    element_text(writer, "wordsize", has_64_bits(kind->arch) ? "64" : "32", NULL);
    element_text(writer, "emulator", kind->path, NULL);
    write_machines(writer, kind->emulator);
    if (emulator_can_accelerate(kind->emulator, ACCELERATOR_TCG))
        element_empty(writer, "domain", "type", "qemu", NULL);
    if (emulator_can_accelerate(kind->emulator, ACCELERATOR_KVM))
        element_empty(writer, "domain", "type", "kvm", NULL);
    element_end(writer, "arch");
    write_guest_features(writer, kind->arch);
    element_end(writer, "guest");
}

int capabilities_write(struct probes *probes, const struct capabilities_settings *settings,
                       char **ret_xml, GError **error)
{
    struct element_writer writer = {g_string_new(NULL), 0};
    g_autoptr(GPtrArray) kinds = probe_all(probes);

    element_begin(&writer, "capabilities", NULL);
    element_gap(&writer);
    write_host(&writer, settings, find_native(kinds));
    for (unsigned i = 0; i < kinds->len; i++) {
        const struct guest_kind *kind = g_ptr_array_index(kinds, i);
        if (kind->emulator)
            write_guest(&writer, kind);
    }
    element_gap(&writer);
    element_end(&writer, "capabilities");
    *ret_xml = g_string_free(writer.text, FALSE);
    return 0;
}
