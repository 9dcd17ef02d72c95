/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "xml/schema.h"

/* Security labels of the guest, encrypted guests, and keys. */

enum seclabel_type { SECLABEL_ABSENT, SECLABEL_NONE, SECLABEL_DYNAMIC, SECLABEL_STATIC };
extern const struct names seclabel_type_names;

enum launch_type {
    LAUNCH_NONE,
    LAUNCH_SEV,
    LAUNCH_SEV_SNP,
    LAUNCH_S390_PV,
    LAUNCH_TDX,
};
extern const struct names launch_type_names;

struct domain_seclabel {
    uint8_t type;    /* enum seclabel_type */
    uint8_t relabel; /* enum tristate */
    const char *model;
    const char *label;
    const char *image_label;
    const char *base_label;
};

struct launch_security {
    uint8_t type;          /* enum launch_type */
    uint8_t kernel_hashes; /* enum tristate */
    uint8_t author_key;    /* enum tristate */
    uint8_t vcek;          /* enum tristate */
    unsigned cbitpos;
    unsigned reduced_phys_bits;
    struct opt_ulong policy;
    const char *dh_cert;
    const char *session;
    const char *guest_visible_workarounds;
    const char *id_block;
    const char *id_auth;
    const char *host_data;
    const char *mr_config_id;
    const char *mr_owner;
    const char *mr_owner_config;
    const char *quote_service_path;
    bool quote_service;
};

struct keywrap_cipher {
    const char *name; /* aes, dea */
    uint8_t state;    /* enum tristate */
};

XML_SCHEMA_DECLARE(domain_seclabel);
XML_SCHEMA_DECLARE(launch_security);
XML_SCHEMA_DECLARE(keywrap_cipher);
