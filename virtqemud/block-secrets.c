/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "block-secrets.h"

#include <json-c/json.h>
#include <string.h>

#include "base/error.h"

#include "json.h"
#include "secret-object.h"
#include "tls-creds.h"

static bool has_format(const struct source_encryption *encryption, const char *format)
{
    return strcmp(encryption->format, format) == 0;
}

static bool is_librbd(const struct source_encryption *encryption)
{
    return g_strcmp0(encryption->engine, "librbd") == 0;
}

/* Decrypted by QEMU, and not by the library that reaches it. */
static const struct source_encryption *own_encryption(const struct domain_source *source)
{
    const struct source_encryption *encryption = domain_source_encryption(source);

    return encryption && !is_librbd(encryption) ? encryption : NULL;
}

/* ---- what can't be ---- */

/* Protocols whose servers ask who it is, and QEMU's words for that. */
static const struct login {
    uint8_t secret; /* enum secret_type */
    enum secret_usage_type use;
    const char *user, *password;
} logins[] = {
    [SOURCE_PROTOCOL_RBD] = {SECRET_TYPE_CEPH, SECRET_USAGE_CEPH, "S:user", "s:key-secret"},
    [SOURCE_PROTOCOL_ISCSI] = {SECRET_TYPE_ISCSI, SECRET_USAGE_ISCSI, "S:user",
                               "s:password-secret"},
#define CURL                                                                                       \
    {                                                                                              \
        SECRET_TYPE_ISCSI, SECRET_USAGE_ISCSI, "S:username", "s:password-secret"                   \
    }
    [SOURCE_PROTOCOL_HTTP] = CURL,
    [SOURCE_PROTOCOL_HTTPS] = CURL,
    [SOURCE_PROTOCOL_FTP] = CURL,
    [SOURCE_PROTOCOL_FTPS] = CURL,
};

static const struct login *login_of(const struct domain_source *source)
{
    return source->protocol < G_N_ELEMENTS(logins) && logins[source->protocol].user
               ? &logins[source->protocol]
               : NULL;
}

static int refuse(const struct domain_source *source, const char *reason, GError **error)
{
    const char *name = source->path ? source->path : source->name;

    error_set_from(error, VIR_FROM_QEMU, VIR_ERR_CONFIG_UNSUPPORTED, "image '%s': %s",
                   name ? name : "?", reason);
    return -1;
}

static int check_auth(const struct domain_source *source, GError **error)
{
    const struct source_auth *auth = domain_source_auth(source);
    const struct login *login = login_of(source);

    if (!auth || domain_source_type(source) != SOURCE_NETWORK)
        return 0;
    if (!login)
        return refuse(source, "authentication is not supported for its protocol", error);
    if (auth->secret.type != login->secret)
        return refuse(source, "auth/secret/@type: invalid secret type for its protocol", error);
    return 0;
}

/* As RFC 6265 has them: neither can end the header of a request. A value may stand in quotes. */
#define NOT_IN_NAME " ()<>@,;:\\\"/[]?={}"
#define NOT_IN_VALUE " ,;\\\""

static bool has_any(const char *text, size_t length, const char *excluded)
{
    for (size_t i = 0; i < length; i++)
        if (g_ascii_iscntrl(text[i]) || strchr(excluded, text[i]))
            return true;
    return false;
}

static bool is_value(const char *value)
{
    size_t length = strlen(value);
    bool quoted = length >= 2 && value[0] == '"' && value[length - 1] == '"';

    return !has_any(value + quoted, length - 2 * quoted, NOT_IN_VALUE);
}

static bool is_repeated(const struct source_network *network, unsigned which)
{
    for (unsigned i = 0; i < which; i++)
        if (strcmp(network->cookies.items[i]->name, network->cookies.items[which]->name) == 0)
            return true;
    return false;
}

static int check_cookie(const struct source_network *network, unsigned which, GError **error)
{
    const struct source_cookie *cookie = network->cookies.items[which];
    const char *name = cookie->name;

    if (!name[0])
        error_set(error, VIR_ERR_XML_ERROR, "missing cookie name");
    else if (has_any(name, strlen(name), NOT_IN_NAME))
        error_set(error, VIR_ERR_XML_ERROR, "cookie name '%s' contains invalid characters", name);
    else if (!cookie->value || !cookie->value[0])
        error_set(error, VIR_ERR_XML_ERROR, "missing value for cookie '%s'", name);
    else if (!is_value(cookie->value))
        error_set(error, VIR_ERR_XML_ERROR, "value of cookie '%s' contains invalid characters",
                  name);
    else if (is_repeated(network, which))
        error_set(error, VIR_ERR_XML_ERROR, "duplicate cookie '%s'", name);
    else
        return 0;
    return -1;
}

