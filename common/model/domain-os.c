/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/domain-os.h"

#include "model/rows.h"
#include "model/text-types.h"

NAMES(os_type_names, NULL, "hvm", "xen", "linux", "exe", "uml", "xenpvh");
NAMES(os_firmware_names, NULL, "bios", "efi");
NAMES(os_firmware_feature_names, NULL, "enrolled-keys", "secure-boot");
NAMES(loader_type_names, NULL, "rom", "pflash");
NAMES(boot_device_names, NULL, "fd", "cdrom", "hd", "network");
NAMES(smbios_mode_names, NULL, "none", "emulate", "host", "sysinfo");

#define ROWS_OF struct os_feature
static const struct xml_row os_feature_rows[] = {
    ROW_YES_NO("@enabled", enabled, "Wanted, or not wanted", .flags = XML_REQUIRED),
    ROW_ENUM("@name", name, os_firmware_feature_names, "Feature", .flags = XML_REQUIRED),
};
#undef ROWS_OF
XML_SCHEMA(os_feature, "feature", .doc = "What the chosen firmware must, or must not, have");

#define ROWS_OF struct os_loader
static const struct xml_row os_loader_rows[] = {
    ROW_YES_NO("@readonly", readonly, "The guest can't write", .flags = XML_ABI),
    ROW_YES_NO("@secure", secure, "Secure boot", .flags = XML_ABI),
    ROW_ENUM("@type", type, loader_type_names, "How it is mapped", .flags = XML_ABI),
    ROW_YES_NO("@stateless", stateless, "It has no variables", .flags = XML_ABI),
    ROW_ENUM("@format", format, image_format_names, "Format of the image"),
    ROW_STRING(".", path, "Path of the firmware", FORM(absolute_path_type)),
};
#undef ROWS_OF
XML_SCHEMA(os_loader, "loader", .doc = "The firmware");

#define ROWS_OF struct os_nvram
static const struct xml_row os_nvram_rows[] = {
    ROW_STRING("@template", template, "File that it is made from", FORM(absolute_path_type)),
    ROW_ENUM("@templateFormat", template_format, image_format_names, "Format of the template"),
    ROW_ENUM("@type", source.type, source_type_names, "Kind of storage"),
    ROW_ENUM("@format", format, image_format_names, "Format of the image"),
    ROW_STRING(".", path, "Path of the file", FORM(absolute_path_type)),
    ROW_EMBED(".", source, domain_source),
};
#undef ROWS_OF

/* Text beside a <source> is no path: the element has one form or the other. */
static int os_nvram_check(struct xml_at *at, void *object, GError **error)
{
    struct os_nvram *nvram = object;

    if (nvram->source.type != SOURCE_NONE)
        nvram->path = NULL;
    return 0;
}
XML_SCHEMA(os_nvram, "nvram", .doc = "Variables of the firmware", .check = os_nvram_check);

#define ROWS_OF struct os_varstore
static const struct xml_row os_varstore_rows[] = {
    ROW_STRING("@template", template, "File that it is made from"),
    ROW_STRING("@path", path, "Path of the file"),
};
#undef ROWS_OF
XML_SCHEMA(os_varstore, "varstore", .doc = "Variables of firmware kept by QEMU");

#define ROWS_OF struct os_boot
static const struct xml_row os_boot_rows[] = {
    ROW_ENUM("@dev", dev, boot_device_names, "Kind of device", .flags = XML_REQUIRED),
};
#undef ROWS_OF
XML_SCHEMA(os_boot, "boot", .doc = "Kind of device that the firmware tries");

#define ROWS_OF struct os_init_env
static const struct xml_row os_init_env_rows[] = {
    ROW_STRING("@name", name, "Name", .flags = XML_REQUIRED),
    ROW_STRING(".", value, "Value"),
};
#undef ROWS_OF
XML_SCHEMA(os_init_env, "initenv", .doc = "Environment of a container's first process");

