/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cpu-names.h"

#include <glib.h>
#include <string.h>

/* The only features of x86 that the two spell differently. */
static const struct {
    const char *qemu;
    const char *document;
} features[] = {
    {"cmp-legacy", "cmp_legacy"},     {"ds-cpl", "ds_cpl"},         {"fxsr-opt", "fxsr_opt"},
    {"lahf-lm", "lahf_lm"},           {"nodeid-msr", "nodeid_msr"}, {"pclmulqdq", "pclmuldq"},
    {"perfctr-core", "perfctr_core"}, {"perfctr-nb", "perfctr_nb"}, {"tsc-adjust", "tsc_adjust"},
};

/* Paravirtual, nested and tuning switches; and what documents have no word for. */
static const char *const no_features[] = {
    "kvm",        "hv-",  "vmx-", "xen", "x-",     "full-width-write", "lmce",
    "migratable", "ace2", "phe",  "pmm", "xcrypt", "xstore",
};

const char *const cpu_chosen_features[] = {"svm", "x2apic", NULL};

static const char *const hosts_features[] = {"cmt",     "mbm_local", "mbm_total",
                                             "osxsave", "ospke",     NULL};

static const struct {
    const char *prefix;
    const char *vendor;
} model_vendors[] = {
    {"qemu", "unknown"},      {"kvm", "unknown"},       {"486", "unknown"},
    {"pentium", "unknown"},   {"athlon", "AMD"},        {"phenom", "AMD"},
    {"Opteron", "AMD"},       {"EPYC", "AMD"},          {"Dhyana", "Hygon"},
    {"YongFeng", "Zhaoxin"},  {"n270", "Intel"},        {"core", "Intel"},
    {"Conroe", "Intel"},      {"Penryn", "Intel"},      {"Nehalem", "Intel"},
    {"Westmere", "Intel"},    {"SandyBridge", "Intel"}, {"IvyBridge", "Intel"},
    {"Haswell", "Intel"},     {"Broadwell", "Intel"},   {"Skylake", "Intel"},
    {"Cascadelake", "Intel"}, {"Cooperlake", "Intel"},  {"Icelake", "Intel"},
    {"Sapphire", "Intel"},    {"Granite", "Intel"},     {"Sierra", "Intel"},
    {"Clearwater", "Intel"},  {"Denverton", "Intel"},   {"Snowridge", "Intel"},
    {"Knights", "Intel"},
};

static const struct {
    const char *cpuid;
    const char *name;
} vendors[] = {
    {"GenuineIntel", "Intel"},
    {"AuthenticAMD", "AMD"},
    {"HygonGenuine", "Hygon"},
    {"  Shanghai  ", "Zhaoxin"},
};

const char *cpu_feature_from_qemu(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(features); i++)
        if (strcmp(features[i].qemu, name) == 0)
            return features[i].document;
    return name;
}

const char *cpu_feature_to_qemu(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(features); i++)
        if (strcmp(features[i].document, name) == 0)
            return features[i].qemu;
    return name;
}

bool cpu_property_is_feature(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(no_features); i++)
        if (g_str_has_prefix(name, no_features[i]))
            return false;
    return true;
}

bool cpu_feature_is_the_hosts(const char *name)
{
    return g_strv_contains(hosts_features, name);
}

const char *cpu_model_vendor(const char *model)
{
    for (size_t i = 0; i < G_N_ELEMENTS(model_vendors); i++)
        if (g_str_has_prefix(model, model_vendors[i].prefix))
            return model_vendors[i].vendor;
    return "unknown";
}

const char *cpu_vendor_name(const char *cpuid)
{
    for (size_t i = 0; cpuid && i < G_N_ELEMENTS(vendors); i++)
        if (strcmp(vendors[i].cpuid, cpuid) == 0)
            return vendors[i].name;
    return "unknown";
}

static bool has_version(const char *model)
{
    const char *dash = strrchr(model, '-');

    return dash && dash[1] == 'v' && dash[2] && strspn(dash + 2, "0123456789") == strlen(dash + 2);
}

bool cpu_model_is_listed(const char *model)
{
    return strcmp(model, "max") != 0 && strcmp(model, "host") != 0 && strcmp(model, "base") != 0 &&
           !has_version(model);
}
