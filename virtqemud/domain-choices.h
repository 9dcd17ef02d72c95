/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "element.h"
#include "emulator.h"

/* What one guest may choose from: the enumerations of domainCapabilities, by table. */
struct domain_choices {
    const struct emulator *emulator;
    const struct emulator_machine *machine;
    enum accelerator accelerator;
};

/* <memoryBacking>, and <devices> with one element a kind of device. */
void domain_choices_write_memory(struct element_writer *writer,
                                 const struct domain_choices *choices);
void domain_choices_write_devices(struct element_writer *writer,
                                  const struct domain_choices *choices);
/* <features> */
void domain_choices_write_features(struct element_writer *writer,
                                   const struct domain_choices *choices);

/* <enum name='...'> of given values, NULL at the end */
void domain_choices_write_enum(struct element_writer *writer, const char *name,
                               const char *const *values);
