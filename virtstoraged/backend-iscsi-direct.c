/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>
#include <string.h>

#include "base/error.h"
#include "xml/xml.h"

#include "backend.h"
#include "credential.h"
#include "module.h"
#include "sources.h"

/* LUNs of an iSCSI target, spoken to by libiscsi: the kernel knows nothing of them, guests reach
 * them through QEMU. A session is as long as one call. */

#define DEFAULT_PORT 3260
#define ANSWER_SECONDS 30
#define SYN_TRIES 3 /* about 15 seconds until a silent host is given up */
#define ATTENTIONS 8
#define LUNS_FIRST 4096 /* bytes of a list to begin with */
#define LUNS_MOST (1024 * 1024)
#define WIPE_BYTES (4 * 1024 * 1024)

/* ---- sessions ---- */

struct session {
    struct iscsi_context *context;
    bool in;
};

static void session_end(struct session *session)
{
    if (session->in)
        iscsi_logout_sync(session->context);
    if (session->context)
        iscsi_destroy_context(session->context);
}
#define SESSION_AUTO __attribute__((cleanup(session_end)))

static char *get_portal(const struct storage_host *host)
{
    bool is_ip6 = strchr(host->name, ':');
    unsigned port = host->port ?: DEFAULT_PORT;

    return g_strdup_printf(is_ip6 ? "[%s]:%u" : "%s:%u", host->name, port);
}

static int fail(const struct session *session, const char *what, GError **error)
{
    error_set(error, VIR_ERR_INTERNAL_ERROR, "%s: %s", what, iscsi_get_error(session->context));
    return -1;
}

static int set_password(const struct session *session, const struct storage_auth *auth,
                        GError **error)
{
    char *password CREDENTIAL_AUTO = NULL;

    if (auth->type != STORAGE_AUTH_CHAP) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "iscsi-direct pool only supports 'chap' auth");
        return -1;
    }
    if (credential_get(auth, &password, error) < 0)
        return -1;
    if (iscsi_set_initiator_username_pwd(session->context, auth->username, password) == 0)
        return 0;
    return fail(session, "Failed to set the password", error);
}

/* Of a pool, or with nothing but host and initiator: to be told of targets. */
static int session_begin(struct session *session, const struct storage_host *host,
                         const char *initiator, const struct storage_pool *pool, GError **error)
{
    const char *target = pool ? pool->source.devices.items[0]->path : NULL;
    g_autofree char *portal = get_portal(host);

    session->context = iscsi_create_context(initiator);
    if (!session->context) {
        error_set(error, VIR_ERR_INTERNAL_ERROR, "Failed to create iscsi context for '%s'",
                  initiator);
        return -1;
    }
    iscsi_set_noautoreconnect(session->context, 1);
    iscsi_set_timeout(session->context, ANSWER_SECONDS);
    iscsi_set_tcp_syncnt(session->context, SYN_TRIES);
    if (target)
        iscsi_set_targetname(session->context, target);
    if (iscsi_set_session_type(session->context,
                               target ? ISCSI_SESSION_NORMAL : ISCSI_SESSION_DISCOVERY) < 0 ||
        iscsi_set_header_digest(session->context, ISCSI_HEADER_DIGEST_NONE_CRC32C) < 0)
        return fail(session, "Failed to set up the iscsi session", error);
    if (pool && pool->source.auth && set_password(session, pool->source.auth, error) < 0)
        return -1;
    if (iscsi_connect_sync(session->context, portal) < 0)
        return fail(session, "Failed to connect to the iscsi target", error);
    if (iscsi_login_sync(session->context) < 0)
        return fail(session, "Failed to log in to the iscsi target", error);
    session->in = true;
    return 0;
}

static int begin(struct session *session, const struct storage_pool *pool, GError **error)
{
    if (pool->source.devices.count != 1) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "pool '%s' does not name its target: one <device> in its <source>", pool->name);
        return -1;
    }
    return session_begin(session, pool->source.hosts.items[0], pool->source.initiator, pool, error);
}

/* ---- questions to a LUN ---- */

static void task_clear(struct scsi_task **task)
{
    if (*task)
        scsi_free_scsi_task(*task);
}
#define TASK_AUTO __attribute__((cleanup(task_clear)))

static bool is_good(const struct scsi_task *task)
{
    return task && task->status == SCSI_STATUS_GOOD;
}

/* A LUN first tells what has happened since it was last spoken to. */
static bool await_ready(const struct session *session, int lun)
{
    for (unsigned i = 0; i < ATTENTIONS; i++) {
        struct scsi_task *task TASK_AUTO = iscsi_testunitready_sync(session->context, lun);

        if (is_good(task))
            return true;
        if (!task || task->status != SCSI_STATUS_CHECK_CONDITION ||
            task->sense.key != SCSI_SENSE_UNIT_ATTENTION)
            return false;
    }
    return false;
}

