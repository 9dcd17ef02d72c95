/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "query.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "wire/codec.h"
#include "wire/error-message.h"
#include "wire/message.h"
#include "wire/socket.h"

#define WAIT_SECONDS 5
#define REPLY_MAX (1024 * 1024)

static int set_deadline(int fd, GError **error)
{
    const struct timeval wait = {WAIT_SECONDS, 0};

    if (fd_set_nonblock(fd, false, error) < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
    return 0;
}

static int send_call(int fd, GError **error)
{
    const struct frame_header header = {
        .program = MODVIRT_PROGRAM,
        .version = MODVIRT_PROGRAM_VERSION,
        .procedure = MODVIRT_PROC_DAEMON_GET_STATUS,
        .type = FRAME_CALL,
    };
    MESSAGE_AUTO struct message *message = message_new_with(&header, NULL, 0);

    if (send(fd, message->bytes->data, message->bytes->len, MSG_NOSIGNAL) ==
        (ssize_t)message->bytes->len)
        return 0;
    error_set_errno(error, errno, "it does not listen");
    return -1;
}

static int receive_bytes(int fd, void *bytes, size_t size, GError **error)
{
    ssize_t count = recv(fd, bytes, size, MSG_WAITALL);

    if (count == (ssize_t)size)
        return 0;
    if (count >= 0)
        error_set(error, VIR_ERR_RPC, "it ended the connection: only root is let in");
    else if (errno == EAGAIN)
        error_set(error, VIR_ERR_OPERATION_TIMEOUT, "it does not answer within %d s", WAIT_SECONDS);
    else
        error_set_errno(error, errno, "it does not answer");
    return -1;
}

static int receive_reply(int fd, struct arena *arena, struct modvirt_daemon_get_status_ret *ret,
                         GError **error)
{
    uint8_t head[FRAME_LENGTH_MIN];
    struct frame_header header;
    g_autofree uint8_t *payload = NULL;

    if (receive_bytes(fd, head, sizeof(head), error) < 0)
        return -1;
    size_t length = frame_read_u32(head);
    if (length < FRAME_LENGTH_MIN || length > REPLY_MAX) {
        error_set(error, VIR_ERR_RPC, "it answers with what is no reply");
        return -1;
    }
    length -= FRAME_LENGTH_MIN;
    frame_decode_header(head, &header);
    payload = g_malloc(length + 1);
    if (length && receive_bytes(fd, payload, length, error) < 0)
        return -1;
    if (header.status != FRAME_OK) {
        g_propagate_error(error, error_message_decode(payload, length));
        return -1;
    }
    return codec_decode(&modvirt_daemon_get_status_ret_type, payload, length, arena, ret, error);
}

int query_status(const char *path, struct arena *arena, struct modvirt_daemon_get_status_ret *ret,
                 GError **error)
{
    autofd int fd = socket_connect(path, WAIT_SECONDS * 1000, error);

    if (fd < 0 || set_deadline(fd, error) < 0 || send_call(fd, error) < 0)
        return -1;
    return receive_reply(fd, arena, ret, error);
}
