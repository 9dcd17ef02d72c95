/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

/*
 * Whether the files of the host that a live definition names for QEMU to open are there: kernels,
 * firmware, ACPI tables, devices of input, sockets to connect to. Disks are not asked, their chains
 * are read anyway. May block on storage. VIR_ERR_SYSTEM_ERROR names element and path,
 * VIR_ERR_CONFIG_UNSUPPORTED a keymap that QEMU has not, or tables of SMBIOS that the host has not.
 */
int check_files(const struct domain *live, GError **error);

/* The same of one device of input. */
int check_files_input(const struct domain_input *input, GError **error);
