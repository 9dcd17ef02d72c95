/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * What a QEMU binary can do, asked of itself by QMP: once per binary, when first needed, then kept
 * in memory and in a file of ours, both valid until the binary (path, time, size), this format, or
 * the host's KVM changes. Concurrent requests for one binary share one probe; two binaries are
 * probed side by side.
 */
struct loop;
struct probes;

/* Yes/no facts, each with its evidence in one row of emulator-flags.c. */
enum emulator_flag {
#define EMULATOR_FLAG(name, word, kind, a, b) EMULATOR_##name,
#include "emulator-flags.h"
#undef EMULATOR_FLAG
    EMULATOR_FLAG_LAST
};

enum accelerator { ACCELERATOR_TCG, ACCELERATOR_KVM, ACCELERATOR_LAST };

struct emulator_machine {
    const char *name;  /* pc-q35-7.2 */
    const char *alias; /* q35, or NULL */
    const char *default_cpu;
    const char *default_ram_id; /* for -machine memory-backend=; NULL: not movable */
    unsigned max_cpus;
    bool is_default;
    bool deprecated;
    bool numa_memory;
    bool hotpluggable_cpus;
    bool acpi;
};

struct emulator_cpu_feature {
    const char *name; /* as domain documents spell it */
    bool on;
};

struct emulator_cpu_model {
    const char *name; /* EPYC-Milan */
    bool usable;      /* false: blocked by the features below */
    bool deprecated;
    const char *const *blockers; /* NULL at the end; domain document's spelling */
};

/* The host's CPU in terms of QEMU's own models, for <cpu mode='host-model'>. */
struct emulator_host_model {
    const char *model; /* NULL: unknown, host-model is not supported */
    const char *vendor;
    const struct emulator_cpu_feature *features; /* on: require, off: disable */
    unsigned feature_count;
};

struct emulator_cpus {
    bool usable; /* this accelerator works */
    const struct emulator_cpu_model *models;
    unsigned model_count;
    struct emulator_host_model host;
    const char *const *maximum; /* features of `max` (KVM: `host`), NULL at the end */
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
    bool flags[EMULATOR_FLAG_LAST];
    GHashTable *types;    /* set of QOM type names; ask emulator_has_type() */
    GHashTable *commands; /* set of QMP command names; ask emulator_has_command() */
};

/* Where probes run and are kept. Strings are copied; folder NULL: memory only. */
struct probes_settings {
    const char *folder; /* /var/cache/libvirt/qemu/modvirt; made when needed */
    bool set_user;      /* run emulators as uid and gid */
    uid_t uid;
    gid_t gid;
    unsigned deadline_ms; /* of one probe; 0: 20 s */
    const char *search;   /* folders with emulators, like PATH; NULL: PATH, then the usual ones */
};

/* loop is the monitors' loop, running. */
struct probes *probes_new(struct loop *loop, const struct probes_settings *settings);
/* When no probe_get() is running. */
void probes_free(struct probes *probes);

/*
 * What the binary at path can do; *ret_emulator is a reference of the caller's. Blocks for a first
 * probe (about a tenth of a second); not on the loop thread. VIR_ERR_INTERNAL_ERROR names the
 * binary and quotes the end of its stderr when it crashes, hangs or is no QEMU; failures are
 * remembered until the file changes or ten seconds have passed.
 */
int probe_get(struct probes *probes, const char *path, struct emulator **ret_emulator,
              GError **error);

struct emulator *emulator_ref(struct emulator *emulator);
void emulator_unref(struct emulator *emulator);
/* struct emulator *emulator EMULATOR_AUTO = NULL; */
void emulator_clear(struct emulator **emulator);
#define EMULATOR_AUTO __attribute__((cleanup(emulator_clear)))

/* The binary that serves a guest architecture, by looking for files only: qemu-system-ARCH, for the
 * host's own also qemu-kvm. NULL: none. The caller frees. */
char *probe_find(struct probes *probes, const char *arch);

/* Architectures with an emulator on this host, sorted; free with g_strfreev. Looks for files only.
 */
char **probe_list(struct probes *probes);

/* Borrowed answers. */
bool emulator_has(const struct emulator *emulator, enum emulator_flag flag);
bool emulator_has_type(const struct emulator *emulator, const char *type);
bool emulator_has_command(const struct emulator *emulator, const char *command);
const char *emulator_flag_word(enum emulator_flag flag);
/* By name or alias; NULL: unknown. name NULL: the default, preferring what the incumbent picks. */
const struct emulator_machine *emulator_find_machine(const struct emulator *emulator,
                                                     const char *name);
const struct emulator_cpu_model *emulator_find_cpu(const struct emulator *emulator,
                                                   enum accelerator accelerator, const char *name);
bool emulator_can_accelerate(const struct emulator *emulator, enum accelerator accelerator);
