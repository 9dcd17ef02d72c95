/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probe-cpu.h"

#include <json-c/json.h>
#include <string.h>

#include "cpu-names.h"
#include "json.h"

static struct json_object *properties(struct json_object *expansion)
{
    return json_object_member(json_member(expansion, "model"), "props");
}

const char *probe_cpu_vendor(struct json_object *expansion)
{
    return cpu_vendor_name(json_string_member(properties(expansion), "vendor"));
}

char **probe_cpu_candidates(struct json_object *definitions)
{
    GPtrArray *names = g_ptr_array_new();
    size_t length = definitions ? json_object_array_length(definitions) : 0;

    for (size_t i = 0; i < length; i++) {
        struct json_object *definition = json_object_array_get_idx(definitions, i);
        const char *name = json_string_member(definition, "name");
        if (name && cpu_model_is_listed(name))
            g_ptr_array_add(names, g_strdup(name));
    }
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(names, FALSE);
}

static int compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* QEMU's own order is that of a hash table. */
static struct json_object *sorted_words(GPtrArray *names)
{
    g_ptr_array_sort(names, compare_names);
    return json_words(names);
}

static bool is_feature_on(struct json_object *props, const char *name)
{
    return json_bool_member(props, name, false) && cpu_property_is_feature(name);
}

/* Features that one has and the other lacks. */
static unsigned count_differences(struct json_object *a, struct json_object *b)
{
    unsigned count = 0;

    json_object_object_foreach(a, name, value)
    {
        (void)value;
        count += is_feature_on(a, name) != is_feature_on(b, name);
    }
    return count;
}

static struct json_object *list_features(struct json_object *props)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    json_object_object_foreach(props, name, value)
    {
        (void)value;
        if (is_feature_on(props, name))
            g_ptr_array_add(names, (char *)cpu_feature_from_qemu(name));
    }
    return sorted_words(names);
}

/* Whether the CPU has them or not. */
static struct json_object *list_known(struct json_object *props)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    json_object_object_foreach(props, name, value)
    {
        if (json_object_is_type(value, json_type_boolean))
            g_ptr_array_add(names, (char *)cpu_feature_from_qemu(name));
    }
    return sorted_words(names);
}

static void add_differences(struct json_object *list, struct json_object *host,
                            struct json_object *model, bool on)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    json_object_object_foreach(host, name, value)
    {
        (void)value;
        if (is_feature_on(host, name) == on && is_feature_on(model, name) != on)
            g_ptr_array_add(names, (char *)cpu_feature_from_qemu(name));
    }
    g_ptr_array_sort(names, compare_names);
    for (unsigned i = 0; i < names->len; i++)
        json_object_array_add(list,
                              json_build("s:name", g_ptr_array_index(names, i), "B:on", on, NULL));
}

static struct json_object *list_differences(struct json_object *host, struct json_object *model)
{
    struct json_object *list = json_object_new_array();

    add_differences(list, host, model, true);
    add_differences(list, host, model, false);
    return list;
}

/* Models that are nobody's lack most of what a host has: they stand for one only if nothing else.
 */
static bool may_stand_for_host(const char *model, struct json_object *maximum)
{
    const char *whose = cpu_model_vendor(model);

    return strcmp(whose, probe_cpu_vendor(maximum)) == 0 || strcmp(whose, "unknown") == 0;
}

/* Newer models come first in QEMU's order, so the first of equals is taken. */
static void add_host_model(struct json_object *part, struct json_object *maximum, char **candidates,
                           GPtrArray *expansions)
{
    struct json_object *host = properties(maximum);
    unsigned best = 0, fewest = G_MAXUINT;

    for (unsigned i = 0; i < expansions->len; i++) {
        struct json_object *model = properties(g_ptr_array_index(expansions, i));
        unsigned differences = model && may_stand_for_host(candidates[i], maximum)
                                   ? count_differences(host, model)
                                   : G_MAXUINT;
        if (differences < fewest) {
            best = i;
            fewest = differences;
        }
    }
    /* whoever has no vendor is no host's */
    if (fewest == G_MAXUINT || strcmp(probe_cpu_vendor(maximum), "unknown") == 0)
        return;
    json_add(part, "s:host-model", candidates[best], "s:host-vendor", probe_cpu_vendor(maximum),
             "j:host-features",
             list_differences(host, properties(g_ptr_array_index(expansions, best))), NULL);
}

