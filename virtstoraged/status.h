/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "object/store.h"

/* Status files of pools that run: /run/libvirt/storage/NAME.xml. */
extern const struct store_status status_file;
