/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "driver/domains.h"
#include "protocol/remote-handlers.h"

#include "dac.h"
#include "guest.h"
#include "methods.h"

/*
 * Security models, in the order of the capabilities: none, which labels nothing, and as root dac,
 * whose label is the user and group that QEMU runs as.
 */
static void set_text(struct arena *arena, const char *text, char **ret_val, uint32_t *ret_len)
{
    *ret_val = arena_strdup(arena, text);
    *ret_len = (uint32_t)strlen(text) + 1; /* clients take the NUL for granted */
}

int node_get_security_model(struct call *call, const void *args,
                            struct remote_node_get_security_model_ret *ret, GError **error)
{
    set_text(&call->arena, "none", &ret->model_val, &ret->model_len);
    set_text(&call->arena, "0", &ret->doi_val, &ret->doi_len);
    return 0;
}

int domain_get_security_label(struct call *call,
                              const struct remote_domain_get_security_label_args *args,
                              struct remote_domain_get_security_label_ret *ret, GError **error)
{
    set_text(&call->arena, "", &ret->label_val, &ret->label_len);
    return 0;
}

int domain_get_security_label_list(struct call *call,
                                   const struct remote_domain_get_security_label_list_args *args,
                                   struct remote_domain_get_security_label_list_ret *ret,
                                   GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    struct remote_domain_get_security_label_ret *labels =
        arena_array(&call->arena, 2, sizeof(*labels));

    object_get_view(call->object, &view);
    if (!view.live)
        return 0;
    const char *label = dac_label(view_live(&view));
    set_text(&call->arena, "", &labels[0].label_val, &labels[0].label_len);
    if (label)
        set_text(&call->arena, label, &labels[1].label_val, &labels[1].label_len);
    ret->labels_val = labels;
    ret->labels_len = label ? 2 : 1;
    ret->ret = (int)ret->labels_len;
    return 0;
}

static const struct method rows[] = {
    {.binding = HANDLER(remote, node_get_security_model), .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, domain_get_security_label), .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, domain_get_security_label_list), .thread = METHOD_INLINE},
};

const struct driver_methods security_methods = DRIVER_METHODS(rows);
