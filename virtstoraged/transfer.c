/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/loop.h"
#include "wire/message.h"
#include "wire/stream.h"

#include "bytes.h"
#include "volume-job.h"

#define CHUNK (248 * 1024) /* whole pages that fit into one packet of a stream */
#define WRITEBACK (8 * 1024 * 1024)
#define MOST_QUEUED (1024 * 1024)
#define WAIT_ALL_MS 5000

enum chunk_kind { CHUNK_DATA, CHUNK_HOLE, CHUNK_END };

/* Data is in the packet that it came or will go in: nothing is copied. */
struct chunk {
    enum chunk_kind kind;
    uint64_t size;
    struct frame *frame;     /* of an upload; else NULL */
    struct message *message; /* of a download; else NULL */
};

struct transfer {
    gint references;
    struct transfer_request request;
    uint64_t left;        /* bytes that may still be moved */
    uint64_t pushed_out;  /* where what the disk has been told to write ends */
    uint64_t done, total; /* bytes of the volume, holes included; total 0: not known */

    GMutex lock; /* guards what follows */
    GCond cond;
    GQueue queue;
    size_t queued;  /* bytes in it, and of memory beside them */
    bool held;      /* the loop thread waits for room in the queue, or in the connection */
    bool abandoned; /* nobody wants the rest */
};

static GMutex count_lock;
static GCond count_cond;
static unsigned count;

static struct transfer *transfer_ref(struct transfer *transfer)
{
    g_atomic_int_inc(&transfer->references);
    return transfer;
}

static void chunk_free(gpointer data)
{
    struct chunk *chunk = data;

    if (!chunk)
        return;
    frame_free(chunk->frame);
    message_free(chunk->message);
    g_free(chunk);
}

static void chunk_clear(struct chunk **chunk)
{
    chunk_free(*chunk);
}
#define CHUNK_AUTO __attribute__((cleanup(chunk_clear)))

static void transfer_unref(struct transfer *transfer)
{
    if (!g_atomic_int_dec_and_test(&transfer->references))
        return;
    g_queue_clear_full(&transfer->queue, chunk_free);
    stream_unref(transfer->request.stream);
    g_mutex_clear(&transfer->lock);
    g_cond_clear(&transfer->cond);
    g_free(transfer);
}

/* ---- the queue ---- */

static size_t cost(const struct chunk *chunk)
{
    return sizeof(*chunk) + sizeof(struct frame) + (chunk->kind == CHUNK_DATA ? chunk->size : 0);
}

static void push(struct transfer *transfer, struct chunk *chunk)
{
    g_mutex_lock(&transfer->lock);
    g_queue_push_tail(&transfer->queue, chunk);
    transfer->queued += cost(chunk);
    g_cond_signal(&transfer->cond);
    g_mutex_unlock(&transfer->lock);
}

static struct chunk *new_chunk(enum chunk_kind kind, uint64_t size)
{
    struct chunk *chunk = g_new0(struct chunk, 1);

    chunk->kind = kind;
    chunk->size = size;
    return chunk;
}

static struct chunk *pop_locked(struct transfer *transfer)
{
    struct chunk *chunk = g_queue_pop_head(&transfer->queue);

    if (chunk)
        transfer->queued -= cost(chunk);
    return chunk;
}

/* ---- loop thread ---- */

static void resume(void *data)
{
    struct transfer *transfer = data;

    if (!stream_is_gone(transfer->request.stream))
        stream_resume(transfer->request.stream);
    transfer_unref(transfer);
}

static void reply(void *data)
{
    struct transfer *transfer = data;

    if (!stream_is_gone(transfer->request.stream))
        stream_reply_finish(transfer->request.stream);
    transfer_unref(transfer);
}

static bool send_chunk(struct stream *stream, struct chunk *chunk)
{
    switch (chunk->kind) {
    case CHUNK_DATA:
        return stream_send_packet(stream, g_steal_pointer(&chunk->message), chunk->size);
    case CHUNK_HOLE:
        return stream_send_hole(stream, chunk->size);
    case CHUNK_END:
        stream_send_eof(stream);
    }
    return true;
}

