/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

/* The way of a document through virtqemud, without an emulator to ask: QEMU 7.2 of Debian 12. Of
 * guests of other hypervisors, the part that is the same for all. */

/* Reads, defaults, checks and addresses as define does; NULL and error when it is refused. */
struct domain *pipeline_define(const char *text, GError **error);

/* The same to a document of ours: all is as it should be, and stays. */
struct domain *pipeline_load(const char *text, GError **error);

/* The text of a defined guest, with its secrets. The caller frees. */
char *pipeline_print(const struct domain *domain);
