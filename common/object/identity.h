/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Who calls. Immutable and refcounted: a connection has one, each of its calls holds it. A daemon
 * that calls another for its client sends the identity along as typed parameters.
 */
struct identity;

/* What is known of a caller, for identity_new(). Strings are copied, NULL where unknown. */
struct identity_values {
    bool has_user, has_group, has_process;
    uid_t user;
    gid_t group;
    pid_t process;
    uint64_t process_time; /* start of the process, in clock ticks since boot; 0: unknown */
    const char *user_name; /* NULL: not asked of the name service, which may be a server far away */
    const char *group_name;
    const char *sasl_user;
    const char *x509_name; /* distinguished name of the client's certificate */
    const char *selinux_context;
    bool readonly; /* came by a read-only socket, or opened so */
};

/* Copies the texts. References are taken and dropped by any thread. */
struct identity *identity_new(const struct identity_values *values);

/* The same caller, but read-only or not. */
struct identity *identity_with_readonly(const struct identity *identity, bool readonly);

struct identity *identity_ref(struct identity *identity);
void identity_unref(struct identity *identity);

/* Borrowed; valid as long as the identity. Never blocks. The names are as given to identity_new().
 */
const struct identity_values *identity_values(const struct identity *identity);

/* One value as the typed parameter VIR_CONNECT_IDENTITY_* that carries it. */
struct identity_param {
    const char *field;
    int type; /* VIR_TYPED_PARAM_STRING, _LLONG or _ULLONG */
    uint64_t number;
    const char *text; /* for strings; borrowed */
};

#define IDENTITY_PARAMS 9

/* All values that are known; returns how many. Never blocks: names that were not given are left for
 * the other daemon to look up. */
unsigned identity_to_params(const struct identity *identity,
                            struct identity_param ret_params[IDENTITY_PARAMS]);

/* The identity that another daemon vouches for. Errors: VIR_ERR_INVALID_ARG for an unknown field, a
 * wrong type, a field given twice, a number out of range. */
int identity_from_params(const struct identity_param *params, unsigned count, bool readonly,
                         struct identity **ret_identity, GError **error);
