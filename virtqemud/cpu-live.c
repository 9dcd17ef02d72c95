/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cpu-live.h"

#include <json-c/json.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "xml/xml.h"

#include "cpu-names.h"
#include "device-common.h"
#include "json.h"
#include "probe.h"
#include "qemu.h"
#include "qmp-commands.h"

struct given {
    struct json_object *properties;  /* of the guest's model; an object */
    struct json_object *unavailable; /* names of the features that it lacks; an array */
};

struct comparison {
    const struct emulator_cpus *known;
    const struct given *given;
    struct arena *arena;
    struct domain_cpu *cpu;
    GPtrArray *extra;   /* names of features that nobody asked for */
    GPtrArray *missing; /* that model or document have, and the guest has not */
};

static bool may_differ(const struct domain *live)
{
    const struct domain_cpu *cpu = live->cpu;

    return domain_is_x86(live) && cpu && cpu->mode == CPU_MODE_CUSTOM &&
           cpu->match != CPU_MATCH_MINIMUM && cpu->model;
}

static bool is_unavailable(const struct given *given, const char *property)
{
    size_t length = json_object_array_length(given->unavailable);

    for (size_t i = 0; i < length; i++)
        if (g_strcmp0(json_object_get_string(json_object_array_get_idx(given->unavailable, i)),
                      property) == 0)
            return true;
    return false;
}

/* An expanded model has what QEMU would like to give. */
static bool has_feature(const struct given *given, const char *name)
{
    const char *property = cpu_feature_to_qemu(name);

    return json_bool_member(given->properties, property, false) && !is_unavailable(given, property);
}

static bool is_named(const struct domain_cpu *cpu, const char *name)
{
    LIST_EACH (feature, &cpu->features)
        if (g_strcmp0(feature->name, name) == 0)
            return true;
    return false;
}

static void add_feature(struct comparison *comparison, const char *name, bool on)
{
    struct cpu_feature *feature = arena_new(comparison->arena, struct cpu_feature);

    feature->name = arena_strdup(comparison->arena, name);
    feature->policy = on ? CPU_POLICY_REQUIRE : CPU_POLICY_DISABLE;
    LIST_APPEND(comparison->arena, &comparison->cpu->features, feature);
    g_ptr_array_add(on ? comparison->extra : comparison->missing, (char *)feature->name);
}

/* ---- the features ---- */

/* Chosen once: it is the same guest wherever it goes. */
static void settle_optional(struct domain_cpu *cpu, const struct given *given)
{
    LIST_EACH (feature, &cpu->features)
        if (feature->policy == CPU_POLICY_OPTIONAL)
            feature->policy =
                has_feature(given, feature->name) ? CPU_POLICY_REQUIRE : CPU_POLICY_DISABLE;
}

static void settle_named(struct comparison *comparison)
{
    LIST_EACH (feature, &comparison->cpu->features) {
        bool wanted = feature->policy == CPU_POLICY_REQUIRE || feature->policy == CPU_POLICY_FORCE;
        bool on = has_feature(comparison->given, feature->name);

        /* what QEMU has no word for is not its to give */
        if (!json_member(comparison->given->properties, cpu_feature_to_qemu(feature->name)) ||
            (!wanted && !on))
            continue;
        if (wanted != on)
            g_ptr_array_add(on ? comparison->extra : comparison->missing, (char *)feature->name);
        feature->policy = on ? CPU_POLICY_REQUIRE : CPU_POLICY_DISABLE;
    }
}

static void add_unavailable(struct comparison *comparison)
{
    struct json_object *list = comparison->given->unavailable;
    const char *const *known = (const char *const *)comparison->known->known;
    size_t length = known ? json_object_array_length(list) : 0;

    for (size_t i = 0; i < length; i++) {
        const char *property = json_object_get_string(json_object_array_get_idx(list, i));
        const char *name = property ? cpu_feature_from_qemu(property) : "";
        if (g_strv_contains(known, name) && cpu_property_is_feature(property) &&
            !is_named(comparison->cpu, name))
            add_feature(comparison, name, false);
    }
}

static void compare_feature(struct comparison *comparison, const char *name, bool of_model)
{
    bool on = has_feature(comparison->given, name);

    if (on != of_model && !is_named(comparison->cpu, name))
        add_feature(comparison, name, on);
}

/* What a model has of its own shows with TCG, which leaves these as they are; nobody knows it of a
 * model that the probe did not look at. */
static void compare_chosen(struct comparison *comparison, const struct emulator *emulator)
{
    const struct emulator_cpu_model *model =
        emulator_find_cpu(emulator, ACCELERATOR_TCG, comparison->cpu->model);

    compare_feature(comparison, CPU_FEATURE_OF_GUESTS, false);
    for (const char *const *name = cpu_chosen_features; model && model->expanded && *name; name++)
        compare_feature(comparison, *name, g_strv_contains((const char *const *)model->own, *name));
}

/* ---- the document ---- */

