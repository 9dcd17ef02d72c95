/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

#include "emulator.h"
#include "guest.h"

/*
 * What became of the CPU that a document names. QEMU leaves out what it cannot give, and
 * accelerators add to all models what they give anyway. The live document says it; what was asked
 * for stays beside it, for those who want the guest elsewhere.
 */
struct json_object;

/*
 * Writes out the features of an x86 domain under construction whose CPU is a named model. Pure.
 * QEMU's own answers are borrowed: the guest's model, expanded with its -cpu (reply to
 * query-cpu-model-expansion), and unavailable-features of its first vcpu. Errors:
 * - VIR_ERR_INTERNAL_ERROR: they are no such answers
 * - VIR_ERR_OPERATION_FAILED: the document has check='full', and the guest has other features
 */
int cpu_live_settle(struct domain *live, const struct emulator *emulator,
                    struct json_object *expansion, struct json_object *unavailable, GError **error);

/* The same for a guest just started, and publishes it. Blocks. A QEMU that does not answer is an
 * error only with check='full'; else the live definition stays as it is. */
int cpu_live_learn(struct guest *guest, struct job *job, GError **error);
