/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

#include "arguments.h"

/* Writes down the program that serves a folder by virtiofs, where the document leaves it to the
 * host; stays as it is where there is none. The path is in arena. Blocks on the disk. */
void filesystem_choose_program(struct domain_filesystem *filesystem, struct arena *arena);

/* Adds -fsdev for a folder shown by 9p, called "fsdev-" + alias; nothing for virtiofs. */
void filesystem_add_folder(const struct domain_filesystem *filesystem, struct arguments *arguments);
