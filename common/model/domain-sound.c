/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/domain-sound.h"

NAMES(sound_model_names, NULL, "sb16", "es1370", "pcspk", "ac97", "ich6", "ich9", "usb", "ich7",
      "virtio");
NAMES(sound_codec_type_names, NULL, "duplex", "micro", "output");
NAMES(audio_type_names, NULL, "none", "alsa", "coreaudio", "jack", "oss", "pulseaudio", "sdl",
      "spice", "file", "dbus", "pipewire");
NAMES(audio_sdl_driver_names, NULL, "esd", "alsa", "arts", "pulseaudio");
NAMES(audio_format_names, NULL, "u8", "s8", "u16", "s16", "u32", "s32", "f32");

#define ROWS_OF struct sound_codec
static const struct xml_row sound_codec_rows[] = {
    ROW_ENUM("@type", type, sound_codec_type_names, "What it is for",
             CODE(VIR_ERR_CONFIG_UNSUPPORTED), .flags = XML_REQUIRED),
};
#undef ROWS_OF
XML_SCHEMA(sound_codec, "codec", .doc = "Codec of an Intel HDA card");

#define HDA (BIT(SOUND_ICH6) | BIT(SOUND_ICH9))
#define ROWS_OF struct domain_sound
static const struct xml_row domain_sound_rows[] = {
    ROW_ENUM("@model", model, sound_model_names, "Device", .flags = XML_REQUIRED | XML_ABI),
    ROW_YES_NO("@multichannel", multichannel, "More than stereo", WHEN(model, BIT(SOUND_USB)),
               .flags = XML_ABI),
    ROW_NUMBER("@streams", streams, "Streams", WHEN(model, BIT(SOUND_VIRTIO)), .flags = XML_ABI),
    ROW_LIST("codec", codecs, sound_codec, "Codec", WHEN(model, HDA)),
    ROW_LIST("codec", codecs, sound_codec, "Without effect", WHEN(model, ~HDA),
             .flags = XML_OUTPUT),
    ROW_NUMBER("audio/@id", audio, "Audio back end", .flags = XML_EXPECTED),
    ROW_EMBED("driver", virtio, domain_virtio),
    ROW_EMBED(".", info, domain_device_info),
};
#undef ROWS_OF
XML_SCHEMA(domain_sound, "sound", .doc = "A sound card");

#define ROWS_OF struct audio_direction
static const struct xml_row audio_direction_rows[] = {
    ROW_YES_NO("@mixingEngine", mixing_engine, "QEMU mixes and converts"),
    ROW_YES_NO("@fixedSettings", fixed_settings,
               "The settings below are used whatever the guest asks"),
    ROW_NUMBER("@voices", voices, "Voices"),
    ROW_NUMBER("@bufferLength", buffer_length, "Microseconds of the buffer"),
    ROW_STRING("@dev", dev, "Device (alsa, oss)"),
    ROW_NUMBER("@bufferCount", buffer_count, "Buffers (coreaudio, oss, sdl)"),
    ROW_STRING("@serverName", server_name, "Server (jack)"),
    ROW_STRING("@clientName", client_name, "Name at the server (jack)"),
    ROW_STRING("@connectPorts", connect_ports, "Ports to connect to, a pattern (jack)"),
    ROW_YES_NO("@exactName", exact_name, "The name must be free (jack)"),
    ROW_YES_NO("@tryPoll", try_poll, "Polling (oss)", .flags = XML_BLANK),
    ROW_STRING("@name", name, "Sink or source (pulseaudio, pipewire)"),
    ROW_STRING("@streamName", stream_name, "Name of the stream (pulseaudio, pipewire)"),
    ROW_NUMBER("@latency", latency, "Microseconds (pulseaudio, pipewire)"),
    ROW_NUMBER("settings/@frequency", frequency, "Hz"),
    ROW_NUMBER("settings/@channels", channels, "Channels"),
    ROW_ENUM("settings/@format", format, audio_format_names, "Sample format"),
};
#undef ROWS_OF
XML_SCHEMA(audio_direction, "output", .doc = "Recording or playing");