/* All that is there, as far as the connection takes it. */
static void send_queued(struct transfer *transfer)
{
    bool more = true;

    while (more && !stream_is_gone(transfer->request.stream)) {
        g_mutex_lock(&transfer->lock);
        CHUNK_AUTO struct chunk *chunk = transfer->held ? NULL : pop_locked(transfer);
        g_cond_signal(&transfer->cond);
        g_mutex_unlock(&transfer->lock);
        more = chunk;
        if (chunk && !send_chunk(transfer->request.stream, chunk)) {
            g_mutex_lock(&transfer->lock);
            transfer->held = true;
            g_mutex_unlock(&transfer->lock);
        }
    }
}

static void send_posted(void *data)
{
    send_queued(data);
    transfer_unref(data);
}

static void transfer_writable(struct stream *stream, void *data)
{
    struct transfer *transfer = data;

    g_mutex_lock(&transfer->lock);
    transfer->held = false;
    g_mutex_unlock(&transfer->lock);
    send_queued(transfer);
}

/* The client's bytes wait with it while there are enough of them here. */
static bool has_room(struct transfer *transfer)
{
    g_mutex_lock(&transfer->lock);
    transfer->held = transfer->queued >= MOST_QUEUED;
    bool result = !transfer->held;
    g_mutex_unlock(&transfer->lock);
    return result;
}

static bool transfer_take(struct stream *stream, struct frame *frame, void *data)
{
    if (!has_room(data))
        return false;
    struct chunk *chunk = new_chunk(CHUNK_DATA, frame->payload_size);
    chunk->frame = frame;
    push(data, chunk);
    return true;
}

static bool transfer_hole(struct stream *stream, uint64_t length, void *data)
{
    if (!has_room(data))
        return false;
    push(data, new_chunk(CHUNK_HOLE, length));
    return true;
}

static void upload_finish(struct stream *stream, void *data)
{
    push(data, new_chunk(CHUNK_END, 0));
}

static void download_finish(struct stream *stream, void *data)
{
    stream_reply_finish(stream);
}

static void transfer_release(void *data)
{
    struct transfer *transfer = data;

    g_mutex_lock(&transfer->lock);
    transfer->abandoned = true;
    g_cond_signal(&transfer->cond);
    g_mutex_unlock(&transfer->lock);
    transfer_unref(transfer);
}

/* ---- the transfer's thread ---- */

static void fail(struct transfer *transfer, const char *what)
{
    g_autoptr(GError) error = NULL;

    error_set_errno(&error, errno, "cannot %s the volume", what);
    stream_fail(transfer->request.stream, error, VIR_FROM_STORAGE);
}

/* NULL: nobody wants the rest. */
static struct chunk *wait_for_chunk(struct transfer *transfer)
{
    struct chunk *chunk = NULL;
    bool wake;

    g_mutex_lock(&transfer->lock);
    while (!transfer->abandoned && !(chunk = pop_locked(transfer)))
        g_cond_wait(&transfer->cond, &transfer->lock);
    wake = transfer->held && transfer->queued <= MOST_QUEUED / 2;
    if (wake)
        transfer->held = false;
    g_mutex_unlock(&transfer->lock);
    if (wake)
        loop_post(transfer->request.loop, resume, transfer_ref(transfer));
    return chunk;
}

static void tell_progress(struct transfer *transfer, const struct chunk *chunk)
{
    transfer->done += chunk->size;
    volume_job_step(transfer->request.job, transfer->done, transfer->total, NULL);
}

static int write_data(struct transfer *transfer, const struct chunk *chunk)
{
    const uint8_t *bytes = chunk->frame->payload;

    for (uint64_t left = chunk->size; left > 0;) {
        ssize_t written =
            pwrite(transfer->request.fd, bytes, left, (off_t)transfer->request.offset);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -1;
        bytes += written;
        left -= (uint64_t)written;
        transfer->request.offset += (uint64_t)written;
    }
    return 0;
}

