/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who works with an image: by the locks that QEMU sets, and the words it was started with. */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "virtstoraged/in-use.h"

static void check_name(const char *words, size_t size, const char *expected)
{
    g_autofree char *copy = g_memdup2(words, size);
    g_autofree char *name = in_use_guest_name(copy, size);

    g_assert_cmpstr(name, ==, expected);
}

static void test_names(void)
{
#define CHECK(words, expected) check_name(words, sizeof(words) - 1, expected)
    CHECK("qemu\0-name\0guest=a,debug-threads=on\0-S\0", "a");
    CHECK("qemu\0-name\0b\0", "b");
    CHECK("qemu\0-name\0guest=a,,b,x=y\0", "a,b");
    CHECK("qemu\0-name\0guest=\0", "");
    CHECK("qemu\0-S\0", NULL);
    CHECK("qemu\0-name\0cut", NULL);
    CHECK("qemu\0-name\0", NULL);
    CHECK("qemu\0-name", NULL);
    CHECK("qemu\0-nam", NULL);
    CHECK("", NULL);
    CHECK("qemu\0-name\0x,", NULL);
    CHECK("qemu\0-name\0x,\0", "x");
#undef CHECK
}

/* As QEMU does it: shared locks of single bytes, on an open file of its own. */
static int open_locked(const char *path, off_t byte)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};

    g_assert_cmpint(fcntl(fd, F_OFD_SETLK, &lock), ==, 0);
    return fd;
}

static void check_refused(const char *path, int mode, bool refused)
{
    autofd int fd = open(path, mode | O_CLOEXEC);
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(in_use_take(fd, "v", &error), ==, refused ? -1 : 0);
    g_assert_true(!refused || error_is(error, VIR_ERR_OPERATION_INVALID));
}

static void test_locks(void)
{
    autofd int file = g_file_open_tmp("in-use-XXXXXX", NULL, NULL);
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", file);
    static const off_t bytes[] = {100, 101, 103, 201};
    g_autoptr(GError) error = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(bytes); i++) {
        autofd int qemu = open_locked(path, bytes[i]);
        check_refused(path, O_RDONLY, true);
        check_refused(path, O_RDWR, true);
    }
    check_refused(path, O_RDONLY, false);
    autofd int taken = open(path, O_RDWR | O_CLOEXEC);
    g_assert_cmpint(in_use_take(taken, "v", &error), ==, 0);
    check_refused(path, O_RDWR, true);
    fd_clear(&taken);
    check_refused(path, O_RDWR, false);
    g_autofree char *name = g_file_read_link(path, NULL);
    unlink(name);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/in-use/names", test_names);
    g_test_add_func("/in-use/locks", test_locks);
    return g_test_run();
}
