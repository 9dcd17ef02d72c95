/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "model/domain.h"

/*
 * A document from a command line of QEMU, as people have it in scripts: the way back from plan.h.
 * What no document says, or what is not understood, is passed through to QEMU by the document
 * (qemu:commandline), in order; nothing is left out silently but what the daemon does by itself.
 */

/* Pure; any thread. *ret_domain is the caller's (definition_unref), not yet completed: what it does
 * not say is chosen when it is defined. Errors: VIR_ERR_INVALID_ARG names the option or the word
 * that can't be read, or the path in the document where its value has no place. */
int native_read(const char *text, struct domain **ret_domain, GError **error);
