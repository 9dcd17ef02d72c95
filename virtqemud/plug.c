/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plug.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"

#include "arguments-parts.h"
#include "chardev-json.h"
#include "json.h"
#include "option.h"
#include "qmp-commands.h"
#include "secret-object.h"

#define SET_PATH "/dev/fdset/"
#define WORD_DEPTH 20
#define WORD_MEMORY (1024 * 1024)

/* ---- what an option of the command line is as a command ---- */

static const struct verb {
    const char *option;
    const char *add, *del;
    const char *key;      /* of the name in what is added, and in the command that deletes */
    bool is_device;       /* comes last, and goes by itself */
    bool is_chardev;      /* no JSON on the command line */
    bool is_file;         /* -add-fd: a set of descriptors */
    const char *bare_key; /* the value is this one argument, and there is nothing to delete */
} verbs[] = {
    {"-object", "object-add", "object-del", "id"},
    {"-blockdev", "blockdev-add", "blockdev-del", "node-name"},
    {"-netdev", "netdev_add", "netdev_del", "id"},
    {"-chardev", "chardev-add", "chardev-remove", "id", .is_chardev = true},
    {"-device", "device_add", "device_del", "id", .is_device = true},
    {"-add-fd", "add-fd", NULL, NULL, .is_file = true},
    {"-watchdog-action", "watchdog-set-action", NULL, NULL, .bare_key = "action"},
};

struct step {
    const struct verb *verb;
    char *value; /* the option's value, of -add-fd and of chardevs */
    char *name;  /* what it is deleted by; NULL: it is not */
    bool shared; /* the key of secrets: others may have brought it, and need it */
    struct json_object *json;
};

/* A set of descriptors: its number on the command line, and in QEMU. */
struct set {
    int ours;
    int64_t theirs;
};

struct plug {
    char *alias;
    struct arguments arguments;
    GPtrArray *steps;
    GArray *sets; /* struct set: of descriptors, that QEMU has got */
    char *terminal;
};

static void free_step(void *data)
{
    struct step *step = data;

    json_clear(&step->json);
    g_free(step->value);
    g_free(step->name);
    g_free(step);
}

static const struct verb *find_verb(const char *option)
{
    for (size_t i = 0; i < G_N_ELEMENTS(verbs); i++)
        if (strcmp(verbs[i].option, option) == 0)
            return &verbs[i];
    return NULL;
}

/* ---- from words to steps ---- */

static int read_value(const struct verb *verb, const char *value, struct json_object **ret_json,
                      GError **error)
{
    if (verb->is_file)
        return 0;
    if (verb->is_chardev)
        return chardev_json(value, ret_json, error);
    if (verb->bare_key) {
        g_autofree char *pair = g_strdup_printf("s:%s", verb->bare_key);
        *ret_json = json_build(pair, value, NULL);
        return 0;
    }
    return json_read(value, strlen(value), WORD_DEPTH, WORD_MEMORY, ret_json, error);
}

static int add_step(struct plug *plug, const char *option, const char *value, GError **error)
{
    const struct verb *verb = find_verb(option);
    struct json_object *json = NULL;

    if (!verb) {
        error_set(error, VIR_ERR_OPERATION_UNSUPPORTED,
                  "device '%s' can't be plugged: it needs '%s' when the guest is started",
                  plug->alias, option);
        return -1;
    }
    if (read_value(verb, value, &json, error) < 0)
        return -1;
    struct step *step = g_new0(struct step, 1);
    *step = (struct step){.verb = verb,
                          .value = g_strdup(value),
                          .name = verb->key ? g_strdup(json_string_member(json, verb->key)) : NULL,
                          .json = json};
    step->shared = g_strcmp0(step->name, SECRET_KEY_ID) == 0;
    g_ptr_array_add(plug->steps, step);
    return 0;
}

/* The device comes last, whatever the command line's order. */
static int read_steps(struct plug *plug, GError **error)
{
    const GPtrArray *words = plug->arguments.words;

    for (unsigned pass = 0; pass < 2; pass++)
        for (guint i = 0; i + 1 < words->len; i += 2) {
            const struct verb *verb = find_verb(words->pdata[i]);

            if ((verb && verb->is_device) == (pass == 1) &&
                add_step(plug, words->pdata[i], words->pdata[i + 1], error) < 0)
                return -1;
        }
    return 0;
}

/* What the words of <boot dev=''/> mean was settled when the guest was started. */
static void forget_boot_order(struct plug *plug)
{
    for (guint i = 0; i < plug->steps->len; i++) {
        const struct step *step = plug->steps->pdata[i];

        if (step->verb->is_device)
            json_object_object_del(step->json, "bootindex");
    }
}

static struct plug *plug_new(const char *alias)
{
    struct plug *plug = g_new0(struct plug, 1);

    plug->alias = g_strdup(alias);
    arguments_init(&plug->arguments);
    plug->steps = g_ptr_array_new_with_free_func(free_step);
    plug->sets = g_array_new(FALSE, FALSE, sizeof(struct set));
    return plug;
}

