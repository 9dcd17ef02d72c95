/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The first bytes of an image, which may be a guest's work. The first byte chooses the format. */
#include <glib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "image/image-below.h"
#include "image/image-server.h"

static void find_below(const struct image_header *header)
{
    struct image_below below IMAGE_BELOW_AUTO = {0};
    struct arena arena ARENA_AUTO = {0};
    struct domain_source source = {0};

    if (image_below_find("/nowhere/image", header, &below, NULL) == 0 && below.path &&
        !g_path_is_absolute(below.path))
        FAIL("not whole: %s", below.path);
    if (image_server_read("/nowhere/image", header->backing, &arena, &source, NULL) == 0 &&
        source.type != SOURCE_NETWORK)
        FAIL("no server: %s", header->backing);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum image_format formats[] = {
        IMAGE_FORMAT_QCOW2, IMAGE_FORMAT_QCOW,  IMAGE_FORMAT_QED,   IMAGE_FORMAT_RAW,
        IMAGE_FORMAT_VMDK,  IMAGE_FORMAT_VHDX,  IMAGE_FORMAT_VPC,   IMAGE_FORMAT_VDI,
        IMAGE_FORMAT_COW,   IMAGE_FORMAT_BOCHS, IMAGE_FORMAT_CLOOP, IMAGE_FORMAT_PLOOP,
        IMAGE_FORMAT_LUKS,
    };
    static int fd = -1;
    struct image_header header IMAGE_HEADER_AUTO = {0};

    if (size < 1)
        return 0;
    if (fd < 0)
        fd = memfd_create("image", MFD_CLOEXEC);
    if (ftruncate(fd, 0) < 0 || pwrite(fd, data + 1, size - 1, 0) < 0)
        return 0;
    if (image_header_read(fd, formats[data[0] % G_N_ELEMENTS(formats)], "image", &header, NULL) ==
            0 &&
        header.backing)
        find_below(&header);
    image_header_guess(fd);
    return 0;
}