static struct json_object *list_blockers(struct json_object *features)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    size_t length = json_object_array_length(features);

    for (size_t i = 0; i < length; i++) {
        const char *name = json_object_get_string(json_object_array_get_idx(features, i));
        g_ptr_array_add(names, (char *)cpu_feature_from_qemu(name ? name : ""));
    }
    return sorted_words(names);
}

/* Borrowed; NULL: QEMU was not asked, or refused. */
static struct json_object *find_expansion(const char *model, char **candidates,
                                          GPtrArray *expansions)
{
    for (unsigned i = 0; model && i < expansions->len; i++)
        if (strcmp(candidates[i], model) == 0)
            return properties(g_ptr_array_index(expansions, i));
    return NULL;
}

static struct json_object *list_own(struct json_object *model)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    for (const char *const *name = cpu_chosen_features; *name; name++)
        if (is_feature_on(model, *name))
            g_ptr_array_add(names, (char *)*name);
    return json_words(names);
}

/* Without a list of blockers QEMU does not know, and the model is not known to work. */
static struct json_object *describe_model(struct json_object *definition,
                                          struct json_object *expansion)
{
    struct json_object *blockers = json_array_member(definition, "unavailable-features");
    bool blocked = !blockers || json_object_array_length(blockers) > 0;

    return json_build("S:name", json_string_member(definition, "name"), "B:usable", !blocked,
                      "B:unknown", !blockers, "B:deprecated",
                      json_bool_member(definition, "deprecated", false), "J:blockers",
                      blockers && blocked ? list_blockers(blockers) : NULL, "J:own",
                      expansion ? list_own(expansion) : NULL, NULL);
}

static struct json_object *list_models(struct json_object *definitions, char **candidates,
                                       GPtrArray *expansions)
{
    struct json_object *list = json_object_new_array();
    size_t length = definitions ? json_object_array_length(definitions) : 0;

    for (size_t i = 0; i < length; i++) {
        struct json_object *definition = json_object_array_get_idx(definitions, i);
        const char *name = json_string_member(definition, "name");
        json_object_array_add(
            list, describe_model(definition, find_expansion(name, candidates, expansions)));
    }
    return list;
}

struct json_object *probe_cpu_describe(struct json_object *definitions, struct json_object *maximum,
                                       char **candidates, GPtrArray *expansions)
{
    struct json_object *part = json_build("b:usable", true, "j:models",
                                          list_models(definitions, candidates, expansions), NULL);

    if (properties(maximum)) {
        json_add(part, "j:maximum", list_features(properties(maximum)), "j:known",
                 list_known(properties(maximum)), NULL);
        add_host_model(part, maximum, candidates, expansions);
    }
    return part;
}

/* ---- what machines have unless told otherwise ---- */

static bool has_models(const char *arch)
{
    static const char *const archs[] = {"aarch64", "armv7l",  "i686",  "loongarch64",
                                        "ppc64",   "ppc64le", "s390x", "x86_64"};

    for (size_t i = 0; i < G_N_ELEMENTS(archs); i++)
        if (g_str_equal(archs[i], arch))
            return true;
    return false;
}

/* QEMU names a type, "qemu64-x86_64-cpu": documents know the first model of that type, and those of
 * POWER in capitals. NULL: it has no model. The caller frees. */
static char *find_model(struct json_object *definitions, const char *type)
{
    size_t length = definitions ? json_object_array_length(definitions) : 0;

    for (size_t i = 0; i < length; i++) {
        struct json_object *definition = json_object_array_get_idx(definitions, i);
        const char *name = json_string_member(definition, "name");
        if (name && g_strcmp0(json_string_member(definition, "typename"), type) == 0)
            return g_str_has_prefix(name, "power") ? g_ascii_strup(name, -1) : g_strdup(name);
    }
    return NULL;
}

void probe_cpu_name_defaults(struct json_object *machines, struct json_object *definitions,
                             const char *arch)
{
    size_t length = json_object_array_length(machines);

    for (size_t i = 0; i < length; i++) {
        struct json_object *machine = json_object_array_get_idx(machines, i);
        const char *type = json_string_member(machine, "default-cpu-type");
        g_autofree char *model = type && has_models(arch) ? find_model(definitions, type) : NULL;
        json_object_object_del(machine, "default-cpu-type");
        json_add(machine, "S:default-cpu-type", model, NULL);
    }
}

