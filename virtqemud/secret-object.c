/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "secret-object.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <json-c/json.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"

#include "guest.h"
#include "json.h"

#define BLOCK_BYTES 16
#define IN_PLAN "@SECRET@"

/* ---- the key ---- */

static char *key_path(const struct arguments_context *context)
{
    return g_strdup_printf("%s/master-key.aes", context->folder);
}

struct json_object *secret_object_key(const struct arguments_context *context)
{
    g_autofree char *path = key_path(context);

    return json_build("s:qom-type", "secret", "s:id", SECRET_KEY_ID, "s:format", "raw", "s:file",
                      path, NULL);
}

static int make_random(void *bytes, size_t length, GError **error)
{
    if (getrandom(bytes, length, 0) == (ssize_t)length)
        return 0;
    error_set_errno(error, errno, "cannot get random bytes");
    return -1;
}

static bool write_key(int fd, const struct qemu_config *config, const uint8_t key[SECRET_KEY_BYTES])
{
    return (!config->set_user || fchown(fd, config->uid, config->gid) == 0) &&
           write(fd, key, SECRET_KEY_BYTES) == SECRET_KEY_BYTES;
}

/* The folder is QEMU's: nothing there is followed, and nothing is taken for a key that is none. */
static int open_key(const char *path, const struct qemu_config *config, GError **error)
{
    uint8_t key[SECRET_KEY_BYTES];

    if (make_random(key, sizeof(key), error) < 0)
        return -1;
    autofd int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool fresh = fd >= 0;
    bool fine = fresh && write_key(fd, config, key);
    explicit_bzero(key, sizeof(key));
    if (!fresh && errno == EEXIST)
        fine = (fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)) >= 0;
    if (fine)
        return fd_take(&fd);
    error_set_errno(error, errno, "cannot make the key '%s'", path);
    if (fresh)
        unlink(path);
    return -1;
}

static int get_key(const struct arguments_context *context, uint8_t ret_key[SECRET_KEY_BYTES],
                   GError **error)
{
    g_autofree char *path = key_path(context);
    autofd int fd = open_key(path, context->config, error);
    struct stat about;

    if (fd < 0)
        return -1;
    if (fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && about.st_size == SECRET_KEY_BYTES &&
        pread(fd, ret_key, SECRET_KEY_BYTES, 0) == SECRET_KEY_BYTES)
        return 0;
    error_set(error, VIR_ERR_INTERNAL_ERROR, "'%s' is not a key of ours", path);
    return -1;
}

/* ---- the data ---- */

int secret_object_encrypt(const struct secret_value *value, const uint8_t key[SECRET_KEY_BYTES],
                          const uint8_t iv[SECRET_IV_BYTES], char **ret_data, GError **error)
{
    size_t padding = BLOCK_BYTES - value->length % BLOCK_BYTES;
    size_t length = value->length + padding;
    g_autofree uint8_t *bytes = g_malloc(length);
    gnutls_datum_t key_datum = {(unsigned char *)key, SECRET_KEY_BYTES};
    gnutls_datum_t iv_datum = {(unsigned char *)iv, SECRET_IV_BYTES};
    gnutls_cipher_hd_t cipher = NULL;

    memcpy(bytes, value->bytes, value->length);
    memset(bytes + value->length, (int)padding, padding); /* as PKCS #7 has it */
    int status = gnutls_cipher_init(&cipher, GNUTLS_CIPHER_AES_256_CBC, &key_datum, &iv_datum);
    if (status == 0) {
        status = gnutls_cipher_encrypt(cipher, bytes, length);
        gnutls_cipher_deinit(cipher);
    }
    if (status == 0) {
        *ret_data = g_base64_encode(bytes, length);
        return 0;
    }
    explicit_bzero(bytes, length);
    error_set(error, VIR_ERR_INTERNAL_ERROR, "cannot encrypt a secret: %s",
              gnutls_strerror(status));
    return -1;
}

/* ---- the object ---- */

static struct json_object *build(const char *id, const char *data, const char *iv)
{
    return json_build("s:qom-type", "secret", "s:id", id, "s:data", data, "s:keyid", SECRET_KEY_ID,
                      "s:iv", iv, "s:format", "base64", NULL);
}

static int build_with(const struct secret_value *value, const char *id,
                      const struct arguments_context *context, struct json_object **ret_object,
                      GError **error)
{
    uint8_t key[SECRET_KEY_BYTES], iv[SECRET_IV_BYTES];
    g_autofree char *data = NULL;

    if (make_random(iv, sizeof(iv), error) < 0 || get_key(context, key, error) < 0)
        return -1;
    int result = secret_object_encrypt(value, key, iv, &data, error);
    explicit_bzero(key, sizeof(key));
    if (result < 0)
        return -1;
    g_autofree char *shown_iv = g_base64_encode(iv, sizeof(iv));
    *ret_object = build(id, data, shown_iv);
    return 0;
}

int secret_object_add_value(const struct secret_value *value, const char *id,
                            const struct arguments_context *context, GPtrArray *objects,
                            GError **error)
{
    struct json_object *object;

    if (context->plan)
        object = build(id, IN_PLAN, IN_PLAN);
    else if (build_with(value, id, context, &object, error) < 0)
        return -1;
    g_ptr_array_add(objects, object);
    return 0;
}

int secret_object_add(const struct domain_secret *secret, enum secret_usage_type use,
                      const char *id, const struct arguments_context *context, GPtrArray *objects,
                      GError **error)
{
    struct secret_value value SECRET_VALUE_AUTO = {0};

    if (!context->plan &&
        secret_value_get(qemu_of(&context->guest->object)->secrets, secret, use, &value, error) < 0)
        return -1;
    return secret_object_add_value(&value, id, context, objects, error);
}
