/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

#include "qmp.h"

/*
 * The images below each disk's. What a document says is taken as it is; where it says nothing, the
 * header of the image tells (image-header.h). An image of format raw has nothing below it: its
 * bytes are the guest's, and never looked into. The format of an image below is what the header
 * above it says; without a word there it must be raw.
 */

/* Completes the chains of all disks of a domain under construction, empties drives whose medium is
 * missing and optional, and numbers images without an index. Blocks on the disk.
 * VIR_ERR_CONFIG_UNSUPPORTED: a chain that is too long or cannot be followed;
 * VIR_ERR_SYSTEM_ERROR: a file that is not there. */
int backing_chain_load(struct domain *live, GError **error);

/* The last part of that alone: numbers images without an index, from the last disk on. */
void backing_chain_number(struct domain *live);

/* The chain of one source, whose structs are allocated in arena; without numbers. */
int backing_chain_load_source(struct domain_source *source, struct arena *arena, GError **error);

/* Whether images on servers, of whose chains the document says nothing, have none below them in
 * fact: QEMU has opened them without. Asks it where there are such; blocks.
 * VIR_ERR_CONFIG_UNSUPPORTED: one has; the errors of qmp_execute(). */
int backing_chain_confirm(const struct domain *live, struct qmp *qmp, GError **error);
int backing_chain_confirm_source(const struct domain_source *source, struct qmp *qmp,
                                 GError **error);

/* The highest number of the domain's images; numbers for the images of one chain that have none,
 * above highest: returns the highest then. Pure. */
unsigned backing_chain_highest(const struct domain *live);
unsigned backing_chain_number_source(struct domain_source *source, unsigned highest);
