/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain-source.h"

/* What the guest boots: <os>. */

enum os_type {
    OS_NONE,
    OS_HVM,
    OS_XEN,
    OS_LINUX, /* older word for paravirtualized Xen */
    OS_EXE,   /* containers */
    OS_UML,
    OS_XENPVH,
};
extern const struct names os_type_names;

enum os_firmware { OS_FIRMWARE_NONE, OS_FIRMWARE_BIOS, OS_FIRMWARE_EFI };
extern const struct names os_firmware_names;

enum os_firmware_feature {
    OS_FIRMWARE_FEATURE_NONE,
    OS_FIRMWARE_ENROLLED_KEYS,
    OS_FIRMWARE_SECURE_BOOT,
};
extern const struct names os_firmware_feature_names;

enum loader_type { LOADER_NONE, LOADER_ROM, LOADER_PFLASH };
extern const struct names loader_type_names;

enum boot_device {
    BOOT_DEVICE_NONE,
    BOOT_DEVICE_FLOPPY,
    BOOT_DEVICE_CDROM,
    BOOT_DEVICE_DISK,
    BOOT_DEVICE_NETWORK,
};
extern const struct names boot_device_names;

enum smbios_mode {
    SMBIOS_MODE_ABSENT,
    SMBIOS_MODE_NONE, /* "none" */
    SMBIOS_MODE_EMULATE,
    SMBIOS_MODE_HOST,
    SMBIOS_MODE_SYSINFO,
};
extern const struct names smbios_mode_names;

struct os_feature {
    uint8_t enabled; /* enum tristate */
    uint8_t name;    /* enum os_firmware_feature */
};

struct os_loader {
    uint8_t readonly; /* enum tristate, as the next two */
    uint8_t secure;
    uint8_t stateless;
    uint8_t type;   /* enum loader_type */
    uint8_t format; /* enum image_format */
    const char *path;
};

/* The guest's firmware variables. */
struct os_nvram {
    const char *template;
    uint8_t template_format;     /* enum image_format */
    uint8_t format;              /* enum image_format, in either form */
    const char *path;            /* the older form: text of the element */
    struct domain_source source; /* the newer one: type is not SOURCE_NONE */
};

struct os_varstore {
    const char *template;
    const char *path;
};

struct os_boot {
    uint8_t dev; /* enum boot_device */
};

struct os_init_env {
    const char *name;
    const char *value;
};

struct os_acpi_table {
    const char *type; /* slic, raw, rawset */
    const char *path;
};

struct domain_os {
    uint8_t type;        /* enum os_type */
    uint8_t firmware;    /* enum os_firmware: chosen by itself */
    uint8_t bootmenu;    /* enum tristate */
    uint8_t useserial;   /* enum tristate */
    uint8_t smbios_mode; /* enum smbios_mode */
    const char *arch;
    const char *machine;
    LIST_OF(struct os_feature) features;
    struct os_loader *loader;
    struct os_nvram *nvram;
    struct os_varstore *varstore;
    const char *kernel;
    const char *initrd;
    const char *cmdline;
    const char *dtb;
    const char *shim;
    const char *root; /* xen */
    LIST_OF(struct os_acpi_table) acpi_tables;
    LIST_OF(struct os_boot) boots;
    struct opt_uint bootmenu_timeout; /* ms */
    struct opt_int reboot_timeout;    /* ms; -1: never */
    const char *init;                 /* containers */
    LIST_OF(const char) init_arguments;
    LIST_OF(struct os_init_env) init_environment;
    const char *init_directory;
    const char *init_user;
    const char *init_group;
};

XML_SCHEMA_DECLARE(os_feature);
XML_SCHEMA_DECLARE(os_loader);
XML_SCHEMA_DECLARE(os_nvram);
XML_SCHEMA_DECLARE(os_varstore);
XML_SCHEMA_DECLARE(os_boot);
XML_SCHEMA_DECLARE(os_init_env);
XML_SCHEMA_DECLARE(os_acpi_table);
XML_SCHEMA_DECLARE(domain_os);
