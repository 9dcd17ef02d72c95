/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "chain.h"

#include "base/error.h"
#include "base/fd.h"

#define LONGEST_CHAIN 200

/* What is below one image. */
static int find_below(int fd, const char *path, enum image_format format,
                      struct image_below *ret_below, GError **error)
{
    struct image_header header IMAGE_HEADER_AUTO = {0};

    if (image_header_read(fd, format, path, &header, error) < 0)
        return -1;
    if (header.data_file) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "image '%s': its data is in another file, which is not followed", path);
        return -1;
    }
    return header.backing ? image_below_find(path, &header, ret_below, error) : 0;
}

static int find_below_path(const char *path, enum image_format format,
                           struct image_below *ret_below, GError **error)
{
    autofd int fd = -1;

    if (!image_header_has_backing(format))
        return 0;
    return image_open(path, &fd, error) < 0 ? -1 : find_below(fd, path, format, ret_below, error);
}

int chain_walk(const char *path, enum image_format format, chain_visit visit, void *data,
               GError **error)
{
    g_autofree char *at = g_strdup(path);

    for (unsigned depth = 0; at && depth < LONGEST_CHAIN; depth++) {
        struct image_below below = {0};

        if (visit && visit(at, data, error) < 0)
            return -1;
        if (find_below_path(at, format, &below, error) < 0)
            return -1;
        g_free(at);
        at = below.path;
        format = below.format;
    }
    if (!at)
        return 0;
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
              "image '%s': more than %d images are below it, or it is below itself", path,
              LONGEST_CHAIN);
    return -1;
}

int chain_check(const char *path, enum image_format format, GError **error)
{
    return chain_walk(path, format, NULL, NULL, error);
}

int chain_check_open(int fd, const char *path, enum image_format format,
                     struct image_below *ret_below, GError **error)
{
    struct image_below below IMAGE_BELOW_AUTO = {0};

    if (find_below(fd, path, format, &below, error) < 0 ||
        (below.path && chain_check(below.path, below.format, error) < 0))
        return -1;
    *ret_below = below;
    below.path = NULL;
    return 0;
}
