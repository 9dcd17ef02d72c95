/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "arguments.h"

#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/uuid.h"

#include "arguments-parts.h"
#include "json.h"
#include "launch-security.h"
#include "option.h"
#include "reservations.h"

#define FD_IN_PLAN "@FD@"

/* ---- environment ---- */

static void keep_variable(struct arguments *arguments, const char *name)
{
    const char *value = g_getenv(name);

    if (value)
        words_add_variable(arguments, name, value);
}

static void add_home(struct arguments *arguments, const char *name, const char *folder,
                     const char *part)
{
    g_autofree char *path = part ? g_build_filename(folder, part, NULL) : g_strdup(folder);

    words_add_variable(arguments, name, path);
}

/* QEMU's libraries keep files at home: in a session the user's own, else the folder of the run. */
static void add_environment(const struct build *build)
{
    static const char *const of_user[] = {"HOME",           "USER",
                                          "LOGNAME",        "TMPDIR",
                                          "XDG_CACHE_HOME", "XDG_CONFIG_HOME",
                                          "XDG_DATA_HOME",  "XDG_RUNTIME_DIR",
                                          "DISPLAY",        "WAYLAND_DISPLAY",
                                          "XAUTHORITY"};
    struct arguments *arguments = build->arguments;
    const char *folder = build->context->folder;
    const char *path = g_getenv("PATH");

    words_add_variable(arguments, "LC_ALL", "C");
    words_add_variable(arguments, "PATH", path ? path : "/usr/bin:/bin");
    for (size_t i = 0; build->context->session && i < G_N_ELEMENTS(of_user); i++)
        keep_variable(arguments, of_user[i]);
    if (!build->context->session) {
        add_home(arguments, "HOME", folder, NULL);
        add_home(arguments, "XDG_DATA_HOME", folder, ".local/share");
        add_home(arguments, "XDG_CACHE_HOME", folder, ".cache");
        add_home(arguments, "XDG_CONFIG_HOME", folder, ".config");
    }
    LIST_EACH (variable, &build->domain->qemu_environment)
        words_add_variable(arguments, variable->name, variable->value ? variable->value : "");
}

/* ---- head and tail ---- */

static void add_name(const struct build *build)
{
    GString *option = option_new("");

    option_add(option, "guest", build->domain->name);
    if (build->context->config->set_process_name)
        option_addf(option, "process", "qemu:%s", build->domain->name);
    option_add_bool(option, "debug-threads", true);
    words_add_option(build->arguments, "-name", option);
}

static void add_uuid(const struct build *build)
{
    const struct domain *domain = build->domain;
    const uint8_t *shown = uuid_is_valid(domain->hwuuid) ? domain->hwuuid : domain->uuid;
    char uuid[UUID_TEXT];

    words_add(build->arguments, "-uuid", uuid_format(shown, uuid), NULL);
}

static int add_monitor(const struct build *build, GError **error)
{
    GString *option = option_new("socket");

    option_add(option, "id", "charmonitor");
    if (build->context->plan)
        option_add(option, "fd", FD_IN_PLAN);
    else {
        int fd = fd_duplicate(build->context->monitor_fd, error);
        if (fd < 0) {
            g_string_free(option, TRUE);
            return -1;
        }
        option_addf(option, "fd", "%d", words_add_fd(build->arguments, fd));
    }
    option_add_bool(option, "server", true);
    option_add_bool(option, "wait", false);
    words_add_option(build->arguments, "-chardev", option);
    words_add(build->arguments, "-mon", "chardev=charmonitor,id=monitor,mode=control", NULL);
    return 0;
}

static int add_sandbox(const struct build *build, GError **error)
{
    long long wish = build->context->config->seccomp_sandbox;
    bool able = emulator_has(build->context->emulator, EMULATOR_SANDBOX);

    if (wish > 0 && !able) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "qemu.conf: seccomp_sandbox is 1, but the emulator %s has no -sandbox",
                  build->context->emulator->path);
        return -1;
    }
    if (wish != 0 && able)
        words_add(build->arguments, "-sandbox",
                  "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny", NULL);
    return 0;
}

/* What the user adds on his own account comes last. */
static int add_tail(const struct build *build, GError **error)
{
    if (add_sandbox(build, error) < 0)
        return -1;
    LIST_EACH (word, &build->domain->qemu_arguments)
        words_add(build->arguments, word, NULL);
    words_add(build->arguments, "-msg",
              build->context->config->log_timestamp ? "timestamp=on" : "timestamp=off", NULL);
    return 0;
}

/* ---- all together ---- */

static int check_target(const struct build *build, GError **error)
{
    const struct domain *domain = build->domain;
    const struct emulator *emulator = build->context->emulator;

    if (emulator_find_machine(emulator, domain->os.machine))
        return 0;
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "os/type/@machine: the emulator %s has no '%s'",
              emulator->path, domain->os.machine ? domain->os.machine : "");
    return -1;
}

