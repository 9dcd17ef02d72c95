/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec-values.h"

#include <string.h>

#include "protocol/protocol.h"
#include "wire/net-message.h"

static uint64_t make_number(const struct value_maker *maker)
{
    switch (maker->extent) {
    case VALUE_SMALLEST:
        return 0;
    case VALUE_LARGEST:
        return UINT64_MAX;
    default:
        return (uint64_t)g_rand_int(maker->random) << 32 | g_rand_int(maker->random);
    }
}

static uint32_t make_count(const struct value_maker *maker, uint32_t max)
{
    uint32_t most = MIN(max, maker->cap);

    switch (maker->extent) {
    case VALUE_SMALLEST:
        return 0;
    case VALUE_LARGEST:
        return most;
    default:
        return g_rand_int_range(maker->random, 0, (gint32)most + 1);
    }
}

static bool make_presence(const struct value_maker *maker)
{
    return make_number(maker) & 1;
}

static char *make_text(const struct value_maker *maker, uint32_t max)
{
    uint32_t length = make_count(maker, max);
    char *text = arena_alloc(maker->arena, length + 1);

    for (uint32_t i = 0; i < length; i++)
        text[i] = (char)(1 + make_number(maker) % 255);
    return text;
}

static void make_bytes(const struct value_maker *maker, char *bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        bytes[i] = (char)make_number(maker);
}

static void make_elements(const struct value_maker *maker, const struct codec_type *of,
                          char *elements, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        value_make(maker, of, elements + (size_t)i * of->size);
}

static void put_list(char *value, const void *val, uint32_t len)
{
    memcpy(value, &val, sizeof(val));
    memcpy(value + sizeof(val), &len, sizeof(len));
}

static void make_list(const struct value_maker *maker, const struct codec_type *type, char *value)
{
    uint32_t count = make_count(maker, type->max);
    char *val = arena_array(maker->arena, count, type->kind == CODEC_BYTES ? 1 : type->of->size);

    if (type->kind == CODEC_BYTES)
        make_bytes(maker, val, count);
    else
        make_elements(maker, type->of, val, count);
    put_list(value, count ? val : NULL, count);
}

static void make_pointer(const struct value_maker *maker, const struct codec_type *type,
                         char *value)
{
    char *target = NULL;

    if (make_presence(maker)) {
        target = arena_alloc(maker->arena, type->of->size);
        value_make(maker, type->of, target);
    }
    memcpy(value, &target, sizeof(target));
}

static void make_members(const struct value_maker *maker, const struct codec_type *type,
                         char *value)
{
    for (uint32_t i = 0; i < type->n_members; i++)
        value_make(maker, type->members[i].type, value + type->members[i].offset);
}

static void make_union(const struct value_maker *maker, const struct codec_type *type, char *value)
{
    const struct codec_member *arm = &type->members[make_number(maker) % type->n_members];

    memcpy(value, &arm->arm, sizeof(arm->arm));
    value_make(maker, arm->type, value + arm->offset);
}

void value_make(const struct value_maker *maker, const struct codec_type *type, void *ret)
{
    uint64_t number = make_number(maker);
    char *text = NULL;

    switch (type->kind) {
    case CODEC_STRING_OR_NULL:
        if (!make_presence(maker))
            break;
        /* fall through */
    case CODEC_STRING:
        text = make_text(maker, type->max);
        break;
    case CODEC_BYTES:
    case CODEC_ARRAY:
        make_list(maker, type, ret);
        return;
    case CODEC_FIXED_BYTES:
        make_bytes(maker, ret, type->max);
        return;
    case CODEC_FIXED_ARRAY:
        make_elements(maker, type->of, ret, type->max);
        return;
    case CODEC_POINTER:
        make_pointer(maker, type, ret);
        return;
    case CODEC_STRUCT:
        make_members(maker, type, ret);
        return;
    case CODEC_UNION:
        make_union(maker, type, ret);
        return;
    default:
        memcpy(ret, &number, type->size);
        return;
    }
    memcpy(ret, &text, sizeof(text));
}

/* comparing */

static const void *get_pointer(const void *value)
{
    const void *pointer;

    memcpy(&pointer, value, sizeof(pointer));
    return pointer;
}

static uint32_t get_length(const void *list)
{
    uint32_t length;

    memcpy(&length, (const char *)list + sizeof(void *), sizeof(length));
    return length;
}

static bool elements_equal(const struct codec_type *of, const char *a, const char *b,
                           uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!value_equal(of, a + (size_t)i * of->size, b + (size_t)i * of->size))
            return false;
    return true;
}

static bool members_equal(const struct codec_type *type, const char *a, const char *b)
{
    for (uint32_t i = 0; i < type->n_members; i++) {
        const struct codec_member *member = &type->members[i];

        if (!value_equal(member->type, a + member->offset, b + member->offset))
            return false;
    }
    return true;
}

static bool unions_equal(const struct codec_type *type, const char *a, const char *b)
{
    if (memcmp(a, b, sizeof(int)) != 0)
        return false;
    for (uint32_t i = 0; i < type->n_members; i++) {
        const struct codec_member *member = &type->members[i];

        if (memcmp(a, &member->arm, sizeof(member->arm)) == 0)
            return value_equal(member->type, a + member->offset, b + member->offset);
    }
    return false;
}

static bool targets_equal(const struct codec_type *type, const void *a, const void *b)
{
    return !a == !b && (!a || value_equal(type->of, a, b));
}

bool value_equal(const struct codec_type *type, const void *a, const void *b)
{
    switch (type->kind) {
    case CODEC_STRING:
    case CODEC_STRING_OR_NULL:
        return g_strcmp0(get_pointer(a), get_pointer(b)) == 0;
    case CODEC_BYTES:
        return get_length(a) == get_length(b) &&
               (!get_length(a) || !memcmp(get_pointer(a), get_pointer(b), get_length(a)));
    case CODEC_ARRAY:
        return get_length(a) == get_length(b) &&
               elements_equal(type->of, get_pointer(a), get_pointer(b), get_length(a));
    case CODEC_FIXED_BYTES:
        return memcmp(a, b, type->max) == 0;
    case CODEC_FIXED_ARRAY:
        return elements_equal(type->of, a, b, type->max);
    case CODEC_POINTER:
        return targets_equal(type, get_pointer(a), get_pointer(b));
    case CODEC_STRUCT:
        return members_equal(type, a, b);
    case CODEC_UNION:
        return unions_equal(type, a, b);
    default:
        return memcmp(a, b, type->size) == 0;
    }
}

/* all types */

static void collect(GPtrArray *types, const struct codec_type *type)
{
    if (!type)
        return;
    if (type->of)
        collect(types, type->of);
    if (!type->members || g_ptr_array_find(types, type, NULL))
        return;
    for (uint32_t i = 0; i < type->n_members; i++)
        collect(types, type->members[i].type);
    g_ptr_array_add(types, (void *)type);
}

static void collect_program(GPtrArray *types, const struct protocol_program *program)
{
    for (unsigned i = 0; i < program->n_methods; i++) {
        collect(types, program->methods[i].args);
        collect(types, program->methods[i].ret);
        collect(types, program->methods[i].msg);
    }
}

GPtrArray *value_types(void)
{
    GPtrArray *types = g_ptr_array_new();

    collect_program(types, &remote_program);
    collect_program(types, &qemu_program);
    collect_program(types, &lxc_program);
    collect_program(types, &admin_program);
    collect(types, &net_message_error_type);
    collect(types, &net_stream_hole_type);
    return types;
}
