/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The capabilities document: this host, and every kind of guest that its emulators can run. */
struct probes;

struct capabilities_settings {
    const uint8_t *host_uuid; /* 16 bytes */
    uid_t uid;                /* of QEMU processes, for the DAC base label */
    gid_t gid;
    bool privileged; /* false: session mode, the label is the user's own */
};

/* The document's text; the caller frees. Probes every emulator that is not known yet, side by side:
 * blocks; not on the monitors' loop thread. An emulator that can't be probed is left out. */
int capabilities_write(struct probes *probes, const struct capabilities_settings *settings,
                       char **ret_xml, GError **error);
