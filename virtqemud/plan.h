/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "arguments.h"
#include "qemu.h"

/* What QEMU would be started with, though nothing is opened, taken or begun: words name paths, and
 * "@FD@" where descriptors would be. live is complete as document_read() leaves it, and gets what a
 * start would choose. Blocks for a first probe of the emulator. Errors: as of a start. */
int plan_arguments(struct qemu *qemu, struct domain *live, struct arguments *ret_arguments,
                   GError **error);
