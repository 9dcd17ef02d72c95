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

/* Models that are nobody's lack most of what a host has: they stand for one only if nothing else.
 */
char **probe_cpu_candidates(struct json_object *definitions, const char *vendor)
{
    GPtrArray *names = g_ptr_array_new();
    size_t length = definitions ? json_object_array_length(definitions) : 0;

    for (size_t i = 0; i < length; i++) {
        struct json_object *definition = json_object_array_get_idx(definitions, i);
        const char *name = json_string_member(definition, "name");
        if (name && cpu_model_is_listed(name) && strcmp(cpu_model_vendor(name), vendor) == 0)
            g_ptr_array_add(names, g_strdup(name));
    }
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(names, FALSE);
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
    return json_words(names);
}

static struct json_object *list_differences(struct json_object *host, struct json_object *model)
{
    struct json_object *list = json_object_new_array();

    for (int on = 1; on >= 0; on--) {
        json_object_object_foreach(host, name, value)
        {
            (void)value;
            if (is_feature_on(host, name) == on && is_feature_on(model, name) != on)
                json_object_array_add(
                    list, json_build("s:name", cpu_feature_from_qemu(name), "b:on", on, NULL));
        }
    }
    return list;
}

/* Newer models come first in QEMU's order, so the first of equals is taken. */
static void add_host_model(struct json_object *part, struct json_object *maximum, char **candidates,
                           GPtrArray *expansions)
{
    struct json_object *host = properties(maximum);
    unsigned best = 0, fewest = G_MAXUINT;

    for (unsigned i = 0; i < expansions->len; i++) {
        struct json_object *model = properties(g_ptr_array_index(expansions, i));
        unsigned differences = model ? count_differences(host, model) : G_MAXUINT;
        if (differences < fewest) {
            best = i;
            fewest = differences;
        }
    }
    if (fewest == G_MAXUINT)
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
    return json_words(names);
}

/* Without a list of blockers QEMU does not know, and the model is not known to work. */
static struct json_object *describe_model(struct json_object *definition)
{
    struct json_object *blockers = json_array_member(definition, "unavailable-features");
    bool blocked = !blockers || json_object_array_length(blockers) > 0;

    return json_build("S:name", json_string_member(definition, "name"), "B:usable", !blocked,
                      "B:deprecated", json_bool_member(definition, "deprecated", false),
                      "J:blockers", blockers && blocked ? list_blockers(blockers) : NULL, NULL);
}

static struct json_object *list_models(struct json_object *definitions)
{
    struct json_object *list = json_object_new_array();
    size_t length = definitions ? json_object_array_length(definitions) : 0;

    for (size_t i = 0; i < length; i++)
        json_object_array_add(list, describe_model(json_object_array_get_idx(definitions, i)));
    return list;
}

struct json_object *probe_cpu_describe(struct json_object *definitions, struct json_object *maximum,
                                       char **candidates, GPtrArray *expansions)
{
    struct json_object *part =
        json_build("b:usable", true, "j:models", list_models(definitions), NULL);

    if (properties(maximum)) {
        json_add(part, "j:maximum", list_features(properties(maximum)), NULL);
        add_host_model(part, maximum, candidates, expansions);
    }
    return part;
}
