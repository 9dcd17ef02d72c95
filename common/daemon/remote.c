/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/remote.h"

#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "daemon/auth.h"
#include "wire/server.h"
#include "wire/tls.h"
#include "wire/transport.h"

#define AT(member) offsetof(struct remote_settings, member)
/* servercert.pem, and servercert0.pem to servercert3.pem. */
#define NUMBERED_PAIRS 4
#define DEFAULT_PRIORITY "NORMAL"

static const struct config_row rows[] = {
    {"listen_tls", CONFIG_BOOL, AT(listen_tls), "0", .restart = true,
     .doc = "Clients from other hosts. With socket activation virtproxyd-tls.socket and\n"
            "virtproxyd-tcp.socket decide instead of these five.\n\n"
            "TLS, for qemu+tls:// (and qemu://HOST/). Needs certificates: see below."},
    {"listen_tcp", CONFIG_BOOL, AT(listen_tcp), "0", .restart = true,
     .doc = "TCP without TLS, for qemu+tcp://. Only SASL can encrypt it; see auth_tcp."},
    {"tls_port", CONFIG_WORD, AT(tls_port), "\"16514\"", .restart = true,
     .doc = "Ports, by number or name."},
    {"tcp_port", CONFIG_WORD, AT(tcp_port), "\"16509\"", .restart = true, .doc = ""},
    {"listen_addr", CONFIG_STRING, AT(listen_addr), .restart = true, .example = "\"192.0.2.1\"",
     .doc = "Address, of IPv4 or IPv6, or name to listen at. Default: all."},

    {"auth_tls", CONFIG_STRING, AT(auth_tls), "\"none\"",
     .doc = "Authentication behind TLS: \"none\" leaves it to the client's certificate, \"sasl\" "
            "asks\n"
            "for a user too."},
    {"auth_tcp", CONFIG_STRING, AT(auth_tcp), "\"sasl\"",
     .doc = "The same for TCP. \"none\" gives everybody who reaches the port full control of the "
            "host."},
    {"tcp_min_ssf", CONFIG_UINT, AT(tcp_min_ssf), "112", 56, 100000,
     .doc =
         "Strength, in bits of the key, of the encryption that SASL must bring on TCP. 112 keeps\n"
         "out mechanisms without any (SCRAM, PLAIN), whose place is behind TLS."},

    {"key_file", CONFIG_STRING, AT(key_file),
     .example = "\"/etc/pki/libvirt/private/serverkey.pem\"",
     .doc =
         "Certificates; if one of the first three is given, all of them must be. Default:\n"
         "/etc/pki/libvirt/servercert.pem and private/serverkey.pem, and servercert0.pem to\n"
         "servercert3.pem with their keys if there are any; /etc/pki/CA/cacert.pem and cacrl.pem.\n"
         "'virtproxyd --check-tls' tells what is wrong with them. A reload reads them again."},
    {"cert_file", CONFIG_STRING, AT(cert_file), .example = "\"/etc/pki/libvirt/servercert.pem\"",
     .doc = ""},
    {"ca_file", CONFIG_STRING, AT(ca_file), .example = "\"/etc/pki/CA/cacert.pem\"", .doc = ""},
    {"crl_file", CONFIG_STRING, AT(crl_file), .example = "\"/etc/pki/CA/cacrl.pem\"",
     .doc = "List of certificates that are revoked."},
    {"tls_no_sanity_certificate", CONFIG_BOOL, AT(tls_no_sanity_certificate), "0",
     .doc = "Take the server's certificates without a look at what is in them."},
    {"tls_no_verify_certificate", CONFIG_BOOL, AT(tls_no_verify_certificate), "0",
     .doc = "Ask clients for no certificate. With auth_tls = \"none\" everybody is let in then."},
    {"tls_allowed_dn_list", CONFIG_LIST, AT(tls_allowed_dn_list),
     .example = "[ \"CN=admin*,O=Example\" ]",
     .doc =
         "Patterns of the distinguished names that are let in. Default: whoever has a certificate\n"
         "of the authority. The log's debug lines show the names of who is refused."},
    {"tls_priority", CONFIG_STRING, AT(tls_priority), .example = "\"NORMAL:-VERS-TLS1.2\"",
     .doc = "Ciphers and versions, in the words of gnutls."},

    {"metrics_listen", CONFIG_LIST, AT(metrics_listen), .restart = true,
     .example = "[ \"127.0.0.1:9177\", \"/run/libvirt/virtproxyd-metrics\" ]",
     .doc =
         "Where figures of all daemons and guests can be read, as OpenMetrics text by HTTP, path\n"
         "/metrics: loopback addresses with a port, or paths of unix sockets (with the mode\n"
         "unix_sock_ro_perms). Whoever gets there sees the names of all guests. Default: nowhere."},
};