struct json_object *probe_cpu_gic_versions(struct json_object *interrupts, const char *kind)
{
    g_autoptr(GPtrArray) versions = g_ptr_array_new_with_free_func(g_free);
    size_t length =
        json_object_is_type(interrupts, json_type_array) ? json_object_array_length(interrupts) : 0;

    for (size_t i = 0; i < length; i++) {
        struct json_object *one = json_object_array_get_idx(interrupts, i);
        if (json_bool_member(one, kind, false))
            g_ptr_array_add(versions,
                            g_strdup_printf("%d", (int)json_int_member(one, "version", 0)));
    }
    return versions->len ? sorted_words(versions) : NULL;
}

/* ---- the host without QEMU ---- */

/* What the kernel calls otherwise in more than its dashes. */
static const struct {
    const char *kernel;
    const char *qemu;
} kernel_flags[] = {
    {"sse4_1", "sse4.1"},      {"sse4_2", "sse4.2"},        {"tsc_deadline_timer", "tsc-deadline"},
    {"nonstop_tsc", "invtsc"}, {"cr8_legacy", "cr8legacy"}, {"v_vmsave_vmload", "v-vmsave-vmload"},
};

static bool is_known(struct json_object *known, const char *name)
{
    return json_member(known, name) && cpu_property_is_feature(name);
}

/* QEMU's name of a kernel's flag, among its known properties; the caller frees, NULL: none. */
static char *qemu_flag(struct json_object *known, const char *flag)
{
    for (size_t i = 0; i < G_N_ELEMENTS(kernel_flags); i++)
        if (strcmp(kernel_flags[i].kernel, flag) == 0)
            return g_strdup(kernel_flags[i].qemu);
    if (is_known(known, flag))
        return g_strdup(flag);

    g_autofree char *dashed = g_strdelimit(g_strdup(flag), "_", '-');
    if (is_known(known, dashed))
        return g_steal_pointer(&dashed);
    g_auto(GStrv) parts = g_strsplit(flag, "_", -1);
    g_autofree char *joined = g_strjoinv(NULL, parts);
    return is_known(known, joined) ? g_steal_pointer(&joined) : NULL;
}

/* The first processor's flags as the properties of an expanded CPU; the caller's reference. */
static struct json_object *host_properties(const char *cpuinfo, struct json_object *known)
{
    struct json_object *host = json_object_new_object();
    const char *line = cpuinfo ? strstr(cpuinfo, "\nflags") : NULL;
    const char *begin = line ? strchr(line, ':') : NULL;

    if (!begin)
        return host;
    g_autofree char *text = g_strndup(begin + 1, strcspn(begin + 1, "\n"));
    g_auto(GStrv) flags = g_strsplit(g_strstrip(text), " ", -1);
    for (char **flag = flags; *flag; flag++) {
        g_autofree char *name = qemu_flag(known, *flag);
        if (name)
            json_object_object_add(host, name, json_object_new_boolean(true));
    }
    return host;
}

/* Features of the model, or -1 if the host lacks one of them. */
static int count_if_subset(struct json_object *model, struct json_object *host)
{
    int count = 0;

    json_object_object_foreach(model, name, value)
    {
        (void)value;
        if (!is_feature_on(model, name))
            continue;
        if (!is_feature_on(host, name))
            return -1;
        count++;
    }
    return count;
}

static struct json_object *list_others(struct json_object *host, struct json_object *model)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    json_object_object_foreach(host, name, value)
    {
        (void)value;
        if (!is_feature_on(model, name))
            g_ptr_array_add(names, (char *)cpu_feature_from_qemu(name));
    }
    return sorted_words(names);
}

void probe_cpu_add_host(struct json_object *document, const char *cpuinfo,
                        struct json_object *maximum, char **candidates, GPtrArray *expansions)
{
    struct json_object *host JSON_AUTO = host_properties(cpuinfo, properties(maximum));
    struct json_object *base = NULL;
    const char *name = NULL;
    int most = -1;

    for (unsigned i = 0; i < expansions->len; i++) {
        struct json_object *model = properties(g_ptr_array_index(expansions, i));
        int count =
            model && may_stand_for_host(candidates[i], maximum) ? count_if_subset(model, host) : -1;
        if (count > most) {
            most = count;
            base = model;
            name = candidates[i];
        }
    }
    if (base)
        json_add(document, "j:host-cpu",
                 json_build("s:model", name, "s:vendor", probe_cpu_vendor(maximum), "j:features",
                            list_others(host, base), NULL),
                 NULL);
}
