/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/network.h"
#include "object/object.h"

/*
 * Networks begin and end. The status file is there before anything else and goes last, so whatever
 * is on the host without it is not ours, and whoever finds it brings the network up. All block;
 * with the job of an inactive, or active, network.
 */

/* Starts it with this definition, which is taken over, and publishes it; undoes all on failure.
 * VIR_ERR_INTERNAL_ERROR names the interface and the route, or the network, that it collides with.
 */
int start_network(struct job *job, struct definition *live, GError **error);

/* Ends it; what can't be taken away is logged. A transient one is removed. */
void stop_network(struct job *job);

/* Makes what is not there of an active network: after a restart, or when something took it away.
 * Its rules excepted: see rules_adopt(). */
int start_ensure(struct object *object, const struct network *network, GError **error);

/* For driver_autostart(). */
int start_autostart(struct job *job, const struct object_view *view, GError **error);
