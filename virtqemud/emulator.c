/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "emulator.h"

#include <json-c/json.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "qmp-decode.h"

/* What is behind a struct emulator. */
struct box {
    struct emulator emulator; /* first */
    gatomicrefcount references;
    struct arena arena;
    struct emulator *base; /* of a variant, whose strings it has; else NULL */
    char **flag_words;
    char **type_names;
    char **command_names;
};

static const char *const flag_words[] = {
#define EMULATOR_FLAG(name, word, kind, a, b) [EMULATOR_##name] = word,
#include "emulator-flags.h"
#undef EMULATOR_FLAG
};

/* Where QEMU has no default of its own. */
static const struct {
    const char *arch;
    const char *machine;
} default_machines[] = {
    {"aarch64", "virt"}, {"armv7l", "virt"},      {"riscv64", "virt"},
    {"riscv32", "virt"}, {"loongarch64", "virt"},
};

/*
 * ---- the document ----
 * Long lists of names are one string with spaces between: reading it takes a fifth of the time.
 */

/* As QEMU's own query-machines spells them. */
static const struct qmp_field machine_fields[] = {
    QMP_REQUIRED(emulator_machine, "name", STRING, name),
    QMP_OPTIONAL(emulator_machine, "alias", STRING, alias),
    QMP_OPTIONAL(emulator_machine, "default-cpu-type", STRING, default_cpu),
    QMP_OPTIONAL(emulator_machine, "default-ram-id", STRING, default_ram_id),
    QMP_REQUIRED(emulator_machine, "cpu-max", UNSIGNED, max_cpus),
    QMP_OPTIONAL(emulator_machine, "is-default", BOOL, is_default),
    QMP_OPTIONAL(emulator_machine, "deprecated", BOOL, deprecated),
    QMP_OPTIONAL(emulator_machine, "numa-mem-supported", BOOL, numa_memory),
    QMP_OPTIONAL(emulator_machine, "hotpluggable-cpus", BOOL, hotpluggable_cpus),
};
static const struct qmp_shape machine_shape = QMP_SHAPE(struct emulator_machine, machine_fields);

static const struct qmp_field model_fields[] = {
    QMP_REQUIRED(emulator_cpu_model, "name", STRING, name),
    QMP_OPTIONAL(emulator_cpu_model, "usable", BOOL, usable),
    QMP_OPTIONAL(emulator_cpu_model, "unknown", BOOL, unknown),
    QMP_OPTIONAL(emulator_cpu_model, "deprecated", BOOL, deprecated),
    QMP_OPTIONAL(emulator_cpu_model, "blockers", WORDS, blockers),
    QMP_OPTIONAL(emulator_cpu_model, "own", PRESENT, expanded),
    QMP_OPTIONAL(emulator_cpu_model, "own", WORDS, own),
};
static const struct qmp_shape model_shape = QMP_SHAPE(struct emulator_cpu_model, model_fields);

static const struct qmp_field feature_fields[] = {
    QMP_REQUIRED(emulator_cpu_feature, "name", STRING, name),
    QMP_OPTIONAL(emulator_cpu_feature, "on", BOOL, on),
};
static const struct qmp_shape feature_shape =
    QMP_SHAPE(struct emulator_cpu_feature, feature_fields);

#define CPU_FIELDS(accelerator, index)                                                             \
    QMP_OPTIONAL(emulator, accelerator "/usable", BOOL, cpus[index].usable),                       \
        QMP_LIST(emulator, accelerator "/models", cpus[index].models, cpus[index].model_count,     \
                 &model_shape),                                                                    \
        QMP_OPTIONAL(emulator, accelerator "/host-model", STRING, cpus[index].host.model),         \
        QMP_OPTIONAL(emulator, accelerator "/host-vendor", STRING, cpus[index].host.vendor),       \
        QMP_LIST(emulator, accelerator "/host-features", cpus[index].host.features,                \
                 cpus[index].host.feature_count, &feature_shape),                                  \
        QMP_OPTIONAL(emulator, accelerator "/maximum", WORDS, cpus[index].maximum),                \
        QMP_OPTIONAL(emulator, accelerator "/known", WORDS, cpus[index].known),                    \
        QMP_OPTIONAL(emulator, accelerator "/gic", WORDS, cpus[index].gic)

