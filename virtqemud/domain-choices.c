/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-choices.h"

#include <string.h>
#include <unistd.h>

/*
 * One row per value of an enumeration, with what it needs; a condition that is not given holds.
 * Where several words stand, separated by spaces, any of them does.
 */
struct choice {
    const char *value;
    const char *types;       /* QOM types of the emulator */
    enum emulator_flag flag; /* with_flag */
    bool with_flag;
    const char *machines; /* how the machine's name begins */
    const char *path;     /* exists on the host */
    bool kvm;             /* only with KVM */
};

#define FLAG(name) .flag = EMULATOR_##name, .with_flag = true

struct choice_enum {
    const char *name;
    const struct choice *choices;
    unsigned count;
};

#define ENUM(name, rows)                                                                           \
    {                                                                                              \
        name, rows, G_N_ELEMENTS(rows)                                                             \
    }

/* An element of <devices>: supported if one of its types exists (NULL: always). */
struct choice_element {
    const char *name;
    const char *types;
    struct choice_enum enums[5];
};

#define ANY_SCSI "virtio-scsi-pci virtio-scsi-ccw virtio-scsi-device lsi53c895a megasas"
#define ANY_USB "qemu-xhci nec-usb-xhci ich9-usb-ehci1 piix3-usb-uhci usb-ehci"

static const struct choice memory_source[] = {
    {"file"},
    {"anonymous"},
    {"memfd", .types = "memory-backend-memfd"},
};

static const struct choice disk_device[] = {{"disk"}, {"cdrom"}, {"floppy"}, {"lun"}};

static const struct choice disk_bus[] = {
    {"ide", .types = "ide-hd", .machines = "pc-i440fx- pc-0. pc-1. isapc"},
    {"fdc", .types = "isa-fdc"},
    {"scsi", .types = ANY_SCSI},
    {"virtio", .types = "virtio-blk-pci virtio-blk-ccw virtio-blk-device"},
    {"usb", .types = ANY_USB},
    {"sata", .types = "ich9-ahci"},
};

static const struct choice disk_model[] = {
    {"virtio", .types = "virtio-blk-pci virtio-blk-ccw virtio-blk-device"},
    {"virtio-transitional", .types = "virtio-blk-pci-transitional"},
    {"virtio-non-transitional", .types = "virtio-blk-pci-non-transitional"},
};

static const struct choice graphics_type[] = {
    {"sdl", FLAG(DISPLAY_SDL)},          {"vnc", FLAG(VNC)},           {"spice", FLAG(SPICE)},
    {"egl-headless", FLAG(DISPLAY_EGL)}, {"dbus", FLAG(DISPLAY_DBUS)},
};

static const struct choice video_model[] = {
    {"vga", .types = "VGA"},
    {"cirrus", .types = "cirrus-vga"},
    {"vmvga", .types = "vmware-svga"},
    {"qxl", .types = "qxl-vga qxl"},
    {"virtio", .types = "virtio-vga virtio-gpu-pci virtio-gpu-ccw virtio-gpu-device"},
    {"none"},
    {"bochs", .types = "bochs-display"},
    {"ramfb", .types = "ramfb"},
};

static const struct choice hostdev_mode[] = {{"subsystem"}};

static const struct choice hostdev_policy[] = {
    {"default"},
    {"mandatory"},
    {"requisite"},
    {"optional"},
};

static const struct choice hostdev_type[] = {
    {"usb", .types = "usb-host"},
    {"pci", .types = "vfio-pci"},
    {"scsi", .types = "scsi-generic"},
};

static const struct choice hostdev_backend[] = {
    {"default", .types = "vfio-pci", .path = "/dev/vfio/vfio", .kvm = true},
    {"vfio", .types = "vfio-pci", .path = "/dev/vfio/vfio", .kvm = true},
};

static const struct choice rng_model[] = {
    {"virtio", .types = "virtio-rng-pci virtio-rng-ccw virtio-rng-device"},
    {"virtio-transitional", .types = "virtio-rng-pci-transitional"},
    {"virtio-non-transitional", .types = "virtio-rng-pci-non-transitional"},
};

static const struct choice rng_backend[] = {
    {"random", .types = "rng-random"},
    {"egd", .types = "rng-egd"},
    {"builtin", .types = "rng-builtin"},
};

static const struct choice filesystem_driver[] = {
    {"path", .types = "virtio-9p-pci virtio-9p-ccw virtio-9p-device"},
    {"virtiofs", .types = "vhost-user-fs-pci vhost-user-fs-ccw vhost-user-fs-device"},
};

