/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain-defaults.h"

/*
 * The parts of domain_apply_defaults(), one file for each noun. All change a domain under
 * construction in its own arena, and change nothing when called again. None blocks.
 */

/* A member that the document left out. */
static inline void default_to(uint8_t *member, uint8_t value)
{
    if (!*member)
        *member = value;
}

/* All outside of <devices>. VIR_ERR_XML_ERROR if there is no memory; VIR_ERR_SYSTEM_ERROR if no
 * uuid can be made up. */
int domain_defaults_guest(struct domain *domain, GError **error);

/* The part of it about what the host gives: pinning, scheduling, limits, memory, NUMA nodes. */
void domain_defaults_tune(struct domain *domain);

/* One disk with the chain below it; and the order that disks stand in. */
void domain_defaults_disk(struct domain_disk *disk, const struct domain_defaults *defaults);
void domain_defaults_sort_disks(struct domain *domain);

/* Security labels of a source: those that say nothing leave the list. */
void domain_defaults_labels(struct domain_source_label **items, unsigned *count);

/* The host's end of a character device; and the numbers of ports, with the console that is the
 * first serial port. */
void domain_defaults_chardev_source(struct chardev_source *source,
                                    const struct domain_defaults *defaults);
void domain_defaults_chardevs(struct domain *domain);

/* One display, one display adapter; and which of the adapters is the first. */
void domain_defaults_graphics(struct domain *domain, struct domain_graphics *graphics,
                              const struct domain_defaults *defaults);
void domain_defaults_video(const struct domain *domain, struct domain_video *video);
void domain_defaults_first_video(struct domain *domain);
