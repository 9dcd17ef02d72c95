/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/log.h"
#include "base/uuid.h"
#include "driver/connect.h"

#include "methods.h"
#include "secretd.h"

/* ---- what is served ---- */

static const struct driver_methods *const method_groups[] = {
    &connect_methods, &list_methods, &define_methods, &value_methods, &event_methods,
};

/* The second one is for this host's daemons. */
static const struct protocol_program *const programs[] = {&remote_program, &modvirt_program, NULL};

static const struct driver_spec driver_spec = {
    .type = "secret",
    .scheme = "secret",
    .programs = programs,
    .groups = method_groups,
    .group_count = G_N_ELEMENTS(method_groups),
};

/* Of a file that a hand has put there. */
static int complete(struct definition *definition, GError **error)
{
    struct secret *secret = (struct secret *)definition;

    if (!uuid_is_valid(secret->uuid)) {
        error_set(error, VIR_ERR_XML_ERROR, "it has no uuid");
        return -1;
    }
    secret_set_uuid(secret, secret->uuid);
    return 0;
}

static const char *secret_alias(const struct definition *definition, const char **ret_word)
{
    static const char *const words[] = {
        [SECRET_USAGE_VOLUME] = "secret_usage_volume", [SECRET_USAGE_CEPH] = "secret_usage_ceph",
        [SECRET_USAGE_ISCSI] = "secret_usage_target",  [SECRET_USAGE_TLS] = "secret_usage_name",
        [SECRET_USAGE_VTPM] = "secret_usage_name",
    };
    const struct secret *secret = (const struct secret *)definition;

    *ret_word = words[secret_usage_type(secret)];
    return *ret_word ? secret_usage_id(secret) : NULL;
}

static const struct object_kind secret_kind = {
    .name = "secret",
    .schema = &secret_schema,
    .access = ACCESS_OBJECT_SECRET,
    .missing = VIR_ERR_NO_SECRET,
    .size = sizeof(struct secret_object),
    .name_offset = offsetof(struct secret, name),
    .uuid_offset = offsetof(struct secret, uuid),
    .alias = secret_alias,
    .clear = secret_object_clear,
    .complete = complete,
};

/* ---- the instance ---- */

static void make(struct daemon *daemon)
{
    secretd = g_new0(struct secretd, 1);
    g_mutex_init(&secretd->definition);
    secretd->kind = secret_kind;
    secretd->folder = g_strdup_printf("%s/secrets", daemon->paths.config);
    secretd->driver = driver_new(&driver_spec, daemon);
    driver_add_kind(secretd->driver, PROTOCOL_OBJECT_SECRET,
                    &(struct store_spec){
                        .kind = &secretd->kind,
                        .config_folder = "secrets",
                        .edit_command = "virsh secret-dumpxml",
                    });
    secretd->secrets = secretd->driver->registries[PROTOCOL_OBJECT_SECRET];
    secretd->store = secretd->driver->stores[PROTOCOL_OBJECT_SECRET];
    daemon->data = secretd->driver;
}

/* A value that can't be read is one that is not there, until it is set again. */
static void load_values(void)
{
    g_autoptr(GPtrArray) secrets = registry_list(secretd->secrets, NULL, NULL);

    for (guint i = 0; i < secrets->len; i++) {
        g_autofree char *path = secret_value_path(secrets->pdata[i]);
        struct value *value = NULL;
        g_autoptr(GError) error = NULL;

        if (value_load(path, &value, &error) < 0)
            log_error("%s", error->message);
        secret_object_set_value(secrets->pdata[i], value);
    }
}

static void stop(struct daemon *daemon)
{
    driver_free(secretd->driver);
    g_free(secretd->folder);
    g_mutex_clear(&secretd->definition);
    g_clear_pointer(&secretd, g_free);
}

static int start(struct daemon *daemon, GError **error)
{
    value_protect_process();
    make(daemon);
    if (driver_load(secretd->driver, PROTOCOL_OBJECT_SECRET, error) < 0) {
        stop(daemon);
        return -1;
    }
    load_values();
    return 0;
}

static bool is_ephemeral(struct object *object, const struct object_view *view, void *data)
{
    return secret_of_view(view)->ephemeral;
}

/* Those would be gone with us. */
static bool busy(struct daemon *daemon)
{
    return registry_count(secretd->secrets, is_ephemeral, NULL) > 0;
}

int main(int argc, char **argv)
{
    static const struct daemon_spec spec = {
        .name = "virtsecretd",
        .error_from = VIR_FROM_SECRET,
        .session_allowed = true,
        .start = start,
        .stop = stop,
        .busy = busy,
        DRIVER_SERVES,
    };

    return daemon_main(&spec, argc, argv);
}