/* How QEMU treats what it would rather be rid of: for those who test against its future. */
static void add_compatibility(const struct build *build)
{
    const char *behavior = build->domain->qemu_deprecation_behavior;
    const char *input = NULL;

    if (!behavior)
        behavior = build->context->config->deprecation_behavior;
    if (!behavior || strcmp(behavior, "none") == 0)
        return;
    if (strcmp(behavior, "reject") == 0 || strcmp(behavior, "crash") == 0)
        input = behavior;
    words_add_json(build->arguments, "-compat",
                   json_build("s:deprecated-output", "hide", "S:deprecated-input", input, NULL));
}

/* Memory is given back by a process of its own after QEMU has ended. */
static int add_teardown(const struct build *build, GError **error)
{
    const struct domain_features *features = build->domain->features;

    if (!features || features->async_teardown != TRISTATE_YES)
        return 0;
    if (!emulator_has(build->context->emulator, EMULATOR_ASYNC_TEARDOWN)) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "features/async-teardown: the emulator %s has no -run-with async-teardown",
                  build->context->emulator->path);
        return -1;
    }
    words_add(build->arguments, "-run-with", "async-teardown=on", NULL);
    return 0;
}

static int add_words(const struct build *build, GError **error)
{
    struct arguments *arguments = build->arguments;

    words_add(arguments, build->context->emulator->path, NULL);
    add_name(build);
    words_add(arguments, "-S", NULL);
    add_compatibility(build);
    if (arguments_add_machine(build, error) < 0 || arguments_add_memory(build, error) < 0 ||
        arguments_add_topology(build, error) < 0 || arguments_add_iothreads(build, error) < 0)
        return -1;
    arguments_add_numa(build);
    add_uuid(build);
    if (add_teardown(build, error) < 0 ||
        launch_security_add(build->domain, build->context, arguments, error) < 0 ||
        arguments_add_tables(build, error) < 0)
        return -1;
    if (build->domain->devices.graphics.count == 0)
        words_add(arguments, "-display", "none", NULL);
    words_add(arguments, "-no-user-config", "-nodefaults", NULL);
    if (add_monitor(build, error) < 0 || arguments_add_clock(build, error) < 0)
        return -1;
    arguments_add_power(build);
    if (arguments_add_boot(build, error) < 0)
        return -1;
    reservations_add_shared(build->domain, build->context, arguments);
    arguments_add_throttle_groups(build);
    return arguments_add_devices(build, error) < 0 ? -1 : add_tail(build, error);
}

static void close_fd(void *item)
{
    close(((struct process_fd *)item)->from);
}

void arguments_init(struct arguments *arguments)
{
    arguments->has_key = false;
    arguments->words = g_ptr_array_new_with_free_func(g_free);
    arguments->environment = g_ptr_array_new_with_free_func(g_free);
    arguments->fds = g_array_new(FALSE, FALSE, sizeof(struct process_fd));
    g_array_set_clear_func(arguments->fds, close_fd);
}

void arguments_clear(struct arguments *arguments)
{
    g_clear_pointer(&arguments->words, g_ptr_array_unref);
    g_clear_pointer(&arguments->environment, g_ptr_array_unref);
    g_clear_pointer(&arguments->fds, g_array_unref);
}

void arguments_close(struct arguments *arguments)
{
    g_array_set_size(arguments->fds, 0);
}

int arguments_build(const struct domain *live, const struct arguments_context *context,
                    struct arguments *ret_arguments, GError **error)
{
    struct arguments arguments;
    const struct build build = {live, context, &arguments};

    arguments_init(&arguments);
    if (check_target(&build, error) < 0 || add_words(&build, error) < 0) {
        arguments_clear(&arguments);
        return -1;
    }
    add_environment(&build);
    g_ptr_array_add(arguments.words, NULL);
    g_ptr_array_add(arguments.environment, NULL);
    *ret_arguments = arguments;
    return 0;
}

/* A word in quotes unless a shell reads it as it is. */
static void print_word(GString *text, const char *word)
{
    static const char plain[] = G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "_-+=./:,@%^";

    if (*word && strspn(word, plain) == strlen(word)) {
        g_string_append(text, word);
        return;
    }
    g_string_append_c(text, '\'');
    for (const char *at = word; *at; at++)
        if (*at == '\'')
            g_string_append(text, "'\\''");
        else
            g_string_append_c(text, *at);
    g_string_append_c(text, '\'');
}

char *arguments_print(const struct arguments *arguments, const char *line_end)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i + 1 < arguments->environment->len; i++) {
        print_word(text, arguments->environment->pdata[i]);
        g_string_append(text, line_end);
    }
    for (guint i = 0; i + 1 < arguments->words->len; i++) {
        const char *word = arguments->words->pdata[i];
        /* an option begins a line, its value follows on the same */
        if (i > 0)
            g_string_append(text, word[0] == '-' ? line_end : " ");
        print_word(text, word);
    }
    return g_string_free(text, FALSE);
}
