/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <rpc/xdr.h>
#include <string.h>

#include "base/error.h"
#include "codec-values.h"
#include "protocol/remote.h"
#include "wire/codec.h"
#include "wire/net-message.h"

#define N_RANDOM 20

static GByteArray *encode(const struct codec_type *type, const void *value)
{
    GByteArray *out = g_byte_array_new();
    GError *error = NULL;

    g_assert_cmpint(codec_encode(type, value, out, &error), ==, 0);
    g_assert_no_error(error);
    return out;
}

static void assert_refused(int result, GError *error, const char *part)
{
    g_assert_cmpint(result, ==, -1);
    g_assert_true(error_is(error, VIR_ERR_RPC));
    g_assert_cmpint(error_from_of(error, VIR_FROM_NONE), ==, VIR_FROM_RPC);
    if (!strstr(error->message, part))
        g_error("'%s' is not about '%s'", error->message, part);
    g_error_free(error);
}

static void assert_not_encoded(const struct codec_type *type, const void *value, const char *part)
{
    g_autoptr(GByteArray) out = g_byte_array_new();
    GError *error = NULL;

    g_byte_array_append(out, (const guint8 *)"head", 4);
    int result = codec_encode(type, value, out, &error);
    assert_refused(result, error, part);
    g_assert_cmpmem(out->data, out->len, "head", 4);
}

/*
 * The bytes are copied to memory of their very length, so that ASan sees any step beyond. And a
 * few bytes must never make it take much memory, whatever counts they announce.
 */
static void assert_not_decoded(const struct codec_type *type, const void *bytes, size_t length,
                               const char *part)
{
    struct arena arena ARENA_AUTO = {0};
    g_autofree char *exact = g_memdup2(bytes, length);
    g_autofree char *value = g_malloc0(type->size);
    g_autofree char *untouched = g_malloc0(type->size);
    GError *error = NULL;

    int result = codec_decode(type, exact, length, &arena, value, &error);
    assert_refused(result, error, part);
    g_assert_cmpmem(value, type->size, untouched, type->size);
    g_assert_cmpuint(arena_footprint(&arena), <=, 16 * length + type->size + 4096);
}

static void put_u32(char *bytes, uint32_t value)
{
    value = GUINT32_TO_BE(value);
    memcpy(bytes, &value, sizeof(value));
}

/* bytes as other implementations write them */

static void assert_hex(const struct codec_type *type, const void *value, const char *expected)
{
    g_autoptr(GByteArray) out = encode(type, value);
    g_autoptr(GString) hex = g_string_new(NULL);

    for (guint i = 0; i < out->len; i++)
        g_string_append_printf(hex, "%s%02x", i && i % 4 == 0 ? " " : "", out->data[i]);
    g_assert_cmpstr(hex->str, ==, expected);
}

static void test_hex_strings(void)
{
    struct remote_connect_open_args open_args = {.name = "abcde", .flags = 1};
    struct remote_connect_open_args no_name = {.name = NULL, .flags = 2};

    assert_hex(&remote_connect_open_args_type, &open_args,
               "00000001 00000005 61626364 65000000 00000001");
    assert_hex(&remote_connect_open_args_type, &no_name, "00000000 00000002");
}

static void test_hex_domain(void)
{
    struct remote_domain_lookup_by_name_ret ret = {
        .dom = {.name = "vm",
                .uuid = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 255},
                .id = -1}};

    assert_hex(&remote_domain_lookup_by_name_ret_type, &ret,
               "00000002 766d0000 01020304 05060708 090a0b0c 0d0e0fff ffffffff");
}

static void test_hex_wide_chars(void)
{
    char data[] = {'a', 0, -1};
    struct remote_auth_sasl_step_args step = {.nil = 0, .data_val = data, .data_len = 3};
    struct remote_node_get_info_ret info = {.model = "x86", .memory = 1ull << 32, .threads = 2};
    g_autoptr(GByteArray) out = encode(&remote_node_get_info_ret_type, &info);

    assert_hex(&remote_auth_sasl_step_args_type, &step,
               "00000000 00000003 00000061 00000000 ffffffff");
    g_assert_cmpuint(out->len, ==, 32 * 4 + 8 + 6 * 4);
    g_assert_cmpmem(out->data, 16, "\0\0\0x\0\0\0008\0\0\0006\0\0\0\0", 16);
    g_assert_cmpmem(out->data + 128, 8, "\0\0\0\1\0\0\0\0", 8);
}

