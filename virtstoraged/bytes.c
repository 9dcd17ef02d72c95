/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

#define STEP (UINT64_C(16) * 1024 * 1024) /* between looks whether to go on */
#define BUFFER (1024 * 1024)

static int fail(const char *what, GError **error)
{
    error_set_errno(error, errno, "cannot %s", what);
    return -1;
}

int bytes_size(int fd, uint64_t *ret_size, GError **error)
{
    off_t end = lseek(fd, 0, SEEK_END);

    if (end < 0)
        return fail("find out the size of the volume", error);
    *ret_size = (uint64_t)end;
    return 0;
}

bool bytes_find_data(int fd, uint64_t offset, uint64_t size, uint64_t *ret_start, uint64_t *ret_end)
{
    if (offset >= size)
        return false;
    off_t start = lseek(fd, (off_t)offset, SEEK_DATA);
    if (start < 0 && errno == ENXIO)
        return false;
    off_t end = start < 0 ? -1 : lseek(fd, start, SEEK_HOLE);
    *ret_start = start < 0 ? offset : (uint64_t)start;
    *ret_end = end < 0 ? size : MIN((uint64_t)end, size);
    return *ret_start < size;
}

/* ---- copying ---- */

static int write_all(int fd, const uint8_t *bytes, size_t count, uint64_t offset)
{
    while (count > 0) {
        ssize_t written = pwrite(fd, bytes, count, (off_t)offset);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -1;
        bytes += written;
        count -= (size_t)written;
        offset += (uint64_t)written;
    }
    return 0;
}

