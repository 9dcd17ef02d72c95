/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

#include "arguments.h"

/* Adds -fsdev for a folder shown by 9p, called "fsdev-" + alias; nothing for virtiofs. */
void filesystem_add_folder(const struct domain_filesystem *filesystem, struct arguments *arguments);