static const struct qmp_field emulator_fields[] = {
    QMP_REQUIRED(emulator, "path", STRING, path),
    QMP_REQUIRED(emulator, "arch", STRING, arch),
    QMP_REQUIRED(emulator, "version", UNSIGNED, version),
    QMP_OPTIONAL(emulator, "package", STRING, package),
    QMP_LIST(emulator, "machines", machines, machine_count, &machine_shape),
    CPU_FIELDS("tcg", ACCELERATOR_TCG),
    CPU_FIELDS("kvm", ACCELERATOR_KVM),
    QMP_OPTIONAL(emulator, "host-cpu/model", STRING, host_cpu.model),
    QMP_OPTIONAL(emulator, "host-cpu/vendor", STRING, host_cpu.vendor),
    QMP_OPTIONAL(emulator, "host-cpu/features", WORDS, host_cpu.features),
    QMP_OPTIONAL(emulator, "sev", PRESENT, sev.usable),
    QMP_OPTIONAL(emulator, "sev/cbitpos", UNSIGNED, sev.cbitpos),
    QMP_OPTIONAL(emulator, "sev/reduced-phys-bits", UNSIGNED, sev.reduced_phys_bits),
    QMP_OPTIONAL(emulator, "sev/max-guests", UNSIGNED, sev.max_guests),
    QMP_OPTIONAL(emulator, "sev/max-es-guests", UNSIGNED, sev.max_es_guests),
    QMP_OPTIONAL(emulator, "sev/pdh", STRING, sev.pdh),
    QMP_OPTIONAL(emulator, "sev/cert-chain", STRING, sev.cert_chain),
    QMP_OPTIONAL(emulator, "sev/cpu0-id", STRING, sev.cpu0_id),
    {"flags", QMP_FIELD_WORDS, offsetof(struct box, flag_words), true},
    {"types", QMP_FIELD_WORDS, offsetof(struct box, type_names), true},
    {"commands", QMP_FIELD_WORDS, offsetof(struct box, command_names), true},
};
static const struct qmp_shape emulator_shape = QMP_SHAPE(struct box, emulator_fields);

static GHashTable *word_set(char **words)
{
    GHashTable *set = g_hash_table_new(g_str_hash, g_str_equal);

    for (char **word = words; *word; word++)
        g_hash_table_add(set, *word);
    return set;
}

static void set_flags(struct box *box)
{
    const char *const *words = (const char *const *)box->flag_words;

    for (unsigned i = 0; i < EMULATOR_FLAG_LAST; i++)
        box->emulator.flags[i] = g_strv_contains(words, flag_words[i]);
}

int emulator_decode(struct json_object *document, struct emulator **ret_emulator, GError **error)
{
    struct box *box = g_new0(struct box, 1);

    g_atomic_ref_count_init(&box->references);
    arena_init(&box->arena, 32 * 1024);
    if (qmp_decode_struct(&emulator_shape, document, "probe", &box->arena, box, error) < 0) {
        arena_clear(&box->arena);
        g_free(box);
        return -1;
    }
    set_flags(box);
    box->emulator.types = word_set(box->type_names);
    box->emulator.commands = word_set(box->command_names);
    *ret_emulator = &box->emulator;
    return 0;
}

static GHashTable *copy_set(GHashTable *set)
{
    GHashTable *copy = g_hash_table_new(g_str_hash, g_str_equal);
    GHashTableIter at;
    gpointer word;

    g_hash_table_iter_init(&at, set);
    while (g_hash_table_iter_next(&at, &word, NULL))
        g_hash_table_add(copy, word);
    return copy;
}

