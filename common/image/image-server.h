/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain-source.h"

/*
 * What a header says of an image on a server, in QEMU's words: "nbd://host/export",
 * "rbd:pool/image", "json:{"file":{"driver":"nbd",...}}". QEMU itself is never left to read them:
 * what is not understood is refused. So are names and passwords of users, which belong to a
 * document and virtsecretd.
 */

/* True for QEMU's words for servers, of length bytes; its other protocols do something to an image
 * that we would not see, or to folders of this host. Pure. */
bool image_server_is_word(const char *word, size_t length);

/* Sets type, protocol, name, hosts and network of source, in arena, from what the header of image
 * says. Pure. VIR_ERR_CONFIG_UNSUPPORTED: a protocol that documents don't have, or words that don't
 * tell the server; the error names image. */
int image_server_read(const char *image, const char *words, struct arena *arena,
                      struct domain_source *source, GError **error);
