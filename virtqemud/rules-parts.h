/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

/*
 * The parts of rules_check(), a file for each group of devices. All are pure; the errors are those
 * of faults.h.
 */
int rules_check_disks(const struct domain *domain, GError **error);
int rules_check_nets(const struct domain *domain, GError **error);
int rules_check_chardevs(const struct domain *domain, GError **error);
int rules_check_places(const struct domain *domain, GError **error);
int rules_check_controllers(const struct domain *domain, GError **error);
int rules_check_displays(const struct domain *domain, GError **error);
int rules_check_sounds(const struct domain *domain, GError **error);
int rules_check_single(const struct domain *domain, GError **error);
int rules_check_hostdevs(const struct domain *domain, GError **error);
int rules_check_filesystems(const struct domain *domain, GError **error);
int rules_check_memories(const struct domain *domain, GError **error);
int rules_check_tune(const struct domain *domain, GError **error);
int rules_check_cpu(const struct domain *domain, GError **error);
int rules_check_guest(const struct domain *domain, GError **error);
int rules_check_shares(const struct domain *domain, GError **error);

/* A server that an image or a SCSI device of the host is on. */
int rules_check_host(const struct source_host *host, GError **error);

/* iommu, ats, packed or page_per_vq, which only virtio devices have. */
bool rules_has_virtio_options(const struct domain_virtio *virtio);

/* Whether all characters are of printable ASCII; NULL has none. */
bool rules_is_printable(const char *text);
