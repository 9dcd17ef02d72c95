/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "wire/transport.h"

/*
 * The transport below keeps its socket, its state and its name; only the ways in and out are
 * others. What has been encoded must go out as it is, so a write that the socket takes in part is
 * "try again" until all is out, and then says how many of the caller's bytes that were: who writes
 * through a transport repeats the same bytes first.
 */
struct transport_layered {
    const struct transport_ops *below;
    const struct transport_layer *layer;
    void *data;
    struct transport_ops ops;
    size_t plain_left;   /* written before the layer begins */
    GByteArray *encoded; /* not yet written */
    size_t encoded_of;   /* the caller's bytes that it stands for */
    GByteArray *decoded; /* not yet read */
};

static ssize_t take_decoded(struct transport_layered *layered, void *bytes, size_t size)
{
    size_t step = MIN(size, layered->decoded->len);

    memcpy(bytes, layered->decoded->data, step);
    g_byte_array_remove_range(layered->decoded, 0, step);
    return step;
}

static ssize_t layer_read(struct transport *transport, void *bytes, size_t size, int *fds,
                          unsigned *fd_count)
{
    struct transport_layered *layered = transport->layered;
    const char *plain = NULL;
    unsigned plain_size = 0;
    ssize_t count;

    if (layered->decoded->len)
        return take_decoded(layered, bytes, size);
    count = layered->below->read(transport, bytes, size, fds, fd_count);
    if (count <= 0)
        return count;
    if (!layered->layer->decode(layered->data, bytes, (unsigned)count, &plain, &plain_size))
        return -EPROTO;
    if (plain_size == 0)
        return -EAGAIN;
    g_byte_array_append(layered->decoded, (const guint8 *)plain, plain_size);
    return take_decoded(layered, bytes, size);
}

static bool layer_pending(struct transport *transport)
{
    struct transport_layered *layered = transport->layered;

    return layered->decoded->len || (layered->below->pending && layered->below->pending(transport));
}

/* 0 when all is out, or -errno. */
static int write_encoded(struct transport *transport)
{
    struct transport_layered *layered = transport->layered;

    while (layered->encoded->len) {
        struct iovec part = {layered->encoded->data, layered->encoded->len};
        ssize_t written = layered->below->write(transport, &part, 1);

        if (written < 0)
            return (int)written;
        g_byte_array_remove_range(layered->encoded, 0, written);
    }
    return 0;
}

static ssize_t write_plain(struct transport *transport, const struct iovec *part)
{
    struct transport_layered *layered = transport->layered;
    struct iovec plain = {part->iov_base, MIN(part->iov_len, layered->plain_left)};
    ssize_t written = layered->below->write(transport, &plain, 1);

    if (written > 0)
        layered->plain_left -= written;
    return written;
}

static int encode(struct transport_layered *layered, const struct iovec *parts, int count)
{
    g_autofree char *plain = g_malloc(layered->layer->size_max);
    const char *bytes = NULL;
    unsigned size = 0;

    layered->encoded_of = transport_gather(parts, count, plain, layered->layer->size_max);
    if (!layered->layer->encode(layered->data, plain, layered->encoded_of, &bytes, &size))
        return -EPROTO;
    g_byte_array_append(layered->encoded, (const guint8 *)bytes, size);
    return 0;
}

static ssize_t layer_write(struct transport *transport, const struct iovec *parts, int count)
{
    struct transport_layered *layered = transport->layered;
    int status = 0;

    if (layered->plain_left)
        return write_plain(transport, parts);
    if (!layered->encoded->len)
        status = encode(layered, parts, count);
    if (status == 0)
        status = write_encoded(transport);
    return status < 0 ? status : (ssize_t)layered->encoded_of;
}

static void layer_close(struct transport *transport)
{
    struct transport_layered *layered = transport->layered;

    if (layered->below->close)
        layered->below->close(transport);
    transport->ops = layered->below; /* its name is still asked for */
    layered->layer->free(layered->data);
    g_byte_array_unref(layered->encoded);
    g_byte_array_unref(layered->decoded);
    g_free(layered);
    transport->layered = NULL;
}

void transport_add_layer(struct transport *transport, const struct transport_layer *layer,
                         void *data, size_t plain_bytes)
{
    struct transport_layered *layered = g_new(struct transport_layered, 1);

    *layered = (struct transport_layered){
        .below = transport->ops,
        .layer = layer,
        .data = data,
        .ops =
            {
                .name = transport->ops->name,
                .read = layer_read,
                .write = layer_write,
                .pending = layer_pending,
                .close = layer_close,
            },
        .plain_left = plain_bytes,
        .encoded = g_byte_array_new(),
        .decoded = g_byte_array_new(),
    };
    transport->layered = layered;
    transport->ops = &layered->ops;
}