static int check_full(const struct comparison *comparison, GError **error)
{
    if (comparison->extra->len == 0 && comparison->missing->len == 0)
        return 0;
    bool both = comparison->extra->len > 0 && comparison->missing->len > 0;
    g_ptr_array_add(comparison->extra, NULL);
    g_ptr_array_add(comparison->missing, NULL);
    g_autofree char *extra = g_strjoinv(",", (char **)comparison->extra->pdata);
    g_autofree char *missing = g_strjoinv(",", (char **)comparison->missing->pdata);

    error_set(error, VIR_ERR_OPERATION_FAILED, "guest CPU doesn't match specification: %s%s%s%s%s",
              *extra ? "extra features: " : "", extra, both ? ", " : "",
              *missing ? "missing features: " : "", missing);
    return -1;
}

int cpu_live_settle(struct domain *live, const struct emulator *emulator,
                    struct json_object *expansion, struct json_object *unavailable, GError **error)
{
    const struct given given = {
        .properties = json_object_member(json_member(expansion, "model"), "props"),
        .unavailable = unavailable,
    };
    g_autoptr(GPtrArray) extra = g_ptr_array_new();
    g_autoptr(GPtrArray) missing = g_ptr_array_new();
    struct comparison comparison = {
        .known = &emulator->cpus[live->type == DOMAIN_TYPE_KVM ? ACCELERATOR_KVM : ACCELERATOR_TCG],
        .given = &given,
        .arena = &live->definition.arena,
        .cpu = live->cpu,
        .extra = extra,
        .missing = missing,
    };

    if (!given.properties || !json_object_is_type(unavailable, json_type_array)) {
        error_set(error, VIR_ERR_INTERNAL_ERROR, "QEMU does not tell the features of its CPU");
        return -1;
    }
    live->cpu->fallback = CPU_FALLBACK_FORBID;
    settle_optional(live->cpu, &given);
    live->asked_cpu = xml_copy_part(&domain_cpu_schema, live->cpu, comparison.arena);
    settle_named(&comparison);
    add_unavailable(&comparison);
    compare_chosen(&comparison, emulator);
    if (live->cpu->check == CPU_CHECK_FULL)
        return check_full(&comparison, error);
    live->cpu->check = CPU_CHECK_FULL;
    return 0;
}

/* ---- the guest ---- */

/* The first vcpu stands for all. */
static int ask_unavailable(struct qmp *qmp, struct json_object **ret_names, GError **error)
{
    struct arena arena ARENA_AUTO = {0};
    struct qmp_cpu *cpus;
    unsigned count;

    if (qmp_get_cpus_fast(qmp, 0, &arena, &cpus, &count, error) < 0)
        return -1;
    if (count == 0 || !cpus[0].qom_path) {
        error_set(error, VIR_ERR_INTERNAL_ERROR, "QEMU names no vcpu");
        return -1;
    }
    return qmp_qom_get(qmp, cpus[0].qom_path, "unavailable-features", 0, ret_names, error);
}

/* QEMU takes what its command line says of -cpu as said of every CPU of this model. */
static int ask_expansion(struct qmp *qmp, const char *model, struct json_object **ret_expansion,
                         GError **error)
{
    return qmp_execute(
        qmp, "query-cpu-model-expansion",
        json_build("s:type", "full", "j:model", json_build("s:name", model, NULL), NULL), 0,
        ret_expansion, error);
}

static int learn(struct guest *guest, struct domain *changed, GError **error)
{
    struct emulator *emulator EMULATOR_AUTO = NULL;
    struct json_object *unavailable JSON_AUTO = NULL;
    struct json_object *expansion JSON_AUTO = NULL;
    struct qmp *qmp = guest_get_qmp(guest, error);

    if (!qmp)
        return -1;
    int result =
        probe_get(qemu_of(&guest->object)->probes, changed->devices.emulator, &emulator, error);
    if (result == 0)
        result = ask_unavailable(qmp, &unavailable, error);
    if (result == 0)
        result = ask_expansion(qmp, changed->cpu->model, &expansion, error);
    qmp_unref(qmp);
    if (result < 0)
        return -1;
    return cpu_live_settle(changed, emulator, expansion, unavailable, error);
}

int cpu_live_learn(struct guest *guest, struct job *job, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    g_autoptr(GError) cause = NULL;

    object_get_view(&guest->object, &view);
    if (!may_differ((const struct domain *)view.live))
        return 0;
    DEFINITION_AUTO struct domain *changed = (struct domain *)definition_copy(view.live);
    bool must_know = changed->cpu->check == CPU_CHECK_FULL;
    if (learn(guest, changed, &cause) == 0) {
        object_publish_live(job, definition_copy(&changed->definition));
        return 0;
    }
    if (must_know) {
        g_propagate_error(error, g_steal_pointer(&cause));
        return -1;
    }
    log_warn("%s: no word of what its CPU has become: %s", changed->name, cause->message);
    return 0;
}
