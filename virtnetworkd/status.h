/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "object/store.h"

/* Status files of networks that run: /run/libvirt/network/NAME.xml. */
extern const struct store_status status_file;

/* After store_load(), before anything is served: makes what is missing of the networks that ran.
 * What fails is logged, and the network stays active. */
void status_readopt(void);
