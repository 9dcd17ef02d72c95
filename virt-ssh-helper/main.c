/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Usage: virt-ssh-helper [-r] URI - what clients start on this host by ssh: copies standard input
 * and output to and from the socket that the URI leads to. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"

#include "target.h"

#define BUFFER_SIZE 65536

/* One direction: what has been read and not yet written, and whether there will be more. */
struct flow {
    int from, to;
    char bytes[BUFFER_SIZE];
    size_t begin, end;
    bool over; /* nothing more will be read */
};

static bool is_empty(const struct flow *flow)
{
    return flow->begin == flow->end;
}

static bool is_idle(int status)
{
    return status < 0 && (errno == EAGAIN || errno == EINTR);
}

static void fill(struct flow *flow)
{
    ssize_t count = read(flow->from, flow->bytes, BUFFER_SIZE);

    if (is_idle((int)count))
        return;
    flow->over = count <= 0;
    flow->begin = 0;
    flow->end = count > 0 ? (size_t)count : 0;
}

/* False: nobody reads it any more. */
static bool drain(struct flow *flow)
{
    ssize_t count = write(flow->to, flow->bytes + flow->begin, flow->end - flow->begin);

    if (count > 0)
        flow->begin += (size_t)count;
    return count > 0 || is_idle((int)count);
}

static void give_up(struct flow *flow)
{
    flow->begin = flow->end;
    flow->over = true;
}

/* Each direction waits either for what comes or for room where it goes: memory is bounded. */
static int copy(int socket)
{
    static struct flow up = {.from = STDIN_FILENO}, down = {.to = STDOUT_FILENO};
    bool shut = false;

    up.to = down.from = socket;
    while (!down.over || !is_empty(&down)) {
        struct pollfd wanted[] = {
            {.fd = is_empty(&up) ? (up.over ? -1 : up.from) : up.to,
             .events = is_empty(&up) ? POLLIN : POLLOUT},
            {.fd = is_empty(&down) ? down.from : down.to,
             .events = is_empty(&down) ? POLLIN : POLLOUT},
        };

        if (poll(wanted, G_N_ELEMENTS(wanted), -1) < 0 && errno != EINTR)
            return EXIT_FAILURE;
        if (wanted[0].revents && is_empty(&up))
            fill(&up);
        else if (wanted[0].revents && !drain(&up))
            give_up(&up); /* the daemon may still have something to say */
        if (wanted[1].revents && is_empty(&down))
            fill(&down);
        else if (wanted[1].revents && !drain(&down))
            return EXIT_FAILURE;
        if (up.over && is_empty(&up) && !shut) {
            shutdown(socket, SHUT_WR);
            shut = true;
        }
    }
    return EXIT_SUCCESS;
}

static int usage(FILE *stream)
{
    fprintf(stream, "Usage: virt-ssh-helper [-r] URI\n\n"
                    "  -r, --readonly  the socket for looking only\n"
                    "  -V, --version   print the version and end\n"
                    "  -h, --help      print this and end\n\n"
                    "Clients with a URI like qemu+ssh://HOST/system start it on HOST.\n");
    return stream == stdout ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run(const char *uri, bool readonly)
{
    g_autoptr(GError) error = NULL;
    autofd int fd = -1;
    struct target target;

    if (target_find(uri, readonly, &target, &error) == 0) {
        fd = target_connect(&target, &error);
        target_clear(&target);
    }
    if (fd < 0) {
        fprintf(stderr, "virt-ssh-helper: %s\n", error->message);
        return EXIT_FAILURE;
    }
    fd_set_nonblock(STDOUT_FILENO, true, NULL);
    return copy(fd);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"readonly", no_argument, NULL, 'r'},
        {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    bool readonly = false;
    int option;

    signal(SIGPIPE, SIG_IGN);
    while ((option = getopt_long(argc, argv, "rVvh", options, NULL)) != -1) {
        switch (option) {
        case 'r':
            readonly = true;
            break;
        case 'v':
        case 'V':
            printf("virt-ssh-helper (modvirt) %s\n", MODVIRT_VERSION);
            return EXIT_SUCCESS;
        default:
            return usage(option == 'h' ? stdout : stderr);
        }
    }
    return optind == argc - 1 ? run(argv[optind], readonly) : usage(stderr);
}
