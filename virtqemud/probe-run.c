/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probe-run.h"

#include <errno.h>
#include <json-c/json.h>
#include <linux/capability.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/process.h"
#include "cpu-names.h"
#include "emulator-evidence.h"
#include "json.h"
#include "probe-cpu.h"
#include "probe-sev.h"
#include "qmp.h"

#define STDERR_TAIL 1024
#define MONITOR_FD 3
#define CPUINFO_MAX (16u << 20)

/* What is asked of every binary. */
enum question { VERSION, TARGET, KVM, MACHINES, TYPES, SCHEMA, OPTIONS, QUESTIONS };

static const char *const questions[QUESTIONS] = {
    [VERSION] = "query-version",
    [TARGET] = "query-target",
    [KVM] = "query-kvm",
    [MACHINES] = "query-machines",
    [TYPES] = "qom-list-types",
    [SCHEMA] = "query-qmp-schema",
    [OPTIONS] = "query-command-line-options",
};

static const struct {
    const char *target;
    const char *arch;
} arch_names[] = {{"i386", "i686"}, {"arm", "armv7l"}, {"or1k", "or32"}};

/* One QEMU with one accelerator. Members are valid as far as it got. */
struct asked {
    struct process process;
    int errors; /* its stderr, a file in memory */
    struct qmp *qmp;
    struct json_object *definitions;
    struct json_object *maximum;
    struct json_object *interrupts; /* NULL: the architecture has no GIC */
    struct json_object *encryption; /* NULL: no SEV */
    char **candidates;
    GPtrArray *expansions;
    int64_t end_us; /* of the whole probe, on g_get_monotonic_time() */
};

#define ASKED_INIT                                                                                 \
    {                                                                                              \
        .process = PROCESS_INIT, .errors = -1                                                      \
    }

const char *probe_arch_name(const char *target)
{
    for (size_t i = 0; i < G_N_ELEMENTS(arch_names); i++)
        if (g_strcmp0(arch_names[i].target, target) == 0)
            return arch_names[i].arch;
    return target;
}

static unsigned time_left(const struct asked *asked)
{
    return MAX((asked->end_us - g_get_monotonic_time()) / 1000, 1);
}

/* ---- the process ---- */

static void put_json(gpointer json)
{
    json_object_put(json);
}

static void asked_clear(struct asked *asked)
{
    qmp_close(g_steal_pointer(&asked->qmp));
    if (asked->process.pid > 0) {
        process_signal(&asked->process, SIGKILL, NULL);
        process_wait(&asked->process, -1, NULL);
        process_clear(&asked->process);
    }
    fd_clear(&asked->errors);
    json_clear(&asked->definitions);
    json_clear(&asked->maximum);
    json_clear(&asked->interrupts);
    json_clear(&asked->encryption);
    g_clear_pointer(&asked->candidates, g_strfreev);
    g_clear_pointer(&asked->expansions, g_ptr_array_unref);
}

#define ASKED_AUTO __attribute__((cleanup(asked_clear)))

/* What it said last on stderr, without the white space around; NULL: nothing. The caller frees. */
static char *last_words(int fd)
{
    off_t size = fd >= 0 ? lseek(fd, 0, SEEK_END) : 0;
    g_autofree char *text = g_malloc0(STDERR_TAIL + 1);

    if (size <= 0 || pread(fd, text, STDERR_TAIL, MAX(size - STDERR_TAIL, 0)) <= 0)
        return NULL;
    return g_strstrip(g_utf8_make_valid(text, -1));
}

/*
 * The security processor's node is root's alone on most hosts, and QEMU's user must not have it for
 * good only to be asked whether it works. What others than root can change gets no such right.
 */
static bool may_pass_node(const char *path)
{
    struct stat binary;

    return access(PROBE_SEV_NODE, F_OK) == 0 && stat(path, &binary) == 0 && binary.st_uid == 0 &&
           !(binary.st_mode & (S_IWGRP | S_IWOTH));
}

