/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "guest.h"

/* Answers what only an agent inside the guest could tell or do. Always -1: the guest does not run
 * (VIR_ERR_OPERATION_INVALID), it has no agent's channel (VIR_ERR_ARGUMENT_UNSUPPORTED), or it has
 * one that this daemon does not speak to (VIR_ERR_OPERATION_UNSUPPORTED). */
int agent_refuse(struct object *object, GError **error);