static void test_hex_unsigned(void)
{
    struct remote_domain_get_info_ret info = {
        .state = 0xff, .maxMem = 1, .memory = 2, .nrVirtCpu = 0xfffe, .cpuTime = UINT64_MAX};

    assert_hex(&remote_domain_get_info_ret_type, &info,
               "000000ff 00000000 00000001 00000000 00000002 0000fffe ffffffff ffffffff");
}

static void test_hex_typed_params(void)
{
    struct remote_typed_param params[] = {
        {.field = "n", .value = {.type = VIR_TYPED_PARAM_ULLONG, .ul = 0x0102030405060708}},
        {.field = "d", .value = {.type = VIR_TYPED_PARAM_DOUBLE, .d = 1.5}},
        {.field = "s", .value = {.type = VIR_TYPED_PARAM_STRING, .s = "yes"}},
        {.field = "b", .value = {.type = VIR_TYPED_PARAM_BOOLEAN, .b = 1}},
    };
    struct remote_domain_get_job_stats_ret ret = {.type = 3, .params_val = params, .params_len = 4};

    assert_hex(&remote_domain_get_job_stats_ret_type, &ret,
               "00000003 00000004 00000001 6e000000 00000004 01020304 05060708 "
               "00000001 64000000 00000005 3ff80000 00000000 "
               "00000001 73000000 00000007 00000003 79657300 "
               "00000001 62000000 00000006 00000001");
}

static void test_hex_packed_bytes(void)
{
    char map[] = {(char)0x80, 1, 2, 3, 4};
    struct remote_domain_pin_vcpu_args args = {
        .dom = {.name = "", .id = 1}, .vcpu = 7, .cpumap_val = map, .cpumap_len = 5};

    assert_hex(&remote_domain_pin_vcpu_args_type, &args,
               "00000000 00000000 00000000 00000000 00000000 00000001 00000007 "
               "00000005 80010203 04000000");
}

static void test_hex_error(void)
{
    struct net_message_error message = {
        .code = 42, .domain = 10, .message = "no", .level = 2, .int1 = -1, .int2 = -1};

    assert_hex(&net_message_error_type, &message,
               "0000002a 0000000a 00000001 00000002 6e6f0000 00000002 00000000 00000000 00000000 "
               "00000000 ffffffff ffffffff 00000000");
}

/* the same through libtirpc's own composites */

static bool_t xdr_domain(XDR *xdr, struct remote_nonnull_domain *dom)
{
    return xdr_string(xdr, &dom->name, 4194304) && xdr_opaque(xdr, (char *)dom->uuid, 16) &&
           xdr_int(xdr, &dom->id);
}

static void test_like_libtirpc(void)
{
    struct remote_nonnull_domain domains[] = {{"one", {1}, 1}, {"", {2}, -1}, {"three", {3}, 3}};
    struct remote_connect_list_all_domains_ret ret = {
        .domains_val = domains, .domains_len = 3, .ret = 3};
    g_autoptr(GByteArray) ours = encode(&remote_connect_list_all_domains_ret_type, &ret);
    char theirs[256];
    char *elements = (char *)domains;
    XDR xdr;

    xdrmem_create(&xdr, theirs, sizeof(theirs), XDR_ENCODE);
    g_assert_true(xdr_array(&xdr, &elements, &ret.domains_len, 16384, sizeof(domains[0]),
                            (xdrproc_t)(void (*)(void))xdr_domain));
    g_assert_true(xdr_u_int(&xdr, &ret.ret));
    g_assert_cmpmem(ours->data, ours->len, theirs, xdr_getpos(&xdr));
}

/* every struct there is */

static void check_round_trip(const struct value_maker *maker, const struct codec_type *type)
{
    struct arena decoded ARENA_AUTO = {0};
    g_autofree char *before = g_malloc0(type->size);
    g_autofree char *after = g_malloc0(type->size);
    GError *error = NULL;

    value_make(maker, type, before);
    g_autoptr(GByteArray) bytes = encode(type, before);
    g_assert_cmpuint(bytes->len, >=, type->wire_min);
    g_assert_cmpuint(bytes->len % 4, ==, 0);
    /* surplus is ignored */
    g_autoptr(GByteArray) longer = encode(type, before);
    g_byte_array_append(longer, (const guint8 *)"surplus", 7);
    g_assert_cmpint(codec_decode(type, longer->data, longer->len, &decoded, after, &error), ==, 0);
    g_assert_no_error(error);
    if (!value_equal(type, before, after))
        g_error("%s: decoded is not what was encoded", type->name);
    g_autoptr(GByteArray) again = encode(type, after);
    g_assert_cmpmem(again->data, again->len, bytes->data, bytes->len);
}

