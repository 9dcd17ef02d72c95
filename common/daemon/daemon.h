/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "daemon/paths.h"
#include "daemon/settings.h"
#include "facts/constants.h"

struct daemon;
struct frame;
struct loop;
struct polkit;
struct remote;
struct server;
struct server_client;
struct status;
struct tally;
struct workers;

/*
 * What one daemon adds to daemon_main(). Every function runs on the loop thread. Only name,
 * error_from and frame are required.
 */
struct daemon_spec {
    const char *name;        /* binary, unit, socket stem, config and pid file: "virtqemud" */
    const char *socket_stem; /* NULL: name; virtproxyd says "libvirt" */
    enum error_from error_from;
    bool session_allowed; /* may run for a user other than root */

    /* Further keys of NAME.conf: rows with offsets into a struct of extra_size bytes, at
     * daemon->extra. A key that is in both tables is the daemon's. */
    struct config_table extra_keys;
    size_t extra_size;
    bool remote; /* serves TCP and TLS too: extra_keys are remote_table's, see daemon/remote.h */

    /* Loads everything that clients may ask for; sockets open after it. Failure ends the process.
     */
    int (*start)(struct daemon *daemon, GError **error);
    /* After SIGHUP, with daemon->settings already new. A failure is logged and the daemon runs on.
     */
    int (*reload)(struct daemon *daemon, GError **error);
    /* Last call: no connection is open and no work is running. */
    void (*stop)(struct daemon *daemon);
    /* True while something besides clients forbids the idle exit: a running guest, a job. */
    bool (*busy)(struct daemon *daemon);
    /* Adds to daemon/status.h what objects there are. */
    void (*describe)(struct daemon *daemon, struct status *status);

    /* wire/server.h's handlers, for clients of the main server: client->service tells which socket
     * they came by. The admin program is daemon_main()'s own. */
    void (*connected)(struct daemon *daemon, struct server_client *client);
    /* One whole frame, which the function now owns. */
    void (*frame)(struct daemon *daemon, struct server_client *client, struct frame *frame);
    /* client is valid until this returns; reason is NULL when the peer just closed the link. */
    void (*disconnected)(struct daemon *daemon, struct server_client *client, const GError *reason);
};

/* Public members are read by everybody and written by common/daemon alone. */
struct daemon {
    const struct daemon_spec *spec;
    bool session;    /* serves one user, not the host */
    bool privileged; /* runs as root */
    struct paths paths;
    /* New after each SIGHUP. Any thread may read them; texts read before stay valid to the end. */
    struct settings settings;
    void *extra; /* of spec->extra_size bytes, filled from spec->extra_keys; likewise */

    struct loop *loop;       /* the client loop: this thread */
    struct workers *workers; /* for calls on the main server */
    struct workers *patient; /* same, for those that may wait long: they hold up each other alone */
    struct server *server;   /* NAME: services "rw" and "ro" */
    struct server *admin;    /* "admin": service "admin" */
    struct workers *admin_workers;
    struct polkit *polkit;
    struct remote *remote; /* NULL: unix sockets alone */
    struct tally *tally;   /* of the calls that it served */

    void *data; /* the daemon's own, set by spec->start */
    struct daemon_life *life;
};

/* Runs the daemon; main() returns its value: 0 after an orderly end. */
int daemon_main(const struct daemon_spec *spec, int argc, char **argv);

/* Reads the certificates again; links that are up keep theirs. VIR_ERR_INTERNAL_ERROR when no
 * client can come by TLS, else see remote_load_tls(). Loop thread; blocks on the disk. */
int daemon_update_tls(struct daemon *daemon, GError **error);

/* Counts reasons not to exit when idle, from any thread: a job that outlives its caller. Paired. */
void daemon_begin_work(struct daemon *daemon);
void daemon_end_work(struct daemon *daemon);

/* Seconds without clients after which the daemon ends; 0: never. Loop thread (admin interface). */
void daemon_set_idle_timeout(struct daemon *daemon, unsigned seconds);

/* Asks for an orderly end, as SIGTERM does; any thread. */
void daemon_quit(struct daemon *daemon);
