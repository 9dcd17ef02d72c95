/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/dispatch.h"

#include "base/log.h"
#include "base/workers.h"
#include "daemon/authenticate.h"
#include "daemon/daemon.h"
#include "daemon/tally.h"
#include "protocol/remote.h"
#include "wire/codec.h"
#include "wire/error-message.h"
#include "wire/message.h"

static void request_free(struct request *request)
{
    tally_count(request->tally, g_get_monotonic_time() - request->began, request->failed);
    if (request->in_flight)
        connection_call_end(request->connection);
    if (request->stream)
        stream_unref(request->stream);
    frame_free(request->frame);
    connection_unref(request->connection);
    g_free(request);
}

void request_fail(struct request *request, const GError *error)
{
    enum error_from from =
        request->table->error_from ? request->table->error_from : request->daemon->spec->error_from;

    connection_send(request->connection, error_message_new(&request->frame->header, error, from));
    if (request->stream)
        stream_discard(request->stream);
    request->failed = true;
    request_free(request);
}

static struct message *encode_reply(struct request *request, const void *ret, const int *fds,
                                    unsigned fd_count, GError **error)
{
    enum frame_type type = fd_count ? FRAME_REPLY_WITH_FDS : FRAME_REPLY;
    struct frame_header header = message_reply_header(&request->frame->header, type, FRAME_OK);
    MESSAGE_AUTO struct message *message = message_new(&header);
    bool fits = true;

    for (unsigned i = 0; i < fd_count; i++)
        fits = message_add_fd(message, fds[i], fits ? error : NULL) == 0 && fits;
    if (!fits)
        return NULL;
    if (codec_encode(request->method->ret, ret, message->bytes, error) < 0 ||
        message_finish(message, error) < 0)
        return NULL;
    return g_steal_pointer(&message);
}

void request_reply(struct request *request, const void *ret, const int *fds, unsigned fd_count)
{
    g_autoptr(GError) error = NULL;
    struct message *message = encode_reply(request, ret, fds, fd_count, &error);

    if (!message) {
        g_prefix_error(&error, "%s: ", protocol_method_word(request->method));
        log_error("the reply can't be sent: %s", error->message);
        request_fail(request, error);
        return;
    }
    connection_send(request->connection, message);
    if (request->stream)
        stream_start(request->stream);
    request_free(request);
}

static void refuse(struct connection *connection, const struct frame_header *header,
                   const char *format, ...) G_GNUC_PRINTF(3, 4);

static void refuse(struct connection *connection, const struct frame_header *header,
                   const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_autoptr(GError) error = NULL;
    error_set_from(&error, VIR_FROM_RPC, VIR_ERR_RPC, "%s", text);
    connection_send(connection, error_message_new(header, error, VIR_FROM_RPC));
}

static const struct protocol_program *find_program(const struct dispatch_table *table,
                                                   const struct frame_header *header)
{
    for (size_t i = 0; table->programs[i]; i++)
        if (table->programs[i]->number == header->program &&
            table->programs[i]->version == header->version)
            return table->programs[i];
    return NULL;
}

/* The method that the client may call now, or NULL when it has been refused. */
static const struct protocol_method *check(const struct dispatch_table *table,
                                           struct connection *connection,
                                           const struct frame_header *header)
{
    const struct protocol_program *program = find_program(table, header);

    if (!program) {
        refuse(connection, header, "Cannot find program %u version %u", header->program,
               header->version);
        return NULL;
    }
    const struct protocol_method *method =
        protocol_method_find(program, (uint32_t)header->procedure);
    if (!method || method->event) {
        refuse(connection, header, "unknown procedure: %d", header->procedure);
        return NULL;
    }
    if (header->status != FRAME_OK) {
        refuse(connection, header, "Unexpected message status %d", header->status);
        return NULL;
    }
    if (method->needs_auth && !connection_is_authenticated(connection)) {
        refuse(connection, header, "authentication required");
        return NULL;
    }
    return method;
}

static struct request *request_new(struct daemon *daemon, const struct dispatch_table *table,
                                   struct server_client *client,
                                   const struct protocol_method *method, struct frame *frame)
{
    struct request *request = g_new0(struct request, 1);

    request->daemon = daemon;
    request->table = table;
    request->connection = connection_ref(client->connection);
    request->client = client->data;
    request->frame = frame;
    request->method = method;
    request->began = g_get_monotonic_time();
    request->tally = tally_find(daemon->tally, find_program(table, &frame->header), method);
    request->workers = client->service->admin ? daemon->admin_workers : daemon->workers;
    return request;
}

void request_hold(struct request *request)
{
    request->in_flight = true;
    connection_call_begin(request->connection);
}

void request_relay(struct request *request, struct frame *reply)
{
    struct message *message = message_from_frame(reply);

    request->failed = reply->header.status == FRAME_ERROR;
    message_set_serial(message, request->frame->header.serial);
    connection_send(request->connection, message);
    if (request->stream && reply->header.status == FRAME_OK)
        stream_start(request->stream);
    else if (request->stream)
        stream_discard(request->stream);
    request_free(request);
}

void request_push(struct request *request, void (*run)(void *data), void *data)
{
    request_hold(request);
    workers_push(request->workers, run, data, request->method->high_priority);
}

static void serve_on_worker(void *data)
{
    struct request *request = data;

    request->table->serve(request);
}

void dispatch_frame(struct daemon *daemon, const struct dispatch_table *table,
                    struct server_client *client, struct frame *frame)
{
    struct connection *connection = client->connection;
    const struct protocol_method *method = check(table, connection, &frame->header);
    g_autoptr(GError) error = NULL;

    if (!method) {
        frame_free(frame);
        return;
    }
    struct request *request = request_new(daemon, table, client, method, frame);
    if (!method->needs_auth) {
        authenticate_serve(request, client);
        return;
    }
    if (method->stream != PROTOCOL_STREAM_NONE) {
        request->stream = stream_new(connection, &frame->header, &error);
        if (!request->stream) {
            request_fail(request, error);
            return;
        }
    }
    enum dispatch_lane lane = table->lane(request);
    if (lane == DISPATCH_PATIENT)
        request->workers = daemon->patient;
    if (lane == DISPATCH_INLINE)
        table->serve(request);
    else
        request_push(request, serve_on_worker, request);
}
