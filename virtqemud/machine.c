/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine.h"

#include <string.h>

static const struct {
    const char *arch; /* NULL: any */
    const char *prefix;
    enum machine_family family;
} families[] = {
    {"x86_64", "pc-q35", MACHINE_Q35},
    {"i686", "pc-q35", MACHINE_Q35},
    {"x86_64", "q35", MACHINE_Q35},
    {"i686", "q35", MACHINE_Q35},
    {"x86_64", "pc", MACHINE_PC},
    {"i686", "pc", MACHINE_PC},
    {"x86_64", "isapc", MACHINE_OTHER},
    {"ppc64", "pseries", MACHINE_PSERIES},
    {"ppc64le", "pseries", MACHINE_PSERIES},
    {"s390x", "s390-ccw", MACHINE_S390_CCW},
    {NULL, "virt", MACHINE_VIRT},
};

enum machine_family machine_family_of(const char *arch, const char *name)
{
    for (unsigned i = 0; name && i < G_N_ELEMENTS(families); i++)
        if ((!families[i].arch || g_strcmp0(families[i].arch, arch) == 0) &&
            g_str_has_prefix(name, families[i].prefix))
            return families[i].family;
    return MACHINE_OTHER;
}

bool machine_has_ps2(const struct machine_traits *machine)
{
    return machine->family == MACHINE_PC || machine->family == MACHINE_Q35;
}

bool machine_has_pcie(const struct machine_traits *machine)
{
    return machine->family == MACHINE_Q35 || machine->family == MACHINE_VIRT;
}
