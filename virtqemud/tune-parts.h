/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

/* Parts of a document under construction that settings are kept in. Pure. */

/* The part, made in the domain's arena if there is none. */
struct cpu_tune *tune_make_cpu(struct domain *domain);
struct memory_tune *tune_make_memory(struct domain *domain);
struct blkio_tune *tune_make_blkio(struct domain *domain);

/* Names those that are only counted, with the lowest free numbers: the form that can be changed. */
void tune_name_iothreads(struct domain *domain);
