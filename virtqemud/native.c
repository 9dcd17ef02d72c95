/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "native.h"

#include <string.h>
#include <sys/utsname.h>

#include "base/error.h"
#include "xml/definition.h"
#include "xml/xml.h"

#include "native-parts.h"
#include "native-words.h"

/* Buses behind buses behind buses that are kept */
#define MAX_READINGS 8

static const struct native_row *const tables[] = {
    native_machine_rows, native_cpu_rows,    native_numa_rows,    native_disk_rows,
    native_net_rows,     native_device_rows, native_chardev_rows, native_display_rows,
};

/* What a daemon gives to every QEMU by itself. */
static const char *const own_variables[] = {
    "PATH",          "HOME",           "LC_ALL",          "USER", "LOGNAME",
    "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", NULL};

int native_fault(const struct native_option *option, const char *what, GError **error)
{
    error_set(error, VIR_ERR_INVALID_ARG, "%s: '%.200s': %s", option->word,
              option->value ? option->value : "", what);
    return -1;
}

static const struct native_row *find_row(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++)
        for (const struct native_row *row = tables[i]; row->name; row++)
            if (g_str_equal(row->name, name))
                return row;
    return NULL;
}

static char *backend_key(const char *kind, const char *id)
{
    return g_strdup_printf("%s %s", kind, id);
}

struct native_option *native_find_backend(struct native *native, const char *kind, const char *id)
{
    g_autofree char *key = backend_key(kind, id);
    struct native_option *option = g_hash_table_lookup(native->backends, key);

    return option && !option->taken ? option : NULL;
}

int native_note_backend(struct native *native, struct native_option *option, GError **error)
{
    const char *id = native_list_find(&option->list, "id");

    if (!id)
        id = native_list_find(&option->list, "node-name");
    if (id)
        g_hash_table_insert(native->backends, backend_key(option->row->name, id), option);
    return 0;
}

/* ---- The program ---- */

static const char *host_arch(struct arena *arena)
{
    struct utsname names;

    return uname(&names) == 0 ? arena_strdup(arena, names.machine) : "x86_64";
}

static void read_program(struct native *native, const char *path)
{
    struct domain *domain = native->domain;
    g_autofree char *name = g_path_get_basename(path);
    const char *arch = strstr(name, "qemu-system-");

    if (path[0] == '/')
        domain->devices.emulator = arena_strdup(native->arena, path);
    domain->os.type = OS_HVM;
    domain->os.arch = arch ? arena_strdup(native->arena, arch + strlen("qemu-system-"))
                           : host_arch(native->arena);
    if (g_str_equal(domain->os.arch, "i386"))
        domain->os.arch = "i686";
    else if (g_str_equal(domain->os.arch, "arm"))
        domain->os.arch = "armv7l";
    domain->type = strstr(name, "kvm") ? DOMAIN_TYPE_KVM : DOMAIN_TYPE_QEMU;
    native->is_x86 = g_str_equal(domain->os.arch, "x86_64") || g_str_equal(domain->os.arch, "i686");
    if (native->is_x86) {
        domain->features = arena_new(native->arena, struct domain_features);
        domain->features->acpi = true;
    }
}

static void read_variable(struct native *native, const char *word)
{
    const char *equals = strchr(word, '=');
    char *name = arena_strndup(native->arena, word, (size_t)(equals - word));

    if (g_strv_contains(own_variables, name))
        return;
    struct passthrough_env *variable = arena_new(native->arena, struct passthrough_env);
    variable->name = name;
    variable->value = arena_strdup(native->arena, equals + 1);
    LIST_APPEND(native->arena, &native->domain->qemu_environment, variable);
}

static int read_command(struct native *native, char ***words, GError **error)
{
    for (; **words && native_is_variable(**words); (*words)++)
        read_variable(native, **words);
    if (!**words || (**words)[0] == '-' || !(**words)[0]) {
        error_set(error, VIR_ERR_INVALID_ARG, "no emulator is named: '%.200s' is no program",
                  **words ? **words : "");
        return -1;
    }
    read_program(native, **words);
    (*words)++;
    return 0;
}

/* ---- Options ---- */

/* A word without a hyphen where an option is expected is the image of the first disk. */
static const char *option_name(const char *word)
{
    if (word[0] != '-' || !word[1])
        return "hda";
    return word + (word[1] == '-' ? 2 : 1);
}

