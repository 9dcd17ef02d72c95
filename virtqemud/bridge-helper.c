/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bridge-helper.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/process.h"

#define HELPER_FD 3
#define HELPER_MS 10000

/* The one descriptor that comes with a byte, or -1. */
static int receive_fd(int from)
{
    char byte, space[CMSG_SPACE(sizeof(int))];
    struct iovec part = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof(space)};
    int fd = -1;

    if (recvmsg(from, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) <= 0)
        return -1;
    const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
        header->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(&fd, CMSG_DATA(header), sizeof(fd));
    return fd;
}

int bridge_helper_open(const char *program, const char *bridge, int *ret_fd, GError **error)
{
    g_autofree char *name = g_strdup_printf("--br=%s", bridge);
    g_autofree char *number = g_strdup_printf("--fd=%d", HELPER_FD);
    const char *const argv[] = {program, "--use-vnet", name, number, NULL};
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
        error_set_errno(error, errno, "cannot make a pair of sockets");
        return -1;
    }
    autofd int ours = pair[0];
    autofd int theirs = pair[1];
    const struct process_fd passed = {.from = theirs, .to = HELPER_FD};
    const struct process_spec spec = {.argv = argv, .fds = &passed, .fd_count = 1};
    if (process_run(&spec, 4096, HELPER_MS, NULL, error) < 0)
        return -1;
    int fd = receive_fd(ours);
    if (fd < 0) {
        error_set(error, VIR_ERR_OPERATION_FAILED, "%s gave no device for the bridge '%s'", program,
                  bridge);
        return -1;
    }
    *ret_fd = fd;
    return 0;
}
