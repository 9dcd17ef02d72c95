/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

#include "config.h"

/*
 * Security labels of the model dac, the one that there is: the user and group that QEMU runs as,
 * and the owner of the guest's files while it runs. qemu.conf says them for all guests, a
 * <seclabel> for one guest, a <seclabel> of a source for one file.
 */
struct guest;

/* Writes down the label of the run where the document leaves it to qemu.conf.
 * VIR_ERR_CONFIG_UNSUPPORTED: a label of a model that there is not; VIR_ERR_INVALID_ARG: one that
 * is no user and group. Asks the user database; blocks. */
int dac_choose(struct domain *live, const struct qemu_config *config, GError **error);

/* Has dac_config() know what the label in live says. Blocks as above. */
void dac_adopt(struct guest *guest, const struct domain *live);
void dac_forget(struct guest *guest);

/* qemu.conf as it holds for the run: user, group and dynamic_ownership are those of the guest.
 * With a job alone; borrowed, until the next dac_adopt(). */
const struct qemu_config *dac_config(const struct guest *guest);

/* Does QEMU run as root by that label, or qemu.conf? Any thread; blocks as above. */
bool dac_is_root(const struct domain *live, const struct qemu_config *config);

/* The label that the run has; NULL: none. Borrowed from live. */
const char *dac_label(const struct domain *live);

struct dac_owner {
    uid_t uid;
    gid_t gid;
};

/* Who is to own a file with these labels of its source; false: it stays as it is. */
bool dac_find_owner(const struct domain_source_label *const *labels, unsigned count,
                    const struct qemu_config *config, struct dac_owner *ret_owner);
