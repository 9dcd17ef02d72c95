/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "arguments-parts.h"
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
    option_add(option, "file", table->path);
    words_add_option(build->arguments, "-acpitable", option);
}

void arguments_add_boot(const struct build *build)
{
    const struct domain_os *os = &build->domain->os;

    add_boot_option(build);
    add_word(build, "-kernel", os->kernel);
    add_word(build, "-initrd", os->initrd);
    add_word(build, "-append", os->cmdline);
    add_word(build, "-dtb", os->dtb);
    add_word(build, "-shim", os->shim);
    LIST_EACH (table, &os->acpi_tables)
        add_acpi_table(build, table);
}