static int copy_by_hand(int from, int to, uint64_t offset, uint64_t end)
{
    g_autofree uint8_t *buffer = g_malloc(BUFFER);

    while (offset < end) {
        ssize_t got = pread(from, buffer, MIN(BUFFER, end - offset), (off_t)offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return (int)got; /* a file that has become shorter ends here */
        if (write_all(to, buffer, (size_t)got, offset) < 0)
            return -1;
        offset += (uint64_t)got;
    }
    return 0;
}

static int copy_step(int from, int to, uint64_t offset, uint64_t end)
{
    while (offset < end) {
        off_t in = (off_t)offset, out = (off_t)offset;
        ssize_t copied = copy_file_range(from, &in, to, &out, end - offset, 0);

        if (copied < 0 && errno != EINTR)
            return copy_by_hand(from, to, offset, end);
        if (copied == 0)
            return copy_by_hand(from, to, offset, end);
        offset += copied > 0 ? (uint64_t)copied : 0;
    }
    return 0;
}

static int copy_range(struct volume_job *job, int from, int to, uint64_t start, uint64_t end,
                      uint64_t size, GError **error)
{
    for (uint64_t offset = start; offset < end; offset += STEP) {
        if (volume_job_step(job, offset, size, error) < 0)
            return -1;
        if (copy_step(from, to, offset, MIN(end, offset + STEP)) < 0)
            return fail("copy the volume", error);
    }
    return 0;
}

int bytes_share(int from, int to, GError **error)
{
    return ioctl(to, FICLONE, from) < 0 ? fail("share the bytes of the volume", error) : 0;
}

int bytes_copy(struct volume_job *job, int from, int to, GError **error)
{
    uint64_t size, start, end = 0;

    if (bytes_size(from, &size, error) < 0)
        return -1;
    if (ioctl(to, FICLONE, from) == 0)
        return 0;
    while (bytes_find_data(from, end, size, &start, &end))
        if (copy_range(job, from, to, start, end, size, error) < 0)
            return -1;
    return ftruncate(to, (off_t)size) < 0 ? fail("set the size of the volume", error) : 0;
}

/* ---- allocating ---- */

/* For file systems that can't promise storage without writing to it. */
static int write_zeros(struct volume_job *job, int fd, uint64_t offset, uint64_t length,
                       GError **error)
{
    g_autofree uint8_t *zeros = g_malloc0(BUFFER);

    for (uint64_t end = offset + length; offset < end; offset += BUFFER) {
        if (volume_job_step(job, offset, end, error) < 0)
            return -1;
        if (write_all(fd, zeros, MIN(BUFFER, end - offset), offset) < 0)
            return fail("write zeros", error);
    }
    return 0;
}

int bytes_allocate(struct volume_job *job, int fd, uint64_t offset, uint64_t length, GError **error)
{
    if (length == 0)
        return 0;
    if (fallocate(fd, 0, (off_t)offset, (off_t)length) == 0)
        return 0;
    if (errno == EOPNOTSUPP || errno == ENOSYS)
        return write_zeros(job, fd, offset, length, error);
    error_set_errno(error, errno, "cannot allocate %" G_GUINT64_FORMAT " bytes", length);
    return -1;
}

/* ---- copying over something ---- */

/* Devices can be told so without the zeros being sent; a range of whole sectors, that is. */
static int zero_range(struct volume_job *job, int fd, uint64_t offset, uint64_t length,
                      GError **error)
{
    uint64_t range[] = {offset, length};

    if (!length || ioctl(fd, BLKZEROOUT, range) == 0)
        return 0;
    return write_zeros(job, fd, offset, length, error);
}

static int copy_over_step(int from, int to, uint64_t start, uint64_t end, uint64_t offset)
{
    g_autofree uint8_t *buffer = g_malloc(BUFFER);

    while (start < end) {
        ssize_t got = pread(from, buffer, MIN(BUFFER, end - start), (off_t)start);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return (int)got;
        if (write_all(to, buffer, (size_t)got, offset + start) < 0)
            return -1;
        start += (uint64_t)got;
    }
    return 0;
}

static int copy_over_range(struct volume_job *job, int from, int to, uint64_t start, uint64_t end,
                           uint64_t offset, uint64_t size, GError **error)
{
    for (uint64_t at = start; at < end; at += STEP) {
        if (volume_job_step(job, at, size, error) < 0)
            return -1;
        if (copy_over_step(from, to, at, MIN(end, at + STEP), offset) < 0)
            return fail("copy the volume", error);
    }
    return 0;
}

int bytes_copy_over(struct volume_job *job, int from, int to, uint64_t offset, GError **error)
{
    uint64_t size, start, end = 0, done = 0;

    if (bytes_size(from, &size, error) < 0)
        return -1;
    while (bytes_find_data(from, end, size, &start, &end)) {
        if (zero_range(job, to, offset + done, start - done, error) < 0 ||
            copy_over_range(job, from, to, start, end, offset, size, error) < 0)
            return -1;
        done = end;
    }
    if (zero_range(job, to, offset + done, size - done, error) < 0)
        return -1;
    return fdatasync(to) < 0 ? fail("write the volume", error) : 0;
}

/* ---- wiping ---- */

#define RANDOM -1
#define GUTMANN_BYTES                                                                              \
    0x55, 0xaa, 0x92, 0x49, 0x24, 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99,      \
        0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0x92, 0x49, 0x24, 0x6d, 0xb6, 0xdb
#define RANDOM_4 RANDOM, RANDOM, RANDOM, RANDOM
#define RANDOM_16 RANDOM_4, RANDOM_4, RANDOM_4, RANDOM_4

/* Passes of each algorithm: a byte, or random ones. */
static const struct {
    unsigned count;
    const int16_t *passes;
} algorithms[] = {
#define PASSES(...)                                                                                \
    {                                                                                              \
        sizeof((const int16_t[]){__VA_ARGS__}) / sizeof(int16_t), (const int16_t[])                \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
    [VIR_STORAGE_VOL_WIPE_ALG_ZERO] = PASSES(0),
    [VIR_STORAGE_VOL_WIPE_ALG_NNSA] = PASSES(RANDOM, RANDOM, 0),
    [VIR_STORAGE_VOL_WIPE_ALG_DOD] = PASSES(0, 0xff, RANDOM),
    [VIR_STORAGE_VOL_WIPE_ALG_BSI] = PASSES(0xff, 0xfe, 0xfd, 0xfb, 0xf7, 0xef, 0xdf, 0xbf, 0x7f),
    [VIR_STORAGE_VOL_WIPE_ALG_GUTMANN] = PASSES(RANDOM_4, GUTMANN_BYTES, RANDOM_4),
    [VIR_STORAGE_VOL_WIPE_ALG_SCHNEIER] = PASSES(0, 0xff, RANDOM_4, RANDOM),
    [VIR_STORAGE_VOL_WIPE_ALG_PFITZNER7] = PASSES(RANDOM_4, RANDOM, RANDOM, RANDOM),
    [VIR_STORAGE_VOL_WIPE_ALG_PFITZNER33] = PASSES(RANDOM_16, RANDOM_16, RANDOM),
    [VIR_STORAGE_VOL_WIPE_ALG_RANDOM] = PASSES(RANDOM),
};

static int fill(uint8_t *buffer, int pass)
{
    if (pass != RANDOM) {
        memset(buffer, pass, BUFFER);
        return 0;
    }
    for (size_t filled = 0; filled < BUFFER;) {
        ssize_t got = getrandom(buffer + filled, BUFFER - filled, 0);

        if (got < 0 && errno != EINTR)
            return -1;
        filled += got > 0 ? (size_t)got : 0;
    }
    return 0;
}

struct wipe {
    struct volume_job *job;
    int fd;
    uint64_t size;
    unsigned done, count; /* passes */
};

static int wipe_range(const struct wipe *wipe, uint64_t start, uint64_t end, int pass,
                      GError **error)
{
    g_autofree uint8_t *buffer = g_malloc(BUFFER);

    for (uint64_t offset = start; offset < end; offset += BUFFER) {
        if (volume_job_step(wipe->job, wipe->done * wipe->size + offset, wipe->count * wipe->size,
                            error) < 0)
            return -1;
        if (((offset == start || pass == RANDOM) && fill(buffer, pass) < 0) ||
            write_all(wipe->fd, buffer, MIN(BUFFER, end - offset), offset) < 0)
            return fail("overwrite the volume", error);
    }
    return 0;
}

static int wipe_pass(const struct wipe *wipe, int pass, GError **error)
{
    uint64_t start, end = 0;

    while (bytes_find_data(wipe->fd, end, wipe->size, &start, &end))
        if (wipe_range(wipe, start, end, pass, error) < 0)
            return -1;
    return fdatasync(wipe->fd) < 0 ? fail("overwrite the volume", error) : 0;
}

/* The file system forgets where the data was. */
static int trim(int fd, GError **error)
{
    struct stat about;
    uint64_t size, range[2];

    if (bytes_size(fd, &size, error) < 0)
        return -1;
    range[0] = 0;
    range[1] = size;
    bool is_device = fstat(fd, &about) == 0 && S_ISBLK(about.st_mode);
    if (is_device ? ioctl(fd, BLKDISCARD, range) == 0
                  : fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)size) == 0)
        return 0;
    error_set(error, VIR_ERR_ARGUMENT_UNSUPPORTED, "'trim' algorithm not supported: %s",
              g_strerror(errno));
    return -1;
}

int bytes_wipe(struct volume_job *job, int fd, unsigned algorithm, GError **error)
{
    if (algorithm == VIR_STORAGE_VOL_WIPE_ALG_TRIM)
        return trim(fd, error);
    if (algorithm >= G_N_ELEMENTS(algorithms)) {
        error_set(error, VIR_ERR_INVALID_ARG, "wiping algorithm %u not supported", algorithm);
        return -1;
    }
    struct wipe wipe = {.job = job, .fd = fd, .count = algorithms[algorithm].count};
    if (bytes_size(fd, &wipe.size, error) < 0)
        return -1;
    for (; wipe.done < wipe.count; wipe.done++)
        if (wipe_pass(&wipe, algorithms[algorithm].passes[wipe.done], error) < 0)
            return -1;
    return 0;
}
