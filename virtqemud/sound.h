/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

#include "arguments.h"
#include "json.h"

/* Sound beside the cards themselves: codecs of HDA cards, and the host's audio. */

/* Codecs of a card, at least one for cards that need it, and the device that is one of them. */
unsigned sound_codec_count(const struct domain_sound *sound);
struct json_object *sound_codec_properties(const struct domain *domain,
                                           const struct domain_sound *sound, unsigned index);

/* Adds -audiodev for each <audio>, or for silence where there is none. VIR_ERR_CONFIG_UNSUPPORTED:
 * a backend of other systems, or of later emulators. */
int audio_build(const struct domain *domain, const struct emulator *emulator,
                struct arguments *arguments, GError **error);
