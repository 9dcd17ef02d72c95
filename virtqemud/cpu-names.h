/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/* CPU models and features: QEMU's spelling and that of domain documents. All results are borrowed.
 */

/* The domain document's spelling of a feature that QEMU spells so; mostly the same. */
const char *cpu_feature_from_qemu(const char *name);

/* And back: what -cpu takes. */
const char *cpu_feature_to_qemu(const char *name);

/* True if a boolean property of QEMU's CPUs is a feature in the sense of domain documents, and not
 * a switch of the hypervisor's own. */
bool cpu_property_is_feature(const char *name);

/* True for what a host's processor shows and QEMU has no word for: documents made of such a host
 * name it, and no guest ever had it. */
bool cpu_feature_is_the_hosts(const char *name);

/* "Intel", "AMD", "Hygon", "Zhaoxin", or "unknown" for models that are nobody's. */
const char *cpu_model_vendor(const char *model);

/* Same, from the twelve letters that CPUID tells. */
const char *cpu_vendor_name(const char *cpuid);

/* True for models that documents name: no version of one ("EPYC-v2"), none that stands for others.
 */
bool cpu_model_is_listed(const char *model);

/* Features that KVM gives to all models, or takes from all, unless told otherwise. Not among them:
 * acpi and monitor, which it takes too, but which documents of such guests do not name. NULL at the
 * end. */
extern const char *const cpu_chosen_features[];

/* The bit by which a guest knows that it is one. QEMU sets it in all models; no processor has it.
 */
#define CPU_FEATURE_OF_GUESTS "hypervisor"
