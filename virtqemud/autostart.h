/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qemu.h"

/* Starts the guests marked for autostart, once per boot of the host, on a worker: the daemon serves
 * clients meanwhile. Failures are logged. */
void autostart_guests(struct qemu *qemu);
