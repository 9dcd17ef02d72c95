/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* From what QEMU says of itself to the flags of emulator-flags.h. */
struct json_object;

struct emulator_evidence {
    struct json_object *schema;  /* reply to query-qmp-schema */
    struct json_object *options; /* reply to query-command-line-options */
    GHashTable *properties;      /* type -> reply to device-list-properties; absent: unknown */
};

/* The types whose properties some flag asks for, each once; free the array, not the strings. */
GPtrArray *emulator_evidence_types(void);

/* The words of all flags that the evidence supports, a reference of the caller's. */
struct json_object *emulator_evidence_flags(const struct emulator_evidence *evidence);