static void for_every_type(void (*check)(const struct value_maker *maker,
                                         const struct codec_type *type),
                           enum value_extent extent, uint32_t cap, unsigned times)
{
    g_autoptr(GPtrArray) types = value_types();
    g_autoptr(GRand) random = g_rand_new_with_seed(1);

    g_assert_cmpuint(types->len, >, 700);
    for (unsigned i = 0; i < types->len * times; i++) {
        struct arena arena ARENA_AUTO = {0};
        struct value_maker maker = {&arena, random, extent, cap};

        check(&maker, types->pdata[i / times]);
    }
}

static void test_round_trips(void)
{
    for_every_type(check_round_trip, VALUE_SMALLEST, 0, 1);
    for_every_type(check_round_trip, VALUE_LARGEST, 5, 1);
    for_every_type(check_round_trip, VALUE_RANDOM, 6, N_RANDOM);
}

static void check_smallest(const struct value_maker *maker, const struct codec_type *type)
{
    g_autofree char *value = g_malloc0(type->size);

    value_make(maker, type, value);
    g_autoptr(GByteArray) bytes = encode(type, value);
    g_assert_cmpuint(bytes->len, ==, type->wire_min);
}

static void test_wire_min(void)
{
    for_every_type(check_smallest, VALUE_SMALLEST, 0, 1);
}

static void check_truncated(const struct value_maker *maker, const struct codec_type *type)
{
    g_autofree char *value = g_malloc0(type->size);

    value_make(maker, type, value);
    g_autoptr(GByteArray) bytes = encode(type, value);
    for (guint length = 0; length < bytes->len; length++)
        assert_not_decoded(type, bytes->data, length, "ends too early");
}

static void test_truncated(void)
{
    for_every_type(check_truncated, VALUE_LARGEST, 2, 1);
    for_every_type(check_truncated, VALUE_RANDOM, 3, 2);
}

/* any bytes at all: an answer, no crash */
static void check_garbage(const struct value_maker *maker, const struct codec_type *type)
{
    struct arena arena ARENA_AUTO = {0};
    g_autofree char *value = g_malloc0(type->size);
    g_autofree char *bytes = g_malloc0(256);

    for (int i = 0; i < 256; i += 4)
        put_u32(bytes + i, g_rand_int(maker->random) >> g_rand_int_range(maker->random, 0, 32));
    codec_decode(type, bytes, 256, &arena, value, NULL);
}

static void test_garbage(void)
{
    for_every_type(check_garbage, VALUE_RANDOM, 0, 50);
}

/* limits */

static bool has_limit(const struct codec_type *type)
{
    return type->kind == CODEC_STRING || type->kind == CODEC_STRING_OR_NULL ||
           type->kind == CODEC_BYTES || type->kind == CODEC_ARRAY;
}

/* Smallest values take wire_min bytes each, which tells where a member's count lies. */
static size_t wire_offset(const struct codec_type *type, const struct codec_member *member)
{
    size_t offset = 0;

    for (const struct codec_member *m = type->members; m < member; m++)
        offset += m->type->wire_min;
    return offset;
}

static void check_decode_limit(const struct codec_type *type, const struct codec_member *member,
                               GByteArray *smallest)
{
    size_t offset = wire_offset(type, member);
    g_autofree char *bytes = g_malloc0(smallest->len + 8);

    memcpy(bytes, smallest->data, smallest->len);
    if (member->type->kind == CODEC_STRING_OR_NULL) {
        put_u32(bytes + offset, 1);
        offset += 4;
    }
    put_u32(bytes + offset, member->type->max + 1);
    assert_not_decoded(type, bytes, smallest->len + 8, "limit");
    put_u32(bytes + offset, UINT32_MAX);
    assert_not_decoded(type, bytes, smallest->len + 8, "limit");
    if (member->type->max > 8) {
        put_u32(bytes + offset, member->type->max);
        assert_not_decoded(type, bytes, offset + 8, "ends too early");
    }
}

/* The count alone must do: there is only one element behind val. */
static void check_encode_limit(const struct codec_type *type, const struct codec_member *member,
                               char *value, const char *too_long)
{
    const char *val = "";
    uint32_t len = member->type->max + 1;

    if (member->type->kind == CODEC_STRING || member->type->kind == CODEC_STRING_OR_NULL)
        val = too_long + (4194304 - member->type->max);
    else
        memcpy(value + member->offset + sizeof(val), &len, sizeof(len));
    memcpy(value + member->offset, &val, sizeof(val));
    assert_not_encoded(type, value, "limit");
}

