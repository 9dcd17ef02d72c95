/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

#include "arguments.h"
#include "json.h"

/*
 * Devices of the guest as property objects: what -device takes as JSON and device_add as arguments.
 * One file per family (device-disk.c ...) has the functions named here; each fails with
 * VIR_ERR_CONFIG_UNSUPPORTED for what this version or this emulator can't do, naming the device.
 * They open nothing. *ret_properties is the caller's; NULL where there is nothing to plug (built
 * into the machine, or drawn by another device).
 */
int device_disk_properties(const struct domain *domain, const struct domain_disk *disk,
                           const struct arguments_context *context,
                           struct json_object **ret_properties, GError **error);
int device_controller_properties(const struct domain *domain,
                                 const struct domain_controller *controller,
                                 const struct arguments_context *context,
                                 struct json_object **ret_properties, GError **error);
/* True if it is a part of its machine, and no -device. */
bool device_net_is_built_in(const struct domain_net *net);
int device_net_properties(const struct domain *domain, const struct domain_net *net,
                          const struct arguments_context *context,
                          struct json_object **ret_properties, GError **error);
int device_serial_properties(const struct domain *domain, const struct domain_serial *serial,
                             const struct arguments_context *context,
                             struct json_object **ret_properties, GError **error);
int device_parallel_properties(const struct domain *domain, const struct domain_parallel *parallel,
                               const struct arguments_context *context,
                               struct json_object **ret_properties, GError **error);
int device_console_properties(const struct domain *domain, const struct domain_console *console,
                              const struct arguments_context *context,
                              struct json_object **ret_properties, GError **error);
int device_channel_properties(const struct domain *domain, const struct domain_channel *channel,
                              const struct arguments_context *context,
                              struct json_object **ret_properties, GError **error);
int device_input_properties(const struct domain *domain, const struct domain_input *input,
                            const struct arguments_context *context,
                            struct json_object **ret_properties, GError **error);
int device_sound_properties(const struct domain *domain, const struct domain_sound *sound,
                            const struct arguments_context *context,
                            struct json_object **ret_properties, GError **error);
int device_video_properties(const struct domain *domain, const struct domain_video *video,
                            const struct arguments_context *context,
                            struct json_object **ret_properties, GError **error);
int device_hub_properties(const struct domain *domain, const struct domain_hub *hub,
                          const struct arguments_context *context,
                          struct json_object **ret_properties, GError **error);
int device_redirdev_properties(const struct domain *domain, const struct domain_redirdev *redirdev,
                               const struct arguments_context *context,
                               struct json_object **ret_properties, GError **error);
int device_watchdog_properties(const struct domain *domain, const struct domain_watchdog *watchdog,
                               const struct arguments_context *context,
                               struct json_object **ret_properties, GError **error);
int device_memballoon_properties(const struct domain *domain,
                                 const struct domain_memballoon *balloon,
                                 const struct arguments_context *context,
                                 struct json_object **ret_properties, GError **error);
int device_rng_properties(const struct domain *domain, const struct domain_rng *rng,
                          const struct arguments_context *context,
                          struct json_object **ret_properties, GError **error);
int device_panic_properties(const struct domain *domain, const struct domain_panic *panic,
                            const struct arguments_context *context,
                            struct json_object **ret_properties, GError **error);
int device_filesystem_properties(const struct domain *domain,
                                 const struct domain_filesystem *filesystem,
                                 const struct arguments_context *context,
                                 struct json_object **ret_properties, GError **error);
int device_hostdev_properties(const struct domain *domain, const struct domain_hostdev *hostdev,
                              const struct arguments_context *context,
                              struct json_object **ret_properties, GError **error);
int device_tpm_properties(const struct domain *domain, const struct domain_tpm *tpm,
                          const struct arguments_context *context,
                          struct json_object **ret_properties, GError **error);
int device_smartcard_properties(const struct domain *domain,
                                const struct domain_smartcard *smartcard,
                                const struct arguments_context *context,
                                struct json_object **ret_properties, GError **error);
int device_nvram_properties(const struct domain *domain, const struct domain_nvram *nvram,
                            const struct arguments_context *context,
                            struct json_object **ret_properties, GError **error);
int device_shmem_properties(const struct domain *domain, const struct domain_shmem *shmem,
                            const struct arguments_context *context,
                            struct json_object **ret_properties, GError **error);
int device_memory_properties(const struct domain *domain, const struct domain_memory *memory,
                             const struct arguments_context *context,
                             struct json_object **ret_properties, GError **error);
int device_iommu_properties(const struct domain *domain, const struct domain_iommu *iommu,
                            const struct arguments_context *context,
                            struct json_object **ret_properties, GError **error);
int device_vsock_properties(const struct domain *domain, const struct domain_vsock *vsock,
                            const struct arguments_context *context,
                            struct json_object **ret_properties, GError **error);
int device_crypto_properties(const struct domain *domain, const struct domain_crypto *crypto,
                             const struct arguments_context *context,
                             struct json_object **ret_properties, GError **error);
int device_pstore_properties(const struct domain *domain, const struct domain_pstore *pstore,
                             const struct arguments_context *context,
                             struct json_object **ret_properties, GError **error);

/* Whichever of these the device's kind has, changed as <qemu:override> says;
 * VIR_ERR_CONFIG_UNSUPPORTED for kinds without, and for devices that the emulator has not. */
int device_properties(const struct domain *domain, const struct device *device,
                      const struct arguments_context *context, struct json_object **ret_properties,
                      GError **error);
