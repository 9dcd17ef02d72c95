/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain-chardev.h"

enum tpm_model {
    TPM_MODEL_NONE,
    TPM_MODEL_TIS,
    TPM_MODEL_CRB,
    TPM_MODEL_SPAPR,
    TPM_MODEL_SPAPR_PROXY
};
extern const struct names tpm_model_names;

enum tpm_backend {
    TPM_BACKEND_NONE,
    TPM_BACKEND_PASSTHROUGH,
    TPM_BACKEND_EMULATOR,
    TPM_BACKEND_EXTERNAL,
};
extern const struct names tpm_backend_names;

enum tpm_version { TPM_VERSION_NONE, TPM_VERSION_1_2, TPM_VERSION_2_0 };
extern const struct names tpm_version_names;

/* swtpm */
struct tpm_emulator {
    bool persistent_state;
    struct opt_uint debug;
    uint8_t encryption[16];  /* secret's uuid */
    const char *source_type; /* file, dir */
    const char *source_path;
    const char *profile_source;
    const char *profile_name;
    const char *profile_remove_disabled;
    bool sha1, sha256, sha384, sha512;
};

struct domain_tpm {
    struct domain_device_info info;
    uint8_t model;      /* enum tpm_model */
    uint8_t backend;    /* enum tpm_backend */
    uint8_t version;    /* enum tpm_version */
    const char *device; /* passthrough */
    struct tpm_emulator emulator;
    const char *external_type; /* unix */
    const char *external_mode; /* connect */
    const char *external_path;
};

XML_SCHEMA_DECLARE(tpm_emulator);
XML_SCHEMA_DECLARE(domain_tpm);
