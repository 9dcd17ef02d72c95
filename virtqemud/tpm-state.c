/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tpm-state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/process.h"
#include "base/uuid.h"

#define SETUP_MS 120000
#define SETUP_OUTPUT (64 * 1024)
#define FOLDER "/var/lib/libvirt/swtpm"
#define LOG_FOLDER "/var/log/swtpm/libvirt/qemu"

void tpm_state_clear(struct tpm_state *state)
{
    g_clear_pointer(&state->place, g_free);
    g_clear_pointer(&state->log, g_free);
}

bool tpm_state_is_2(const struct domain_tpm *tpm)
{
    return tpm->version != TPM_VERSION_1_2;
}

/* ---- where ---- */

static bool is_session(const struct qemu *qemu)
{
    return qemu->driver->daemon->session;
}

static char *domain_folder(const struct qemu *qemu, const struct domain *domain)
{
    char uuid[UUID_TEXT];
    g_autofree char *top = is_session(qemu) ? g_build_filename(g_get_user_config_dir(), "libvirt",
                                                               "qemu", "swtpm", NULL)
                                            : g_strdup(FOLDER);

    return g_build_filename(top, uuid_format(domain->uuid, uuid), NULL);
}

static char *log_path(const struct qemu *qemu, const struct domain *domain)
{
    g_autofree char *file = g_strdup_printf("%s-swtpm.log", domain->name);

    return g_build_filename(is_session(qemu) ? qemu->log_folder : LOG_FOLDER, file, NULL);
}

static uid_t owner_of(const struct qemu *qemu)
{
    return qemu->config.set_user ? qemu->config.swtpm_uid : (uid_t)-1;
}

static gid_t group_of(const struct qemu *qemu)
{
    return qemu->config.set_user ? qemu->config.swtpm_gid : (gid_t)-1;
}

/* ---- making ---- */

/* Every user passes through those above, and sees nothing there. */
static int make_folder(const struct qemu *qemu, const char *path, GError **error)
{
    g_autofree char *above = g_path_get_dirname(path);

    if (file_make_folders(above, 0711, error) < 0 ||
        file_make_folders_owned(path, 0700, owner_of(qemu), group_of(qemu), error) < 0)
        return -1;
    return 0;
}

static int make_log(const struct qemu *qemu, const char *path, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);

    if (file_make_folders(folder, 0711, error) < 0)
        return -1;
    autofd int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0 && (owner_of(qemu) == (uid_t)-1 || fchown(fd, owner_of(qemu), group_of(qemu)) == 0))
        return 0;
    error_set_errno(error, errno, "cannot make the log '%s'", path);
    return -1;
}

static bool is_empty(const char *folder)
{
    g_auto(GStrv) names = NULL;

    return file_list(folder, NULL, &names, NULL) == 0 && !names[0];
}

/* One whose state is worked on. */
struct work {
    const struct qemu *qemu;
    const struct domain *domain;
    const struct domain_tpm *tpm;
    const struct secret_value *passphrase; /* empty: it is not encrypted */
    const char *path;                      /* of the folder, or the file */
    const char *log;
    bool is_file;
};

#define PASSPHRASE_FD 3

/* Runs swtpm_setup with these words, and the passphrase (-1: none) to be read from a descriptor. */
static int run_program(const struct qemu *qemu, GPtrArray *words, int passphrase, GError **error)
{
    g_autofree char *program = g_find_program_in_path("swtpm_setup");
    const struct process_fd inherited = {passphrase, PASSPHRASE_FD};

    if (!program) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "an emulated TPM needs the program 'swtpm_setup': install swtpm-tools");
        return -1;
    }
    g_ptr_array_insert(words, 0, program);
    g_ptr_array_add(words, NULL);
    const struct process_spec spec = {.argv = (const char *const *)words->pdata,
                                      .fds = &inherited,
                                      .fd_count = passphrase >= 0 ? 1 : 0,
                                      .set_user = qemu->config.set_user,
                                      .uid = qemu->config.swtpm_uid,
                                      .gid = qemu->config.swtpm_gid};
    int result = process_run(&spec, SETUP_OUTPUT, SETUP_MS, NULL, error);
    if (result < 0)
        g_prefix_error(error, "the state of the TPM could not be made: ");
    return result;
}