/* The disk works while bytes come: else the end would wait for all of them. */
static void push_out(struct transfer *transfer)
{
    uint64_t from = transfer->pushed_out, to = transfer->request.offset;

    if (to - from < WRITEBACK)
        return;
    sync_file_range(transfer->request.fd, (off_t)from, (off_t)(to - from), SYNC_FILE_RANGE_WRITE);
    transfer->pushed_out = to;
}

/* What was there before is gone; what is behind the end of a file is a hole already. */
static int write_hole(struct transfer *transfer, uint64_t length)
{
    int fd = transfer->request.fd;
    off_t offset = (off_t)transfer->request.offset, end = lseek(fd, 0, SEEK_END);

    if (length > INT64_MAX - transfer->request.offset) {
        errno = EFBIG;
        return -1;
    }
    transfer->request.offset += length;
    if (offset < end && fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset,
                                  MIN((off_t)length, end - offset)) < 0)
        return -1;
    return 0;
}

/* A hole at the end of a file makes it longer, too. */
static int set_end(const struct transfer *transfer)
{
    struct stat about;
    off_t end = (off_t)transfer->request.offset;

    if (!transfer->request.sparse || fstat(transfer->request.fd, &about) < 0 ||
        !S_ISREG(about.st_mode) || about.st_size >= end)
        return 0;
    return ftruncate(transfer->request.fd, end);
}

/* A client that is told of its end may rely on it. */
static int write_end(const struct transfer *transfer)
{
    return set_end(transfer) < 0 ? -1 : fdatasync(transfer->request.fd);
}

static int write_chunk(struct transfer *transfer, const struct chunk *chunk)
{
    if (chunk->kind == CHUNK_END)
        return write_end(transfer);
    if (chunk->size > transfer->left) {
        errno = ENOSPC;
        return -1;
    }
    transfer->left -= chunk->size;
    tell_progress(transfer, chunk);
    if (chunk->kind == CHUNK_HOLE)
        return write_hole(transfer, chunk->size);
    push_out(transfer);
    return write_data(transfer, chunk);
}

/* True when all has come. */
static bool run_upload(struct transfer *transfer)
{
    for (;;) {
        CHUNK_AUTO struct chunk *chunk = wait_for_chunk(transfer);

        if (!chunk)
            return false;
        if (write_chunk(transfer, chunk) < 0) {
            fail(transfer, "write to");
            return false;
        }
        if (chunk->kind == CHUNK_END)
            return true;
    }
}

/* False: nobody wants it. */
static bool offer(struct transfer *transfer, struct chunk *chunk)
{
    bool wanted;

    g_mutex_lock(&transfer->lock);
    while (!transfer->abandoned && transfer->queued >= MOST_QUEUED)
        g_cond_wait(&transfer->cond, &transfer->lock);
    wanted = !transfer->abandoned;
    g_mutex_unlock(&transfer->lock);
    if (!wanted) {
        chunk_free(chunk);
        return false;
    }
    tell_progress(transfer, chunk);
    push(transfer, chunk);
    loop_post(transfer->request.loop, send_posted, transfer_ref(transfer));
    return true;
}

static bool read_range(struct transfer *transfer, uint64_t start, uint64_t end)
{
    while (start < end) {
        struct chunk *chunk = new_chunk(CHUNK_DATA, MIN(CHUNK, end - start));
        uint8_t *bytes;
        chunk->message = stream_packet_new(transfer->request.stream, chunk->size, &bytes);
        ssize_t got = pread(transfer->request.fd, bytes, chunk->size, (off_t)start);

        if (got <= 0) {
            chunk_free(chunk);
            if (got < 0 && errno == EINTR)
                continue;
            if (got < 0)
                fail(transfer, "read");
            return got == 0; /* it has become shorter: what there was has been sent */
        }
        chunk->size = (uint64_t)got;
        start += (uint64_t)got;
        if (!offer(transfer, chunk))
            return false;
    }
    return true;
}

