/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

struct request;
struct server_client;

/*
 * The five procedures by which a client says who it is, before it may call any other. Loop thread.
 */

/* Serves AUTH_LIST, AUTH_SASL_* and AUTH_POLKIT, which need no authentication; ends the request,
 * now or later. */
void authenticate_serve(struct request *request, struct server_client *client);

/* The client has gone: what it was being asked is over. */
void authenticate_end(struct server_client *client);