static int spawn(const char *path, const char *accelerators,
                 const struct probe_run_settings *settings, int monitor, struct asked *asked,
                 GError **error)
{
    g_autofree char *machine = g_strconcat("none,accel=", accelerators, NULL);
    const char *const argv[] = {path,
                                "-S",
                                "-no-user-config",
                                "-nodefaults",
                                "-nographic",
                                "-machine",
                                machine,
                                "-chardev",
                                "socket,id=monitor,fd=3",
                                "-mon",
                                "chardev=monitor,mode=control",
                                NULL};
    const struct process_fd fds[] = {{monitor, MONITOR_FD}};
    bool node = settings->kvm && may_pass_node(path);
    const struct process_spec spec = {.argv = argv,
                                      .errors = asked->errors,
                                      .fds = fds,
                                      .fd_count = 1,
                                      .end_with_us = SIGKILL,
                                      .set_user = settings->set_user,
                                      .uid = settings->uid,
                                      .gid = settings->gid,
                                      .groups = settings->groups,
                                      .group_count = settings->group_count,
                                      .limit_capabilities = settings->set_user && node,
                                      .capabilities = UINT64_C(1) << CAP_DAC_OVERRIDE};

    return process_start(&spec, &asked->process, error);
}

static const struct qmp_ops no_ops;

static int begin(const char *path, const char *accelerators,
                 const struct probe_run_settings *settings, struct asked *asked, int *ret_monitor,
                 GError **error)
{
    int pair[2];

    asked->errors = memfd_create("probe-stderr", MFD_CLOEXEC);
    if (asked->errors < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
        error_set_errno(error, errno, "unable to prepare probing '%s'", path);
        return -1;
    }
    autofd int ours = pair[0];
    autofd int theirs = pair[1];
    if (spawn(path, accelerators, settings, theirs, asked, error) < 0)
        return -1;
    *ret_monitor = fd_take(&ours);
    return 0;
}

static int connect_monitor(const struct probe_run_settings *settings, int monitor,
                           struct asked *asked, GError **error)
{
    const struct qmp_settings qmp = {.who = "the emulator", .deadline_ms = time_left(asked)};

    return qmp_open(settings->loop, monitor, &qmp, &no_ops, NULL, &asked->qmp, error);
}

/* ---- questions ---- */

static struct json_object *expansion_of(const char *model)
{
    return json_build("s:type", "static", "j:model", json_build("s:name", model, NULL), NULL);
}

/* NULL for what this QEMU or architecture does not know. */
static struct json_object *take_optional(struct qmp_batch *batch, unsigned index)
{
    struct json_object *result = NULL;

    return qmp_batch_take(batch, index, &result, NULL) < 0 ? NULL : result;
}

static void ask_candidates(struct asked *asked)
{
    struct qmp_batch *batch QMP_BATCH_AUTO = qmp_batch_new();

    asked->candidates = probe_cpu_candidates(asked->definitions);
    asked->expansions = g_ptr_array_new_with_free_func(put_json);
    for (char **name = asked->candidates; asked->maximum && *name; name++)
        qmp_batch_add(batch, asked->qmp, "query-cpu-model-expansion", expansion_of(*name));
    qmp_batch_wait(batch, time_left(asked));
    for (unsigned i = 0; asked->maximum && asked->candidates[i]; i++)
        g_ptr_array_add(asked->expansions, take_optional(batch, i));
}

/* TCG's best is `max`; KVM has the same name for what the host and KVM can do together. */
static void ask_cpus(struct asked *asked)
{
    struct qmp_batch *batch QMP_BATCH_AUTO = qmp_batch_new();

    qmp_batch_add(batch, asked->qmp, "query-cpu-definitions", NULL);
    qmp_batch_add(batch, asked->qmp, "query-cpu-model-expansion", expansion_of("max"));
    qmp_batch_add(batch, asked->qmp, "query-gic-capabilities", NULL);
    qmp_batch_add(batch, asked->qmp, "query-sev-capabilities", NULL);
    qmp_batch_wait(batch, time_left(asked));
    asked->definitions = take_optional(batch, 0);
    asked->maximum = take_optional(batch, 1);
    asked->interrupts = take_optional(batch, 2);
    asked->encryption = take_optional(batch, 3);
    ask_candidates(asked);
}

static int take_all(struct qmp_batch *batch, struct json_object *replies[QUESTIONS], GError **error)
{
    for (unsigned i = 0; i < QUESTIONS; i++)
        if (qmp_batch_take(batch, i, &replies[i], error) < 0)
            return -1;
    return 0;
}