static void check_limits(const struct value_maker *maker, const struct codec_type *type)
{
    static char *too_long;

    if (type->kind != CODEC_STRUCT)
        return;
    if (!too_long)
        too_long = g_strnfill(4194305, 'x');
    for (uint32_t i = 0; i < type->n_members; i++) {
        g_autofree char *value = g_malloc0(type->size);

        value_make(maker, type, value);
        if (!has_limit(type->members[i].type))
            continue;
        g_autoptr(GByteArray) bytes = encode(type, value);
        check_decode_limit(type, &type->members[i], bytes);
        check_encode_limit(type, &type->members[i], value, too_long);
    }
}

static void test_limits(void)
{
    for_every_type(check_limits, VALUE_SMALLEST, 0, 1);
}

/* Fills one list or string to its limit with smallest elements; the struct must still pass. */
static void fill_member(const struct value_maker *maker, const struct codec_type *type, char *value)
{
    uint32_t max = type->max;
    char *val;

    if (type->kind == CODEC_ARRAY) {
        val = arena_array(maker->arena, max, type->of->size);
        value_make(maker, type->of, val);
        for (uint32_t i = 1; i < max; i++)
            memcpy(val + (size_t)i * type->of->size, val, type->of->size);
    } else {
        val = arena_alloc(maker->arena, max + 1);
        memset(val, 'x', max);
    }
    memcpy(value, &val, sizeof(val));
    if (type->kind == CODEC_ARRAY || type->kind == CODEC_BYTES)
        memcpy(value + sizeof(val), &max, sizeof(max));
}

static bool seen_before(const struct codec_type *type)
{
    static GHashTable *seen;
    char *key = g_strdup_printf("%d %u %p", type->kind, type->max, (const void *)type->of);

    if (!seen)
        seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return !g_hash_table_add(seen, key);
}

static void check_full(const struct value_maker *maker, const struct codec_type *type)
{
    for (uint32_t i = 0; i < type->n_members; i++) {
        const struct codec_member *member = &type->members[i];
        struct arena decoded ARENA_AUTO = {0};
        g_autofree char *value = g_malloc0(type->size);
        g_autofree char *after = g_malloc0(type->size);

        if (type->kind != CODEC_STRUCT || !has_limit(member->type) || seen_before(member->type))
            continue;
        value_make(maker, type, value);
        fill_member(maker, member->type, value + member->offset);
        g_autoptr(GByteArray) bytes = encode(type, value);
        g_assert_cmpint(codec_decode(type, bytes->data, bytes->len, &decoded, after, NULL), ==, 0);
        g_assert_true(value_equal(type, value, after));
    }
}

static void test_full(void)
{
    for_every_type(check_full, VALUE_SMALLEST, 0, 1);
}

static void test_payload_limit(void)
{
    static char *names[16384];
    g_autofree char *name = g_strnfill(2100, 'x');
    struct remote_connect_list_defined_domains_ret ret = {.names_val = names,
                                                          .names_len = G_N_ELEMENTS(names)};

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        names[i] = name;
    assert_not_encoded(&remote_connect_list_defined_domains_ret_type, &ret, "33554408");
}

/* A list's memory is at most a small multiple of the bytes that announce it. */
static void check_amplification(const struct value_maker *maker, const struct codec_type *type)
{
    for (uint32_t i = 0; i < type->n_members; i++) {
        const struct codec_type *member = type->members[i].type;

        if (member->of)
            g_assert_cmpuint(member->of->size, <=, 4 * member->of->wire_min);
    }
}

static void test_amplification(void)
{
    for_every_type(check_amplification, VALUE_SMALLEST, 0, 1);
}

/* values that no honest peer sends */