int plug_build(const struct domain *live, const struct device *device,
               const struct arguments_context *context, struct plug **ret_plug, GError **error)
{
    struct plug *plug PLUG_AUTO = plug_new(device->info ? device->info->alias : NULL);
    const struct build build = {.domain = live, .context = context, .arguments = &plug->arguments};

    if (arguments_add_device(&build, device, error) < 0 || read_steps(plug, error) < 0)
        return -1;
    if (device->info && !device->info->boot_order)
        forget_boot_order(plug);
    *ret_plug = g_steal_pointer(&plug);
    return 0;
}

void plug_free(struct plug *plug)
{
    if (!plug)
        return;
    g_ptr_array_unref(plug->steps);
    g_array_unref(plug->sets);
    arguments_clear(&plug->arguments);
    g_free(plug->terminal);
    g_free(plug->alias);
    g_free(plug);
}

bool plug_has_device(const struct plug *plug)
{
    for (guint i = 0; i < plug->steps->len; i++)
        if (((const struct step *)plug->steps->pdata[i])->verb->is_device)
            return true;
    return false;
}

const char *plug_terminal(const struct plug *plug)
{
    return plug->terminal;
}

/* ---- descriptors ---- */

static int fd_of(const struct plug *plug, int number)
{
    for (guint i = 0; i < plug->arguments.fds->len; i++) {
        const struct process_fd *fd = &g_array_index(plug->arguments.fds, struct process_fd, i);

        if (fd->to == number)
            return fd->from;
    }
    return -1;
}

/* "3:4" -> "plug3:plug4", each handed over under that name; what is no number stays. */
static char *hand_over(const struct plug *plug, struct qmp *qmp, const char *list, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(list, ":", 0);

    for (char **part = parts; *part; part++) {
        int fd = g_ascii_isdigit(**part) ? fd_of(plug, atoi(*part)) : -1;
        g_autofree char *name = fd >= 0 ? g_strdup_printf("plug%s", *part) : NULL;

        if (!name)
            continue;
        if (qmp_getfd(qmp, name, fd, 0, error) < 0)
            return NULL;
        g_free(*part);
        *part = g_steal_pointer(&name);
    }
    return g_strjoinv(":", parts);
}

/* A member of an object whose value is numbers of descriptors is given names instead. */
static int hand_over_member(const struct plug *plug, struct qmp *qmp, struct json_object *object,
                            const char *name, GError **error)
{
    const char *list = json_string_member(object, name);

    if (!list)
        return 0;
    g_autofree char *names = hand_over(plug, qmp, list, error);
    if (!names)
        return -1;
    json_object_object_add(object, name, json_object_new_string(names));
    return 0;
}

static int hand_over_all(const struct plug *plug, struct qmp *qmp, const struct step *step,
                         GError **error)
{
    static const char *const members[] = {"fd", "fds", "vhostfd", "vhostfds"};

    if (step->verb->is_chardev) {
        struct json_object *data =
            json_object_member(json_object_member(step->json, "backend"), "data");
        struct json_object *address = json_object_member(data, "addr");

        return hand_over_member(plug, qmp, json_object_member(address, "data"), "str", error);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(members); i++)
        if (hand_over_member(plug, qmp, step->json, members[i], error) < 0)
            return -1;
    return 0;
}

/* ---- files: sets of descriptors, which QEMU numbers ---- */

static const struct set *find_set(const struct plug *plug, int ours)
{
    for (guint i = 0; i < plug->sets->len; i++)
        if (g_array_index(plug->sets, struct set, i).ours == ours)
            return &g_array_index(plug->sets, struct set, i);
    return NULL;
}

/* Whoever names a set by our number gets QEMU's. */
static void rename_sets(const struct plug *plug, struct json_object *json)
{
    json_object_object_foreach(json, name, value)
    {
        const char *text =
            json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
        const struct set *set = text && g_str_has_prefix(text, SET_PATH)
                                    ? find_set(plug, atoi(text + strlen(SET_PATH)))
                                    : NULL;

        if (json_object_is_type(value, json_type_object))
            rename_sets(plug, value);
        if (set) {
            g_autofree char *path = g_strdup_printf(SET_PATH "%" G_GINT64_FORMAT, set->theirs);
            json_object_set_string(value, path);
        }
        (void)name;
    }
}

static int add_file(struct plug *plug, struct qmp *qmp, const struct step *step, GError **error)
{
    struct json_object *result JSON_AUTO = NULL;
    g_autofree char *mark = g_strconcat(PLUG_SET_MARK, plug->alias, NULL);
    struct json_object *arguments = json_build("s:opaque", mark, NULL);
    struct set added = {-1, -1};
    int number = -1;

    sscanf(step->value, "set=%d,fd=%d", &added.ours, &number);
    int fd = fd_of(plug, number);
    const struct set *known = find_set(plug, added.ours);
    if (known)
        json_add(arguments, "I:fdset-id", known->theirs, NULL);
    if (qmp_execute_fds(qmp, "add-fd", arguments, &fd, 1, 0, &result, error) < 0)
        return -1;
    added.theirs = json_int_member(result, "fdset-id", -1);
    if (!known)
        g_array_append_val(plug->sets, added);
    return 0;
}

