/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/network.h"

/* One change to a part of a network's document, as virNetworkUpdate has it. */
struct update {
    unsigned command; /* VIR_NETWORK_UPDATE_COMMAND_... */
    unsigned section; /* VIR_NETWORK_SECTION_... */
    int parent;       /* of the <ip> elements, from 0; -1: the one that fits */
    const char *text; /* the element */
};

/* Changes a definition under construction. Pure. VIR_ERR_OPERATION_UNSUPPORTED for sections and
 * commands that nobody supports; VIR_ERR_OPERATION_INVALID when the element is there already, or
 * not there, or may mean several; those of reading its text. */
int update_apply(struct network *network, const struct update *update, GError **error);
