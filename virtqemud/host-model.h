/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

#include "emulator.h"

/* Is it the host's CPU: by its mode, or because the guest wants at least a model, and so gets all
 * that there is? */
bool host_model_is_wanted(const struct domain_cpu *cpu);

/* Writes out <cpu mode='host-model'>, and match='minimum': the model of the host's CPU by name,
 * with the features that differ from it; those of the document have the last word. Changes a domain
 * under construction; one of another mode, or an emulator that does not know the host's CPU, leaves
 * it as it is. */
void host_model_expand(struct domain *domain, const struct emulator *emulator);