static GHashTable *take_properties(struct qmp_batch *batch, GPtrArray *types)
{
    GHashTable *properties = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, put_json);

    for (unsigned i = 0; i < types->len; i++)
        g_hash_table_insert(properties, g_ptr_array_index(types, i),
                            take_optional(batch, QUESTIONS + i));
    return properties;
}

/* ---- the document ---- */

/* The names of a list of objects; commands are among other things. */
static struct json_object *names_of(struct json_object *list, const char *meta_type)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    size_t length = json_object_array_length(list);

    for (size_t i = 0; i < length; i++) {
        struct json_object *thing = json_object_array_get_idx(list, i);
        const char *name = json_string_member(thing, "name");
        if (name && g_strcmp0(json_string_member(thing, "meta-type"), meta_type) == 0)
            g_ptr_array_add(names, (char *)name);
    }
    return json_words(names);
}

/* One that has nothing is no guest's. */
static struct json_object *list_machines(struct json_object *machines)
{
    struct json_object *list = json_object_new_array();
    size_t length = json_object_array_length(machines);

    for (size_t i = 0; i < length; i++) {
        struct json_object *machine = json_object_array_get_idx(machines, i);
        if (g_strcmp0(json_string_member(machine, "name"), "none") != 0)
            json_object_array_add(list, json_object_get(machine));
    }
    return list;
}

static struct json_object *describe(const char *path, struct json_object *replies[QUESTIONS],
                                    GHashTable *properties)
{
    const struct emulator_evidence evidence = {replies[SCHEMA], replies[OPTIONS], properties};
    struct json_object *number = json_member(replies[VERSION], "qemu");
    const char *target = json_string_member(replies[TARGET], "arch");
    int64_t version = json_int_member(number, "major", 0) * 1000000 +
                      json_int_member(number, "minor", 0) * 1000 +
                      json_int_member(number, "micro", 0);

    return json_build("s:path", path, "S:arch", probe_arch_name(target), "I:version", version,
                      "S:package", json_string_member(replies[VERSION], "package"), "j:machines",
                      list_machines(replies[MACHINES]), "j:types", names_of(replies[TYPES], NULL),
                      "j:commands", names_of(replies[SCHEMA], "command"), "j:flags",
                      emulator_evidence_flags(&evidence), NULL);
}

static int check_replies(struct json_object *replies[QUESTIONS], GError **error)
{
    static const enum question lists[] = {MACHINES, TYPES, SCHEMA, OPTIONS};

    for (unsigned i = 0; i < G_N_ELEMENTS(lists); i++)
        if (!json_object_is_type(replies[lists[i]], json_type_array)) {
            error_set(error, VIR_ERR_INTERNAL_ERROR, "its reply to '%s' is not a list",
                      questions[lists[i]]);
            return -1;
        }
    if (json_string_member(replies[TARGET], "arch"))
        return 0;
    error_set(error, VIR_ERR_INTERNAL_ERROR, "it does not tell its architecture");
    return -1;
}

/* Asks the first QEMU what does not depend on the accelerator; *ret_kvm: it runs with KVM. */
static int ask_general(struct asked *asked, const char *path, struct json_object **ret_document,
                       bool *ret_kvm, GError **error)
{
    struct qmp_batch *batch QMP_BATCH_AUTO = qmp_batch_new();
    g_autoptr(GPtrArray) types = emulator_evidence_types();
    struct json_object *replies[QUESTIONS] = {0};

    for (unsigned i = 0; i < QUESTIONS; i++)
        qmp_batch_add(batch, asked->qmp, questions[i], NULL);
    for (unsigned i = 0; i < types->len; i++)
        qmp_batch_add(batch, asked->qmp, "device-list-properties",
                      json_build("s:typename", g_ptr_array_index(types, i), NULL));
    qmp_batch_wait(batch, time_left(asked));

    int result = take_all(batch, replies, error);
    if (result == 0)
        result = check_replies(replies, error);
    if (result == 0) {
        g_autoptr(GHashTable) properties = take_properties(batch, types);
        *ret_document = describe(path, replies, properties);
        *ret_kvm = json_bool_member(replies[KVM], "enabled", false);
    }
    for (unsigned i = 0; i < QUESTIONS; i++)
        json_object_put(replies[i]);
    return result;
}

