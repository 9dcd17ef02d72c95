/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rules.h"

#include <string.h>

#include "faults.h"
#include "rules-parts.h"

/* ---- the guest as a whole ---- */

enum { NAME_LONGEST = 200 };

static int check_kind(const struct domain *domain, GError **error)
{
    const struct domain_idmap none = {0}, *idmap = domain->idmap ?: &none;
    const struct fault faults[] = {
        {domain->os.type != OS_HVM, FAULT_QEMU, "os/type: QEMU runs 'hvm' guests, not '%s'"},
        {strlen(domain->name) > NAME_LONGEST, FAULT_QEMU,
         "name: is longer than 200 bytes, which are too many for a file's"},
        {domain->bootloader, FAULT_QEMU, "bootloader is not supported by QEMU"},
        {domain->type == DOMAIN_TYPE_HVF, FAULT_QEMU, "domain/@type: 'hvf' runs on macOS alone"},
        {!idmap->uids.count != !idmap->gids.count, FAULT_QEMU, "uid and gid should be mapped both"},
        {domain->os.useserial == TRISTATE_YES && !domain->devices.serials.count, FAULT_XML,
         "need at least one serial port to use BIOS serial output"},
    };

    return FAULTS_SAY(faults, error, names_word(&os_type_names, domain->os.type));
}

static bool is_unknown(uint8_t action)
{
    return action == LIFECYCLE_PRESERVE || action == LIFECYCLE_RENAME_RESTART;
}

static int check_actions(const struct domain *domain, GError **error)
{
    uint8_t reboot = domain->on_reboot, poweroff = domain->on_poweroff;
    const struct fault faults[] = {
        {is_unknown(reboot) || is_unknown(poweroff), FAULT_QEMU,
         "qemu driver doesn't support '%s' action for 'on_reboot'/'on_poweroff'"},
        {poweroff == LIFECYCLE_RESTART && reboot == LIFECYCLE_DESTROY, FAULT_QEMU,
         "qemu driver doesn't support 'onReboot'='destroy' and 'onPoweroff'='restart'"},
        {domain->on_crash == LIFECYCLE_RENAME_RESTART, FAULT_QEMU,
         "qemu driver doesn't support the 'rename-restart' action for 'on_crash'"},
    };

    return FAULTS_SAY(faults, error,
                      names_word(&lifecycle_action_names, is_unknown(reboot) ? reboot : poweroff));
}

int rules_check(const struct domain *domain, GError **error)
{
    static int (*const checks[])(const struct domain *domain, GError **error) = {
        check_kind,
        check_actions,
        rules_check_places,
        rules_check_controllers,
        rules_check_disks,
        rules_check_displays,
        rules_check_nets,
        rules_check_memories,
        rules_check_chardevs,
        rules_check_cpu,
        rules_check_guest,
        rules_check_single,
        rules_check_hostdevs,
        rules_check_tune,
        rules_check_shares,
        rules_check_sounds,
        rules_check_filesystems,
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(checks); i++)
        if (checks[i](domain, error) < 0)
            return -1;
    return 0;
}
