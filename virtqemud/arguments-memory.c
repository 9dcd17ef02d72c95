/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

#include "arguments-parts.h"
#include "device-common.h"
#include "memory-backend.h"
#include "option.h"

#define KIB 1024

static const struct memory_backing plain;

static const struct memory_backing *backing_of(const struct build *build)
{
    return build->domain->memory_backing ? build->domain->memory_backing : &plain;
}

bool arguments_has_cells(const struct domain *domain)
{
    const struct domain_cpu *cpu = domain->cpu;

    return cpu && cpu->numa && cpu->numa->cells.count > 0;
}

const char *arguments_memory_id(const struct build *build)
{
    const struct emulator_machine *machine =
        emulator_find_machine(build->context->emulator, build->domain->os.machine);

    return machine && !arguments_has_cells(build->domain) ? machine->default_ram_id : NULL;
}

/* ---- what memory is made of ---- */

/* The host's kernel has pages of certain sizes, if it has any. */
static int check_pages(const struct build *build, GError **error)
{
    const struct memory_hugepages *hugepages = backing_of(build)->hugepages;

    for (unsigned i = 0; !build->context->plan && hugepages && i < hugepages->pages.count; i++) {
        uint64_t size = hugepages->pages.items[i]->size;
        g_autofree char *path =
            g_strdup_printf("/sys/kernel/mm/hugepages/hugepages-%" G_GUINT64_FORMAT "kB", size);

        if (size * KIB == (uint64_t)sysconf(_SC_PAGESIZE) || access(path, F_OK) == 0)
            continue;
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "memoryBacking/hugepages/page[%u]/@size: the host has no pages of "
                  "%" G_GUINT64_FORMAT " KiB",
                  i + 1, size);
        return -1;
    }
    return 0;
}

/* Memory in files is for others to see, or because that was asked for. */
static bool uses_folder(const struct build *build)
{
    const struct memory_backing *backing = backing_of(build);

    if (backing->source == MEMORY_SOURCE_FILE || backing->access)
        return true;
    for (unsigned i = 0;
         arguments_has_cells(build->domain) && i < build->domain->cpu->numa->cells.count; i++)
        if (build->domain->cpu->numa->cells.items[i]->memory_access)
            return true;
    return build->domain->devices.memories.count > 0;
}

static int make_folder(const struct build *build, GError **error)
{
    const struct qemu_config *config = build->context->config;
    uid_t uid = config->set_user ? config->uid : (uid_t)-1;
    gid_t gid = config->set_user ? config->gid : (gid_t)-1;

    if (build->context->plan || !uses_folder(build))
        return 0;
    return file_make_folders_owned(config->memory_backing_folder, 0700, uid, gid, error);
}

/* ---- threads ---- */

static void add_pool(struct json_object *json, const struct opt_int *least,
                     const struct opt_int *most)
{
    if (least->set)
        json_add(json, "i:thread-pool-min", least->value, NULL);
    if (most->set)
        json_add(json, "i:thread-pool-max", most->value, NULL);
}

static int add_iothread(const struct build *build, unsigned id,
                        const struct domain_iothread *thread, GError **error)
{
    const struct iothread_poll *poll = thread ? thread->poll : NULL;
    g_autofree char *name = g_strdup_printf("iothread%u", id);

    if (poll && poll->weight.set &&
        !emulator_has(build->context->emulator, EMULATOR_IOTHREAD_POLL_WEIGHT))
        return device_refuse(error, "iothread", name, "the emulator has no poll/@weight");

    struct json_object *json = json_build("s:qom-type", "iothread", "s:id", name, NULL);
    if (thread)
        add_pool(json, &thread->thread_pool_min, &thread->thread_pool_max);
    if (poll && poll->max.set)
        json_add(json, "U:poll-max-ns", poll->max.value, NULL);
    if (poll && poll->grow.set)
        json_add(json, "U:poll-grow", poll->grow.value, NULL);
    if (poll && poll->shrink.set)
        json_add(json, "U:poll-shrink", poll->shrink.value, NULL);
    if (poll && poll->weight.set)
        json_add(json, "U:poll-weight", poll->weight.value, NULL);
    words_add_json(build->arguments, "-object", json);
    return 0;
}

/* Those that the document names, and as many more as it counts, with the lowest free numbers. */
int arguments_add_iothreads(const struct build *build, GError **error)
{
    const struct domain *domain = build->domain;
    const struct default_iothread *main_loop = domain->default_iothread;
    unsigned unnamed = domain->iothread_count > domain->iothreads.count
                           ? domain->iothread_count - domain->iothreads.count
                           : 0;

    if (main_loop) {
        struct json_object *json = json_build("s:qom-type", "main-loop", "s:id", "main-loop", NULL);
        add_pool(json, &main_loop->thread_pool_min, &main_loop->thread_pool_max);
        words_add_json(build->arguments, "-object", json);
    }
    LIST_EACH (thread, &domain->iothreads)
        if (add_iothread(build, thread->id, thread, error) < 0)
            return -1;
    for (unsigned id = 1; unnamed > 0; id++)
        if (!domain_find_iothread(domain, id)) {
            add_iothread(build, id, NULL, NULL); /* nothing is asked of it that could be refused */
            unnamed--;
        }
    return 0;
}

/* ---- all together ---- */

/* Without what is plugged in on top. */
static uint64_t memory_at_boot(const struct domain *domain)
{
    uint64_t size = domain->memory;

    if (arguments_has_cells(domain)) {
        size = 0;
        LIST_EACH (cell, &domain->cpu->numa->cells)
            size += cell->memory;
        return size;
    }
    LIST_EACH (memory, &domain->devices.memories)
        if (memory->model != MEMORY_MODEL_SGX_EPC)
            size -= MIN(size, memory->size);
    return size;
}

static void add_size(const struct build *build)
{
    const struct domain *domain = build->domain;
    GString *option = option_new("");

    option_addf(option, "size", "%" G_GUINT64_FORMAT "k", memory_at_boot(domain));
    if (domain->max_memory) {
        option_addf(option, "slots", "%u", domain->memory_slots);
        option_addf(option, "maxmem", "%" G_GUINT64_FORMAT "k", domain->max_memory);
    }
    words_add_option(build->arguments, "-m", option);
}

static void add_main_memory(const struct build *build, const char *id)
{
    const struct memory_request request = {
        .id = id, .cell = -1, .size = memory_at_boot(build->domain), .canonical = true};

    words_add_json(build->arguments, "-object",
                   memory_backend_build(build->domain, build->context, &request));
}

int arguments_add_memory(const struct build *build, GError **error)
{
    const char *id = arguments_memory_id(build);

    if (check_pages(build, error) < 0 || make_folder(build, error) < 0)
        return -1;
    add_size(build);
    if (id)
        add_main_memory(build, id);
    words_add(build->arguments, "-overcommit",
              backing_of(build)->locked ? "mem-lock=on" : "mem-lock=off", NULL);
    return 0;
}