static int run_setup(const struct work *work, GPtrArray *words, GError **error)
{
    char *const with_passphrase[] = {"--pwdfile-fd", G_STRINGIFY(PASSPHRASE_FD), "--cipher",
                                     TPM_STATE_CIPHER};
    autofd int fd = -1;

    if (work->passphrase->length && secret_value_open(work->passphrase, &fd, error) < 0)
        return -1;
    for (size_t i = 0; fd >= 0 && i < G_N_ELEMENTS(with_passphrase); i++)
        g_ptr_array_add(words, with_passphrase[i]);
    return run_program(work->qemu, words, fd, error);
}

/* As swtpm_setup has it. The caller frees. */
static char *place_of(const struct work *work)
{
    return g_strconcat(work->is_file ? "file://" : "", work->path, NULL);
}

/* A user signs certificates with an authority of his own. */
static int make_user_config(const struct qemu *qemu, GError **error)
{
    g_autofree char *path = g_build_filename(g_get_user_config_dir(), "swtpm_setup.conf", NULL);
    g_autoptr(GPtrArray) words = g_ptr_array_new();

    if (!is_session(qemu) || access(path, F_OK) == 0)
        return 0;
    g_ptr_array_add(words, "--create-config-files");
    return run_program(qemu, words, -1, error);
}

static void add_word(GPtrArray *words, const char *option, const char *value)
{
    if (!value)
        return;
    g_ptr_array_add(words, (char *)option);
    g_ptr_array_add(words, (char *)value);
}

/* The name is what a TPM was found to have; the source is what a new one is to get. */
static void add_profile(GPtrArray *words, const struct tpm_emulator *emulator)
{
    const char *source = emulator->profile_source;

    add_word(words, "--profile-name", source ? source : emulator->profile_name);
    add_word(words, "--profile-remove-disabled", emulator->profile_remove_disabled);
}

/* A TPM as it leaves the factory, with keys and certificates of its own. */
static int manufacture(const struct work *work, GError **error)
{
    char uuid[UUID_TEXT];
    const struct domain_tpm *tpm = work->tpm;
    g_autofree char *place = place_of(work);
    g_autofree char *identity =
        g_strdup_printf("%s:%s", work->domain->name, uuid_format(work->domain->uuid, uuid));
    char *const common[] = {"--tpm-state",
                            place,
                            "--vmid",
                            identity,
                            "--logfile",
                            (char *)work->log,
                            "--createek",
                            "--create-ek-cert",
                            "--create-platform-cert",
                            "--lock-nvram",
                            "--not-overwrite"};
    g_autoptr(GPtrArray) words = g_ptr_array_new();

    if (tpm_state_is_2(tpm))
        g_ptr_array_add(words, "--tpm2");
    for (size_t i = 0; i < G_N_ELEMENTS(common); i++)
        g_ptr_array_add(words, common[i]);
    add_profile(words, &tpm->emulator);
    if (make_user_config(work->qemu, error) < 0)
        return -1;
    return run_setup(work, words, error);
}

/* "sha1,sha256"; NULL: the document leaves them as they are. The caller frees. */
static char *bank_list(const struct tpm_emulator *emulator)
{
    const struct {
        const char *name;
        bool on;
    } banks[] = {{"sha1", emulator->sha1},
                 {"sha256", emulator->sha256},
                 {"sha384", emulator->sha384},
                 {"sha512", emulator->sha512}};
    GString *list = g_string_new(NULL);

    for (size_t i = 0; i < G_N_ELEMENTS(banks); i++)
        if (banks[i].on)
            g_string_append_printf(list, "%s%s", list->len ? "," : "", banks[i].name);
    return g_string_free(list, list->len == 0);
}

static int set_banks(const struct work *work, GError **error)
{
    g_autofree char *banks = bank_list(&work->tpm->emulator);
    g_autofree char *place = place_of(work);
    g_autoptr(GPtrArray) words = g_ptr_array_new();
    char *const all[] = {"--tpm2",          "--tpm-state", place, "--logfile",
                         (char *)work->log, "--pcr-banks", banks, "--reconfigure"};

    if (!banks || !tpm_state_is_2(work->tpm))
        return 0;
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
        g_ptr_array_add(words, all[i]);
    return run_setup(work, words, error);
}

