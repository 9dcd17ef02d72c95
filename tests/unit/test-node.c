/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/error.h"
#include "host/node.h"

/* What the host says by other ways must agree. */
static void test_info(void)
{
    struct node_info info;
    struct utsname host;
    g_autoptr(GError) error = NULL;

    node_read_info(&info, &error);
    g_assert_no_error(error);
    uname(&host);
    g_assert_cmpstr(info.model, ==, host.machine);
    g_assert_cmpint(info.cpus, ==, sysconf(_SC_NPROCESSORS_ONLN));
    g_assert_cmpuint(info.nodes * info.sockets * info.cores * info.threads, ==, info.cpus);
    g_assert_cmpuint(info.memory, >, 0);
}

static void test_cpus(void)
{
    struct node_cpus cpus;
    unsigned online = 0;
    g_autoptr(GError) error = NULL;

    node_read_cpus(&cpus, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(cpus.map->len, ==, (cpus.present + 7) / 8);
    for (unsigned i = 0; i < cpus.present; i++)
        online += cpus.map->data[i / 8] >> i % 8 & 1;
    g_assert_cmpuint(online, ==, cpus.online);
    g_byte_array_unref(cpus.map);
}

static void test_cpu_times(void)
{
    struct node_cpu_times all, first;
    g_autoptr(GError) error = NULL;

    node_read_cpu_times(0, &first, &error);
    g_assert_no_error(error);
    node_read_cpu_times(-1, &all, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(all.user, >=, first.user);
    g_assert_cmpuint(all.idle, >=, first.idle);
    g_assert_cmpuint(all.user + all.kernel, >, 0);
}

static void test_refused(void)
{
    static const int numbers[] = {-2, -100, G_MININT, 99999, G_MAXINT};

    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
        struct node_cpu_times times;
        struct node_memory memory;
        g_autoptr(GError) no_cpu = NULL;
        g_autoptr(GError) no_cell = NULL;

        g_assert_cmpint(node_read_cpu_times(numbers[i], &times, &no_cpu), ==, -1);
        g_assert_cmpint(error_code_of(no_cpu), ==, VIR_ERR_INVALID_ARG);
        g_assert_cmpint(node_read_memory(numbers[i], &memory, &no_cell), ==, -1);
        g_assert_cmpint(error_code_of(no_cell), ==, VIR_ERR_INVALID_ARG);
    }
}

static void test_memory(void)
{
    struct node_memory all, cell;
    uint64_t sum = 0;
    g_autoptr(GError) error = NULL;

    node_read_memory(-1, &all, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(all.total, >, all.free);
    g_assert_cmpuint(all.cached, <, all.total);
    for (unsigned i = 0; i < node_count_cells(); i++) {
        node_read_memory((int)i, &cell, &error);
        g_assert_no_error(error);
        sum += cell.total;
    }
    /* memory that came later need not be in any */
    g_assert_cmpuint(sum, >, 0);
    g_assert_cmpuint(sum, <=, all.total);
}

static void test_pages(void)
{
    uint64_t count;
    g_autoptr(GError) error = NULL;

    node_read_free_pages(-1, (unsigned)(sysconf(_SC_PAGESIZE) / 1024), &count, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(count, >, 0);
    g_assert_cmpint(node_read_free_pages(-1, 3, &count, &error), ==, -1);
    g_assert_cmpint(error_code_of(error), ==, VIR_ERR_OPERATION_FAILED);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/node/info", test_info);
    g_test_add_func("/node/cpus", test_cpus);
    g_test_add_func("/node/cpu-times", test_cpu_times);
    g_test_add_func("/node/refused", test_refused);
    g_test_add_func("/node/memory", test_memory);
    g_test_add_func("/node/pages", test_pages);
    return g_test_run();
}
