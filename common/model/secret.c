/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/secret.h"

#include <string.h>

#include "base/uuid.h"
#include "model/rows.h"
#include "model/text-types.h"

/* A word of documents for what they can as well leave out. */
#define USAGE_WORD_NONE (SECRET_USAGE_VTPM + 1)

NAMES(secret_usage_names, NULL, "volume", "ceph", "iscsi", "tls", "vtpm", "none");

enum secret_usage_type secret_usage_type(const struct secret *secret)
{
    return secret->usage ? secret->usage->type : SECRET_USAGE_NONE;
}

const char *secret_usage_id(const struct secret *secret)
{
    return secret->usage ? secret->usage->id : "";
}

void secret_set_uuid(struct secret *secret, const uint8_t uuid[16])
{
    char text[UUID_TEXT];

    memmove(secret->uuid, uuid, sizeof(secret->uuid));
    uuid_format(uuid, text);
    secret->name = arena_strdup(&secret->definition.arena, text);
}

static int usage_check(struct xml_at *at, void *object, GError **error)
{
    static const struct {
        const char *path, *message;
    } missing[] = {
        [SECRET_USAGE_VOLUME] = {"volume", "volume usage specified, but volume path is missing"},
        [SECRET_USAGE_CEPH] = {"name", "Ceph usage specified, but name is missing"},
        [SECRET_USAGE_ISCSI] = {"target", "iSCSI usage specified, but target is missing"},
        [SECRET_USAGE_TLS] = {"name", "TLS usage specified, but name is missing"},
        [SECRET_USAGE_VTPM] = {"name", "vTPM usage specified, but name is missing"},
    };
    const struct secret_usage *usage = object;

    if (usage->type == SECRET_USAGE_NONE)
        return xml_at_fail(at, "@type", VIR_ERR_XML_ERROR, error, "unknown secret usage type");
    if (usage->type == USAGE_WORD_NONE || usage->id)
        return 0;
    return xml_at_fail(at, missing[usage->type].path, VIR_ERR_INTERNAL_ERROR, error, "%s",
                       missing[usage->type].message);
}

static int secret_check(struct xml_at *at, void *object, GError **error)
{
    struct secret *secret = object;

    if (secret->usage && secret->usage->type == USAGE_WORD_NONE)
        secret->usage = NULL;
    return 0;
}

#define NAMED (BIT(SECRET_USAGE_CEPH) | BIT(SECRET_USAGE_TLS) | BIT(SECRET_USAGE_VTPM))

#define ROWS_OF struct secret_usage
static const struct xml_row secret_usage_rows[] = {
    ROW_ENUM("@type", type, secret_usage_names, "What it is used for",
             CODE(VIR_ERR_CONFIG_UNSUPPORTED)),
    ROW_STRING("volume", id, "Path of the encrypted volume", WHEN(type, BIT(SECRET_USAGE_VOLUME)),
               FORM(absolute_path_type)),
    ROW_STRING("name", id, "Name of the user, certificate or TPM", WHEN(type, NAMED)),
    ROW_STRING("target", id, "Name of the iSCSI target", WHEN(type, BIT(SECRET_USAGE_ISCSI))),
};
#undef ROWS_OF
XML_SCHEMA(secret_usage, "usage", .doc = "What it is for", .check = usage_check);

#define ROWS_OF struct secret
static const struct xml_row secret_rows[] = {
    ROW_YES_NO("@ephemeral", ephemeral, "Its value is kept in memory alone", .flags = XML_ALWAYS),
    ROW_YES_NO("@private", private, "Its value is for this host's daemons, and for no client",
               .flags = XML_ALWAYS),
    ROW_UUID("uuid", uuid, "Identity; made up if absent", CODE(VIR_ERR_INTERNAL_ERROR),
             .flags = XML_EXPECTED),
    ROW_STRING("name", name, "The identity as text", .flags = XML_HIDDEN),
    ROW_STRING("description", description, "Words for people"),
    ROW_CHILD("usage", usage, secret_usage, "What it is for; no two secrets are for the same"),
};
#undef ROWS_OF
XML_SCHEMA(secret, "secret", .doc = "A passphrase or key, which is kept apart from this document",
           .check = secret_check);