/* What was made in part is of no use to anybody. */
static void empty_folder(const char *folder)
{
    g_auto(GStrv) names = NULL;

    if (file_list(folder, NULL, &names, NULL) < 0)
        return;
    for (char **name = names; *name; name++) {
        g_autofree char *file = g_build_filename(folder, *name, NULL);
        unlink(file);
    }
    unlinkat(AT_FDCWD, folder, AT_REMOVEDIR);
}

/* ---- one in a file ---- */

static int make_file(const struct qemu *qemu, const char *path, GError **error)
{
    autofd int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

    if (fd >= 0 && (owner_of(qemu) == (uid_t)-1 || fchown(fd, owner_of(qemu), group_of(qemu)) == 0))
        return 0;
    error_set_errno(error, errno, "cannot make the file '%s' for the state of a TPM", path);
    return -1;
}

static bool is_empty_file(const char *path)
{
    struct stat about;

    return stat(path, &about) == 0 && about.st_size == 0;
}

/* ---- all ---- */

/* A comma would begin another option. */
static int check_place(const struct work *work, GError **error)
{
    if (work->is_file && !work->tpm->emulator.source_path) {
        error_set(error, VIR_ERR_XML_ERROR, "tpm: <source type='file'/> has no path");
        return -1;
    }
    if (!strchr(work->path, ','))
        return 0;
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "tpm: the path of its <source> has a comma: '%s'",
              work->path);
    return -1;
}

static int make_place(const struct work *work, GError **error)
{
    return work->is_file ? make_file(work->qemu, work->path, error)
                         : make_folder(work->qemu, work->path, error);
}

static bool is_fresh(const struct work *work)
{
    return work->is_file ? is_empty_file(work->path) : is_empty(work->path);
}

static void forget_place(const struct work *work)
{
    if (work->is_file)
        unlink(work->path);
    else
        empty_folder(work->path);
}

static int make_state(const struct work *work, GError **error)
{
    bool fresh = is_fresh(work);

    if ((!fresh || manufacture(work, error) == 0) && set_banks(work, error) == 0)
        return 0;
    g_prefix_error(error, "see %s: ", work->log);
    if (fresh)
        forget_place(work);
    return -1;
}

int tpm_state_prepare(struct qemu *qemu, const struct domain *domain, const struct domain_tpm *tpm,
                      const struct secret_value *passphrase, struct tpm_state *ret_state,
                      GError **error)
{
    g_autofree char *top = domain_folder(qemu, domain);
    g_autofree char *usual = g_build_filename(top, tpm_state_is_2(tpm) ? "tpm2" : "tpm1.2", NULL);
    g_autofree char *log = log_path(qemu, domain);
    const struct work work = {
        .qemu = qemu,
        .domain = domain,
        .tpm = tpm,
        .passphrase = passphrase,
        .path = tpm->emulator.source_path ? tpm->emulator.source_path : usual,
        .log = log,
        .is_file = g_strcmp0(tpm->emulator.source_type, "file") == 0,
    };

    if (check_place(&work, error) < 0 || make_log(qemu, log, error) < 0 ||
        make_place(&work, error) < 0 || make_state(&work, error) < 0)
        return -1;
    ret_state->place =
        g_strdup_printf(work.is_file ? "backend-uri=file://%s" : "dir=%s,mode=0600", work.path);
    ret_state->log = g_steal_pointer(&log);
    return 0;
}

/* ---- removing ---- */

static bool must_stay(const struct domain *domain, unsigned flags)
{
    if (flags & (VIR_DOMAIN_UNDEFINE_TPM | VIR_DOMAIN_UNDEFINE_KEEP_TPM))
        return flags & VIR_DOMAIN_UNDEFINE_KEEP_TPM;
    LIST_EACH (tpm, &domain->devices.tpms)
        if (tpm->backend == TPM_BACKEND_EMULATOR && tpm->emulator.persistent_state)
            return true;
    return false;
}

void tpm_state_remove(struct qemu *qemu, const struct domain *domain, unsigned flags)
{
    g_autofree char *top = domain_folder(qemu, domain);
    g_autofree char *old = g_build_filename(top, "tpm1.2", NULL);
    g_autofree char *new = g_build_filename(top, "tpm2", NULL);

    if (must_stay(domain, flags))
        return;
    empty_folder(old);
    empty_folder(new);
    if (rmdir(top) < 0 && errno != ENOENT)
        log_warn("cannot remove %s: %s", top, g_strerror(errno));
}
