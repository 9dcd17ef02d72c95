/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tls-creds.h"

#include <json-c/json.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

#include "json.h"
#include "secret-object.h"

/* ---- who is encrypted ---- */

static void choose_stream(struct chardev_source *source, const struct qemu_config *config)
{
    if (!source || source->type != CHARDEV_TCP || source->ends.count == 0)
        return;
    struct chardev_end *end = source->ends.items[0];
    if (end->tls != TRISTATE_ABSENT)
        return;
    end->tls = config->tls[QEMU_TLS_CHARDEV].enabled ? TRISTATE_YES : TRISTATE_NO;
    end->tls_from_config = TRISTATE_YES;
}

static void choose_image(struct domain_source *source, struct arena *arena)
{
    for (; source; source = source->backing) {
        if (domain_source_type(source) != SOURCE_NETWORK || source->protocol != SOURCE_PROTOCOL_NBD)
            continue;
        if (!source->network)
            source->network = arena_new(arena, struct source_network);
        if (source->network->tls == TRISTATE_ABSENT)
            source->network->tls = TRISTATE_YES;
    }
}

void tls_creds_choose_device(struct domain *live, const struct device *device,
                             const struct qemu_config *config)
{
    choose_stream(device_chardev_source(device), config);
    if (device->kind == DEVICE_DISK && config->tls[QEMU_TLS_NBD].enabled) {
        struct domain_disk *disk = device->object;
        choose_image(&disk->source, &live->definition.arena);
    }
}

void tls_creds_choose(struct domain *live, const struct qemu_config *config)
{
    unsigned count;
    g_autofree struct device *devices = domain_list_devices(live, &count);

    for (unsigned i = 0; i < count; i++)
        tls_creds_choose_device(live, &devices[i], config);
}

/* ---- what QEMU is told ---- */

/* QEMU would only say that it can't read it, and end. */
static int check_file(const char *folder, const char *name, GError **error)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);

    if (access(path, F_OK) == 0)
        return 0;
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
              "TLS is asked for, and there is no '%s' (qemu.conf, *_tls_x509_cert_dir)", path);
    return -1;
}

static int check_files(const char *folder, bool server, GError **error)
{
    if (check_file(folder, "ca-cert.pem", error) < 0)
        return -1;
    if (server && (check_file(folder, "server-cert.pem", error) < 0 ||
                   check_file(folder, "server-key.pem", error) < 0))
        return -1;
    return 0;
}

int tls_creds_add(enum qemu_tls_use use, bool server, const char *id, const char *secret_id,
                  const struct arguments_context *context, GPtrArray *objects, GError **error)
{
    const struct qemu_tls *tls = &context->config->tls[use];
    struct domain_secret passphrase = {0};

    if (!context->plan && check_files(tls->folder, server, error) < 0)
        return -1;
    memcpy(passphrase.uuid, tls->secret_uuid, sizeof(passphrase.uuid));
    if (tls->has_secret &&
        secret_object_add(&passphrase, SECRET_USAGE_TLS, secret_id, context, objects, error) < 0)
        return -1;
    g_ptr_array_add(objects, json_build("s:qom-type", "tls-creds-x509", "s:id", id, "s:dir",
                                        tls->folder, "s:endpoint", server ? "server" : "client",
                                        "b:verify-peer", !server || tls->verify, "S:passwordid",
                                        tls->has_secret ? secret_id : NULL, NULL));
    return 0;
}