static void test_refused_bytes(void)
{
    assert_not_decoded(&remote_connect_open_args_type, "\0\0\0\2\0\0\0\0\0\0\0\0", 12,
                       "remote_connect_open_args.name: 2 is neither");
    assert_not_decoded(&remote_connect_open_args_type, "\xff\xff\xff\xff\0\0\0\0\0\0\0\0", 12,
                       "neither");
    assert_not_decoded(&remote_connect_open_args_type, "\0\0\0\1\0\0\0\3a\0b\0\0\0\0\0", 16, "NUL");
    assert_not_decoded(&remote_typed_param_type, "\0\0\0\1a\0\0\0\0\0\0\0\0\0\0\0", 16,
                       "remote_typed_param.value: there is no type 0");
    assert_not_decoded(&remote_typed_param_type, "\0\0\0\1a\0\0\0\0\0\0\10\0\0\0\0", 16,
                       "no type 8");
    assert_not_decoded(&remote_typed_param_type, "\0\0\0\1a\0\0\0\xff\xff\xff\xff\0\0\0\0", 16,
                       "no type -1");
}

static void test_refused_values(void)
{
    struct remote_nonnull_domain domains[] = {{.name = "a"}, {.name = NULL}};
    struct remote_connect_list_all_domains_ret ret = {.domains_val = domains, .domains_len = 2};
    struct remote_connect_list_all_domains_ret no_list = {.domains_len = 1};
    struct remote_secret_get_value_ret no_bytes = {.value_len = 1};
    struct remote_typed_param no_type = {.field = "x"};

    assert_not_encoded(&remote_connect_list_all_domains_ret_type, &ret,
                       "remote_connect_list_all_domains_ret.domains[1].name: NULL");
    assert_not_encoded(&remote_connect_list_all_domains_ret_type, &no_list, "NULL");
    assert_not_encoded(&remote_secret_get_value_ret_type, &no_bytes, "NULL");
    assert_not_encoded(&remote_typed_param_type, &no_type, "there is no type 0");
}

static void test_nothing(void)
{
    struct arena arena ARENA_AUTO = {0};
    g_autoptr(GByteArray) out = encode(NULL, NULL);
    size_t size = 1;

    g_assert_cmpuint(out->len, ==, 0);
    g_assert_cmpint(codec_decode(NULL, "rest", 4, &arena, NULL, NULL), ==, 0);
    g_assert_cmpint(codec_measure(NULL, NULL, &size, NULL), ==, 0);
    g_assert_cmpuint(size, ==, 0);
}

static void test_speed(void)
{
    static struct remote_nonnull_domain domains[10000];
    struct remote_connect_list_all_domains_ret ret = {.domains_val = domains, .ret = 10000};

    ret.domains_len = G_N_ELEMENTS(domains);
    for (size_t i = 0; i < G_N_ELEMENTS(domains); i++)
        domains[i].name = "a-domain-with-a-name";

    g_autoptr(GTimer) timer = g_timer_new();
    g_autoptr(GByteArray) out = encode(&remote_connect_list_all_domains_ret_type, &ret);
    double encoded = g_timer_elapsed(timer, NULL);
    struct arena arena ARENA_AUTO = {0};

    g_assert_cmpint(codec_decode(&remote_connect_list_all_domains_ret_type, out->data, out->len,
                                 &arena, &ret, NULL),
                    ==, 0);
    g_test_message("10,000 domains: encoded in %.2f ms, decoded in %.2f ms", encoded * 1e3,
                   (g_timer_elapsed(timer, NULL) - encoded) * 1e3);
    g_assert_cmpfloat(encoded, <, 0.5);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/codec/hex/strings", test_hex_strings);
    g_test_add_func("/codec/hex/domain", test_hex_domain);
    g_test_add_func("/codec/hex/wide-chars", test_hex_wide_chars);
    g_test_add_func("/codec/hex/unsigned", test_hex_unsigned);
    g_test_add_func("/codec/hex/typed-params", test_hex_typed_params);
    g_test_add_func("/codec/hex/packed-bytes", test_hex_packed_bytes);
    g_test_add_func("/codec/hex/error", test_hex_error);
    g_test_add_func("/codec/like-libtirpc", test_like_libtirpc);
    g_test_add_func("/codec/every/round-trip", test_round_trips);
    g_test_add_func("/codec/every/wire-min", test_wire_min);
    g_test_add_func("/codec/every/truncated", test_truncated);
    g_test_add_func("/codec/every/garbage", test_garbage);
    g_test_add_func("/codec/every/limits", test_limits);
    g_test_add_func("/codec/every/full", test_full);
    g_test_add_func("/codec/every/amplification", test_amplification);
    g_test_add_func("/codec/payload-limit", test_payload_limit);
    g_test_add_func("/codec/refused-bytes", test_refused_bytes);
    g_test_add_func("/codec/refused-values", test_refused_values);
    g_test_add_func("/codec/nothing", test_nothing);
    g_test_add_func("/codec/speed", test_speed);
    return g_test_run();
}
