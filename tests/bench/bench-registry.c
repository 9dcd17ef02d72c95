/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * 10,000 objects: what it takes to add, find and list them, and how long lookups wait while others
 * list and change. usage: bench-registry [COUNT]
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "thing.h"

#define LISTS 200
#define CONTEND_MS 500

static unsigned count = 10000;

static double elapsed_us(int64_t since)
{
    return (double)(g_get_monotonic_time() - since);
}

static void add_all(struct registry *registry)
{
    for (unsigned i = 0; i < count; i++) {
        g_autofree char *name = g_strdup_printf("thing-%u", i);
        struct definition *definition = thing_new_numbered(name, i);
        struct job *job = NULL;

        if (registry_begin(registry, definition, REGISTRY_NEW, "bench", 0, &job, NULL) < 0)
            abort();
        registry_set_id(registry, job, registry_next_id(registry), NULL);
        object_publish_config(job, definition);
        job_end(job);
    }
}

static void bench_find(struct registry *registry)
{
    int64_t since = g_get_monotonic_time();
    uint8_t uuid[16];

    for (unsigned i = 0; i < count; i++) {
        thing_number_uuid(i, uuid);
        object_unref(registry_get_by_uuid(registry, uuid, NULL));
    }
    printf("find by uuid       %8.3f us\n", elapsed_us(since) / count);
    since = g_get_monotonic_time();
    for (unsigned i = 0; i < count; i++) {
        char name[32];

        snprintf(name, sizeof(name), "thing-%u", i);
        object_unref(registry_get_by_name(registry, name, NULL));
    }
    printf("find by name       %8.3f us\n", elapsed_us(since) / count);
    since = g_get_monotonic_time();
    for (unsigned i = 1; i <= count; i++)
        object_unref(registry_get_by_id(registry, (int)i, NULL));
    printf("find by id         %8.3f us\n", elapsed_us(since) / count);
}

static void bench_list(struct registry *registry, registry_filter filter, const char *what)
{
    int64_t since = g_get_monotonic_time();

    for (int i = 0; i < LISTS; i++)
        g_ptr_array_unref(registry_list(registry, filter, NULL));
    printf("list %-13s %8.3f us for all of them\n", what, elapsed_us(since) / LISTS);
}

static void bench_view(struct registry *registry)
{
    g_autoptr(GPtrArray) list = registry_list(registry, NULL, NULL);
    int64_t since = g_get_monotonic_time();

    for (guint i = 0; i < list->len; i++) {
        OBJECT_VIEW_AUTO struct object_view view = {0};

        object_get_view(g_ptr_array_index(list, i), &view);
    }
    printf("view               %8.3f us\n", elapsed_us(since) / list->len);
    since = g_get_monotonic_time();
    for (guint i = 0; i < list->len; i++) {
        struct job *job = NULL;

        job_begin(g_ptr_array_index(list, i), JOB_MODIFY, "bench", 0, &job, NULL);
        job_end(job);
    }
    printf("job                %8.3f us\n", elapsed_us(since) / list->len);
}

/* ---- lookups beside one thread that lists and one that adds and removes ---- */

struct contention {
    struct registry *registry;
    gint stop;
};

static gpointer list_on(gpointer data)
{
    struct contention *contention = data;

    while (!g_atomic_int_get(&contention->stop))
        g_ptr_array_unref(registry_list(contention->registry, NULL, NULL));
    return NULL;
}

static gpointer change_on(gpointer data)
{
    struct contention *contention = data;

    while (!g_atomic_int_get(&contention->stop)) {
        struct definition *definition = thing_new_numbered("changing", count);
        struct job *job = NULL;

        if (registry_begin(contention->registry, definition, 0, "bench", 0, &job, NULL) < 0)
            abort();
        object_publish_config(job, definition);
        registry_remove(contention->registry, job);
        job_end(job);
    }
    return NULL;
}

static int compare_doubles(gconstpointer a, gconstpointer b)
{
    double difference = *(const double *)a - *(const double *)b;

    return difference < 0 ? -1 : difference > 0;
}

static void bench_contended(struct registry *registry)
{
    struct contention contention = {.registry = registry};
    g_autoptr(GArray) times = g_array_new(FALSE, FALSE, sizeof(double));
    GThread *threads[] = {g_thread_new("list", list_on, &contention),
                          g_thread_new("change", change_on, &contention)};
    int64_t since = g_get_monotonic_time();
    uint8_t uuid[16];

    while (elapsed_us(since) < CONTEND_MS * 1000) {
        int64_t before = g_get_monotonic_time();
        double time;

        thing_number_uuid(times->len % count, uuid);
        object_unref(registry_get_by_uuid(registry, uuid, NULL));
        time = elapsed_us(before);
        g_array_append_val(times, time);
    }
    g_atomic_int_set(&contention.stop, 1);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
    g_array_sort(times, compare_doubles);
    printf("find, contended    p50 %.0f us, p99 %.0f us, worst %.0f us\n",
           g_array_index(times, double, times->len / 2),
           g_array_index(times, double, times->len * 99 / 100),
           g_array_index(times, double, times->len - 1));
}

int main(int argc, char **argv)
{
    struct registry *registry = registry_new(&thing_kind);
    size_t before = mallinfo2().uordblks;
    int64_t since = g_get_monotonic_time();

    if (argc > 1)
        count = (unsigned)strtoul(argv[1], NULL, 10);
    add_all(registry);
    printf("add                %8.3f us\n", elapsed_us(since) / count);
    printf("memory             %8zu bytes each, definition included\n",
           (mallinfo2().uordblks - before) / count);
    bench_find(registry);
    bench_view(registry);
    bench_list(registry, NULL, "");
    bench_list(registry, registry_filter_active, "with a filter");
    bench_contended(registry);
    registry_free(registry);
    return 0;
}
