/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

/* Of the security processor, by which QEMU asks and encrypts. */
#define PROBE_SEV_NODE "/dev/sev"

/* The part of a probe's document on SEV, AMD's encryption of guests' memory. */
struct json_object;

/* What CPUID says in leaf 0x8000001f (AMD64 Architecture Programmer's Manual, volume 3, E.4.17).
 * ASIDs, of which each encrypted guest has one, count from 1. */
struct probe_sev_asids {
    uint32_t last;  /* ECX: 0 if the CPU has no SEV */
    uint32_t first; /* EDX: of guests without encrypted registers; those below are for SEV-ES */
};

/* Of the CPU that this runs on. */
struct probe_sev_asids probe_sev_read_asids(void);

/* From QEMU's reply to query-sev-capabilities, NULL: QEMU can't, then NULL is returned; else a
 * reference of the caller's. */
struct json_object *probe_sev_describe(struct json_object *capabilities,
                                       struct probe_sev_asids asids);
