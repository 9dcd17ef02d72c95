/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "volume-key.h"

#include <string.h>

#include "base/error.h"
#include "driver/secret-value.h"

#include "storaged.h"

#define FORMAT "luks" /* the one that QEMU makes */

static int refuse(enum error_code code, const struct storage_volume *definition, const char *what,
                  const char *word, GError **error)
{
    error_set(error, code, "volume '%s': %s '%.40s'", definition->name, what, word);
    return -1;
}

/* Words become options of a program, which end at a comma. */
static bool is_word(const char *text)
{
    return !text ||
           (*text && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(text));
}

static int check_words(const struct storage_volume *definition, GError **error)
{
    const struct source_encryption *encryption = definition->target.encryption;
    const char *const words[] = {encryption->cipher_name, encryption->cipher_mode,
                                 encryption->cipher_hash, encryption->ivgen_name,
                                 encryption->ivgen_hash};

    for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
        if (!is_word(words[i]))
            return refuse(VIR_ERR_CONFIG_UNSUPPORTED, definition, "unknown cipher or hash",
                          words[i], error);
    return 0;
}

int volume_key_check(const struct storage_volume *definition, GError **error)
{
    const struct source_encryption *encryption = definition->target.encryption;
    unsigned format = definition->target.format;

    if (definition->backing && definition->backing->encryption)
        return refuse(VIR_ERR_CONFIG_UNSUPPORTED, definition,
                      "an image can't be made above one that is encrypted with",
                      definition->backing->encryption->format, error);
    if (!encryption)
        return 0;
    if (format != IMAGE_FORMAT_RAW && format != IMAGE_FORMAT_QCOW2)
        return refuse(VIR_ERR_CONFIG_UNSUPPORTED, definition,
                      "volume encryption unsupported with format",
                      names_word(&storage_format_names, format), error);
    if (strcmp(encryption->format, FORMAT) != 0)
        return refuse(VIR_ERR_CONFIG_UNSUPPORTED, definition,
                      "unsupported volume encryption format", encryption->format, error);
    if (encryption->secrets.count > 1)
        return refuse(VIR_ERR_XML_ERROR, definition, "too many secrets for encryption",
                      encryption->format, error);
    return check_words(definition, error);
}

static int open_key(const struct storage_volume *definition, const struct domain_secret *secret,
                    int *ret_fd, GError **error)
{
    SECRET_VALUE_AUTO struct secret_value value = {0};

    if (secret_value_get(storaged->secrets, secret, SECRET_USAGE_VOLUME, &value, error) == 0)
        return secret_value_open(&value, ret_fd, error);
    g_prefix_error(error, "volume '%s': ", definition->name);
    return -1;
}

int volume_key_open(const struct storage_volume *definition, int *ret_fd, GError **error)
{
    const struct source_encryption *encryption = definition->target.encryption;

    if (!encryption) {
        *ret_fd = -1;
        return 0;
    }
    if (!encryption->secrets.count)
        return refuse(VIR_ERR_XML_ERROR, definition, "no secret provided for encryption",
                      encryption->format, error);
    return open_key(definition, encryption->secrets.items[0], ret_fd, error);
}

int volume_key_find(const struct storage_volume *definition, int *ret_fd, GError **error)
{
    const struct domain_secret secret = {.usage = definition->target.path};

    if (definition->target.encryption)
        return open_key(definition, &secret, ret_fd, error);
    *ret_fd = -1;
    return 0;
}
