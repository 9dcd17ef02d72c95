/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/*
 * The CPU part of a probe's document, from QEMU's own model definitions: QEMU expands the host's
 * CPU and each of its models to features, and the model that differs least from the host, with the
 * differences, is host-model. So no CPU map is needed that QEMU might disagree with.
 */
struct json_object;

/* Names of the models to be expanded: those that documents name; free with g_strfreev. definitions:
 * reply to query-cpu-definitions. */
char **probe_cpu_candidates(struct json_object *definitions);

/* The vendor of an expanded CPU (reply to query-cpu-model-expansion, may be NULL), as documents
 * spell it. */
const char *probe_cpu_vendor(struct json_object *expansion);

/*
 * The part of the document for one accelerator, a reference of the caller's. definitions may be
 * NULL (the architecture has none); maximum: expansion of the host's CPU, or NULL; expansions[i] of
 * candidates[i], or NULL where QEMU refused.
 */
struct json_object *probe_cpu_describe(struct json_object *definitions, struct json_object *maximum,
                                       char **candidates, GPtrArray *expansions);

/* In the list of machines: the types of their CPUs become names of models, or go if documents of
 * this architecture know none. definitions: NULL or the reply to query-cpu-definitions. */
void probe_cpu_name_defaults(struct json_object *machines, struct json_object *definitions,
                             const char *arch);

/* Versions of Arm's interrupt controller as words, from the reply to query-gic-capabilities, that
 * are of this kind ("emulated", "kernel"); NULL: none, or no reply. The caller's reference. */
struct json_object *probe_cpu_gic_versions(struct json_object *interrupts, const char *kind);

/*
 * Adds to the document, as the member "host-cpu", what the host's CPU is whatever an accelerator
 * makes of it: the largest model whose features it has all, and its others. cpuinfo: text of
 * /proc/cpuinfo.
 */
void probe_cpu_add_host(struct json_object *document, const char *cpuinfo,
                        struct json_object *maximum, char **candidates, GPtrArray *expansions);