const struct config_table remote_table = {rows, G_N_ELEMENTS(rows)};

int remote_check(const struct remote_settings *settings, GError **error)
{
    enum auth_method method;
    const char *const files[] = {settings->ca_file, settings->cert_file, settings->key_file};
    unsigned given = 0;

    if (auth_method_read("auth_tls", settings->auth_tls, false, &method, error) < 0 ||
        auth_method_read("auth_tcp", settings->auth_tcp, false, &method, error) < 0)
        return -1;
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++)
        given += files[i] != NULL;
    if (given != 0 && given != G_N_ELEMENTS(files)) {
        error_set(
            error, VIR_ERR_CONFIG_UNSUPPORTED,
            "ca_file, cert_file and key_file belong together: one of them is given, and one is "
            "missing");
        return -1;
    }
    if (settings->tls_no_verify_certificate && settings->tls_allowed_dn_list) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "tls_allowed_dn_list needs the certificates that tls_no_verify_certificate does "
                  "without");
        return -1;
    }
    return 0;
}

/* ---- certificates ---- */

/* Where certificates are, as absolute paths. */
struct places {
    char *authorities, *revoked;
    GArray *pairs; /* struct tls_pair */
};

static void places_clear(struct places *places)
{
    for (guint i = 0; i < places->pairs->len; i++) {
        struct tls_pair *pair = &g_array_index(places->pairs, struct tls_pair, i);

        g_free(pair->certificate);
        g_free(pair->key);
    }
    g_array_unref(places->pairs);
    g_free(places->authorities);
    g_free(places->revoked);
}

static char *own_place(const char *name)
{
    return g_build_filename(g_get_home_dir(), ".pki/libvirt", name, NULL);
}

static char *server_place(bool session, bool is_key, const char *number)
{
    g_autofree char *name = g_strdup_printf("server%s%s.pem", is_key ? "key" : "cert", number);

    if (session)
        return own_place(name);
    return g_build_filename("/etc/pki/libvirt", is_key ? "private" : "", name, NULL);
}

static void add_pair(struct places *places, char *certificate, char *key)
{
    const struct tls_pair pair = {certificate, key};

    g_array_append_val(places->pairs, pair);
}

/* Those with a number end at the first gap. */
static void find_pairs(struct places *places, bool session)
{
    add_pair(places, server_place(session, false, ""), server_place(session, true, ""));
    for (unsigned i = 0; i < NUMBERED_PAIRS; i++) {
        const char number[] = {(char)('0' + i), '\0'};
        char *certificate = server_place(session, false, number);

        if (access(certificate, F_OK) < 0) {
            g_free(certificate);
            return;
        }
        add_pair(places, certificate, server_place(session, true, number));
    }
}

/* Two names are in use; NULL: there is no list. */
static char *find_revoked(bool session)
{
    static const char *const names[] = {"cacrl.pem", "crl.pem"};

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path =
            session ? own_place(names[i]) : g_build_filename("/etc/pki/CA", names[i], NULL);

        if (access(path, F_OK) == 0)
            return g_steal_pointer(&path);
    }
    return NULL;
}

