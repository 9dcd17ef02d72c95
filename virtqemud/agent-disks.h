/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

#include "agent-replies.h"

/* The disk of the definition that sits where the guest sees one, borrowed; NULL: none, or the guest
 * does not tell. Pure. */
const struct domain_disk *agent_disk_find(const struct domain *live,
                                          const struct agent_disk_address *address);