#define ROWS_OF struct os_acpi_table
static const struct xml_row os_acpi_table_rows[] = {
    ROW_STRING("@type", type, "slic, msdm, raw, rawset", .flags = XML_REQUIRED),
    ROW_STRING(".", path, "Path of the table", .flags = XML_REQUIRED, FORM(absolute_path_type)),
};
#undef ROWS_OF
XML_SCHEMA(os_acpi_table, "table", .doc = "An ACPI table added to the guest's");

#define CONTAINER WHEN(type, BIT(OS_EXE))
#define ROWS_OF struct domain_os
static const struct xml_row domain_os_rows[] = {
    ROW_ENUM("@firmware", firmware, os_firmware_names, "Firmware of this kind is chosen"),
    ROW_ELEMENT("type", "Kind of guest", .flags = XML_EXPECTED),
    ROW_STRING("type/@arch", arch, "Architecture", .flags = XML_ABI | XML_BLANK, FORM(word_type)),
    ROW_STRING("type/@machine", machine, "Machine", .flags = XML_ABI | XML_BLANK, FORM(word_type)),
    ROW_ENUM("type", type, os_type_names,
             "hvm: full virtualization; linux, xen: "
             "paravirtualized; exe: container",
             CODE(VIR_ERR_OS_TYPE), .flags = XML_EXPECTED | XML_ABI),
    ROW_STRING("init", init, "First process of a container", CONTAINER),
    ROW_STRINGS("initarg", init_arguments, "Its argument", CONTAINER),
    ROW_LIST("initenv", init_environment, os_init_env, "Its environment", CONTAINER),
    ROW_STRING("initdir", init_directory, "Its working directory", CONTAINER),
    ROW_STRING("inituser", init_user, "Its user", CONTAINER),
    ROW_STRING("initgroup", init_group, "Its group", CONTAINER),
    ROW_LIST("firmware/feature", features, os_feature, "What the chosen firmware must have"),
    ROW_CHILD("loader", loader, os_loader, "The firmware"),
    ROW_CHILD("nvram", nvram, os_nvram, "Variables of the firmware"),
    ROW_CHILD("varstore", varstore, os_varstore, "Variables kept by QEMU"),
    ROW_STRING("kernel", kernel, "Kernel booted without firmware", FORM(absolute_path_type),
               .flags = XML_EXPECTED),
    ROW_STRING("initrd", initrd, "Its initial RAM disk", FORM(absolute_path_type),
               .flags = XML_EXPECTED),
    ROW_STRING("cmdline", cmdline, "Its command line"),
    ROW_STRING("root", root, "Its root device (xen)"),
    ROW_STRING("dtb", dtb, "Device tree", FORM(absolute_path_type), .flags = XML_EXPECTED),
    ROW_STRING("shim", shim, "EFI shim that loads the kernel", FORM(absolute_path_type),
               .flags = XML_EXPECTED),
    ROW_LIST("acpi/table", acpi_tables, os_acpi_table, "ACPI table"),
    ROW_LIST("boot", boots, os_boot, "Kind of device that the firmware tries, in order"),
    ROW_YES_NO("bootmenu/@enable", bootmenu, "The firmware asks", .flags = XML_EXPECTED),
    ROW_NUMBER("bootmenu/@timeout", bootmenu_timeout, "Milliseconds that it waits", RANGE(0, 65535),
               WRONG(VIR_ERR_CONFIG_UNSUPPORTED)),
    ROW_YES_NO("bios/@useserial", useserial, "The firmware shows itself on the serial port",
               WRONG(VIR_ERR_CONFIG_UNSUPPORTED)),
    ROW_NUMBER("bios/@rebootTimeout", reboot_timeout,
               "Milliseconds until a failed boot is tried again; -1: never", RANGE(-1, 65535),
               WRONG(VIR_ERR_CONFIG_UNSUPPORTED)),
    ROW_ENUM("smbios/@mode", smbios_mode, smbios_mode_names, "Where SMBIOS data come from",
             WRONG(VIR_ERR_CONFIG_UNSUPPORTED), .flags = XML_EXPECTED | XML_ABI),
};
#undef ROWS_OF
XML_SCHEMA(domain_os, "os", .doc = "What the guest boots");
