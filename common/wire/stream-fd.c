/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/loop.h"
#include "wire/stream.h"

enum {
    SMALL_READ = 32768, /* of terminals, sockets and pipes */
};

/* Moves bytes between one stream and one descriptor. */
struct pump {
    struct stream *stream; /* which owns the pump */
    struct loop *loop;
    int fd;
    enum stream_fd_mode mode;
    size_t read_size;
    bool terminal;
    struct loop_source *source; /* only while there is something to wait for */
    bool source_ended;
    bool client_slow; /* no reading until the queue has room */
    bool sink_full;   /* wait until fd takes more */
    bool sink_broken; /* what comes is thrown away */
    void (*ended)(void *data);
    void *ended_data;
};

static void pump_ready(struct loop_source *source, uint32_t events, void *data);

static bool wants_to_read(const struct pump *pump)
{
    return pump->mode != STREAM_FD_SINK && !pump->source_ended && !pump->client_slow;
}

static void pump_fail(struct pump *pump, const GError *error)
{
    stream_fail(pump->stream, error, VIR_FROM_STREAMS);
}

static void pump_fail_errno(struct pump *pump, const char *what, int errnum)
{
    g_autoptr(GError) error = NULL;

    error_set_errno(&error, errnum, "cannot %s the stream's file", what);
    pump_fail(pump, error);
}

/* Unwatched while nothing is wanted of it: a hang-up is reported whether wanted or not, and would
 * keep the loop busy. */
static void pump_watch(struct pump *pump)
{
    uint32_t events = (wants_to_read(pump) ? EPOLLIN : 0) | (pump->sink_full ? EPOLLOUT : 0);
    g_autoptr(GError) error = NULL;

    if (!events)
        loop_source_remove(g_steal_pointer(&pump->source));
    else if (pump->source)
        loop_source_set_events(pump->source, events);
    else
        pump->source = loop_add_fd(pump->loop, pump->fd, events, pump_ready, pump, &error);
    if (error)
        pump_fail(pump, error);
}

/* A terminal whose other side is closed reads as EIO, a socket's may as ECONNRESET. */
static bool is_end(const struct pump *pump, int errnum)
{
    return (errnum == EIO && pump->terminal) ||
           (errnum == ECONNRESET && pump->mode == STREAM_FD_BOTH);
}

/* May end the stream, and the pump with it, only as its last act. */
static void pump_read(struct pump *pump)
{
    void *bytes = loop_scratch(pump->loop, pump->read_size);
    ssize_t count = read(pump->fd, bytes, pump->read_size);
    int errnum = errno;

    if (count > 0) {
        pump->client_slow = !stream_send(pump->stream, bytes, count);
        pump_watch(pump);
    } else if (count == 0 || is_end(pump, errnum)) {
        pump->source_ended = true;
        stream_send_eof(pump->stream);
        pump_watch(pump);
    } else if (errnum != EAGAIN && errnum != EINTR) {
        pump_fail_errno(pump, "read", errnum);
    }
}

static void pump_ready(struct loop_source *source, uint32_t events, void *data)
{
    struct pump *pump = data;

    if (pump->sink_full && (events & ~EPOLLIN)) {
        pump->sink_full = false;
        stream_resume(pump->stream);
    }
    if (wants_to_read(pump) && (events & ~EPOLLOUT))
        pump_read(pump);
    else
        pump_watch(pump);
}

static void pump_start(struct stream *stream, void *data)
{
    pump_watch(data);
}

static size_t pump_receive(struct stream *stream, const uint8_t *bytes, size_t size, void *data)
{
    struct pump *pump = data;
    ssize_t count;

    if (pump->sink_broken || pump->mode == STREAM_FD_SOURCE)
        return size;
    count = write(pump->fd, bytes, size);
    if (count < 0 && errno != EAGAIN && errno != EINTR) {
        if (pump->mode == STREAM_FD_BOTH)
            pump->sink_broken = true; /* reading will tell the client of the end */
        else
            pump_fail_errno(pump, "write", errno);
        return size;
    }
    count = MAX(count, 0);
    if ((size_t)count < size) {
        pump->sink_full = true;
        pump_watch(pump);
    }
    return count;
}

static void pump_writable(struct stream *stream, void *data)
{
    struct pump *pump = data;

    pump->client_slow = false;
    pump_watch(pump);
}

/* A sink has all its data when close says so. */
static void pump_finish(struct stream *stream, void *data)
{
    struct pump *pump = data;

    loop_source_remove(g_steal_pointer(&pump->source));
    if (pump->mode == STREAM_FD_SINK && close(fd_take(&pump->fd)) < 0)
        pump_fail_errno(pump, "close", errno);
    else
        stream_reply_finish(stream);
}

static void pump_release(void *data)
{
    struct pump *pump = data;

    loop_source_remove(pump->source);
    fd_clear(&pump->fd);
    if (pump->ended)
        pump->ended(pump->ended_data);
    g_free(pump);
}

static const struct stream_ops pump_ops = {
    .start = pump_start,
    .receive = pump_receive,
    .finish = pump_finish,
    .writable = pump_writable,
    .release = pump_release,
};

int stream_attach_fd(struct stream *stream, int fd, enum stream_fd_mode mode,
                     void (*ended)(void *data), void *data, GError **error)
{
    autofd int owned = fd;
    struct stat status;
    struct pump *pump;

    if (fstat(fd, &status) < 0) {
        error_set_errno(error, errno, "cannot use a descriptor for a stream");
        return -1;
    }
    if (fd_set_nonblock(fd, true, error) < 0)
        return -1;
    pump = g_new(struct pump, 1);
    *pump = (struct pump){
        .stream = stream,
        .loop = connection_loop(stream_connection(stream)),
        .fd = fd_take(&owned),
        .mode = mode,
        .read_size = S_ISREG(status.st_mode) ? FRAME_STREAM_DATA_MAX : SMALL_READ,
        .terminal = isatty(fd),
        .ended = ended,
        .ended_data = data,
    };
    stream_open(stream, &pump_ops, pump);
    return 0;
}