static const struct choice tpm_model[] = {
    {"tpm-tis", .types = "tpm-tis tpm-tis-device"},
    {"tpm-crb", .types = "tpm-crb"},
    {"tpm-spapr", .types = "tpm-spapr"},
};

static const struct choice tpm_backend[] = {
    {"passthrough", FLAG(TPM_PASSTHROUGH)},
    {"emulator", FLAG(TPM_EMULATOR), .path = "/usr/bin/swtpm"},
    {"external", FLAG(TPM_EMULATOR)},
};

static const struct choice tpm_version[] = {{"1.2", .path = "/usr/bin/swtpm"},
                                            {"2.0", .path = "/usr/bin/swtpm"}};

static const struct choice redirect_bus[] = {{"usb", .types = "usb-redir"}};

static const struct choice channel_type[] = {
    {"pty"},
    {"unix"},
    {"spicevmc", FLAG(CHARDEV_SPICEVMC)},
    {"qemu-vdagent", FLAG(CHARDEV_VDAGENT)},
};

static const struct choice crypto_model[] = {{"virtio"}};
static const struct choice crypto_type[] = {{"qemu", .types = "cryptodev-backend"}};

static const struct choice crypto_backend[] = {
    {"builtin", .types = "cryptodev-backend-builtin"},
    {"lkcf", .types = "cryptodev-backend-lkcf"},
};

static const struct choice_element elements[] = {
    {"disk",
     NULL,
     {ENUM("diskDevice", disk_device), ENUM("bus", disk_bus), ENUM("model", disk_model)}},
    {"graphics", NULL, {ENUM("type", graphics_type)}},
    {"video", NULL, {ENUM("modelType", video_model)}},
    {"hostdev",
     NULL,
     {ENUM("mode", hostdev_mode),
      ENUM("startupPolicy", hostdev_policy),
      ENUM("subsysType", hostdev_type),
      {"capsType"},
      ENUM("pciBackend", hostdev_backend)}},
    {"rng",
     "virtio-rng-pci virtio-rng-ccw virtio-rng-device",
     {ENUM("model", rng_model), ENUM("backendModel", rng_backend)}},
    {"filesystem",
     "virtio-9p-pci virtio-9p-ccw virtio-9p-device vhost-user-fs-pci",
     {ENUM("driverType", filesystem_driver)}},
    {"tpm",
     "tpm-tis tpm-tis-device tpm-crb tpm-spapr",
     {ENUM("model", tpm_model), ENUM("backendModel", tpm_backend),
      ENUM("backendVersion", tpm_version)}},
    {"redirdev", "usb-redir", {ENUM("bus", redirect_bus)}},
    {"channel", NULL, {ENUM("type", channel_type)}},
    {"crypto",
     "virtio-crypto-pci virtio-crypto-ccw virtio-crypto-device",
     {ENUM("model", crypto_model), ENUM("type", crypto_type),
      ENUM("backendModel", crypto_backend)}},
};

/* ---- which rows hold ---- */

static bool has_any_type(const struct emulator *emulator, const char *types)
{
    g_auto(GStrv) names = g_strsplit(types, " ", -1);

    for (char **name = names; *name; name++)
        if (emulator_has_type(emulator, *name))
            return true;
    return false;
}

static bool begins_with_any(const char *text, const char *prefixes)
{
    g_auto(GStrv) words = g_strsplit(prefixes, " ", -1);

    for (char **word = words; *word; word++)
        if (g_str_has_prefix(text, *word))
            return true;
    return false;
}

static bool holds(const struct domain_choices *choices, const struct choice *choice)
{
    return (!choice->types || has_any_type(choices->emulator, choice->types)) &&
           (!choice->with_flag || emulator_has(choices->emulator, choice->flag)) &&
           (!choice->machines || begins_with_any(choices->machine->name, choice->machines)) &&
           (!choice->path || access(choice->path, F_OK) == 0) &&
           (!choice->kvm || choices->accelerator == ACCELERATOR_KVM);
}

/* ---- writing ---- */

void domain_choices_write_enum(struct element_writer *writer, const char *name,
                               const char *const *values)
{
    if (!values[0]) {
        element_empty(writer, "enum", "name", name, NULL);
        return;
    }
    element_begin(writer, "enum", "name", name, NULL);
    for (; *values; values++)
        element_text(writer, "value", *values, NULL);
    element_end(writer, "enum");
}

static void write_enum(struct element_writer *writer, const struct domain_choices *choices,
                       const struct choice_enum *table)
{
    const char **values = g_newa0(const char *, table->count + 1);
    unsigned count = 0;

    for (unsigned i = 0; i < table->count; i++)
        if (holds(choices, &table->choices[i]))
            values[count++] = table->choices[i].value;
    domain_choices_write_enum(writer, table->name, values);
}