#define ROWS_OF struct domain_audio
static const struct xml_row domain_audio_rows[] = {
    ROW_NUMBER("@id", id, "Number, from 1", .flags = XML_REQUIRED, FORM_RANGE(1, 255)),
    ROW_ENUM("@type", type, audio_type_names, "Back end", .flags = XML_REQUIRED),
    ROW_NUMBER("@timerPeriod", timer_period, "Microseconds between wake-ups"),
    ROW_STRING("@serverName", server_name, "Server", WHEN(type, BIT(AUDIO_PULSEAUDIO))),
    ROW_STRING("@runtimeDir", runtime_dir, "Folder of the server's socket",
               WHEN(type, BIT(AUDIO_PIPEWIRE))),
    ROW_ENUM("@driver", sdl_driver, audio_sdl_driver_names, "SDL's driver",
             WHEN(type, BIT(AUDIO_SDL))),
    ROW_STRING("@path", path, "File", WHEN(type, BIT(AUDIO_FILE))),
    ROW_YES_NO("@tryMMap", try_mmap, "Memory-mapped access", WHEN(type, BIT(AUDIO_OSS))),
    ROW_YES_NO("@exclusive", exclusive, "No others", WHEN(type, BIT(AUDIO_OSS))),
    ROW_NUMBER("@dspPolicy", dsp_policy, "Timing policy", WHEN(type, BIT(AUDIO_OSS))),
    ROW_CHILD("input", input, audio_direction, "Recording"),
    ROW_CHILD("output", output, audio_direction, "Playing"),
};
#undef ROWS_OF

/* What is there though it is for other back ends; NULL: nothing. */
static const char *find_foreign(const struct audio_direction *direction, enum audio_type type)
{
    const uint64_t jack = BIT(AUDIO_JACK), sink = BIT(AUDIO_PULSEAUDIO) | BIT(AUDIO_PIPEWIRE);
    const struct {
        const char *name;
        bool given;
        uint64_t types;
    } members[] = {
        {"dev", direction->dev, BIT(AUDIO_ALSA) | BIT(AUDIO_OSS)},
        {"bufferCount", direction->buffer_count,
         BIT(AUDIO_COREAUDIO) | BIT(AUDIO_OSS) | BIT(AUDIO_SDL)},
        {"tryPoll", direction->try_poll, BIT(AUDIO_OSS)},
        {"serverName", direction->server_name, jack},
        {"clientName", direction->client_name, jack},
        {"connectPorts", direction->connect_ports, jack},
        {"exactName", direction->exact_name, jack},
        {"name", direction->name, sink},
        {"streamName", direction->stream_name, sink},
        {"latency", direction->latency, sink},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(members); i++)
        if (members[i].given && !(members[i].types & BIT(type)))
            return members[i].name;
    return NULL;
}

static int check_direction(struct xml_at *at, const struct domain_audio *audio,
                           const struct audio_direction *direction, const char *path,
                           GError **error)
{
    const char *name = direction ? find_foreign(direction, audio->type) : NULL;

    if (!name)
        return 0;
    return xml_at_fail(at, path, VIR_ERR_XML_ERROR, error, "%s has no meaning while @type is '%s'",
                       name, names_word(&audio_type_names, audio->type));
}

static int audio_check(struct xml_at *at, void *object, GError **error)
{
    const struct domain_audio *audio = object;

    if (!xml_at_validates(at))
        return 0;
    if (check_direction(at, audio, audio->input, "input", error) < 0)
        return -1;
    return check_direction(at, audio, audio->output, "output", error);
}
XML_SCHEMA(domain_audio, "audio", .doc = "The host's audio that sound cards play on",
           .check = audio_check);
