/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "machine.h"
#include "xml/share.h"
#include "xml/xml.h"

/* Passwords in definitions: they are gone from memory with the last definition that has them. */

#define SECRET_BYTES 24

/* What is looked for must not be in memory but where a test has put it. */
static char masked(unsigned i)
{
    return (char)(0x80 | (i * 37 + 11) % 127);
}

static char *put_secret(struct arena *arena)
{
    char *secret = arena_alloc(arena, SECRET_BYTES + 1);

    for (unsigned i = 0; i < SECRET_BYTES; i++)
        secret[i] = masked(i);
    return secret;
}

static bool is_secret(const char *bytes)
{
    for (unsigned i = 0; i < SECRET_BYTES; i++)
        if (bytes[i] != masked(i))
            return false;
    return true;
}

static unsigned count_in(int memory, off_t begin, off_t end)
{
    static char page[1024 * 1024];
    unsigned found = 0;

    for (off_t at = begin; at < end; at += sizeof(page) - SECRET_BYTES) {
        ssize_t got = pread(memory, page, MIN((off_t)sizeof(page), end - at), at);

        for (ssize_t i = 0; i + SECRET_BYTES <= got; i++)
            found += is_secret(page + i);
        explicit_bzero(page, sizeof(page));
    }
    return found;
}

/* How often the secret is in the heap, freed memory included. */
static unsigned count_secrets(void)
{
    autofd int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    FILE *maps = fopen("/proc/self/maps", "re");
    unsigned long begin, end;
    unsigned found = 0;
    char line[512];

    g_assert_true(memory >= 0 && maps);
    while (fgets(line, sizeof(line), maps))
        if (sscanf(line, "%lx-%lx rw-p", &begin, &end) == 2 && strstr(line, "[heap]"))
            found += count_in(memory, (off_t)begin, (off_t)end);
    fclose(maps);
    return found;
}

static struct machine *new_machine(void)
{
    struct machine *machine = (struct machine *)definition_new(&machine_schema);
    struct arena *arena = &machine->definition.arena;
    struct machine_disk *disk = arena_new(arena, struct machine_disk);

    machine->name = "secretive";
    disk->target = "vda";
    LIST_APPEND(arena, &machine->disks, disk);
    return machine;
}

static struct machine *pack(const struct machine *machine)
{
    return (struct machine *)definition_pack(&machine->definition);
}

static void test_wiped(void)
{
    DEFINITION_AUTO struct machine *machine = new_machine();

    machine->secret = put_secret(&machine->definition.arena);
    DEFINITION_AUTO struct machine *copy = (struct machine *)definition_copy(&machine->definition);
    g_assert_cmpstr(copy->secret, ==, machine->secret);
    if (count_secrets() != 2) {
        g_test_skip("the heap can't be looked into here");
        return;
    }
    definition_unref(&g_steal_pointer(&copy)->definition);
    g_assert_cmpuint(count_secrets(), ==, 1);
    definition_unref(&g_steal_pointer(&machine)->definition);
    g_assert_cmpuint(count_secrets(), ==, 0);
}

/* Equal parts are shared, with a password they are not, and leave nothing behind. */
static void test_not_shared(void)
{
    DEFINITION_AUTO struct machine *machine = new_machine();
    struct machine_disk *disk = machine->disks.items[0];
    struct machine *packed[3];

    disk->password = put_secret(&machine->definition.arena);
    size_t before = xml_shared_bytes();
    for (unsigned i = 0; i < G_N_ELEMENTS(packed); i++) {
        packed[i] = pack(machine);
        g_assert_cmpstr(packed[i]->disks.items[0]->password, ==, disk->password);
    }
    g_assert_true(packed[1]->disks.items[0] != packed[2]->disks.items[0]);
    g_assert_cmpuint(xml_shared_bytes(), ==, before);
    for (unsigned i = 0; i < G_N_ELEMENTS(packed); i++)
        definition_unref(&packed[i]->definition);
    g_assert_cmpuint(count_secrets(), <=, 1); /* ours */
}

static void test_shared_without(void)
{
    DEFINITION_AUTO struct machine *machine = new_machine();
    DEFINITION_AUTO struct machine *first = pack(machine), *second = pack(machine),
                                   *third = pack(machine);

    g_assert_true(first->disks.items[0] != second->disks.items[0]);
    g_assert_true(second->disks.items[0] == third->disks.items[0]);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/secrets/wiped", test_wiped);
    g_test_add_func("/secrets/not-shared", test_not_shared);
    g_test_add_func("/secrets/shared-without", test_shared_without);
    return g_test_run();
}
