/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"

#include "device-common.h"

#define CERTIFICATES 3
#define DATABASE "/etc/pki/nssdb"

static struct json_object *build_certificates(const struct domain_smartcard *card)
{
    struct json_object *json =
        json_build("s:driver", "ccid-card-emulated", "s:backend", "certificates", NULL);

    LIST_EACH (certificate, &card->certificates) {
        g_autofree char *pair = g_strdup_printf("s:cert%u", certificate_i + 1);
        json_add(json, pair, certificate, NULL);
    }
    json_add(json, "s:db", card->database ? card->database : DATABASE, NULL);
    return json;
}

static struct json_object *build_card(const struct domain_smartcard *card)
{
    g_autofree char *stream = g_strdup_printf("char%s", card->info.alias);

    if (card->mode == SMARTCARD_HOST_CERTIFICATES)
        return build_certificates(card);
    if (card->mode == SMARTCARD_PASSTHROUGH)
        return json_build("s:driver", "ccid-card-passthru", "s:chardev", stream, NULL);
    return json_build("s:driver", "ccid-card-emulated", "s:backend", "nss-emulated", NULL);
}

int device_smartcard_properties(const struct domain *domain, const struct domain_smartcard *card,
                                const struct arguments_context *context,
                                struct json_object **ret_properties, GError **error)
{
    const struct ccid_address *at = &card->info.address.ccid;
    g_autofree char *bus = device_bus_name(
        domain, CONTROLLER_CCID, card->info.address.type == ADDRESS_CCID ? at->controller : 0);

    if (card->mode == SMARTCARD_HOST_CERTIFICATES && card->certificates.count != CERTIFICATES)
        return device_refuse(error, "smartcard", card->info.alias, "it needs %d certificates",
                             CERTIFICATES);
    struct json_object *json = build_card(card);
    json_add(json, "S:id", card->info.alias, "s:bus", bus, NULL);
    *ret_properties = json;
    return 0;
}
