/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What becomes of a guest's CPU, by what QEMU says of it. */
#include <json-c/json.h>
#include <string.h>

#include "base/error.h"
#include "virtqemud/cpu-live.h"
#include "virtqemud/json.h"
#include "xml/xml.h"

static char *known[] = {"aes",    "avx2", "hypervisor", "lahf_lm", "pcid",
                        "rdrand", "svm",  "x2apic",     NULL};
static char *own_of_amd[] = {"svm", NULL};
static char *own_of_intel[] = {"x2apic", NULL};

static const struct emulator_cpu_model models[] = {
    {.name = "amd", .expanded = true, .own = own_of_amd},
    {.name = "intel", .expanded = true, .own = own_of_intel},
    {.name = "version"},
};
static const struct emulator emulator = {
    .arch = "x86_64",
    .cpus = {[ACCELERATOR_TCG] = {.models = models,
                                  .model_count = G_N_ELEMENTS(models),
                                  .known = known},
             [ACCELERATOR_KVM] = {.known = known}},
};

#define EXTRA "extra features: hypervisor,x2apic"

struct row {
    const char *check, *model, *features; /* of the document: "+aes -svm ?avx2 !pcid ^rdrand" */
    const char *on;                       /* properties of the expanded model */
    const char *unavailable;
    const char *live, *asked; /* features */
    const char *error;
};

static const struct row rows[] = {
    {"none", "amd", "", "svm hypervisor", "", "+hypervisor", "", NULL},
    {"partial", "amd", "", "x2apic hypervisor", "", "+hypervisor -svm +x2apic", "", NULL},
    {"none", "intel", "", "x2apic hypervisor pcid aes", "pcid x2apic", "-pcid -x2apic +hypervisor",
     "", NULL},
    {"none", "version", "", "x2apic", "", "", "", NULL},
    /* QEMU's spelling, and what is no feature of documents' */
    {"none", "version", "+lahf_lm", "lahf-lm", "", "+lahf_lm", "+lahf_lm", NULL},
    {"none", "version", "", "lahf-lm", "lahf-lm vmx-exit \"<&", "-lahf_lm", "", NULL},
    {"none", "version", "+aes -pcid ?avx2 ?rdrand !svm ^x2apic", "aes avx2 svm", "aes svm",
     "-aes -pcid +avx2 -rdrand -svm ^x2apic", "+aes -pcid +avx2 -rdrand !svm ^x2apic", NULL},
    /* what QEMU has no word for stays */
    {"none", "version", "+osxsave", "", "", "+osxsave", "+osxsave", NULL},
    {"full", "intel", "+hypervisor ?avx2", "x2apic hypervisor", "", "+hypervisor -avx2",
     "+hypervisor -avx2", NULL},
    {"full", "amd", "", "x2apic svm hypervisor", "", NULL, NULL, EXTRA},
    {"full", "amd", "!pcid -svm", "hypervisor x2apic pcid aes", "aes pcid", NULL, NULL,
     EXTRA ", missing features: pcid,aes"},
    {"full", "version", "+aes", "", "", NULL, NULL, "missing features: aes"},
};

static const struct {
    char sign;
    uint8_t policy;
    const char *word;
} policies[] = {
    {'+', CPU_POLICY_REQUIRE, "require"},   {'-', CPU_POLICY_DISABLE, "disable"},
    {'?', CPU_POLICY_OPTIONAL, "optional"}, {'!', CPU_POLICY_FORCE, "force"},
    {'^', CPU_POLICY_FORBID, "forbid"},
};

static struct domain *read_domain(const struct row *row)
{
    g_auto(GStrv) features = g_strsplit(row->features, " ", -1);
    g_autoptr(GString) text =
        g_string_new("<domain type='qemu'><name>g</name><memory>65536</memory>"
                     "<os><type arch='x86_64' machine='pc'>hvm</type></os>");
    g_autoptr(GError) error = NULL;

