/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"

#include "device-common.h"
#include "sound.h"

/* Cards with codecs on a bus of their own, and those that are one device. NULL: part of the
 * machine. */
static const struct {
    const char *driver;
    bool codecs;
} models[] = {
    [SOUND_SB16] = {"sb16"},
    [SOUND_ES1370] = {"ES1370"},
    [SOUND_PCSPK] = {NULL},
    [SOUND_AC97] = {"AC97"},
    [SOUND_ICH6] = {"intel-hda", true},
    [SOUND_ICH9] = {"ich9-intel-hda", true},
    [SOUND_USB] = {"usb-audio"},
    [SOUND_ICH7] = {"intel-hda", true},
    [SOUND_VIRTIO] = {"virtio-sound"},
};

/* The <audio> that a card plays on, or the first one. */
static char *audio_of(const struct domain *domain, const struct domain_sound *sound)
{
    const struct domain_devices *devices = &domain->devices;
    unsigned first = devices->audios.count ? devices->audios.items[0]->id : 1;

    return g_strdup_printf("audio%u", sound->audio.set ? sound->audio.value : first);
}

int device_sound_properties(const struct domain *domain, const struct domain_sound *sound,
                            const struct arguments_context *context,
                            struct json_object **ret_properties, GError **error)
{
    g_autofree char *audio = audio_of(domain, sound);
    bool virtio = sound->model == SOUND_VIRTIO;

    *ret_properties = NULL;
    if (!models[sound->model].driver)
        return 0;
    if (sound->model == SOUND_ICH7)
        return device_refuse(error, "sound", sound->info.alias,
                             "model='ich7' is for other hypervisors");
    g_autofree char *driver =
        virtio ? device_virtio_name("virtio-sound", VIRTIO_MODEL_NONE, &sound->info)
               : g_strdup(models[sound->model].driver);
    struct json_object *json = json_build("s:driver", driver, "S:id", sound->info.alias, NULL);
    device_add_bool(json, "multi", sound->multichannel);
    if (sound->streams.set)
        json_add(json, "u:streams", sound->streams.value, NULL);
    if (virtio)
        device_add_virtio(json, &sound->virtio);
    if (!models[sound->model].codecs)
        json_add(json, "s:audiodev", audio, NULL);
    device_add_place(json, domain, &sound->info);
    *ret_properties = json;
    return 0;
}

unsigned sound_codec_count(const struct domain_sound *sound)
{
    if (!models[sound->model].codecs)
        return 0;
    return sound->codecs.count ? sound->codecs.count : 1;
}

struct json_object *sound_codec_properties(const struct domain *domain,
                                           const struct domain_sound *sound, unsigned index)
{
    static const char *const drivers[] = {[CODEC_NONE] = "hda-duplex",
                                          [CODEC_DUPLEX] = "hda-duplex",
                                          [CODEC_MICRO] = "hda-micro",
                                          [CODEC_OUTPUT] = "hda-output"};
    unsigned type = sound->codecs.count ? sound->codecs.items[index]->type : CODEC_DUPLEX;
    g_autofree char *id = g_strdup_printf("%s-codec%u", sound->info.alias, index);
    g_autofree char *bus = g_strdup_printf("%s.0", sound->info.alias);
    g_autofree char *audio = audio_of(domain, sound);

    return json_build("s:driver", drivers[type], "s:id", id, "s:bus", bus, "u:cad", index,
                      "s:audiodev", audio, NULL);
}
