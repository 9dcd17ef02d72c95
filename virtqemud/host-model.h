/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

#include "emulator.h"

/* Writes out <cpu mode='host-model'>: the model of the host's CPU by name, with the features that
 * differ from it; those of the document have the last word. Changes a domain under construction;
 * one of another mode, or an emulator that does not know the host's CPU, leaves it as it is. */
void host_model_expand(struct domain *domain, const struct emulator *emulator);