static bool set_is_of(struct json_object *set, const char *mark)
{
    struct json_object *fds = json_array_member(set, "fds");

    for (size_t i = 0; fds && i < json_object_array_length(fds); i++)
        if (g_strcmp0(json_string_member(json_object_array_get_idx(fds, i), "opaque"), mark) == 0)
            return true;
    return false;
}

static void remove_files(const struct plug *plug, struct qmp *qmp)
{
    struct json_object *sets JSON_AUTO = NULL;
    g_autofree char *mark = g_strconcat(PLUG_SET_MARK, plug->alias, NULL);

    if (qmp_execute(qmp, "query-fdsets", NULL, 0, &sets, NULL) < 0 ||
        !json_object_is_type(sets, json_type_array))
        return;
    for (size_t i = 0; i < json_object_array_length(sets); i++) {
        struct json_object *set = json_object_array_get_idx(sets, i);

        if (set_is_of(set, mark))
            qmp_execute(qmp, "remove-fd",
                        json_build("I:fdset-id", json_int_member(set, "fdset-id", -1), NULL), 0,
                        NULL, NULL);
    }
}

/* ---- doing it ---- */

/* True if it may still happen: what QEMU was told and has not answered. */
static bool is_open(const GError *error)
{
    return error_is(error, VIR_ERR_OPERATION_TIMEOUT) || error_is(error, VIR_ERR_OPERATION_FAILED);
}

/* QEMU refuses what it has; whether that was the reason, the next step tells. */
static int add_shared(const struct step *step, struct qmp *qmp, GError **error)
{
    GError *refused = NULL;

    if (qmp_execute(qmp, step->verb->add, json_object_get(step->json), 0, NULL, &refused) == 0)
        return 0;
    if (is_open(refused)) {
        g_propagate_error(error, refused);
        return -1;
    }
    log_debug("%s: %s", qmp_who(qmp), refused->message);
    g_error_free(refused);
    return 0;
}

static int run_step(struct plug *plug, struct qmp *qmp, const struct step *step, GError **error)
{
    struct json_object *result JSON_AUTO = NULL;

    if (step->verb->is_file)
        return add_file(plug, qmp, step, error);
    if (step->json)
        rename_sets(plug, step->json);
    if (hand_over_all(plug, qmp, step, error) < 0)
        return -1;
    if (step->shared)
        return add_shared(step, qmp, error);
    if (qmp_execute(qmp, step->verb->add, json_object_get(step->json), 0, &result, error) < 0)
        return -1;
    const char *terminal = json_string_member(result, "pty");
    /* QEMU is not to choose what we open later */
    if (terminal && g_str_has_prefix(terminal, "/dev/pts/") && !strstr(terminal, "..")) {
        g_free(plug->terminal);
        plug->terminal = g_strdup(terminal);
    }
    return 0;
}

/* In QEMU's words, for it has no class of errors for this. */
static bool is_in_use(const GError *error)
{
    return strstr(error->message, "in use") || strstr(error->message, "is busy");
}

static bool undo_step(const struct step *step, struct qmp *qmp)
{
    g_autofree char *pair = g_strdup_printf("s:%s", step->verb->key);
    g_autoptr(GError) error = NULL;

    if (qmp_execute(qmp, step->verb->del, json_build(pair, step->name, NULL), 0, NULL, &error) == 0)
        return true;
    log_debug("%s: %s", qmp_who(qmp), error->message);
    return !is_in_use(error);
}

static bool undo_steps(const struct plug *plug, struct qmp *qmp, guint count)
{
    bool whole = true;

    for (guint i = count; i > 0; i--) {
        const struct step *step = plug->steps->pdata[i - 1];

        if (step->name && step->verb->del && !step->verb->is_device && !step->shared)
            whole &= undo_step(step, qmp);
    }
    remove_files(plug, qmp);
    return whole;
}

static int apply(struct plug *plug, struct qmp *qmp, bool devices, GError **error)
{
    for (guint i = 0; i < plug->steps->len; i++) {
        const struct step *step = plug->steps->pdata[i];
        GError *refused = NULL;

        if (step->verb->is_device != devices)
            continue;
        if (run_step(plug, qmp, step, &refused) == 0)
            continue;
        if (!is_open(refused))
            undo_steps(plug, qmp, i);
        g_propagate_error(error, refused);
        return -1;
    }
    return 0;
}

int plug_apply_device(struct plug *plug, struct qmp *qmp, GError **error)
{
    return apply(plug, qmp, true, error);
}

int plug_apply_parts(struct plug *plug, struct qmp *qmp, GError **error)
{
    return apply(plug, qmp, false, error);
}

bool plug_withdraw(const struct plug *plug, struct qmp *qmp)
{
    return undo_steps(plug, qmp, plug->steps->len);
}
