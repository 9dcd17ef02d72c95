/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* The domainCapabilities document: what a guest of one emulator, machine and kind may use here. */
struct probes;

/* What the client asked for; each may be NULL. */
struct domain_capabilities_wish {
    const char *emulator; /* path */
    const char *arch;
    const char *machine;  /* name or alias */
    const char *virttype; /* kvm, qemu */
};

/* The document's text; the caller frees. May probe: blocks; not on the monitors' loop thread.
 * VIR_ERR_INVALID_ARG: unknown arch, machine or virttype; VIR_ERR_CONFIG_UNSUPPORTED: no emulator.
 */
int domain_capabilities_write(struct probes *probes, const struct domain_capabilities_wish *wish,
                              char **ret_xml, GError **error);
