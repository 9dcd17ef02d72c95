/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Defining 200 objects, and starting with 10,000: documents of about 5 KiB with as many elements as
 * those of domains have. usage: bench-store FOLDER [COUNT]; FOLDER must not exist yet.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "object/store.h"
#include "xml/xml.h"

#define DEVICES 30
#define DEFINES 200

struct device {
    const char *type, *source, *target, *bus;
    unsigned slot;
};

struct machine {
    struct definition definition;
    const char *name;
    uint8_t uuid[16];
    LIST_OF(struct device) devices;
};

#define ROWS_OF struct device
static const struct xml_row device_rows[] = {
    ROW_STRING("@type", type, "Type"),           ROW_STRING("source/@file", source, "Source"),
    ROW_STRING("target/@dev", target, "Target"), ROW_STRING("target/@bus", bus, "Bus"),
    ROW_NUMBER("address/@slot", slot, "Slot"),
};
#undef ROWS_OF
XML_SCHEMA_DECLARE(device);
XML_SCHEMA(device, "device", .doc = "A device");

#define ROWS_OF struct machine
static const struct xml_row machine_rows[] = {
    ROW_STRING("name", name, "Name", .flags = XML_REQUIRED),
    ROW_UUID("uuid", uuid, "Identity"),
    ROW_LIST("devices/device", devices, device, "Devices"),
};
#undef ROWS_OF
XML_SCHEMA_DECLARE(machine);
XML_SCHEMA(machine, "machine", .doc = "A machine");

static const struct object_kind machine_kind = {
    .name = "machine",
    .schema = &machine_schema,
    .missing = VIR_ERR_NO_DOMAIN,
    .size = sizeof(struct object),
    .name_offset = offsetof(struct machine, name),
    .uuid_offset = offsetof(struct machine, uuid),
};

static struct definition *machine_new(unsigned number)
{
    struct definition *definition = definition_new(&machine_schema);
    struct machine *machine = (struct machine *)definition;
    struct arena *arena = &definition->arena;

    machine->name = arena_printf(arena, "machine-%u", number);
    memset(machine->uuid, 0xa5, sizeof(machine->uuid));
    memcpy(machine->uuid, &number, sizeof(number));
    for (unsigned i = 1; i <= DEVICES; i++) {
        struct device *device = arena_new(arena, struct device);

        device->type = "file";
        device->source = arena_printf(arena, "/var/lib/libvirt/images/machine-%u-%u", number, i);
        device->target = arena_printf(arena, "vd%u", i);
        device->bus = "virtio";
        device->slot = i;
        LIST_APPEND(arena, &machine->devices, device);
    }
    return definition;
}

static double elapsed_ms(int64_t since)
{
    return (double)(g_get_monotonic_time() - since) / 1000;
}

static void fail(GError *error)
{
    fprintf(stderr, "%s\n", error->message);
    exit(1);
}

static void define(struct store *store, struct registry *registry, unsigned number)
{
    struct definition *definition = machine_new(number);
    struct job *job = NULL;
    GError *error = NULL;

    if (registry_begin(registry, definition, REGISTRY_NEW, "define", 0, &job, &error) < 0 ||
        store_save(store, job, definition, &error) < 0)
        fail(error);
    object_publish_config(job, definition);
    job_end(job);
}

/* The rest without flushing each, which is not what is measured. */
static size_t write_rest(const char *folder, unsigned count)
{
    size_t length = 0;

    for (unsigned i = DEFINES; i < count; i++) {
        g_autofree char *path = g_strdup_printf("%s/machine-%u.xml", folder, i);
        DEFINITION_AUTO struct definition *definition = machine_new(i);
        g_autofree char *text = xml_write(definition, XML_WRITE_INACTIVE);

        length = strlen(text);
        if (!g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_NONE, 0600, NULL))
            abort();
    }
    return length;
}

static void load(struct store *store, unsigned threads)
{
    struct registry *registry = registry_new(&machine_kind);
    g_autoptr(GPtrArray) notes = NULL;
    size_t before = mallinfo2().uordblks;
    int64_t since = g_get_monotonic_time();
    GError *error = NULL;
    double time;

    if (store_load(store, registry, threads, &notes, &error) < 0)
        fail(error);
    time = elapsed_ms(since);
    printf("load %u with %u threads: %.0f ms, %u notes, %zu bytes each\n",
           registry_count(registry, NULL, NULL), threads, time, notes->len,
           (mallinfo2().uordblks - before) / MAX(registry_count(registry, NULL, NULL), 1));
    registry_free(registry);
}

/* Only what this program made. */
static void remove_files(const char *folder, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        g_autofree char *path = g_strdup_printf("%s/machine-%u.xml", folder, i);

        unlink(path);
    }
    rmdir(folder);
}

int main(int argc, char **argv)
{
    unsigned count = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 10000;
    g_autofree char *folder = g_dir_make_tmp("bench-store-XXXXXX", NULL);
    struct store_spec spec = {
        .kind = &machine_kind, .config_folder = folder, .edit_command = "virsh edit"};
    struct registry *registry = registry_new(&machine_kind);
    struct store *store = store_new(&spec);
    int64_t since = g_get_monotonic_time();

    for (unsigned i = 0; i < DEFINES; i++)
        define(store, registry, i);
    printf("define, durable: %.0f/s\n", DEFINES / elapsed_ms(since) * 1000);
    printf("documents of %zu bytes\n", write_rest(folder, count));
    for (unsigned threads = 1; threads <= 2; threads++)
        load(store, threads);
    remove_files(folder, MAX(count, DEFINES));
    registry_free(registry);
    store_free(store);
    return 0;
}
