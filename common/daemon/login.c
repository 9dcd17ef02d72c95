/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/login.h"

#include <sasl/sasl.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"

/* By this name mechanisms find their configuration, passwords and keys. */
#define SERVICE "libvirt"
#define CONFIGURATION SERVICE ".conf"
/* Plain bytes in one encrypted packet: less than what any mechanism takes. */
#define PACKET_MAX 8192
#define STRONGEST_SSF 100000

struct login {
    sasl_conn_t *connection;
    bool must_encrypt;
    unsigned least_ssf;
};

static bool is_set_up;
static int setup_status;
static bool configured; /* by the host's administrator */

/* Where the library looks. */
static bool is_configured(void)
{
    const char *folder = g_getenv("SASL_CONF_PATH");
    g_autofree char *path = g_build_filename(folder ? folder : "/etc/sasl2", CONFIGURATION, NULL);

    return access(path, F_OK) == 0;
}

/* What a host without a configuration file has. */
static int get_default(void *context, const char *plugin, const char *option, const char **ret,
                       unsigned *ret_length)
{
    static const struct {
        const char *option, *value;
    } defaults[] = {
        {"mech_list", "SCRAM-SHA-256"},
        {"pwcheck_method", "auxprop"},
        {"auxprop_plugin", "sasldb"},
        {"sasldb_path", "/etc/libvirt/passwd.db"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(defaults); i++)
        if (!configured && strcmp(option, defaults[i].option) == 0) {
            *ret = defaults[i].value;
            if (ret_length)
                *ret_length = (unsigned)strlen(*ret);
            return SASL_OK;
        }
    return SASL_FAIL;
}

static int take_log(void *context, int level, const char *text)
{
    if (level <= SASL_LOG_WARN && level != SASL_LOG_NONE)
        log_info("SASL: %s", text);
    else
        log_debug("SASL: %s", text);
    return SASL_OK;
}

static void *make_mutex(void)
{
    GMutex *mutex = g_new(GMutex, 1);

    g_mutex_init(mutex);
    return mutex;
}

static int lock_mutex(void *mutex)
{
    g_mutex_lock(mutex);
    return 0;
}

static int unlock_mutex(void *mutex)
{
    g_mutex_unlock(mutex);
    return 0;
}

static void free_mutex(void *mutex)
{
    g_mutex_clear(mutex);
    g_free(mutex);
}

static void set_up(void)
{
    static const sasl_callback_t callbacks[] = {
        {SASL_CB_GETOPT, (int (*)(void))(void (*)(void))get_default, NULL},
        {SASL_CB_LOG, (int (*)(void))(void (*)(void))take_log, NULL},
        {SASL_CB_LIST_END, NULL, NULL},
    };

    configured = is_configured();
    sasl_set_mutex(make_mutex, lock_mutex, unlock_mutex, free_mutex);
    setup_status = sasl_server_init(callbacks, SERVICE);
}

/* Once for the process, by the first who needs it. */
static int set_up_once(GError **error)
{
    static GMutex lock;

    g_mutex_lock(&lock);
    if (!is_set_up)
        set_up();
    is_set_up = true;
    g_mutex_unlock(&lock);
    if (setup_status == SASL_OK)
        return 0;
    error_set_from(error, VIR_FROM_RPC, VIR_ERR_AUTH_FAILED, "SASL can't be set up: %s",
                   sasl_errstring(setup_status, NULL, NULL));
    return -1;
}

/* On a link that others can read, a mechanism must not send passwords, and must encrypt. */
static int secure(struct login *login, const struct login_link *link)
{
    const sasl_ssf_t outside = link->cipher_bits;
    const sasl_security_properties_t properties = {
        .min_ssf = login->must_encrypt ? login->least_ssf : 0,
        .max_ssf = login->must_encrypt ? STRONGEST_SSF : 0,
        .maxbufsize = 65536,
        .security_flags = SASL_SEC_NOANONYMOUS | (login->must_encrypt ? SASL_SEC_NOPLAINTEXT : 0),
    };
    int status = SASL_OK;

    if (outside)
        status = sasl_setprop(login->connection, SASL_SSF_EXTERNAL, &outside);
    if (status == SASL_OK)
        status = sasl_setprop(login->connection, SASL_SEC_PROPS, &properties);
    return status;
}

void login_shut_down(void)
{
    if (is_set_up && setup_status == SASL_OK)
        sasl_server_done();
    is_set_up = false;
}

struct login *login_new(const struct login_link *link, GError **error)
{
    struct login *login;
    int status;

    if (set_up_once(error) < 0)
        return NULL;
    login = g_new0(struct login, 1);
    login->must_encrypt = !link->is_local && !link->cipher_bits;
    login->least_ssf = link->least_ssf;
    status = sasl_server_new(SERVICE, NULL, NULL, link->own_address, link->address, NULL,
                             SASL_SUCCESS_DATA, &login->connection);
    if (status == SASL_OK)
        status = secure(login, link);
    if (status == SASL_OK)
        return login;
    error_set_from(error, VIR_FROM_RPC, VIR_ERR_AUTH_FAILED, "SASL can't be used: %s",
                   sasl_errstring(status, NULL, NULL));
    login_free(login);
    return NULL;
}

void login_free(struct login *login)
{
    if (!login)
        return;
    sasl_dispose(&login->connection);
    g_free(login);
}

int login_mechanisms(struct login *login, const char **ret_names, GError **error)
{
    const char *names = NULL;
    int count = 0;
    int status = sasl_listmech(login->connection, NULL, "", ",", "", &names, NULL, &count);

    if (status == SASL_OK && count > 0) {
        *ret_names = names;
        return 0;
    }
    error_set_from(
        error, VIR_FROM_RPC, VIR_ERR_AUTH_FAILED,
        "no SASL mechanism of this host %s: see mech_list in /etc/sasl2/%s, and auth_tcp and "
        "tcp_min_ssf in virtproxyd.conf",
        login->must_encrypt ? "encrypts as TCP needs it" : "can be used", CONFIGURATION);
    return -1;
}

/* The log has the reason; a stranger is not told whether it was name or password. */
static int fail(struct login *login, int status, GError **error)
{
    log_info("SASL: %s", sasl_errdetail(login->connection));
    error_set_from(error, VIR_FROM_RPC, VIR_ERR_AUTH_FAILED, "unknown user, or wrong password");
    return -1;
}

static int check_strength(struct login *login, GError **error)
{
    const void *value = NULL;

    if (!login->must_encrypt)
        return 0;
    if (sasl_getprop(login->connection, SASL_SSF, &value) == SASL_OK &&
        *(const sasl_ssf_t *)value >= login->least_ssf)
        return 0;
    error_set_from(error, VIR_FROM_RPC, VIR_ERR_AUTH_FAILED,
                   "the negotiated encryption is weaker than %u bits", login->least_ssf);
    return -1;
}

int login_step(struct login *login, const char *mechanism, const struct login_token *token,
               struct login_token *ret_answer, bool *ret_complete, GError **error)
{
    struct login_token answer = {0};
    int status = mechanism ? sasl_server_start(login->connection, mechanism, token->bytes,
                                               token->size, &answer.bytes, &answer.size)
                           : sasl_server_step(login->connection, token->bytes, token->size,
                                              &answer.bytes, &answer.size);

    if (status != SASL_OK && status != SASL_CONTINUE)
        return fail(login, status, error);
    if (status == SASL_OK && (check_strength(login, error) < 0 || !login_user(login)))
        return error && *error ? -1 : fail(login, status, error);
    *ret_answer = answer;
    *ret_complete = status == SASL_OK;
    return 0;
}

const char *login_user(struct login *login)
{
    const void *user = NULL;

    return sasl_getprop(login->connection, SASL_USERNAME, &user) == SASL_OK ? user : NULL;
}

bool login_encrypts(struct login *login)
{
    const void *value = NULL;

    return sasl_getprop(login->connection, SASL_SSF, &value) == SASL_OK &&
           *(const sasl_ssf_t *)value > 0;
}

/* ---- encryption ---- */

static bool encode(void *data, const void *bytes, unsigned size, const char **ret_bytes,
                   unsigned *ret_size)
{
    struct login *login = data;

    return sasl_encode(login->connection, bytes, size, ret_bytes, ret_size) == SASL_OK;
}

static bool decode(void *data, const void *bytes, unsigned size, const char **ret_bytes,
                   unsigned *ret_size)
{
    struct login *login = data;

    return sasl_decode(login->connection, bytes, size, ret_bytes, ret_size) == SASL_OK;
}

static void free_login(void *data)
{
    login_free(data);
}

const struct transport_layer login_layer = {
    .encode = encode,
    .decode = decode,
    .free = free_login,
    .size_max = PACKET_MAX,
};
