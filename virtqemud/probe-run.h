/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

/* One probe: QEMU started for nothing but to be asked what it is. */
struct json_object;
struct loop;

struct probe_run_settings {
    struct loop *loop; /* of the monitors, running */
    bool set_user;
    uid_t uid;
    gid_t gid;
    const gid_t *groups; /* that may open /dev/kvm, for instance */
    size_t group_count;
    unsigned deadline_ms;
    bool kvm; /* there is a /dev/kvm: ask whether it works */
};

/* Asks the binary at path. Blocks; *ret_document is the caller's, in the form of emulator_decode().
 * VIR_ERR_INTERNAL_ERROR names the binary, what failed and the end of its stderr. */
int probe_run(const char *path, const struct probe_run_settings *settings,
              struct json_object **ret_document, GError **error);

/* The guest architecture of domain documents for QEMU's name of a target; itself if unknown. */
const char *probe_arch_name(const char *target);