/* A target has units that are no disks: its controller, for one. */
static bool is_disk(const struct session *session, int lun)
{
    struct scsi_task *task TASK_AUTO = iscsi_inquiry_sync(session->context, lun, 0, 0, 64);
    const struct scsi_inquiry_standard *about = is_good(task) ? scsi_datain_unmarshall(task) : NULL;

    return about && about->qualifier == SCSI_INQUIRY_PERIPHERAL_QUALIFIER_CONNECTED &&
           about->device_type == SCSI_INQUIRY_PERIPHERAL_DEVICE_TYPE_DIRECT_ACCESS;
}

struct capacity {
    uint64_t blocks;
    uint32_t block_size;
};

static int read_capacity(const struct session *session, int lun, struct capacity *ret_capacity,
                         GError **error)
{
    struct scsi_task *task TASK_AUTO = iscsi_readcapacity16_sync(session->context, lun);
    const struct scsi_readcapacity16 *about = is_good(task) ? scsi_datain_unmarshall(task) : NULL;

    if (!about)
        return fail(session, "Failed to get the capacity of a lun", error);
    if (about->returned_lba >= INT64_MAX / MAX(about->block_length, 1)) {
        error_set(error, VIR_ERR_INTERNAL_ERROR, "the capacity of lun %d is too large", lun);
        return -1;
    }
    *ret_capacity = (struct capacity){about->returned_lba + 1, about->block_length};
    return 0;
}

/* ---- volumes ---- */

/* Names and keys are those that everybody has for such volumes. */
static struct storage_volume *new_volume(const struct storage_pool *pool, int lun, uint64_t size)
{
    struct storage_volume *volume = (struct storage_volume *)definition_new(&storage_volume_schema);
    struct arena *arena = &volume->definition.arena;
    const struct storage_host *host = pool->source.hosts.items[0];

    volume->type = STORAGE_VOLUME_NETWORK;
    volume->name = arena_printf(arena, "unit:0:0:%d", lun);
    volume->key =
        arena_printf(arena, "ip-%s:%u-iscsi-%s-lun-%d", host->name, host->port ?: DEFAULT_PORT,
                     pool->source.devices.items[0]->path, lun);
    volume->target.path = volume->key;
    volume->capacity = volume->allocation = OPT_ULONG(size);
    return volume;
}

static int see_lun(const struct session *session, const struct storage_pool *pool, int lun,
                   struct volumes *volumes, struct pool_facts *facts, GError **error)
{
    static const struct volume_signature signature = {0};
    struct capacity capacity;

    if (!await_ready(session, lun) || !is_disk(session, lun))
        return 0;
    if (read_capacity(session, lun, &capacity, error) < 0)
        return -1;
    uint64_t size = capacity.blocks * capacity.block_size;
    volumes_found(volumes, new_volume(pool, lun, size), &signature);
    facts->capacity += size;
    facts->allocation += size;
    return 0;
}

static struct scsi_task *ask_luns(const struct session *session, int size)
{
    struct scsi_task *task = iscsi_reportluns_sync(session->context, 0, size);

    if (is_good(task))
        return task;
    task_clear(&task);
    return NULL;
}

static int iscsi_refresh(const struct storage_pool *pool, struct volumes *volumes,
                         struct pool_facts *ret_facts, GError **error)
{
    struct session session SESSION_AUTO = {0};

    if (begin(&session, pool, error) < 0)
        return -1;
    await_ready(&session, 0);
    struct scsi_task *task TASK_AUTO = ask_luns(&session, LUNS_FIRST);
    int size = task ? scsi_datain_getfullsize(task) : 0;
    if (size > LUNS_FIRST && size <= LUNS_MOST) {
        task_clear(&task);
        task = ask_luns(&session, size);
    }
    const struct scsi_reportluns_list *list = task ? scsi_datain_unmarshall(task) : NULL;
    if (!list)
        return fail(&session, "Failed to report the luns of the iscsi target", error);
    for (uint32_t i = 0; i < list->num; i++)
        if (see_lun(&session, pool, list->luns[i], volumes, ret_facts, error) < 0)
            return -1;
    return 0;
}

static int iscsi_start(const struct storage_pool *pool, struct volumes **ret_volumes,
                       GError **error)
{
    struct session session SESSION_AUTO = {0};

    if (begin(&session, pool, error) < 0)
        return -1;
    *ret_volumes = volumes_new(pool, NULL, -1);
    return 0;
}

