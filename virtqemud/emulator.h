/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* What one QEMU binary can do: the outcome of a probe (probe.h). */
struct json_object;

/* Yes/no facts, each with its evidence in one row of emulator-flags.h. */
enum emulator_flag {
#define EMULATOR_FLAG(name, word, kind, a, b) EMULATOR_##name,
#include "emulator-flags.h"
#undef EMULATOR_FLAG
    EMULATOR_FLAG_LAST
};

enum accelerator { ACCELERATOR_TCG, ACCELERATOR_KVM, ACCELERATOR_LAST };

struct emulator_machine {
    const char *name;           /* pc-q35-7.2 */
    const char *alias;          /* q35, or NULL */
    const char *default_cpu;    /* model: qemu64 */
    const char *default_ram_id; /* for -machine memory-backend=; NULL: not movable */
    unsigned max_cpus;
    bool is_default;
    bool deprecated;
    bool numa_memory;
    bool hotpluggable_cpus;
};

struct emulator_cpu_feature {
    const char *name; /* as domain documents spell it */
    bool on;
};

struct emulator_cpu_model {
    const char *name; /* EPYC-Milan */
    bool usable;      /* false: blocked by the features below, or QEMU does not know */
    bool unknown;     /* QEMU does not know */
    bool deprecated;
    char **blockers; /* NULL at the end; domain document's spelling */
    bool expanded;   /* the probe knows: */
    char **own;      /* cpu_chosen_features that it has, the same way */
};

/* The host's CPU in terms of QEMU's own models, for <cpu mode='host-model'>. */
struct emulator_host_model {
    const char *model; /* NULL: unknown, host-model is not supported */
    const char *vendor;
    const struct emulator_cpu_feature *features; /* on: require, off: disable */
    unsigned feature_count;
};

/* The host's CPU, whatever an accelerator makes of it, for the capabilities of the host. */
struct emulator_host_cpu {
    const char *model; /* the largest model whose features it has all; NULL: unknown */
    const char *vendor;
    char **features; /* its others, NULL at the end */
};

struct emulator_cpus {
    bool usable; /* this accelerator works */
    const struct emulator_cpu_model *models;
    unsigned model_count;
    struct emulator_host_model host;
    char **maximum; /* features of `max` (KVM: `host`), NULL at the end */
    char **known;   /* all that QEMU has a word for, the same way */
    char **gic;     /* versions of Arm's interrupt controller, the same way */
};

/* AMD's encryption of guests' memory, as this host and QEMU with KVM have it. */
struct emulator_sev {
    bool usable;      /* the others mean nothing without */
    unsigned cbitpos; /* bit of a page table's entry */
    unsigned reduced_phys_bits;
    unsigned max_guests;    /* at one time; 0: unknown */
    unsigned max_es_guests; /* beside them, with encrypted registers */
    const char *pdh;        /* the platform's Diffie-Hellman key, base64 */
    const char *cert_chain; /* its certificates, base64 */
    const char *cpu0_id;    /* base64; NULL: a QEMU before 7.1 */
};

/* Immutable; lives in one arena; borrow from it while you hold a reference. */
struct emulator {
    const char *path;
    const char *arch; /* as domain documents spell it: x86_64, i686, aarch64 ... */
    unsigned version; /* 7002000 for 7.2.0 */
    const char *package;
    const struct emulator_machine *machines; /* QEMU's order */
    unsigned machine_count;
    struct emulator_cpus cpus[ACCELERATOR_LAST];
    struct emulator_host_cpu host_cpu;
    struct emulator_sev sev;
    bool flags[EMULATOR_FLAG_LAST];
    GHashTable *types;    /* set of QOM type names; ask emulator_has_type() */
    GHashTable *commands; /* set of QMP command names; ask emulator_has_command() */
};

/* From the document that a probe writes and its cache file holds (see emulator.c); *ret_emulator is
 * the caller's. VIR_ERR_INTERNAL_ERROR if it lacks something. */
int emulator_decode(struct json_object *document, struct emulator **ret_emulator, GError **error);

/* One of its own for the caller, who may change flags and types before others see it. */
struct emulator *emulator_vary(struct emulator *emulator);

/* Any thread; NULL is nothing to unref. */
struct emulator *emulator_ref(struct emulator *emulator);
void emulator_unref(struct emulator *emulator);
/* struct emulator *emulator EMULATOR_AUTO = NULL; */
void emulator_clear(struct emulator **emulator);
#define EMULATOR_AUTO __attribute__((cleanup(emulator_clear)))

/* True if its guests may be of the architecture: one of 64 bits also runs those of 32. */
bool emulator_serves(const struct emulator *emulator, const char *arch);

/* Borrowed answers. */
bool emulator_has(const struct emulator *emulator, enum emulator_flag flag);
bool emulator_has_type(const struct emulator *emulator, const char *type);
bool emulator_has_command(const struct emulator *emulator, const char *command);
const char *emulator_flag_word(enum emulator_flag flag);
/* By name or alias; NULL: unknown. name NULL: the default, which QEMU names for x86 alone. */
const struct emulator_machine *emulator_find_machine(const struct emulator *emulator,
                                                     const char *name);
const struct emulator_cpu_model *emulator_find_cpu(const struct emulator *emulator,
                                                   enum accelerator accelerator, const char *name);
bool emulator_can_accelerate(const struct emulator *emulator, enum accelerator accelerator);
