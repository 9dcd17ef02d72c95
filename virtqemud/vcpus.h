/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "guest.h"

/*
 * Vcpus that come and go. Once one of a domain is told from the others, all are: domain->vcpus then
 * has max_vcpus of them, and current_vcpus says how many are enabled.
 */

/* Makes that list in a document under construction, unless it has one. Pure. */
void vcpus_name(struct domain *domain);

/* Whether the vcpu is there; id below max_vcpus. Pure. */
bool vcpus_has(const struct domain *domain, unsigned id);

/* Notes that one is there, or not any more. Pure. */
void vcpus_set(struct domain *domain, unsigned id, bool enabled);

/* True if QEMU starts with it. */
bool vcpus_is_at_boot(const struct domain *domain, unsigned id);

/* Sets it in a stored document: hotpluggable as said, and no order, which is one of plugging. */
void vcpus_store(struct domain *domain, unsigned id, bool enabled, bool hotpluggable);

/* Has as many of them enabled; those that are added are hotpluggable if said so, or if one before
 * them is. */
void vcpus_store_count(struct domain *domain, unsigned count, bool hotpluggable);

/* Changes how many a stored document may have. Those that are added are not enabled. */
void vcpus_store_maximum(struct domain *domain, unsigned maximum);

/* Makes the live definition tell what QEMU has, which may have answered too late once. Blocks. */
int vcpus_learn(struct qmp *qmp, struct domain *live, GError **error);

/* Plugs one that QEMU has not, and notes it in live. Blocks. */
int vcpus_plug(struct qmp *qmp, struct domain *live, unsigned id, GError **error);

/* At the start: plugs those that the document enables and the command line does not have. Blocks.
 */
int vcpus_plug_later(struct qmp *qmp, const struct domain *live, GError **error);

/* How many the command line has: the first ones, that can't be unplugged.
 * VIR_ERR_CONFIG_UNSUPPORTED if they are not the first ones. Pure. */
int vcpus_at_boot(const struct domain *domain, unsigned *ret_count, GError **error);

/* QEMU has let one go: notes it in live, and tells clients. False: the alias is none of a vcpu that
 * is there. The caller publishes. */
bool vcpus_forget(struct guest *guest, struct job *job, struct domain *live, const char *alias);

/* "vcpu3", as the device of a plugged one is called; the caller frees. */
char *vcpus_alias(unsigned id);

/* Of a vcpu that goes, some QEMUs tell only that its interrupt controller has gone: "vcpu3" of
 * "/machine/peripheral/vcpu3/lapic", which the caller frees; NULL for other paths, and for NULL. */
char *vcpus_alias_of_part(const char *path);