static struct places find_places(const struct remote_settings *settings, bool session)
{
    struct places places = {.pairs = g_array_new(FALSE, FALSE, sizeof(struct tls_pair))};

    places.revoked = g_strdup(settings->crl_file);
    if (settings->ca_file) {
        places.authorities = g_strdup(settings->ca_file);
        add_pair(&places, g_strdup(settings->cert_file), g_strdup(settings->key_file));
        return places;
    }
    places.authorities = session ? own_place("cacert.pem") : g_strdup("/etc/pki/CA/cacert.pem");
    if (!places.revoked)
        places.revoked = find_revoked(session);
    find_pairs(&places, session);
    return places;
}

static struct tls *load(const struct remote_settings *settings, const struct places *places,
                        GError **error)
{
    const struct tls_settings wanted = {
        .authorities = places->authorities,
        .revoked = places->revoked,
        .pairs = (const struct tls_pair *)places->pairs->data,
        .pair_count = places->pairs->len,
        .priority = settings->tls_priority ? settings->tls_priority : DEFAULT_PRIORITY,
        .allowed = (const char *const *)settings->tls_allowed_dn_list,
        .anybody = settings->tls_no_verify_certificate,
        .unchecked = settings->tls_no_sanity_certificate,
    };

    return tls_new(&wanted, error);
}

struct remote {
    struct tls *tls; /* NULL: none is loaded */
};

struct remote *remote_new(void)
{
    return g_new0(struct remote, 1);
}

void remote_free(struct remote *remote)
{
    if (!remote)
        return;
    tls_unref(remote->tls);
    g_free(remote);
}

int remote_load_tls(struct remote *remote, const struct remote_settings *settings, bool session,
                    GError **error)
{
    struct places places = find_places(settings, session);
    struct tls *tls = load(settings, &places, error);

    places_clear(&places);
    if (!tls)
        return -1;
    tls_unref(remote->tls);
    remote->tls = tls;
    return 0;
}

bool remote_has_tls(const struct remote *remote)
{
    return remote->tls != NULL;
}

int remote_print_check(const struct remote_settings *settings, bool session, FILE *stream)
{
    g_autoptr(GError) error = NULL;
    struct places places = find_places(settings, session);
    struct tls *tls = load(settings, &places, &error);

    fprintf(stream, "authorities   %s\n", places.authorities);
    fprintf(stream, "revoked       %s\n", places.revoked ? places.revoked : "(no list)");
    for (guint i = 0; i < places.pairs->len; i++) {
        const struct tls_pair *pair = &g_array_index(places.pairs, struct tls_pair, i);

        fprintf(stream, "certificate   %s\nkey           %s\n", pair->certificate, pair->key);
    }
    fprintf(stream, "%s\n", tls ? "all is well" : error->message);
    places_clear(&places);
    tls_unref(tls);
    return tls ? 0 : -1;
}

/* ---- sockets ---- */

static struct transport *serve_tcp(int fd, void *data, GError **error)
{
    return transport_new_tcp(fd, error);
}

static struct transport *serve_tls(int fd, void *data, GError **error)
{
    const struct remote *remote = data;

    return transport_new_tls(fd, remote->tls, error);
}

void remote_set_services(struct remote *remote, struct server_service *ret_tcp,
                         struct server_service *ret_tls)
{
    *ret_tcp = (struct server_service){.name = "tcp", .transport = serve_tcp, .data = remote};
    *ret_tls = (struct server_service){.name = "tls", .transport = serve_tls, .data = remote};
}

int remote_listen(struct remote *remote, const struct remote_settings *settings,
                  struct server *server, GError **error)
{
    struct server_service tcp, tls;

    remote_set_services(remote, &tcp, &tls);
    if (settings->listen_tcp &&
        server_listen_tcp(server, &tcp, settings->listen_addr, settings->tcp_port, error) < 0)
        return -1;
    if (!settings->listen_tls)
        return 0;
    return server_listen_tcp(server, &tls, settings->listen_addr, settings->tls_port, error);
}
