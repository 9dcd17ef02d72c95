/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>
#include <json-c/json.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "virtqemud/secret-object.h"

/* Secrets as QEMU gets them. */

/* The first vector of NIST SP 800-38A, F.2.5: AES-256-CBC. */
static const uint8_t key[SECRET_KEY_BYTES] = {
    0x60, 0x3d, 0xeb, 0x10, 0x15, 0xca, 0x71, 0xbe, 0x2b, 0x73, 0xae, 0xf0, 0x85, 0x7d, 0x77, 0x81,
    0x1f, 0x35, 0x2c, 0x07, 0x3b, 0x61, 0x08, 0xd7, 0x2d, 0x98, 0x10, 0xa3, 0x09, 0x14, 0xdf, 0xf4};
static const uint8_t iv[SECRET_IV_BYTES] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
static uint8_t plain[16] = {0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96,
                            0xe9, 0x3d, 0x7e, 0x11, 0x73, 0x93, 0x17, 0x2a};
static const uint8_t encrypted[16] = {0xf5, 0x8c, 0x4c, 0x04, 0xd6, 0xe5, 0xf1, 0xba,
                                      0x77, 0x9e, 0xab, 0xfb, 0x5f, 0x7b, 0xfb, 0xd6};

static gsize encrypt(size_t length, guchar **ret_bytes)
{
    const struct secret_value value = {plain, length};
    g_autoptr(GError) error = NULL;
    g_autofree char *data = NULL;
    gsize size;

    g_assert_cmpint(secret_object_encrypt(&value, key, iv, &data, &error), ==, 0);
    *ret_bytes = g_base64_decode(data, &size);
    return size;
}

static void test_encrypted(void)
{
    static const struct {
        size_t length, size;
    } cases[] = {{0, 16}, {1, 16}, {15, 16}, {16, 32}};

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree guchar *bytes = NULL;
        gsize size = encrypt(cases[i].length, &bytes);

        g_assert_cmpuint(size, ==, cases[i].size);
        if (size > sizeof(encrypted))
            g_assert_cmpmem(bytes, sizeof(encrypted), encrypted, sizeof(encrypted));
    }
}

/* It can be read once. */
static void test_pipe(void)
{
    const struct secret_value value = {plain, sizeof(plain)};
    uint8_t bytes[64];
    int fd;

    g_assert_cmpint(secret_value_open(&value, &fd, NULL), ==, 0);
    g_assert_cmpint(read(fd, bytes, sizeof(bytes)), ==, sizeof(plain));
    g_assert_cmpmem(bytes, sizeof(plain), plain, sizeof(plain));
    g_assert_cmpint(read(fd, bytes, sizeof(bytes)), ==, 0);
    close(fd);
}

/* Nobody is asked, and no key is made. */
static void test_plan(void)
{
    g_autofree char *folder = g_dir_make_tmp("secret-XXXXXX", NULL);
    const struct arguments_context context = {.folder = folder, .plan = true};
    g_autoptr(GPtrArray) objects =
        g_ptr_array_new_with_free_func((GDestroyNotify)(void (*)(void))json_object_put);
    const struct domain_secret secret = {.usage = "/x"};

    g_assert_cmpint(
        secret_object_add(&secret, SECRET_USAGE_VOLUME, "name", &context, objects, NULL), ==, 0);
    g_assert_cmpuint(objects->len, ==, 1);
    g_assert_nonnull(strstr(json_object_to_json_string(objects->pdata[0]), SECRET_KEY_ID));
    g_assert_cmpint(rmdir(folder), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/secret-object/encrypted", test_encrypted);
    g_test_add_func("/secret-object/pipe", test_pipe);
    g_test_add_func("/secret-object/plan", test_plan);
    return g_test_run();
}
