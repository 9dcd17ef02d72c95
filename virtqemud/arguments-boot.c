/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "arguments-parts.h"
#include "device-common.h"
#include "option.h"

static void add_boot_option(const struct build *build)
{
    const struct domain_os *os = &build->domain->os;
    GString *option = option_new("");

    option_add_tristate(option, "menu", os->bootmenu);
    if (os->bootmenu == TRISTATE_YES && os->bootmenu_timeout.set)
        option_addf(option, "splash-time", "%u", os->bootmenu_timeout.value);
    if (os->reboot_timeout.set)
        option_addf(option, "reboot-timeout", "%d", os->reboot_timeout.value);
    /* what no <boot> names is not booted from */
    option_add_bool(option, "strict", true);
    words_add_option(build->arguments, "-boot", option);
}

static void add_word(const struct build *build, const char *option, const char *value)
{
    if (value)
        words_add(build->arguments, option, value, NULL);
}

static void add_acpi_table(const struct build *build, const struct os_acpi_table *table)
{
    GString *option = option_new("");

    if (g_strcmp0(table->type, "slic") == 0)
        option_add(option, "sig", "SLIC");
    else if (g_strcmp0(table->type, "msdm") == 0)
        option_add(option, "sig", "MSDM");
    option_add(option, "file", table->path);
    words_add_option(build->arguments, "-acpitable", option);
}

static int check_boot(const struct build *build, GError **error)
{
    const struct domain_os *os = &build->domain->os;
    const struct emulator *emulator = build->context->emulator;

    if (os->shim && !emulator_has(emulator, EMULATOR_SHIM))
        return device_refuse(error, "os", "shim", "the emulator has no -shim");
    if (os->varstore)
        return device_refuse(error, "os", "varstore", "variables are kept in a file of <nvram>");
    return 0;
}

int arguments_add_boot(const struct build *build, GError **error)
{
    const struct domain_os *os = &build->domain->os;

    if (check_boot(build, error) < 0)
        return -1;
    add_boot_option(build);
    add_word(build, "-kernel", os->kernel);
    add_word(build, "-initrd", os->initrd);
    add_word(build, "-append", os->cmdline);
    add_word(build, "-dtb", os->dtb);
    add_word(build, "-shim", os->shim);
    LIST_EACH (table, &os->acpi_tables)
        add_acpi_table(build, table);
    return 0;
}