static void add_cpus(struct json_object *document, const char *accelerator, struct asked *asked)
{
    bool kvm = strcmp(accelerator, "kvm") == 0;
    struct json_object *part = probe_cpu_describe(asked->definitions, asked->maximum,
                                                  asked->candidates, asked->expansions);

    json_add(part, "J:gic", probe_cpu_gic_versions(asked->interrupts, kvm ? "kernel" : "emulated"),
             NULL);
    json_object_object_add(document, accelerator, part);
    if (kvm)
        json_add(document, "J:sev", probe_sev_describe(asked->encryption, probe_sev_read_asids()),
                 NULL);
}

/* ---- the probe ---- */

/* Of an emulator for guests like the host: names its CPU by the models that KVM, if it works, lets
 * guests have. */
static void add_host_cpu(struct json_object *document, const struct asked *asked)
{
    g_autofree char *cpuinfo = NULL;

    if (asked->maximum && file_read_all("/proc/cpuinfo", CPUINFO_MAX, &cpuinfo, NULL, NULL) == 0)
        probe_cpu_add_host(document, cpuinfo, asked->maximum, asked->candidates, asked->expansions);
}

/*
 * Starts both QEMUs before it talks to any, so that they come up side by side: one as it would run
 * a guest here, one without KVM. A binary without TCG has no second, one without KVM needs none.
 */
static int ask_both(const char *path, const struct probe_run_settings *settings,
                    struct asked *first, struct asked *second, struct json_object **ret_document,
                    GError **error)
{
    struct json_object *document JSON_AUTO = NULL;
    autofd int monitor = -1;
    autofd int second_monitor = -1;
    bool kvm;

    first->end_us = second->end_us = g_get_monotonic_time() + settings->deadline_ms * INT64_C(1000);
    if (begin(path, settings->kvm ? "kvm:tcg" : "tcg", settings, first, &monitor, error) < 0)
        return -1;
    if (settings->kvm)
        begin(path, "tcg", settings, second, &second_monitor, NULL);
    if (connect_monitor(settings, fd_take(&monitor), first, error) < 0 ||
        ask_general(first, path, &document, &kvm, error) < 0)
        return -1;

    ask_cpus(first);
    probe_cpu_name_defaults(json_array_member(document, "machines"), first->definitions,
                            json_string_member(document, "arch"));
    add_cpus(document, kvm ? "kvm" : "tcg", first);
    add_host_cpu(document, first);
    if (kvm && second_monitor >= 0 &&
        connect_monitor(settings, fd_take(&second_monitor), second, NULL) == 0) {
        ask_cpus(second);
        add_cpus(document, "tcg", second);
    }
    *ret_document = g_steal_pointer(&document);
    return 0;
}

static void set_failure(const char *path, const struct probe_run_settings *settings,
                        const GError *cause, const char *words, GError **error)
{
    g_autofree char *quote = g_strconcat(words ? ": " : "", words ? words : "", NULL);

    if (words && error_is(cause, VIR_ERR_OPERATION_FAILED)) /* it has ended, and says why itself */
        error_set(error, VIR_ERR_INTERNAL_ERROR, "Failed to start QEMU binary %s for probing%s",
                  path, quote);
    else if (error_is(cause, VIR_ERR_OPERATION_TIMEOUT))
        error_set(error, VIR_ERR_INTERNAL_ERROR,
                  "Failed to probe QEMU binary %s: no answer within %g s%s", path,
                  settings->deadline_ms / 1000.0, quote);
    else
        error_set(error, VIR_ERR_INTERNAL_ERROR, "Failed to probe QEMU binary %s: %s%s", path,
                  cause->message, quote);
}

int probe_run(const char *path, const struct probe_run_settings *settings,
              struct json_object **ret_document, GError **error)
{
    struct asked first ASKED_AUTO = ASKED_INIT;
    struct asked second ASKED_AUTO = ASKED_INIT;
    g_autoptr(GError) cause = NULL;

    if (ask_both(path, settings, &first, &second, ret_document, &cause) == 0)
        return 0;
    g_autofree char *words = last_words(first.errors);
    set_failure(path, settings, cause, words, error);
    return -1;
}