static int check_cookies(const struct domain_source *source, GError **error)
{
    for (unsigned i = 0; source->network && i < source->network->cookies.count; i++)
        if (check_cookie(source->network, i, error) < 0)
            return -1;
    return 0;
}

static int check_tls(const struct domain_source *source, GError **error)
{
    if (domain_source_type(source) != SOURCE_NETWORK || source->protocol == SOURCE_PROTOCOL_NBD ||
        source->protocol == SOURCE_PROTOCOL_VXHS || !source->network ||
        source->network->tls != TRISTATE_YES)
        return 0;
    error_set_from(error, VIR_FROM_QEMU, VIR_ERR_CONFIG_UNSUPPORTED,
                   "TLS transport is not supported for disk protocol '%s'",
                   names_word(&source_protocol_names, source->protocol));
    return -1;
}

static int check_librbd(const struct domain_source *source,
                        const struct source_encryption *encryption, GError **error)
{
    if (domain_source_type(source) != SOURCE_NETWORK || source->protocol != SOURCE_PROTOCOL_RBD)
        return refuse(source, "librbd encryption is supported only with RBD backed disks", error);
    if (has_format(encryption, "luks") || has_format(encryption, "luks2") ||
        has_format(encryption, "luks-any"))
        return 0;
    return refuse(source, "librbd knows the formats luks, luks2 and luks-any alone", error);
}

/* LUKS is another word for a raw image that is encrypted. */
static bool is_raw(const struct domain_source *source)
{
    return source->format == IMAGE_FORMAT_RAW || source->format == IMAGE_FORMAT_NONE ||
           source->format == IMAGE_FORMAT_LUKS;
}

static int check_own(const struct domain_source *source, const struct source_encryption *encryption,
                     GError **error)
{
    if (has_format(encryption, "qcow") || has_format(encryption, "default"))
        return refuse(source, "old qcow/qcow2 encryption is not supported", error);
    if (!has_format(encryption, "luks"))
        return refuse(source, "QEMU itself decrypts the format luks alone, librbd others", error);
    if (!is_raw(source) && source->format != IMAGE_FORMAT_QCOW2)
        return refuse(source, "encryption is supported only with 'raw' and 'qcow2' image format",
                      error);
    return 0;
}

int block_secrets_check(const struct domain_source *source, GError **error)
{
    const struct source_encryption *encryption = domain_source_encryption(source);

    if (check_auth(source, error) < 0 || check_cookies(source, error) < 0)
        return -1;
    if (!encryption)
        return 0;
    if (encryption->engine && !is_librbd(encryption) && strcmp(encryption->engine, "qemu") != 0)
        return refuse(source, "encryption/@engine is neither 'qemu' nor 'librbd'", error);
    return is_librbd(encryption) ? check_librbd(source, encryption, error)
                                 : check_own(source, encryption, error);
}

int block_secrets_check_emulator(const struct domain_source *source,
                                 const struct emulator *emulator, GError **error)
{
    const struct source_encryption *encryption = domain_source_encryption(source);
    bool many = encryption && encryption->secrets.count > 1;
    bool library = encryption && is_librbd(encryption);

    if (block_secrets_check(source, error) < 0 || check_tls(source, error) < 0)
        return -1;
    if (encryption && encryption->secrets.count == 0) {
        error_set(error, VIR_ERR_INTERNAL_ERROR, "missing secret info for 'luks' driver");
        return -1;
    }
    if (encryption && !library && is_raw(source) && !emulator_has(emulator, EMULATOR_BLOCK_LUKS))
        return refuse(source, "the emulator has no luks encryption", error);
    if (library && !emulator_has(emulator, EMULATOR_BLOCK_RBD_ENCRYPT))
        return refuse(source, "the emulator has no encryption by librbd", error);
    if (library && has_format(encryption, "luks-any") &&
        !emulator_has(emulator, EMULATOR_BLOCK_RBD_LUKS_ANY))
        return refuse(source, "the emulator does not find out how librbd encrypts", error);
    if (many && !(library && emulator_has(emulator, EMULATOR_BLOCK_RBD_LAYERS)))
        return refuse(source, "the emulator takes one passphrase for it", error);
    return 0;
}

const char *block_secrets_driver(const struct domain_source *source)
{
    return own_encryption(source) && source->format != IMAGE_FORMAT_QCOW2 ? "luks" : NULL;
}

/* ---- credentials ---- */

