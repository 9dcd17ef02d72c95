/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What is said of another daemon of this host that can't be asked, whoever wanted to: formats, for
 * error_set().
 */

/* The daemon, the daemon. */
#define REACH_ABSENT "%s is needed and can't be reached; start it with 'systemctl start %s.socket'"
/* The daemon of a session. */
#define REACH_UNSTARTED "%s is needed and can't be started"
/* The daemon, its socket. */
#define REACH_LOST "the connection to %s ('%s') is lost"
/* The daemon, its socket, seconds, the daemon. */
#define REACH_SILENT                                                                               \
    "%s accepts connections at '%s' but did not answer within %d s: look at its log, or restart "  \
    "it with: systemctl restart %s"
