/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "facts/access.h"
#include "wire/codec.h"

/*
 * The programs of the wire protocol as tables, generated from common/facts. The structs are in
 * protocol/remote.h, qemu.h, lxc.h, admin.h and modvirt.h; the prototypes of the handlers in
 * protocol/remote-handlers.h and so on. All of it is constant and may be read by any thread.
 */

/* Whose call it is: a hypervisor daemon passes those of the others on to their daemons. */
enum protocol_owner {
    PROTOCOL_OWNER_HYPERVISOR,
    PROTOCOL_OWNER_NETWORK,
    PROTOCOL_OWNER_STORAGE,
    PROTOCOL_OWNER_NODEDEV,
    PROTOCOL_OWNER_INTERFACE,
    PROTOCOL_OWNER_NWFILTER,
    PROTOCOL_OWNER_SECRET,
    PROTOCOL_OWNER_LAST,
};

/* Seen from the client: READ carries data from the server to the client. */
enum protocol_stream {
    PROTOCOL_STREAM_NONE,
    PROTOCOL_STREAM_READ,
    PROTOCOL_STREAM_WRITE,
    PROTOCOL_STREAM_BOTH,
};

/* May the packet carry file descriptors? Bits. */
enum protocol_fds {
    PROTOCOL_FDS_NONE = 0,
    PROTOCOL_FDS_CALL = 1,
    PROTOCOL_FDS_REPLY = 2,
};

/* The object that a call is about. */
enum protocol_object {
    PROTOCOL_OBJECT_NONE,
    PROTOCOL_OBJECT_DOMAIN,
    PROTOCOL_OBJECT_DOMAIN_SNAPSHOT,
    PROTOCOL_OBJECT_DOMAIN_CHECKPOINT,
    PROTOCOL_OBJECT_NETWORK,
    PROTOCOL_OBJECT_NETWORK_PORT,
    PROTOCOL_OBJECT_STORAGE_POOL,
    PROTOCOL_OBJECT_STORAGE_VOL,
    PROTOCOL_OBJECT_NODE_DEVICE,
    PROTOCOL_OBJECT_INTERFACE,
    PROTOCOL_OBJECT_NWFILTER,
    PROTOCOL_OBJECT_NWFILTER_BINDING,
    PROTOCOL_OBJECT_SECRET,
    PROTOCOL_OBJECT_LAST,
};

/* When an access rule is asked. The argument is the one at the rule's offset. */
enum access_condition {
    ACCESS_ALWAYS,
    ACCESS_FLAG_SET,    /* the argument has a bit of value */
    ACCESS_FLAGS_CLEAR, /* it has none of them */
    ACCESS_PARAM_IS,    /* it equals value */
};

/* The caller needs permission on object. */
struct access_rule {
    enum access_object object;
    enum access_permission permission;
    enum access_condition condition;
    uint32_t offset; /* of an unsigned int in the args */
    uint32_t value;
};

struct protocol_method {
    uint32_t number;                  /* 0: a hole in the numbering */
    const char *name;                 /* "DOMAIN_CREATE" */
    const char *api;                  /* "virDomainCreate", or NULL */
    const struct codec_type *args;    /* NULL: none */
    const struct codec_type *ret;     /* NULL: none */
    const struct codec_type *msg;     /* the payload of an event, else NULL */
    const struct access_rule *access; /* to be asked before the call */
    const struct access_rule *filter; /* to be asked for each object that would be listed */
    uint8_t n_access;
    uint8_t n_filter;
    uint8_t owner;  /* enum protocol_owner */
    uint8_t stream; /* enum protocol_stream */
    uint8_t fds;    /* enum protocol_fds */
    uint8_t object; /* enum protocol_object */
    bool high_priority;
    bool needs_auth;
    bool event;             /* sent by the server, never called */
    uint8_t flags_size;     /* 0: no flags; 4: unsigned int; 8: uint64_t */
    uint16_t flags_offset;  /* in args, when flags_size is not 0 */
    uint16_t object_offset; /* in args, of the struct remote_nonnull_...; node device: char *name */
    uint32_t sparse_flag;   /* the flag that lets the stream have holes; 0: it never has */
};

struct protocol_program {
    const char *name; /* "remote" */
    uint32_t number;
    uint32_t version;
    const struct protocol_method *methods; /* methods[number - 1] */
    unsigned n_methods;
};

extern const struct protocol_program remote_program, qemu_program, lxc_program, admin_program,
    modvirt_program;

/* The method, which may be an event, or NULL. O(1). Borrowed. */
const struct protocol_method *protocol_method_find(const struct protocol_program *program,
                                                   uint32_t number);

/* What to call the method in messages to people: its API's name where it has one. Borrowed. */
const char *protocol_method_word(const struct protocol_method *method);

/* The flags of args, or 0 where the method has none. */
uint64_t protocol_method_flags(const struct protocol_method *method, const void *args);

/* VIR_ERR_INVALID_ARG when args have flags other than the known ones. */
int protocol_method_check_flags(const struct protocol_method *method, const void *args,
                                uint64_t known, GError **error);

/* The object that args speak of: see object_offset; NULL where object is NONE. Borrowed. */
const void *protocol_method_object(const struct protocol_method *method, const void *args);

/* True if the rule is to be asked for these args. */
bool access_rule_applies(const struct access_rule *rule, const void *args);

/* True if every rule that applies is one that a read-only connection has. */
bool protocol_method_is_read(const struct protocol_method *method, const void *args);

/* An event id, and the messages that carry it to clients of the modern and of the legacy style. */
struct protocol_event {
    int id;
    uint32_t modern; /* procedure; the message begins with int callbackID */
    uint32_t legacy; /* procedure, or 0: clients of the legacy style never see it */
    bool wraps;      /* the modern message is callbackID, then the legacy message */
};

struct protocol_events {
    const struct protocol_event *events; /* events[id] */
    unsigned n_events;
};

extern const struct protocol_events protocol_domain_events, protocol_network_events,
    protocol_storage_pool_events, protocol_node_device_events, protocol_secret_events,
    protocol_monitor_events;

/* The event, or NULL. Borrowed. */
const struct protocol_event *protocol_event_find(const struct protocol_events *events, int id);

struct call;

/* A handler; args and ret are the method's structs, ret zeroed; NULL where the method has none. */
typedef int (*protocol_handler)(struct call *call, const void *args, void *ret, GError **error);

/* A row of a daemon's table of what it serves; see HANDLER(). */
struct protocol_binding {
    const struct protocol_program *program;
    uint32_t number;
    protocol_handler handler;
};

/*
 * The row of a handler that is declared in protocol/PROGRAM-handlers.h:
 *     HANDLER(remote, domain_get_info), HANDLER(qemu, qemu_domain_monitor_command)
 */
#define HANDLER(program_name, function)                                                            \
    {                                                                                              \
        &program_name##_program, program_name##_number_of_##function,                              \
            (protocol_handler)(void (*)(void))(function)                                           \
    }
