/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

#include "arguments.h"

/*
 * The host's end of serial ports, channels and the like: -chardev. Files are opened and listening
 * sockets made here, with our rights, so that QEMU needs none in their folders; QEMU gets
 * descriptors.
 */

/* What the stream is for; some kinds of ends are spelled after it. */
enum chardev_use {
    CHARDEV_USE_SERIAL,
    CHARDEV_USE_PARALLEL,
    CHARDEV_USE_CHANNEL,
    CHARDEV_USE_REDIRECTION,
    CHARDEV_USE_SMARTCARD,
    CHARDEV_USE_VHOST_USER, /* passes descriptors, which QEMU does by sockets of its own alone */
    CHARDEV_USE_OTHER,
};

/* Adds the words for source under the id "char" + alias. Blocks on opening. Errors:
 * VIR_ERR_CONFIG_UNSUPPORTED names the device by its alias; VIR_ERR_SYSTEM_ERROR the path. */
int chardev_build(const struct chardev_source *source, enum chardev_use use, const char *alias,
                  const struct arguments_context *context, struct arguments *arguments,
                  GError **error);
