/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "value.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "protocol/remote.h"

#define FILE_MODE 0600
#define LONGEST_TEXT (REMOTE_SECRET_VALUE_MAX / 3 * 4 + 64) /* and some white space */

struct value {
    gint references;
    size_t length;
    uint8_t bytes[];
};

struct value *value_new(const void *bytes, size_t length)
{
    struct value *value = g_malloc(sizeof(*value) + length);

    value->references = 1;
    value->length = length;
    memcpy(value->bytes, bytes, length);
    return value;
}

struct value *value_ref(struct value *value)
{
    g_atomic_int_inc(&value->references);
    return value;
}

void value_unref(struct value *value)
{
    if (!value || !g_atomic_int_dec_and_test(&value->references))
        return;
    explicit_bzero(value->bytes, value->length);
    g_free(value);
}

const uint8_t *value_bytes(const struct value *value, size_t *ret_length)
{
    *ret_length = value->length;
    return value->bytes;
}

/* ---- files ---- */

int value_save(const struct value *value, const char *path, GError **error)
{
    char *text = g_base64_encode(value->bytes, value->length);
    size_t length = strlen(text);
    int result = file_replace(path, text, length, FILE_MODE, error);

    explicit_bzero(text, length);
    g_free(text);
    return result;
}

static bool is_base64(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!g_ascii_isalnum(text[i]) && !g_ascii_isspace(text[i]) && !strchr("+/=", text[i]))
            return false;
    return memchr(text, '\0', length) == NULL;
}

/* Text has room for a NUL, and is overwritten. */
static int decode(char *text, size_t length, struct value **ret_value)
{
    gsize size = 0;

    text[length] = '\0';
    if (!is_base64(text, length))
        return -1;
    if (length)
        g_base64_decode_inplace(text, &size);
    if (size > REMOTE_SECRET_VALUE_MAX)
        return -1;
    *ret_value = value_new(text, size);
    return 0;
}

/* Into a buffer that does not grow, for growing leaves copies behind. */
static ssize_t read_text(int fd, char *text, size_t room)
{
    size_t length = 0;
    ssize_t count;

    do {
        count = TEMP_FAILURE_RETRY(read(fd, text + length, room - length));
        length += count > 0 ? (size_t)count : 0;
    } while (count > 0);
    return count < 0 ? -1 : (ssize_t)length;
}

int value_load(const char *path, struct value **ret_value, GError **error)
{
    autofd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd < 0 && errno == ENOENT) {
        *ret_value = NULL;
        return 0;
    }
    char *text = g_malloc(LONGEST_TEXT + 1);
    ssize_t length = fd < 0 ? -1 : read_text(fd, text, LONGEST_TEXT);
    int result = -1;
    if (length < 0)
        error_set_errno(error, errno, "cannot read '%s'", path);
    else if ((result = decode(text, (size_t)length, ret_value)) < 0)
        error_set(error, VIR_ERR_INTERNAL_ERROR, "'%s' does not hold a secret in base64", path);
    explicit_bzero(text, LONGEST_TEXT);
    g_free(text);
    return result;
}

/* ---- the process ---- */

void value_protect_process(void)
{
    if (prctl(PR_SET_DUMPABLE, 0) < 0)
        log_warn("secrets may be in core dumps: %s", g_strerror(errno));
    /* Others than root may lock less than the threads to come need, which then could not start. */
    if (capng_have_capability(CAPNG_EFFECTIVE, CAP_IPC_LOCK) &&
        mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0)
        log_info("secrets may be swapped out: %s", g_strerror(errno));
}