static int add_auth(const struct domain_source *source, const char *name,
                    const struct arguments_context *context, struct json_object *node,
                    GPtrArray *objects, GError **error)
{
    const struct source_auth *auth = domain_source_auth(source);
    const struct login *login = login_of(source);
    g_autofree char *id = g_strdup_printf("%s-auth-secret0", name);

    if (!auth || !login)
        return 0;
    if (secret_object_add(&auth->secret, login->use, id, context, objects, error) < 0)
        return -1;
    json_add(node, login->user, auth->username, NULL);
    if (source->protocol == SOURCE_PROTOCOL_RBD) {
        struct json_object *ways = json_object_new_array();
        json_object_array_add(ways, json_object_new_string("cephx"));
        json_object_array_add(ways, json_object_new_string("none"));
        json_add(node, "j:auth-client-required", ways, NULL);
    }
    json_add(node, login->password, id, NULL);
    return 0;
}

static int add_tls(const struct domain_source *source, const char *name,
                   const struct arguments_context *context, struct json_object *node,
                   GPtrArray *objects, GError **error)
{
    const struct source_network *network = source->network;
    g_autofree char *id = g_strdup_printf("obj%s_tls0", name);
    g_autofree char *secret = g_strdup_printf("%s-secret0", id);

    if (!network || network->tls != TRISTATE_YES)
        return 0;
    if (tls_creds_add(QEMU_TLS_NBD, false, id, secret, context, objects, error) < 0)
        return -1;
    json_add(node, "s:tls-creds", id, "S:tls-hostname", network->tls_hostname, NULL);
    return 0;
}

/* What a session at a web server is known by is as good as its password. */
static int add_cookies(const struct domain_source *source, const char *name,
                       const struct arguments_context *context, struct json_object *node,
                       GPtrArray *objects, GError **error)
{
    g_autofree char *id = g_strdup_printf("%s-httpcookie-secret0", name);
    g_autoptr(GString) text = g_string_new(NULL);

    if (!source->network || source->network->cookies.count == 0)
        return 0;
    LIST_EACH (cookie, &source->network->cookies)
        g_string_append_printf(text, "%s%s=%s", cookie_i ? "; " : "", cookie->name, cookie->value);
    const struct secret_value value = {(uint8_t *)text->str, text->len};
    if (secret_object_add_value(&value, id, context, objects, error) < 0)
        return -1;
    json_add(node, "s:cookie-secret", id, NULL);
    return 0;
}

/* ---- passphrases ---- */

static int add_passphrase(const struct source_encryption *encryption, unsigned index,
                          const char *name, const struct arguments_context *context,
                          GPtrArray *objects, char **ret_id, GError **error)
{
    g_autofree char *id = g_strdup_printf("%s-encryption-secret%u", name, index);

    if (secret_object_add(encryption->secrets.items[index], SECRET_USAGE_VOLUME, id, context,
                          objects, error) < 0)
        return -1;
    *ret_id = g_steal_pointer(&id);
    return 0;
}

/* One in another: of the image, of that which it is a clone of, and so on. */
static int add_layers(const struct source_encryption *encryption, const char *name,
                      const struct arguments_context *context, struct json_object *node,
                      GPtrArray *objects, GError **error)
{
    struct json_object *layer JSON_AUTO = NULL;

    for (unsigned i = encryption->secrets.count; i-- > 0;) {
        g_autofree char *id = NULL;

        if (add_passphrase(encryption, i, name, context, objects, &id, error) < 0)
            return -1;
        layer = json_build("s:format", encryption->format, "s:key-secret", id, "J:parent",
                           g_steal_pointer(&layer), NULL);
    }
    json_add(node, "j:encrypt", g_steal_pointer(&layer), NULL);
    return 0;
}

int block_secrets_add_network(const struct domain_source *source, const char *name,
                              const struct arguments_context *context, struct json_object *node,
                              GPtrArray *objects, GError **error)
{
    const struct source_encryption *encryption = domain_source_encryption(source);

    if (add_auth(source, name, context, node, objects, error) < 0 ||
        add_tls(source, name, context, node, objects, error) < 0 ||
        add_cookies(source, name, context, node, objects, error) < 0)
        return -1;
    return encryption && is_librbd(encryption)
               ? add_layers(encryption, name, context, node, objects, error)
               : 0;
}

int block_secrets_add_format(const struct domain_source *source, const char *name,
                             const struct arguments_context *context, struct json_object *node,
                             GPtrArray *objects, GError **error)
{
    const struct source_encryption *encryption = own_encryption(source);
    g_autofree char *id = NULL;

    if (!encryption)
        return 0;
    if (add_passphrase(encryption, 0, name, context, objects, &id, error) < 0)
        return -1;
    if (block_secrets_driver(source))
        json_add(node, "s:key-secret", id, NULL);
    else
        json_add(node, "j:encrypt", json_build("s:format", "luks", "s:key-secret", id, NULL), NULL);
    return 0;
}