/* As of the last refresh: a session for each question would be dear. */
static int iscsi_look(struct volume *volume, struct storage_volume **ret_found,
                      struct volume_signature *ret_signature, GError **error)
{
    DEFINITION_AUTO struct storage_volume *known = volume_get_definition(volume);

    *ret_found = (struct storage_volume *)definition_copy(&known->definition);
    *ret_signature = (struct volume_signature){0};
    return 0;
}

/* ---- wiping ---- */

/* The target is told how far the zeros go; one that does not know that is sent them. */
static bool write_zeros(const struct session *session, int lun, uint64_t block, uint32_t count,
                        uint32_t block_size, uint8_t *zeros)
{
    struct scsi_task *same TASK_AUTO =
        iscsi_writesame16_sync(session->context, lun, block, zeros, block_size, count, 0, 0, 0, 0);

    if (is_good(same))
        return true;
    struct scsi_task *task TASK_AUTO = iscsi_write16_sync(
        session->context, lun, block, zeros, count * block_size, (int)block_size, 0, 0, 0, 0, 0);
    return is_good(task);
}

static int wipe_lun(struct volume_job *job, const struct session *session, int lun, GError **error)
{
    g_autofree uint8_t *zeros = g_malloc0(WIPE_BYTES);
    struct capacity capacity;

    if (read_capacity(session, lun, &capacity, error) < 0)
        return -1;
    uint32_t step = capacity.block_size ? WIPE_BYTES / capacity.block_size : 0;
    for (uint64_t block = 0; step && block < capacity.blocks; block += step) {
        uint32_t count = (uint32_t)MIN(step, capacity.blocks - block);

        if (volume_job_step(job, block * capacity.block_size, capacity.blocks * capacity.block_size,
                            error) < 0)
            return -1;
        if (!write_zeros(session, lun, block, count, capacity.block_size, zeros))
            return fail(session, "Failed to wipe the lun", error);
    }
    return 0;
}

static int iscsi_wipe(struct volume_job *job, struct volume *volume, unsigned algorithm,
                      GError **error)
{
    struct session session SESSION_AUTO = {0};
    int lun = (int)g_ascii_strtoull(strrchr(volume->name, ':') + 1, NULL, 10);

    if (algorithm != VIR_STORAGE_VOL_WIPE_ALG_ZERO) {
        error_set(error, VIR_ERR_INVALID_ARG, "unsupported algorithm %u", algorithm);
        return -1;
    }
    if (begin(&session, volume->volumes->on, error) < 0)
        return -1;
    await_ready(&session, lun);
    return wipe_lun(job, &session, lun, error);
}

/* ---- targets ---- */

static void add_source(struct storage_sources *sources, const struct storage_source *wanted,
                       const char *target)
{
    struct arena *arena = &sources->definition.arena;
    struct storage_source *source = arena_new(arena, struct storage_source);
    struct storage_device *device = arena_new(arena, struct storage_device);
    struct storage_host *host = arena_new(arena, struct storage_host);

    host->name = arena_strdup(arena, wanted->hosts.items[0]->name);
    host->port = wanted->hosts.items[0]->port;
    device->path = arena_strdup(arena, target);
    source->initiator = arena_strdup(arena, wanted->initiator);
    LIST_APPEND(arena, &source->hosts, host);
    LIST_APPEND(arena, &source->devices, device);
    LIST_APPEND(arena, &sources->sources, source);
}

static int iscsi_find_sources(const struct storage_source *wanted, char **ret_text, GError **error)
{
    struct session session SESSION_AUTO = {0};
    const struct storage_host *host;

    if (sources_get_host(wanted, "iscsi-direct", &host, error) < 0)
        return -1;
    if (!wanted->initiator) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "missing initiator IQN");
        return -1;
    }
    if (session_begin(&session, host, wanted->initiator, NULL, error) < 0)
        return -1;
    struct iscsi_discovery_address *found = iscsi_discovery_sync(session.context);
    if (!found && *iscsi_get_error(session.context))
        return fail(&session, "Failed to discover the iscsi targets", error);
    DEFINITION_AUTO struct storage_sources *sources =
        (struct storage_sources *)definition_new(&storage_sources_schema);
    for (struct iscsi_discovery_address *one = found; one; one = one->next)
        add_source(sources, wanted, one->target_name);
    iscsi_free_discovery_data(session.context, found);
    *ret_text = xml_write(&sources->definition, 0);
    return 0;
}

static const struct volume_backend lun_volumes = {.look = iscsi_look, .wipe = iscsi_wipe};

const struct backend storage_module = {
    .start = iscsi_start,
    .refresh = iscsi_refresh,
    .find_sources = iscsi_find_sources,
    .volumes = &lun_volumes,
};
