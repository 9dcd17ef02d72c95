/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>

#include "daemon/config.h"

struct server;
struct server_service;

/*
 * Clients from other hosts: a TCP port, and one with TLS; and the addresses of the metrics, which
 * are the daemon's own to serve. A daemon that serves them has
 * remote_table as its spec's extra_keys, so that its extra is a struct remote_settings. Loop
 * thread.
 */
struct remote_settings {
    bool listen_tls, listen_tcp;
    char *tls_port, *tcp_port;
    char *listen_addr; /* NULL: all addresses */
    char *auth_tls, *auth_tcp;
    unsigned tcp_min_ssf;
    char *key_file, *cert_file, *ca_file, *crl_file; /* NULL: the usual places */
    bool tls_no_sanity_certificate, tls_no_verify_certificate;
    char **tls_allowed_dn_list; /* NULL: whoever has a certificate */
    char *tls_priority;
    char **metrics_listen; /* NULL: nowhere */
};

extern const struct config_table remote_table;

/* What no row can check. VIR_ERR_CONFIG_UNSUPPORTED. */
int remote_check(const struct remote_settings *settings, GError **error);

/* The certificates in use. */
struct remote;

/* Without certificates until they are loaded. The loop thread's, like all that follows. */
struct remote *remote_new(void);
void remote_free(struct remote *remote);

/* Reads the certificates (again); clients that are connected keep theirs, and so does everybody
 * when it fails. Blocks on the disk. VIR_ERR_CONFIG_UNSUPPORTED names file and cure. */
int remote_load_tls(struct remote *remote, const struct remote_settings *settings, bool session,
                    GError **error);
bool remote_has_tls(const struct remote *remote);

/* How sockets of the two kinds are served; data is the remote, which must live as long. */
void remote_set_services(struct remote *remote, struct server_service *ret_tcp,
                         struct server_service *ret_tls);

/* Makes the sockets that the settings ask for. VIR_ERR_SYSTEM_ERROR. */
int remote_listen(struct remote *remote, const struct remote_settings *settings,
                  struct server *server, GError **error);

/* --check-tls: says what is in use and what is wrong with it; 0 when nothing is. */
int remote_print_check(const struct remote_settings *settings, bool session, FILE *stream);