struct emulator *emulator_vary(struct emulator *emulator)
{
    struct box *box = g_new0(struct box, 1);

    box->emulator = *emulator;
    box->base = emulator_ref(emulator);
    g_atomic_ref_count_init(&box->references);
    box->emulator.types = copy_set(emulator->types);
    g_hash_table_ref(box->emulator.commands);
    return &box->emulator;
}

/* ---- references ---- */

struct emulator *emulator_ref(struct emulator *emulator)
{
    g_atomic_ref_count_inc(&((struct box *)emulator)->references);
    return emulator;
}

void emulator_unref(struct emulator *emulator)
{
    struct box *box = (struct box *)emulator;

    if (!box || !g_atomic_ref_count_dec(&box->references))
        return;
    g_hash_table_unref(emulator->types);
    g_hash_table_unref(emulator->commands);
    if (box->base)
        emulator_unref(box->base);
    else
        arena_clear(&box->arena);
    g_free(box);
}

void emulator_clear(struct emulator **emulator)
{
    emulator_unref(g_steal_pointer(emulator));
}

/* ---- answers ---- */

bool emulator_has(const struct emulator *emulator, enum emulator_flag flag)
{
    return emulator->flags[flag];
}

bool emulator_serves(const struct emulator *emulator, const char *arch)
{
    static const char *const others[][2] = {
        {"x86_64", "i686"}, {"armv7l", "armv6l"}, {"ppc64", "ppc64le"}, {"ppc64le", "ppc64"}};

    if (g_str_equal(emulator->arch, arch))
        return true;
    for (unsigned i = 0; i < G_N_ELEMENTS(others); i++)
        if (g_str_equal(others[i][0], emulator->arch) && g_str_equal(others[i][1], arch))
            return true;
    return false;
}

bool emulator_has_type(const struct emulator *emulator, const char *type)
{
    return g_hash_table_contains(emulator->types, type);
}

bool emulator_has_command(const struct emulator *emulator, const char *command)
{
    return g_hash_table_contains(emulator->commands, command);
}

const char *emulator_flag_word(enum emulator_flag flag)
{
    return flag_words[flag];
}

static const char *default_machine(const struct emulator *emulator)
{
    for (unsigned i = 0; i < emulator->machine_count; i++)
        if (emulator->machines[i].is_default)
            return emulator->machines[i].name;
    for (unsigned i = 0; i < G_N_ELEMENTS(default_machines); i++)
        if (strcmp(default_machines[i].arch, emulator->arch) == 0)
            return default_machines[i].machine;
    return NULL;
}

const struct emulator_machine *emulator_find_machine(const struct emulator *emulator,
                                                     const char *name)
{
    const char *wanted = name ? name : default_machine(emulator);

    for (unsigned i = 0; wanted && i < emulator->machine_count; i++)
        if (strcmp(emulator->machines[i].name, wanted) == 0 ||
            g_strcmp0(emulator->machines[i].alias, wanted) == 0)
            return &emulator->machines[i];
    return NULL;
}

const struct emulator_cpu_model *emulator_find_cpu(const struct emulator *emulator,
                                                   enum accelerator accelerator, const char *name)
{
    const struct emulator_cpus *cpus = &emulator->cpus[accelerator];

    bool any_case = g_str_has_prefix(emulator->arch, "ppc"); /* POWER9, power9 */

    for (unsigned i = 0; i < cpus->model_count; i++)
        if (any_case ? g_ascii_strcasecmp(cpus->models[i].name, name) == 0
                     : strcmp(cpus->models[i].name, name) == 0)
            return &cpus->models[i];
    return NULL;
}

bool emulator_can_accelerate(const struct emulator *emulator, enum accelerator accelerator)
{
    return emulator->cpus[accelerator].usable;
}
