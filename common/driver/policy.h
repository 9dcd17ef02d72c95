/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

struct daemon;

/*
 * The access driver "polkit": asks the host's policy whether a caller may do something to an
 * object, as the action org.libvirt.api.KIND.PERMISSION with the object's names as details. Root is
 * not asked about, as polkit allows root everything. Rules never lead to a password dialogue.
 */

/* Makes it an access driver if the configuration says so. type is what the details call the driver:
 * "QEMU". Once, at the start. */
void policy_begin(struct daemon *daemon, const char *type);
