/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "virtqemud/ports.h"

#define HOST "127.0.0.1"

/* A listening socket on a free port of three in a row. */
static int listen_anywhere(unsigned *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_assert_cmpint(bind(fd, (struct sockaddr *)&address, size), ==, 0);
    g_assert_cmpint(listen(fd, 1), ==, 0);
    g_assert_cmpint(getsockname(fd, (struct sockaddr *)&address, &size), ==, 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static unsigned take(struct ports *ports)
{
    g_autoptr(GError) error = NULL;
    unsigned port = 0;

    ports_take(ports, HOST, &port, &error);
    g_assert_no_error(error);
    return port;
}

static void expect_none(struct ports *ports)
{
    g_autoptr(GError) error = NULL;
    unsigned port = 4711;

    g_assert_cmpint(ports_take(ports, HOST, &port, &error), ==, -1);
    g_assert_cmpint(error_code_of(error), ==, VIR_ERR_OPERATION_FAILED);
    g_assert_cmpuint(port, ==, 4711);
}

static void test_bound_by_others(void)
{
    unsigned port;
    int fd = listen_anywhere(&port);
    struct ports *ports = ports_new(port, port);

    expect_none(ports);
    close(fd);
    g_assert_cmpuint(take(ports), ==, port);
    expect_none(ports);
    ports_free(ports);
}

/* Ports that the kernel gives to nobody by itself, so that no other test has them. */
static void test_order(void)
{
    struct ports *ports = ports_new(20171, 20173);
    unsigned first = take(ports), second = take(ports);

    g_assert_cmpuint(first, <, second);
    ports_return(ports, first);
    g_assert_cmpuint(take(ports), ==, first);
    ports_return(ports, 0);
    ports_return(ports, 4711);
    ports_free(ports);
    ports_free(NULL);
}

static void test_marked(void)
{
    unsigned port;
    int fd = listen_anywhere(&port);
    struct ports *ports = ports_new(port, port);

    close(fd);
    ports_mark(ports, port);
    expect_none(ports);
    ports_return(ports, port);
    g_assert_cmpuint(take(ports), ==, port);
    ports_free(ports);
}

/* What is no address at all is for QEMU to refuse, which can say more. */
static void test_odd_address(void)
{
    struct ports *ports = ports_new(20174, 20175);
    g_autoptr(GError) error = NULL;
    unsigned port;

    ports_take(ports, "no address", &port, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(port, ==, 20174);
    ports_free(ports);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ports/bound-by-others", test_bound_by_others);
    g_test_add_func("/ports/order", test_order);
    g_test_add_func("/ports/marked", test_marked);
    g_test_add_func("/ports/odd-address", test_odd_address);
    return g_test_run();
}
