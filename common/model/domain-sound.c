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

#define ROWS_OF struct domain_sound
static const struct xml_row domain_sound_rows[] = {
    ROW_ENUM("@model", model, sound_model_names, "Device", .flags = XML_REQUIRED | XML_ABI),
    ROW_YES_NO("@multichannel", multichannel, "More than stereo", WHEN(model, BIT(SOUND_USB)),
               .flags = XML_ABI),
    ROW_NUMBER("@streams", streams, "Streams", WHEN(model, BIT(SOUND_VIRTIO)), .flags = XML_ABI),
    ROW_LIST("codec", codecs, sound_codec, "Codec", WHEN(model, BIT(SOUND_ICH6) | BIT(SOUND_ICH9))),
    ROW_NUMBER("audio/@id", audio, "Audio back end"),
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
    ROW_NUMBER("@id", id, "Number, from 1", .flags = XML_REQUIRED),
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
XML_SCHEMA(domain_audio, "audio", .doc = "The host's audio that sound cards play on");
