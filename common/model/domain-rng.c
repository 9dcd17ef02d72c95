/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/domain-rng.h"

#include "model/text-types.h"

NAMES(rng_backend_names, NULL, "random", "egd", "builtin");

#define ROWS_OF struct domain_rng
static const struct xml_row domain_rng_rows[] = {
    ROW_ENUM("@model", model, virtio_model_names, "Device", WRONG(VIR_ERR_CONFIG_UNSUPPORTED),
             .flags = XML_REQUIRED | XML_ABI),
    ROW_NUMBER("rate/@bytes", rate_bytes, "Bytes that the guest gets in a period",
               .flags = XML_EXPECTED | XML_BLANK, FORM_RANGE(1, UINT32_MAX)),
    ROW_NUMBER("rate/@period", rate_period, "Milliseconds of a period", .flags = XML_BLANK,
               FORM_RANGE(1, UINT32_MAX)),
    ROW_ENUM("backend/@model", backend, rng_backend_names, "Where randomness comes from",
             WRONG(VIR_ERR_CONFIG_UNSUPPORTED), .flags = XML_ONCE | XML_REQUIRED),
    ROW_STRING("backend", path, "Path of the device", WHEN(backend, BIT(RNG_BACKEND_RANDOM)),
               FORM(absolute_path_type)),
    ROW_EMBED("backend", source, chardev_source, WHEN(backend, BIT(RNG_BACKEND_EGD))),
    ROW_EMBED("driver", virtio, domain_virtio),
    ROW_EMBED(".", info, domain_device_info),
};
#undef ROWS_OF
XML_SCHEMA(domain_rng, "rng", .doc = "A source of random numbers");
