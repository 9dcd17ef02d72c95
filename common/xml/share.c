/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xml/share.h"

#include <string.h>

#include "xml/xml.h"

/* What anybody can make the process keep for good is bounded; large parts are hardly alike. */
#define MOST_BYTES (1024 * 1024)
#define LARGEST_PART 2048
#define REMEMBERED 4096 /* parts met once */

struct shared_part {
    const struct xml_schema *schema;
    const void *flat; /* from xml_copy_flat() */
    size_t size;      /* of flat */
    guint hash;
    void *part;
};

static struct {
    GMutex lock;
    GHashTable *parts; /* a set of struct shared_part */
    struct arena arena;
    size_t bytes;
    guint met[REMEMBERED]; /* hashes */
} pool;

static guint hash_of_shared(gconstpointer key)
{
    return ((const struct shared_part *)key)->hash;
}

static gboolean equal_shared(gconstpointer a, gconstpointer b)
{
    const struct shared_part *one = a, *other = b;

    return one->schema == other->schema && one->size == other->size &&
           memcmp(one->flat, other->flat, one->size) == 0;
}

static guint hash_bytes(const char *bytes, size_t size)
{
    uint64_t hash = size, word;

    for (; size >= sizeof(word); bytes += sizeof(word), size -= sizeof(word)) {
        memcpy(&word, bytes, sizeof(word));
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
    for (; size; bytes++, size--)
        hash = (hash ^ (uint8_t)*bytes) * UINT64_C(0x100000001b3);
    return (guint)(hash ^ hash >> 32);
}

/* What key costs once it is kept. */
static size_t cost_of(const struct shared_part *key)
{
    return sizeof(*key) + 2 * key->size;
}

/* With the lock held. The first of its kind leaves its hash only, in the place of another's. */
static bool is_worth_keeping(const struct shared_part *key)
{
    guint *met = &pool.met[key->hash % REMEMBERED];

    if (*met != key->hash) {
        *met = key->hash;
        return false;
    }
    return pool.bytes + cost_of(key) <= MOST_BYTES;
}

/* With the lock held. */
static struct shared_part *keep(const struct shared_part *key, const void *part)
{
    struct shared_part *shared = arena_memdup(&pool.arena, key, sizeof(*key));

    shared->flat = arena_memdup(&pool.arena, key->flat, key->size);
    shared->part = xml_copy_part(key->schema, part, &pool.arena);
    pool.bytes += cost_of(key);
    g_hash_table_add(pool.parts, shared);
    return shared;
}

static void *find_or_keep(const struct shared_part *key, const void *part)
{
    struct shared_part *shared;

    g_mutex_lock(&pool.lock);
    if (!pool.parts)
        pool.parts = g_hash_table_new(hash_of_shared, equal_shared);
    shared = g_hash_table_lookup(pool.parts, key);
    if (!shared && is_worth_keeping(key))
        shared = keep(key, part);
    g_mutex_unlock(&pool.lock);
    return shared ? shared->part : NULL;
}

void *xml_share(const struct xml_schema *schema, const void *part)
{
    struct arena scratch ARENA_AUTO = {0};
    struct shared_part key = {.schema = schema};

    key.flat = xml_copy_flat(schema, part, &scratch, &key.size);
    if (!key.flat || key.size > LARGEST_PART)
        return NULL;
    key.hash = hash_bytes(key.flat, key.size);
    return find_or_keep(&key, part);
}

size_t xml_shared_bytes(void)
{
    size_t bytes;

    g_mutex_lock(&pool.lock);
    bytes = pool.bytes;
    g_mutex_unlock(&pool.lock);
    return bytes;
}
