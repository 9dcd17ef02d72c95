/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

struct exposition;
struct gathered_daemon;

/* Adds what one daemon told of itself and of its calls; of one that is absent nothing. Pure. */
void daemon_metrics_add(struct exposition *exposition, const struct gathered_daemon *daemon);
