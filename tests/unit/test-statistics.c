/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "qmp-peer.h"
#include "virtqemud/guest.h"
#include "virtqemud/statistics.h"
#include "xml/xml.h"

#define WAIT_MS 300
#define ALL_GROUPS                                                                                 \
    (VIR_DOMAIN_STATS_BALLOON | VIR_DOMAIN_STATS_VCPU | VIR_DOMAIN_STATS_BLOCK |                   \
     VIR_DOMAIN_STATS_VM)

/* A daemon's part that statistics need, and one running guest whose QEMU is ours. */
struct scene {
    struct qmp_bench bench;
    struct qemu qemu;
    struct object *object;
    struct qmp_peer *peer;

    GMutex lock; /* guards what follows */
    GCond changed;
    bool silent;     /* QEMU keeps its answers back until it is not */
    bool no_blocks;  /* QEMU refuses to tell of its disks */
    unsigned number; /* what all counters are */
};

static const char *document =
    "<domain type='kvm'><name>g</name><uuid>11111111-2222-3333-4444-555555555555</uuid>"
    "<memory>4096</memory><os><type>hvm</type></os><devices>"
    "<disk type='file'><source file='/x'/><target dev='vda' bus='virtio'/>"
    "<alias name='virtio-disk0'/></disk>"
    "<memballoon model='virtio'/></devices></domain>";

/* ---- QEMU ---- */

static char *answer_of(const struct scene *scene, const char *line)
{
    if (strstr(line, "query-balloon"))
        return g_strdup_printf("\"return\":{\"actual\":%u}", scene->number * 1024);
    if (strstr(line, "query-cpus-fast"))
        return g_strdup_printf("\"return\":[{\"cpu-index\":0,\"qom-path\":\"/c\",\"thread-id\":%d,"
                               "\"target\":\"x86_64\"}]",
                               getpid());
    if (strstr(line, "query-named-block-nodes"))
        return g_strdup("\"return\":[{\"node-name\":\"n0\",\"drv\":\"raw\",\"file\":\"/x\","
                        "\"ro\":false,\"image\":{\"virtual-size\":1048576,\"actual-size\":4096}}]");
    if (strstr(line, "query-stats-schemas"))
        return g_strdup("\"return\":[{\"provider\":\"kvm\",\"target\":\"vcpu\",\"stats\":"
                        "[{\"name\":\"pages\",\"type\":\"peak\"}]},"
                        "{\"provider\":\"kvm\",\"target\":\"vm\",\"stats\":"
                        "[{\"name\":\"flushes\",\"type\":\"cumulative\"},"
                        "{\"name\":\"pages\",\"type\":\"instant\"}]}]");
    if (strstr(line, "query-stats"))
        return g_strdup_printf("\"return\":[{\"provider\":\"cryptodev\",\"stats\":[]},"
                               "{\"provider\":\"kvm\",\"stats\":[{\"name\":\"pages\",\"value\":%u},"
                               "{\"name\":\"new\",\"value\":5}]}]",
                               scene->number);
    if (scene->no_blocks)
        return g_strdup("\"error\":{\"class\":\"GenericError\",\"desc\":\"no\"}");
    return g_strdup_printf(
        "\"return\":[{\"qdev\":\"/machine/peripheral/virtio-disk0/virtio-backend\","
        "\"node-name\":\"n0\",\"stats\":{\"rd_bytes\":%u,\"rd_operations\":1,"
        "\"rd_total_time_ns\":2,\"wr_bytes\":3,\"wr_operations\":4,\"wr_total_time_ns\":5,"
        "\"flush_operations\":6,\"flush_total_time_ns\":7}}]",
        scene->number);
}

static void serve(int fd, void *data)
{
    struct scene *scene = data;
    char *line;

    qmp_peer_greet(fd);
    while ((line = qmp_peer_read(fd))) {
        unsigned long id = 0;
        const char *at = strstr(line, "\"id\":");

        g_assert_nonnull(at);
        sscanf(at, "\"id\":%lu", &id);
        g_mutex_lock(&scene->lock);
        while (scene->silent)
            g_cond_wait(&scene->changed, &scene->lock);
        g_autofree char *answer = answer_of(scene, line);
        g_mutex_unlock(&scene->lock);
        qmp_peer_say(fd, "{%s,\"id\":%lu}", answer, id);
        g_free(line);
    }
}