static bool read_sparse(struct transfer *transfer, uint64_t offset, uint64_t end)
{
    uint64_t start, stop;

    while (bytes_find_data(transfer->request.fd, offset, end, &start, &stop)) {
        if (start > offset && !offer(transfer, new_chunk(CHUNK_HOLE, start - offset)))
            return false;
        if (!read_range(transfer, start, stop))
            return false;
        offset = stop;
    }
    return offset >= end || offer(transfer, new_chunk(CHUNK_HOLE, end - offset));
}

static void run_download(struct transfer *transfer)
{
    uint64_t offset = transfer->request.offset, size;

    if (bytes_size(transfer->request.fd, &size, NULL) < 0) {
        fail(transfer, "read");
        return;
    }
    uint64_t end = offset < size ? offset + MIN(transfer->left, size - offset) : offset;
    transfer->total = end - offset;
    if (transfer->request.sparse ? read_sparse(transfer, offset, end)
                                 : read_range(transfer, offset, end))
        offer(transfer, new_chunk(CHUNK_END, 0));
}

static void count_add(int number)
{
    g_mutex_lock(&count_lock);
    count += (unsigned)number;
    g_cond_broadcast(&count_cond);
    g_mutex_unlock(&count_lock);
}

static gpointer run(gpointer data)
{
    struct transfer *transfer = data;
    bool complete = false;

    if (transfer->request.upload)
        complete = run_upload(transfer);
    else
        run_download(transfer);
    fd_clear(&transfer->request.fd);
    transfer->request.ended(transfer->request.data);
    if (complete)
        loop_post(transfer->request.loop, reply, transfer_ref(transfer));
    transfer_unref(transfer);
    count_add(-1);
    return NULL;
}

/* ---- begin and end ---- */

/* Nothing is sent before the reply to the call: what is read until then waits in the queue. */
static void download_start(struct stream *stream, void *data)
{
    transfer_writable(stream, data);
}

static const struct stream_ops upload_ops = {
    .take = transfer_take, .finish = upload_finish, .release = transfer_release};
static const struct stream_ops sparse_upload_ops = {.take = transfer_take,
                                                    .hole = transfer_hole,
                                                    .finish = upload_finish,
                                                    .release = transfer_release};
static const struct stream_ops download_ops = {.start = download_start,
                                               .finish = download_finish,
                                               .writable = transfer_writable,
                                               .release = transfer_release};

static struct transfer *new_transfer(const struct transfer_request *request)
{
    struct transfer *transfer = g_new0(struct transfer, 1);

    transfer->references = 2; /* the stream's, and the thread's */
    transfer->request = *request;
    transfer->request.stream = stream_ref(request->stream);
    transfer->left = request->length ?: UINT64_MAX;
    transfer->total = request->length;
    transfer->pushed_out = request->offset;
    transfer->held = !request->upload;
    g_mutex_init(&transfer->lock);
    g_cond_init(&transfer->cond);
    g_queue_init(&transfer->queue);
    return transfer;
}

int transfer_begin(const struct transfer_request *request, GError **error)
{
    struct transfer *transfer = new_transfer(request);
    g_autoptr(GError) reason = NULL;

    stream_open(request->stream,
                !request->upload ? &download_ops
                                 : (request->sparse ? &sparse_upload_ops : &upload_ops),
                transfer);
    count_add(1);
    GThread *thread = g_thread_try_new("transfer", run, transfer, &reason);
    if (!thread) {
        error_set(error, VIR_ERR_SYSTEM_ERROR, "no thread for the stream: %s", reason->message);
        close(request->fd);
        transfer_unref(transfer);
        count_add(-1);
        return -1;
    }
    g_thread_unref(thread);
    return 0;
}

void transfer_wait_all(void)
{
    gint64 deadline = g_get_monotonic_time() + WAIT_ALL_MS * G_TIME_SPAN_MILLISECOND;

    g_mutex_lock(&count_lock);
    while (count && g_cond_wait_until(&count_cond, &count_lock, deadline))
        ;
    g_mutex_unlock(&count_lock);
}
