/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image-size.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "image/image-header.h"


int image_size_read(const struct domain_source *source, struct image_size *ret_size, GError **error)
{
    struct image_header header IMAGE_HEADER_AUTO = {0};
    struct stat info;
    /* a FIFO must not hold anybody up */
    autofd int fd = open(source->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0 || fstat(fd, &info) < 0) {
        error_set_errno(error, errno, "cannot open '%s'", source->path);
        return -1;
    }
    if (image_header_read(fd, source->format, source->path, &header, error) < 0)
        return -1;
    off_t device = S_ISBLK(info.st_mode) ? lseek(fd, 0, SEEK_END) : 0;
    uint64_t physical = device > 0 ? (uint64_t)device : (uint64_t)info.st_size;
    *ret_size = (struct image_size){
        .physical = physical,
        .allocation = S_ISBLK(info.st_mode) ? physical : (uint64_t)info.st_blocks * 512,
        .capacity = header.capacity ? header.capacity : physical,
    };
    return 0;
}
