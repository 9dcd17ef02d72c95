/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wire/outbox.h"

#include <errno.h>

enum {
    OUTBOX_PARTS = 16,  /* messages in one write */
    OUTBOX_WRITES = 32, /* in one flush, two packets of a stream by TLS: others want their turn */
    OUTBOX_UPKEEP = 160 /* bytes of memory beside the packet itself */
};

void outbox_init(struct outbox *outbox)
{
    *outbox = (struct outbox){.event_bytes_max = SIZE_MAX, .event_messages_max = UINT_MAX};
    outbox->last = &outbox->first;
    pthread_mutex_init(&outbox->lock, NULL);
}

void outbox_set_event_limits(struct outbox *outbox, size_t bytes, unsigned messages)
{
    pthread_mutex_lock(&outbox->lock);
    outbox->event_bytes_max = bytes;
    outbox->event_messages_max = messages;
    pthread_mutex_unlock(&outbox->lock);
}

static size_t cost(const struct message *message)
{
    return message->bytes->len + OUTBOX_UPKEEP;
}

static bool is_event(const struct message *message)
{
    struct frame_header header;

    frame_decode_header(message->bytes->data, &header);
    return header.type == FRAME_MESSAGE;
}

static enum outbox_result check_room(struct outbox *outbox, const struct message *message)
{
    if (outbox->closed)
        return OUTBOX_CLOSED;
    if (!is_event(message))
        return OUTBOX_QUEUED;
    if (outbox->event_messages >= outbox->event_messages_max ||
        outbox->event_bytes + cost(message) > outbox->event_bytes_max)
        return OUTBOX_OVERFLOW;
    outbox->event_messages++;
    outbox->event_bytes += cost(message);
    return OUTBOX_QUEUED;
}

enum outbox_result outbox_add(struct outbox *outbox, struct message *message)
{
    enum outbox_result result;

    pthread_mutex_lock(&outbox->lock);
    result = check_room(outbox, message);
    if (result == OUTBOX_QUEUED) {
        message->next = NULL;
        *outbox->last = message;
        outbox->last = &message->next;
        atomic_fetch_add(&outbox->bytes, cost(message));
    }
    pthread_mutex_unlock(&outbox->lock);
    if (result != OUTBOX_QUEUED)
        message_free(message);
    return result;
}

/* What one write can hold. A message with descriptors ends it: they come right behind its bytes. */
static int gather(struct outbox *outbox, struct iovec *parts)
{
    struct message *message;
    int count = 0;

    pthread_mutex_lock(&outbox->lock);
    for (message = outbox->first; message && count < OUTBOX_PARTS; message = message->next) {
        size_t skip = count ? 0 : outbox->written;

        parts[count].iov_base = message->bytes->data + skip;
        parts[count++].iov_len = message->bytes->len - skip;
        if (message->fd_count)
            break;
    }
    pthread_mutex_unlock(&outbox->lock);
    return count;
}

static void drop_first(struct outbox *outbox)
{
    struct message *message = outbox->first;

    pthread_mutex_lock(&outbox->lock);
    outbox->first = message->next;
    if (!outbox->first)
        outbox->last = &outbox->first;
    atomic_fetch_sub(&outbox->bytes, cost(message));
    if (is_event(message)) {
        outbox->event_messages--;
        outbox->event_bytes -= cost(message);
    }
    pthread_mutex_unlock(&outbox->lock);
    outbox->written = 0;
    outbox->fds_sent = 0;
    message_free(message);
}

/* Counts bytes as written; drops messages of which nothing is left to send. */
static void advance(struct outbox *outbox, size_t count)
{
    while (count) {
        size_t step = MIN(count, outbox->first->bytes->len - outbox->written);

        outbox->written += step;
        count -= step;
        if (outbox->written < outbox->first->bytes->len || outbox->first->fd_count)
            return;
        drop_first(outbox);
    }
}

static int send_fds(struct outbox *outbox, struct transport *transport)
{
    struct message *message = outbox->first;

    for (; outbox->fds_sent < message->fd_count; outbox->fds_sent++) {
        int status = transport->ops->send_fd
                         ? transport->ops->send_fd(transport, message->fds[outbox->fds_sent])
                         : -EOPNOTSUPP;

        if (status < 0)
            return status;
    }
    drop_first(outbox);
    return 0;
}

/* One system call's worth, or -errno. */
static int write_some(struct outbox *outbox, struct transport *transport, int count,
                      const struct iovec *parts)
{
    ssize_t written;

    if (parts[0].iov_len == 0)
        return send_fds(outbox, transport);
    written = transport->ops->write(transport, parts, count);
    if (written < 0)
        return (int)written;
    advance(outbox, written);
    return 0;
}

enum outbox_progress outbox_flush(struct outbox *outbox, struct transport *transport,
                                  int *ret_errno)
{
    struct iovec parts[OUTBOX_PARTS];
    int status = 0;

    for (int i = 0; i < OUTBOX_WRITES && status == 0 && outbox_bytes(outbox); i++)
        status = write_some(outbox, transport, gather(outbox, parts), parts);
    if (status == 0)
        return outbox_bytes(outbox) ? OUTBOX_MORE : OUTBOX_EMPTY;
    if (status == -EAGAIN || status == -EINTR)
        return OUTBOX_MORE;
    *ret_errno = -status;
    return OUTBOX_BROKEN;
}

size_t outbox_bytes(struct outbox *outbox)
{
    return atomic_load(&outbox->bytes);
}

size_t outbox_unwritten(struct outbox *outbox)
{
    size_t bytes = 0;

    pthread_mutex_lock(&outbox->lock);
    for (struct message *message = outbox->first; message; message = message->next)
        bytes += message->bytes->len;
    pthread_mutex_unlock(&outbox->lock);
    return bytes - outbox->written;
}

void outbox_close(struct outbox *outbox)
{
    pthread_mutex_lock(&outbox->lock);
    outbox->closed = true;
    pthread_mutex_unlock(&outbox->lock);
    while (outbox->first)
        drop_first(outbox);
}

void outbox_clear(struct outbox *outbox)
{
    outbox_close(outbox);
    pthread_mutex_destroy(&outbox->lock);
}
