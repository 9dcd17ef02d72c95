/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Starts the networks marked for it, once per boot, on a worker. */
void autostart_networks(void);
