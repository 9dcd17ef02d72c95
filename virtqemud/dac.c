/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dac.h"

#include <string.h>

#include "base/error.h"

#include "guest.h"

#define MODEL "dac"

static bool is_dac(const char *model)
{
    return g_strcmp0(model, MODEL) == 0;
}

/* "user:group", by names or as "+107:+107". */
static int parse(const char *label, struct dac_owner *ret_owner, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(label ? label : "", ":", 2);
    struct dac_owner owner;

    if (!parts[0] || !parts[1]) {
        error_set(error, VIR_ERR_INVALID_ARG, "Failed to parse uid and gid from '%s'",
                  label ? label : "");
        return -1;
    }
    if (!qemu_find_user(parts[0], &owner.uid, &owner.gid)) {
        error_set(error, VIR_ERR_INVALID_ARG, "Failed to parse user '%s'", parts[0]);
        return -1;
    }
    if (!qemu_find_group(parts[1], &owner.gid)) {
        error_set(error, VIR_ERR_INVALID_ARG, "Failed to parse group '%s'", parts[1]);
        return -1;
    }
    *ret_owner = owner;
    return 0;
}

static struct domain_seclabel *label_of(const struct domain *live)
{
    LIST_EACH (label, &live->seclabels)
        if (is_dac(label->model))
            return label;
    return NULL;
}

const char *dac_label(const struct domain *live)
{
    const struct domain_seclabel *label = label_of(live);

    return label ? label->label : NULL;
}

bool dac_is_root(const struct domain *live, const struct qemu_config *config)
{
    struct dac_owner owner = {config->uid, config->gid};
    const char *label = dac_label(live);

    if (config->set_user && label)
        parse(label, &owner, NULL);
    return !config->set_user || owner.uid == 0;
}

/* ---- what a document asks for ---- */

static int check_model(const char *model, const struct qemu_config *config, GError **error)
{
    if (g_strcmp0(model, "none") == 0 || (is_dac(model) && config->set_user))
        return 0;
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "Security driver model '%s' is not available",
              model ? model : "");
    return -1;
}

static int check_labels(const struct domain_source_label *const *labels, unsigned count,
                        const struct qemu_config *config, GError **error)
{
    struct dac_owner owner;

    for (unsigned i = 0; i < count; i++)
        if (check_model(labels[i]->model, config, error) < 0 ||
            (labels[i]->label && parse(labels[i]->label, &owner, error) < 0))
            return -1;
    return 0;
}

#define LABELS(list) (const struct domain_source_label *const *)(list).items, (list).count

static int check_device(const struct device *device, const struct qemu_config *config,
                        GError **error)
{
    const struct chardev_source *stream = device_chardev_source(device);
    const struct chardev_end *end = stream ? chardev_source_end(stream) : NULL;
    const struct domain_disk *disk = device->kind == DEVICE_DISK ? device->object : NULL;

    for (const struct domain_source *at = disk ? &disk->source : NULL; at; at = at->backing)
        if (check_labels(LABELS(at->labels), config, error) < 0 ||
            (at->data_file && check_labels(LABELS(at->data_file->labels), config, error) < 0))
            return -1;
    return end ? check_labels(LABELS(end->labels), config, error) : 0;
}

static int check_all(const struct domain *live, const struct qemu_config *config, GError **error)
{
    unsigned count;
    g_autofree struct device *devices = domain_list_devices(live, &count);

    LIST_EACH (label, &live->seclabels)
        if (check_model(label->model, config, error) < 0)
            return -1;
    for (unsigned i = 0; i < count; i++)
        if (check_device(&devices[i], config, error) < 0)
            return -1;
    return 0;
}

/* ---- the run's own ---- */

static struct domain_seclabel *add_label(struct domain *live)
{
    struct arena *arena = &live->definition.arena;
    struct domain_seclabel *label = arena_new(arena, struct domain_seclabel);

    *label =
        (struct domain_seclabel){.type = SECLABEL_DYNAMIC, .model = MODEL, .relabel = TRISTATE_YES};
    LIST_APPEND(arena, &live->seclabels, label);
    return label;
}

int dac_choose(struct domain *live, const struct qemu_config *config, GError **error)
{
    struct domain_seclabel *label = label_of(live);
    struct dac_owner owner;

    if (check_all(live, config, error) < 0)
        return -1;
    if (!config->set_user)
        return 0;
    if (!label)
        label = add_label(live);
    if (label->type == SECLABEL_STATIC && parse(label->label, &owner, error) < 0)
        return -1;
    if (label->type == SECLABEL_DYNAMIC)
        label->label = arena_printf(&live->definition.arena, "+%u:+%u", config->uid, config->gid);
    if (label->type != SECLABEL_NONE && label->relabel == TRISTATE_YES)
        label->image_label = label->label;
    return 0;
}

void dac_forget(struct guest *guest)
{
    if (guest->config)
        g_free(guest->config->groups);
    g_clear_pointer(&guest->config, g_free);
}

void dac_adopt(struct guest *guest, const struct domain *live)
{
    const struct qemu_config *usual = &qemu_of(&guest->object)->config;
    const struct domain_seclabel *label = label_of(live);
    struct dac_owner owner = {usual->uid, usual->gid};
    bool relabel = !label || label->relabel == TRISTATE_YES;

    dac_forget(guest);
    if (!usual->set_user || (label && label->label && parse(label->label, &owner, NULL) < 0))
        return;
    if (owner.uid == usual->uid && owner.gid == usual->gid && relabel)
        return;
    guest->config = g_memdup2(usual, sizeof(*usual));
    guest->config->uid = owner.uid;
    guest->config->gid = owner.gid;
    guest->config->dynamic_ownership = usual->dynamic_ownership && relabel;
    qemu_config_find_groups(guest->config);
}

const struct qemu_config *dac_config(const struct guest *guest)
{
    return guest->config ? guest->config : &qemu_of((struct object *)&guest->object)->config;
}

bool dac_find_owner(const struct domain_source_label *const *labels, unsigned count,
                    const struct qemu_config *config, struct dac_owner *ret_owner)
{
    struct dac_owner owner = {config->uid, config->gid};

    for (unsigned i = 0; i < count; i++) {
        if (!is_dac(labels[i]->model))
            continue;
        if (labels[i]->relabel == TRISTATE_NO)
            return false;
        if (labels[i]->label && parse(labels[i]->label, &owner, NULL) < 0)
            return false;
    }
    *ret_owner = owner;
    return true;
}