void domain_choices_write_memory(struct element_writer *writer,
                                 const struct domain_choices *choices)
{
    static const struct choice_enum source = ENUM("sourceType", memory_source);

    element_begin(writer, "memoryBacking", "supported", "yes", NULL);
    write_enum(writer, choices, &source);
    element_end(writer, "memoryBacking");
}

static void write_element(struct element_writer *writer, const struct domain_choices *choices,
                          const struct choice_element *element)
{
    if (element->types && !has_any_type(choices->emulator, element->types)) {
        element_empty(writer, element->name, "supported", "no", NULL);
        return;
    }
    element_begin(writer, element->name, "supported", "yes", NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(element->enums) && element->enums[i].name; i++)
        write_enum(writer, choices, &element->enums[i]);
    element_end(writer, element->name);
}

void domain_choices_write_devices(struct element_writer *writer,
                                  const struct domain_choices *choices)
{
    element_begin(writer, "devices", NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(elements); i++)
        write_element(writer, choices, &elements[i]);
    element_end(writer, "devices");
}

/* ---- <features> ---- */

/* All but the first of them are between the guest and KVM. */
static const struct choice hyperv_features[] = {
    {"relaxed", .kvm = true},     {"vapic", .kvm = true},           {"spinlocks"},
    {"vpindex", .kvm = true},     {"runtime", .kvm = true},         {"synic", .kvm = true},
    {"stimer", .kvm = true},      {"reset", .kvm = true},           {"vendor_id"},
    {"frequencies", .kvm = true}, {"reenlightenment", .kvm = true}, {"tlbflush", .kvm = true},
    {"ipi", .kvm = true},         {"evmcs", .kvm = true},           {"avic", .kvm = true},
};

static void write_support(struct element_writer *writer, const char *name, bool supported)
{
    element_empty(writer, name, "supported", supported ? "yes" : "no", NULL);
}

static void write_hyperv(struct element_writer *writer, const struct domain_choices *choices)
{
    static const struct choice_enum features = ENUM("features", hyperv_features);
    const char *arch = choices->emulator->arch;

    if (strcmp(arch, "x86_64") != 0 && strcmp(arch, "i686") != 0) {
        write_support(writer, "hyperv", false);
        return;
    }
    element_begin(writer, "hyperv", "supported", "yes", NULL);
    write_enum(writer, choices, &features);
    element_end(writer, "hyperv");
}

static void write_gic(struct element_writer *writer, const struct domain_choices *choices)
{
    char **versions = choices->emulator->cpus[choices->accelerator].gic;

    if (!versions || !versions[0]) {
        write_support(writer, "gic", false);
        return;
    }
    element_begin(writer, "gic", "supported", "yes", NULL);
    domain_choices_write_enum(writer, "version", (const char *const *)versions);
    element_end(writer, "gic");
}

static void write_number(struct element_writer *writer, const char *name, unsigned number)
{
    g_autofree char *text = g_strdup_printf("%u", number);

    element_text(writer, name, text, NULL);
}

/* KVM alone encrypts. */
static void write_sev(struct element_writer *writer, const struct domain_choices *choices)
{
    const struct emulator_sev *sev = &choices->emulator->sev;

    if (!sev->usable || choices->accelerator != ACCELERATOR_KVM) {
        write_support(writer, "sev", false);
        return;
    }
    element_begin(writer, "sev", "supported", "yes", NULL);
    write_number(writer, "cbitpos", sev->cbitpos);
    write_number(writer, "reducedPhysBits", sev->reduced_phys_bits);
    write_number(writer, "maxGuests", sev->max_guests);
    write_number(writer, "maxESGuests", sev->max_es_guests);
    if (sev->cpu0_id)
        element_text(writer, "cpu0Id", sev->cpu0_id, NULL);
    element_end(writer, "sev");
}

void domain_choices_write_features(struct element_writer *writer,
                                   const struct domain_choices *choices)
{
    const struct emulator *emulator = choices->emulator;

    element_begin(writer, "features", NULL);
    write_gic(writer, choices);
    write_support(writer, "vmcoreinfo", emulator_has_type(emulator, "vmcoreinfo"));
    write_support(writer, "genid", emulator_has_type(emulator, "vmgenid"));
    write_support(writer, "backingStoreInput", true);
    write_support(writer, "backup", emulator_has(emulator, EMULATOR_BACKUP));
    write_support(writer, "async-teardown", emulator_has(emulator, EMULATOR_ASYNC_TEARDOWN));
    write_sev(writer, choices);
    write_support(writer, "sgx", false);
    write_hyperv(writer, choices);
    element_end(writer, "features");
}
