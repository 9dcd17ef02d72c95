/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

#include "arguments.h"
#include "json.h"

/*
 * Devices of the guest as property objects: what -device takes as JSON and device_add as arguments.
 * Each row is a family, and has a function in the family's file, device-KIND.c:
 *     int device_KIND_properties(const struct domain *domain, const struct domain_KIND *KIND,
 *                                const struct arguments_context *context,
 *                                struct json_object **ret_properties, GError **error)
 * It fails with VIR_ERR_CONFIG_UNSUPPORTED for what this version or this emulator can't do, naming
 * the device, and opens nothing. *ret_properties is the caller's; NULL where there is nothing to
 * plug (built into the machine, or drawn by another device).
 */
#define DEVICE_FAMILIES(X)                                                                         \
    X(DISK, disk)                                                                                  \
    X(CONTROLLER, controller)                                                                      \
    X(NET, net)                                                                                    \
    X(SERIAL, serial)                                                                              \
    X(PARALLEL, parallel)                                                                          \
    X(CONSOLE, console)                                                                            \
    X(CHANNEL, channel)                                                                            \
    X(INPUT, input)                                                                                \
    X(SOUND, sound)                                                                                \
    X(VIDEO, video)                                                                                \
    X(REDIRDEV, redirdev)                                                                          \
    X(HUB, hub)                                                                                    \
    X(WATCHDOG, watchdog)                                                                          \
    X(MEMBALLOON, memballoon)                                                                      \
    X(RNG, rng)                                                                                    \
    X(PANIC, panic)                                                                                \
    X(FILESYSTEM, filesystem)                                                                      \
    X(HOSTDEV, hostdev)                                                                            \
    X(TPM, tpm)                                                                                    \
    X(SMARTCARD, smartcard)                                                                        \
    X(NVRAM, nvram)                                                                                \
    X(SHMEM, shmem)                                                                                \
    X(MEMORY, memory)                                                                              \
    X(IOMMU, iommu)                                                                                \
    X(VSOCK, vsock)                                                                                \
    X(CRYPTO, crypto)                                                                              \
    X(PSTORE, pstore)

#define DEVICE_DECLARE(KIND, kind)                                                                 \
    int device_##kind##_properties(const struct domain *domain, const struct domain_##kind *kind,  \
                                   const struct arguments_context *context,                        \
                                   struct json_object **ret_properties, GError **error);
DEVICE_FAMILIES(DEVICE_DECLARE)
#undef DEVICE_DECLARE

/* True if it is a part of its machine, and no -device. */
bool device_net_is_built_in(const struct domain_net *net);

/* The name of the device that this is to QEMU, and the emulator has not; NULL: it has, or there is
 * nothing to plug in, or what is wrong with it device_properties() tells. The caller frees. */
char *device_find_missing(const struct domain *domain, const struct device *device,
                          const struct arguments_context *context);

/* Whichever of these the device's kind has, changed as <qemu:override> says;
 * VIR_ERR_CONFIG_UNSUPPORTED for kinds without, and for devices that the emulator has not. */
int device_properties(const struct domain *domain, const struct device *device,
                      const struct arguments_context *context, struct json_object **ret_properties,
                      GError **error);
