/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "xml/schema.h"

/*
 * <secret>: what a passphrase or key is for, and who may have it. Its value is never part of the
 * document.
 */
enum secret_usage_type { /* as VIR_SECRET_USAGE_TYPE_ */
                         SECRET_USAGE_NONE,
                         SECRET_USAGE_VOLUME,
                         SECRET_USAGE_CEPH,
                         SECRET_USAGE_ISCSI,
                         SECRET_USAGE_TLS,
                         SECRET_USAGE_VTPM,
};
extern const struct names secret_usage_names;

struct secret_usage {
    uint8_t type;   /* enum secret_usage_type */
    const char *id; /* a path, a name, a target: as the type has it */
};

struct secret {
    struct definition definition;
    bool ephemeral; /* its value never reaches a disk */
    bool private;   /* its value is for this host's daemons alone */
    uint8_t uuid[16];
    const char *name; /* the uuid as text: what it is filed under */
    const char *description;
    struct secret_usage *usage; /* NULL: for anything */
};

XML_SCHEMA_DECLARE(secret_usage);
XML_SCHEMA_DECLARE(secret);

/* Of a secret's usage, which may be absent: NONE and "". Borrowed. */
enum secret_usage_type secret_usage_type(const struct secret *secret);
const char *secret_usage_id(const struct secret *secret);

/* Sets uuid, and name with it. */
void secret_set_uuid(struct secret *secret, const uint8_t uuid[16]);
