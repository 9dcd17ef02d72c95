/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "protocol/protocol.h"

#include "base/error.h"

const struct protocol_method *protocol_method_find(const struct protocol_program *program,
                                                   uint32_t number)
{
    if (number == 0 || number > program->n_methods)
        return NULL;

    const struct protocol_method *method = &program->methods[number - 1];
    return method->number ? method : NULL;
}

const char *protocol_method_word(const struct protocol_method *method)
{
    return method->api ? method->api : method->name;
}

static uint32_t read_u32(const void *args, uint32_t offset)
{
    uint32_t value;

    memcpy(&value, (const char *)args + offset, sizeof(value));
    return value;
}

uint64_t protocol_method_flags(const struct protocol_method *method, const void *args)
{
    uint64_t wide;

    if (method->flags_size == 0)
        return 0;
    if (method->flags_size == sizeof(uint32_t))
        return read_u32(args, method->flags_offset);
    memcpy(&wide, (const char *)args + method->flags_offset, sizeof(wide));
    return wide;
}

int protocol_method_check_flags(const struct protocol_method *method, const void *args,
                                uint64_t known, GError **error)
{
    uint64_t unknown = protocol_method_flags(method, args) & ~known;

    if (!unknown)
        return 0;
    error_set(error, VIR_ERR_INVALID_ARG,
              "unsupported flags (0x%" G_GINT64_MODIFIER "x) in function %s", unknown,
              protocol_method_word(method));
    return -1;
}

const void *protocol_method_object(const struct protocol_method *method, const void *args)
{
    if (method->object == PROTOCOL_OBJECT_NONE)
        return NULL;
    return (const char *)args + method->object_offset;
}

bool access_rule_applies(const struct access_rule *rule, const void *args)
{
    switch (rule->condition) {
    case ACCESS_ALWAYS:
        return true;
    case ACCESS_FLAG_SET:
        return read_u32(args, rule->offset) & rule->value;
    case ACCESS_FLAGS_CLEAR:
        return !(read_u32(args, rule->offset) & rule->value);
    case ACCESS_PARAM_IS:
        return read_u32(args, rule->offset) == rule->value;
    }
    return true;
}

bool protocol_method_is_read(const struct protocol_method *method, const void *args)
{
    for (unsigned i = 0; i < method->n_access; i++) {
        const struct access_rule *rule = &method->access[i];

        if (access_rule_applies(rule, args) && !access_permission_is_read(rule->permission))
            return false;
    }
    return true;
}

const struct protocol_event *protocol_event_find(const struct protocol_events *events, int id)
{
    if (id < 0 || (unsigned)id >= events->n_events || !events->events[id].modern)
        return NULL;
    return &events->events[id];
}