static void change(struct scene *scene, bool silent, bool no_blocks, unsigned number)
{
    g_mutex_lock(&scene->lock);
    scene->silent = silent;
    scene->no_blocks = no_blocks;
    scene->number = number;
    g_cond_broadcast(&scene->changed);
    g_mutex_unlock(&scene->lock);
}

/* ---- the scene ---- */

static const struct object_kind kind = {
    .name = "domain",
    .schema = &domain_schema,
    .missing = VIR_ERR_NO_DOMAIN,
    .size = sizeof(struct guest),
    .name_offset = offsetof(struct domain, name),
    .uuid_offset = offsetof(struct domain, uuid),
    .inactive_state = VIR_DOMAIN_SHUTOFF,
    .clear = guest_clear,
};

static struct object *make_guest(struct scene *scene)
{
    g_autoptr(GError) error = NULL;
    struct definition *live = xml_read(&domain_schema, document, -1, 0, NULL, &error);
    struct job *job = NULL;

    g_assert_no_error(error);
    registry_begin(scene->qemu.domains, live, REGISTRY_NEW, "start", 0, &job, &error);
    g_assert_no_error(error);
    registry_set_id(scene->qemu.domains, job, 1, NULL);
    object_publish_active(job, live, 1, VIR_DOMAIN_RUNNING, 0);
    struct object *object = object_ref(job_object(job));
    job_end(job);
    return object;
}

static void scene_begin(struct scene *scene)
{
    static const struct qmp_ops ops = {0};
    struct qmp_settings settings = {.who = "guest 'g'", .deadline_ms = 3000};
    struct qmp *qmp = NULL;
    g_autoptr(GError) error = NULL;
    int fd;

    scene->qemu.kind = kind;
    scene->qemu.domains = registry_new(&scene->qemu.kind);
    scene->number = 1;
    qmp_bench_begin(&scene->bench);
    scene->object = make_guest(scene);
    scene->peer = qmp_peer_start(serve, scene, &fd);
    qmp_open(scene->bench.loop, fd, &settings, &ops, NULL, &qmp, &error);
    g_assert_no_error(error);
    guest_set_qmp(guest_of(scene->object), qmp);
}

static void scene_end(struct scene *scene)
{
    change(scene, false, false, 0);
    guest_set_qmp(guest_of(scene->object), NULL);
    qmp_peer_join(scene->peer);
    qmp_bench_end(&scene->bench);
    registry_free(scene->qemu.domains);
    g_assert_cmpint(g_atomic_int_get(&scene->object->references), ==, 1); /* nobody else's */
    object_unref(scene->object);
    g_mutex_clear(&scene->lock);
    g_cond_clear(&scene->changed);
}

/* Refreshes; returns how long that took, in ms. */
static int64_t refresh(struct scene *scene)
{
    int64_t begin = g_get_monotonic_time();

    statistics_refresh(&scene->object, 1, ALL_GROUPS, WAIT_MS);
    return (g_get_monotonic_time() - begin) / 1000;
}

/* The facts, or 0 where there are none. */
static uint64_t balloon_of(struct scene *scene)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    object_get_view(scene->object, &view);
    return view.facts ? view_facts(&view)->balloon : 0;
}

static uint64_t read_bytes_of(struct scene *scene)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    object_get_view(scene->object, &view);
    const struct disk_facts *disk = facts_find_disk(view_facts(&view), "virtio-disk0");
    return disk ? disk->stats.read_bytes : 0;
}

/* ---- tests ---- */

/* Kinds are asked for once, and known from then on. */
static void check_counter(const struct scene *scene, uint64_t value)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    object_get_view(scene->object, &view);
    const struct counter_facts *counter = view_facts(&view)->counters;
    g_assert_cmpuint(counter->value, ==, value);
    g_assert_cmpstr(counter->kind, ==, ".cur");
}

