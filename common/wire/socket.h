/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <sys/un.h>

/* The address of a path. VIR_ERR_INVALID_ARG if it is longer than an address can hold. */
int socket_set_path(const char *path, struct sockaddr_un *ret, GError **error);

/*
 * A connected, non-blocking unix socket, owned by the caller, or -1. Waits at most milliseconds
 * (-1: for ever) while the listener's backlog is full. VIR_ERR_SYSTEM_ERROR names path and cause;
 * VIR_ERR_OPERATION_TIMEOUT.
 */
int socket_connect(const char *path, int milliseconds, GError **error);

/* "192.0.2.1:16514" or "[::1]:16514" of the form that transport_peer has; the caller frees. */
char *socket_show(const char *address);