/* Of an unknown option, a next word that is no option is its value. */
static bool has_value(const struct native_row *row, const char *next)
{
    return row ? !row->is_alone : next && (next[0] != '-' || !next[1]);
}

static int read_option(struct native *native, char ***words, GError **error)
{
    struct native_option option = {.word = arena_strdup(native->arena, **words)};

    option.row = find_row(option_name(option.word));
    if (option.word[0] != '-') {
        option.value = option.word;
        option.word = "-hda";
    } else if (has_value(option.row, (*words)[1])) {
        (*words)++;
        if (!**words)
            return native_fault(&option, "the option needs a value", error);
        option.value = arena_strdup(native->arena, **words);
    }
    (*words)++;
    if (option.value && option.row && option.row->read)
        option.list = native_list_read(option.value, option.row->first, native->arena);
    g_array_append_val(native->options, option);
    return 0;
}

static int read_stage(struct native *native, enum native_stage stage, GError **error)
{
    for (guint i = 0; i < native->options->len; i++) {
        struct native_option *option = &g_array_index(native->options, struct native_option, i);

        if (!option->row || option->row->stage != stage)
            continue;
        if (!option->row->read)
            option->taken = true;
        else if (option->row->read(native, option, error) < 0)
            return -1;
    }
    return 0;
}

static int read_words(struct native *native, char **words, GError **error)
{
    if (read_command(native, &words, error) < 0)
        return -1;
    while (*words)
        if (read_option(native, &words, error) < 0)
            return -1;
    if (read_stage(native, NATIVE_BACKEND, error) < 0 ||
        read_stage(native, NATIVE_MACHINE, error) < 0 ||
        read_stage(native, NATIVE_DRIVE, error) < 0 ||
        read_stage(native, NATIVE_DEVICE, error) < 0 || read_stage(native, NATIVE_LAST, error) < 0)
        return -1;
    native_complete_numa(native);
    native_complete_nets(native);
    native_complete_display(native);
    native_complete_devices(native);
    return 0;
}

/* A number may be one for QEMU, or look like one, and be too large for its place in a document. */
static int check_document(const struct domain *domain, GError **error)
{
    g_autofree char *text = xml_write(&domain->definition, XML_WRITE_INACTIVE);
    g_autoptr(GError) inner = NULL;
    DEFINITION_AUTO struct definition *again =
        xml_read(&domain_schema, text, -1, XML_READ_INACTIVE, NULL, &inner);

    if (again)
        return 0;
    error_set(error, VIR_ERR_INVALID_ARG, "no document can say what the command line says: %s",
              inner->message);
    return -1;
}

static int read_domain(char **words, GHashTable *kept, struct domain **ret_domain, bool *ret_again,
                       GError **error)
{
    DEFINITION_AUTO struct domain *domain = (struct domain *)definition_new(&domain_schema);
    g_autoptr(GArray) options = g_array_new(FALSE, TRUE, sizeof(struct native_option));
    g_autoptr(GArray) buses = g_array_new(FALSE, TRUE, sizeof(struct native_bus));
    g_autoptr(GHashTable) backends = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    struct native native = {.domain = domain,
                            .arena = &domain->definition.arena,
                            .options = options,
                            .buses = buses,
                            .backends = backends,
                            .kept = kept};

    domain->name = "unnamed";
    domain->memory = 128 * 1024;
    domain->max_vcpus = 1;
    domain->clock.offset = CLOCK_UTC;
    if (read_words(&native, words, error) < 0)
        return -1;
    *ret_again = native_keep_buses(&native);
    native_pass_on(&native);
    *ret_domain = g_steal_pointer(&domain);
    return 0;
}

int native_read(const char *text, struct domain **ret_domain, GError **error)
{
    DEFINITION_AUTO struct domain *domain = NULL;
    g_autoptr(GHashTable) kept = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_auto(GStrv) words = NULL;
    bool again = true;

    if (native_split(text, &words, error) < 0)
        return -1;
    for (unsigned left = MAX_READINGS; again && left > 0; left--) {
        if (domain)
            definition_unref(&domain->definition);
        domain = NULL;
        if (read_domain(words, kept, &domain, &again, error) < 0)
            return -1;
    }
    if (check_document(domain, error) < 0)
        return -1;
    *ret_domain = g_steal_pointer(&domain);
    return 0;
}