    g_string_append_printf(text, "<cpu mode='custom' match='exact' check='%s'><model>%s</model>",
                           row->check, row->model);
    for (char **feature = features; *feature && **feature; feature++)
        for (unsigned i = 0; i < G_N_ELEMENTS(policies); i++)
            if (policies[i].sign == **feature)
                g_string_append_printf(text, "<feature policy='%s' name='%s'/>", policies[i].word,
                                       *feature + 1);
    g_string_append(text, "</cpu></domain>");
    struct domain *domain =
        (struct domain *)xml_read(&domain_schema, text->str, -1, 0, NULL, &error);
    g_assert_no_error(error);
    return domain;
}

static void check_features(const struct domain_cpu *cpu, const char *expected)
{
    g_autoptr(GString) text = g_string_new(NULL);

    LIST_EACH (feature, &cpu->features)
        for (unsigned i = 0; i < G_N_ELEMENTS(policies); i++)
            if (policies[i].policy == feature->policy)
                g_string_append_printf(text, "%s%c%s", text->len ? " " : "", policies[i].sign,
                                       feature->name);
    g_assert_cmpstr(text->str, ==, expected);
}

/* Every property that is not on is off, but QEMU has never heard of osxsave. */
static struct json_object *expansion_of(const char *on)
{
    struct json_object *properties = json_object_new_object();
    g_auto(GStrv) names = g_strsplit(on, " ", -1);

    for (char **name = known; *name; name++)
        json_object_object_add(properties, *name, json_object_new_boolean(false));
    for (char **name = names; *name; name++)
        json_object_object_add(properties, *name, json_object_new_boolean(true));
    return json_build("j:model", json_build("j:props", properties, NULL), NULL);
}

static struct json_object *list_of(const char *words)
{
    struct json_object *list = json_object_new_array();
    g_auto(GStrv) names = g_strsplit(words, " ", -1);

    for (char **name = names; *name && **name; name++)
        json_object_array_add(list, json_object_new_string(*name));
    return list;
}

static void check_live(const struct row *row, struct domain *domain)
{
    g_assert_cmpint(domain->cpu->check, ==, CPU_CHECK_FULL);
    g_assert_cmpint(domain->cpu->fallback, ==, CPU_FALLBACK_FORBID);
    check_features(domain->cpu, row->live);
    check_features(domain->asked_cpu, row->asked);

    /* a later daemon finds the same, and others see but what there is */
    g_autofree char *status = xml_write(&domain->definition, XML_WRITE_STATUS);
    g_autofree char *shown = xml_write(&domain->definition, 0);
    DEFINITION_AUTO struct domain *again =
        (struct domain *)xml_read(&domain_schema, status, -1, XML_READ_STATUS, NULL, NULL);
    check_features(again->cpu, row->live);
    check_features(again->asked_cpu, row->asked);
    g_assert_null(strstr(shown, "askedCpu"));
}

static void test_row(gconstpointer data)
{
    const struct row *row = data;
    DEFINITION_AUTO struct domain *domain = read_domain(row);
    struct json_object *expansion JSON_AUTO = expansion_of(row->on);
    struct json_object *unavailable JSON_AUTO = list_of(row->unavailable);
    g_autoptr(GError) error = NULL;
    int result = cpu_live_settle(domain, &emulator, expansion, unavailable, &error);

    if (row->error) {
        g_assert_cmpint(result, ==, -1);
        g_assert_true(error_is(error, VIR_ERR_OPERATION_FAILED));
        g_assert_true(g_str_has_suffix(error->message, row->error));
        return;
    }
    g_assert_no_error(error);
    check_live(row, domain);
}

static void test_no_answer(void)
{
    DEFINITION_AUTO struct domain *domain = read_domain(&rows[0]);
    struct json_object *expansion JSON_AUTO = expansion_of("svm");
    struct json_object *list JSON_AUTO = list_of("");
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(cpu_live_settle(domain, &emulator, expansion, expansion, NULL), ==, -1);
    g_assert_cmpint(cpu_live_settle(domain, &emulator, list, list, &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_INTERNAL_ERROR));
    g_assert_null(domain->asked_cpu);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cpu-live/no-answer", test_no_answer);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *name = g_strdup_printf("/cpu-live/%u", i);
        g_test_add_data_func(name, &rows[i], test_row);
    }
    return g_test_run();
}