static void test_answers(void)
{
    struct scene scene = {0};
    OBJECT_VIEW_AUTO struct object_view view = {0};

    scene_begin(&scene);
    g_assert_cmpint(refresh(&scene), <, WAIT_MS);
    object_get_view(scene.object, &view);
    const struct guest_facts *facts = view_facts(&view);
    g_assert_nonnull(facts);
    g_assert_true(facts->has_balloon);
    g_assert_cmpuint(facts->balloon, ==, 1024);
    g_assert_cmpuint(facts->vcpu_count, ==, 1);
    g_assert_cmpint(facts->vcpus[0].thread_id, ==, getpid());
    const struct disk_facts *disk = facts_find_disk(facts, "virtio-disk0");
    g_assert_nonnull(disk);
    g_assert_cmpuint(disk->stats.write_operations, ==, 4);
    g_assert_cmpuint(disk->capacity, ==, 1048576);
    g_assert_cmpuint(disk->allocation, ==, 4096);
    g_assert_null(facts_find_disk(facts, "virtio-disk1"));
    g_assert_null(facts_find_disk(facts, NULL));
    g_assert_null(facts_find_disk(NULL, "virtio-disk0"));
    g_assert_cmpuint(facts->counter_count, ==, 2);
    g_assert_cmpstr(facts->counters[0].name, ==, "pages");
    g_assert_cmpstr(facts->counters[0].kind, ==, ".cur");
    g_assert_null(facts->counters[1].kind);
    change(&scene, false, false, 2);
    refresh(&scene);
    g_assert_cmpuint(balloon_of(&scene), ==, 2048);
    check_counter(&scene, 2);
    g_assert_cmpuint(facts->balloon, ==, 1024); /* a view does not change */
    scene_end(&scene);
}

/* What is refused stays as it was, and the rest is new. */
static void test_refused(void)
{
    struct scene scene = {0};

    scene_begin(&scene);
    refresh(&scene);
    change(&scene, false, true, 7);
    refresh(&scene);
    g_assert_cmpuint(balloon_of(&scene), ==, 7 * 1024);
    g_assert_cmpuint(read_bytes_of(&scene), ==, 1);
    scene_end(&scene);
}

/* Who does not answer is waited for once, and not again until it has. */
static void test_silence(void)
{
    struct scene scene = {0};

    scene_begin(&scene);
    refresh(&scene);
    change(&scene, true, false, 3);
    g_assert_cmpint(refresh(&scene), >=, WAIT_MS - 1);
    for (int i = 0; i < 5; i++)
        g_assert_cmpint(refresh(&scene), <, WAIT_MS / 2);
    g_assert_cmpuint(balloon_of(&scene), ==, 1024);
    change(&scene, false, false, 3);
    for (int i = 0; i < 2000 && balloon_of(&scene) != 3 * 1024; i++)
        g_usleep(1000); /* the answers of the first question */
    g_assert_cmpuint(balloon_of(&scene), ==, 3 * 1024);
    change(&scene, false, false, 4);
    refresh(&scene);
    g_assert_cmpuint(balloon_of(&scene), ==, 4 * 1024);
    scene_end(&scene);
}

static void stop_guest(struct scene *scene)
{
    struct job *job = NULL;

    g_assert_cmpint(job_begin(scene->object, JOB_MODIFY, "stop", 1000, &job, NULL), ==, 0);
    object_publish_inactive(job, VIR_DOMAIN_SHUTOFF, 0);
    registry_remove_unused(scene->qemu.domains, job);
    job_end(job);
}

/* Its monitor is closed while QEMU is being asked: that ends the wait, and tells nothing. */
static void test_end(void)
{
    struct scene scene = {0};

    scene_begin(&scene);
    change(&scene, true, false, 1);
    refresh(&scene);
    stop_guest(&scene);
    guest_set_qmp(guest_of(scene.object), NULL);
    g_assert_cmpuint(balloon_of(&scene), ==, 0);
    g_assert_cmpint(refresh(&scene), <, WAIT_MS / 2); /* nobody is there to be asked */
    scene_end(&scene);
}

static void *refresh_often(void *data)
{
    for (int i = 0; i < 50; i++)
        refresh(data);
    return NULL;
}

static void test_many_at_once(void)
{
    struct scene scene = {0};
    GThread *threads[4];

    scene_begin(&scene);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("reader", refresh_often, &scene);
    for (unsigned i = 1; i <= 50; i++) {
        change(&scene, false, i % 2, i);
        balloon_of(&scene);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
    refresh(&scene);
    g_assert_cmpuint(balloon_of(&scene), ==, 50 * 1024);
    scene_end(&scene);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/statistics/answers", test_answers);
    g_test_add_func("/statistics/refused", test_refused);
    g_test_add_func("/statistics/silence", test_silence);
    g_test_add_func("/statistics/end", test_end);
    g_test_add_func("/statistics/many-at-once", test_many_at_once);
    return g_test_run();
}
