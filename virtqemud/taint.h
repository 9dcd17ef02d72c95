/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "guest.h"

/*
 * What makes a running guest one that nobody else can say much about. Most of it is in its
 * document; what was done to it is noted here, for as long as it runs. Any thread.
 */
enum taint { TAINT_MONITOR, TAINT_AGENT };

/* Until QEMU ends; noting it again is nothing. */
void taint_note(struct guest *guest, enum taint taint);

/* Appends what is to be said of the guest, as clients know the words; owned by the array. */
void taint_list(struct guest *guest, const struct domain *live, GPtrArray *words);

/* What of a running guest's document the emulator will not have for ever. Asks for the emulator,
 * whose answers are cached. Appends to the array, which owns. */
void taint_list_deprecated(struct guest *guest, const struct domain *live, GPtrArray *words);
