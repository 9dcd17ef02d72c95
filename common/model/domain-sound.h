/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain-device.h"

/* Sound cards of the guest, and the host's audio that they play on. */

enum sound_model {
    SOUND_NONE,
    SOUND_SB16,
    SOUND_ES1370,
    SOUND_PCSPK,
    SOUND_AC97,
    SOUND_ICH6,
    SOUND_ICH9,
    SOUND_USB,
    SOUND_ICH7,
    SOUND_VIRTIO,
};
extern const struct names sound_model_names;

enum sound_codec_type { CODEC_NONE, CODEC_DUPLEX, CODEC_MICRO, CODEC_OUTPUT };
extern const struct names sound_codec_type_names;

struct sound_codec {
    uint8_t type; /* enum sound_codec_type */
};

struct domain_sound {
    struct domain_device_info info;
    uint8_t model;           /* enum sound_model */
    uint8_t multichannel;    /* enum tristate: usb */
    struct opt_uint streams; /* virtio */
    struct domain_virtio virtio;
    struct opt_uint audio; /* id of the <audio> */
    LIST_OF(struct sound_codec) codecs;
};

enum audio_type {
    AUDIO_ABSENT,
    AUDIO_NONE, /* "none": silence */
    AUDIO_ALSA,
    AUDIO_COREAUDIO,
    AUDIO_JACK,
    AUDIO_OSS,
    AUDIO_PULSEAUDIO,
    AUDIO_SDL,
    AUDIO_SPICE,
    AUDIO_FILE,
    AUDIO_DBUS,
    AUDIO_PIPEWIRE,
};
extern const struct names audio_type_names;

enum audio_sdl_driver {
    AUDIO_SDL_NONE,
    AUDIO_SDL_ESD,
    AUDIO_SDL_ALSA,
    AUDIO_SDL_ARTS,
    AUDIO_SDL_PULSEAUDIO,
};
extern const struct names audio_sdl_driver_names;

enum audio_format {
    AUDIO_FORMAT_NONE,
    AUDIO_FORMAT_U8,
    AUDIO_FORMAT_S8,
    AUDIO_FORMAT_U16,
    AUDIO_FORMAT_S16,
    AUDIO_FORMAT_U32,
    AUDIO_FORMAT_S32,
    AUDIO_FORMAT_F32,
};
extern const struct names audio_format_names;

/* <input> or <output> */
struct audio_direction {
    uint8_t mixing_engine; /* enum tristate, as the next four */
    uint8_t fixed_settings;
    uint8_t exact_name;
    uint8_t try_poll;
    uint8_t format; /* enum audio_format */
    unsigned voices;
    unsigned buffer_length; /* microseconds */
    unsigned buffer_count;
    unsigned latency;
    unsigned frequency;
    unsigned channels;
    const char *dev;
    const char *name;
    const char *stream_name;
    const char *server_name;
    const char *client_name;
    const char *connect_ports;
};

struct domain_audio {
    unsigned id;
    uint8_t type;       /* enum audio_type */
    uint8_t sdl_driver; /* enum audio_sdl_driver */
    uint8_t try_mmap;   /* enum tristate */
    uint8_t exclusive;  /* enum tristate */
    struct opt_int dsp_policy;
    unsigned timer_period; /* microseconds */
    const char *server_name;
    const char *runtime_dir;
    const char *path;
    struct audio_direction *input;
    struct audio_direction *output;
};

XML_SCHEMA_DECLARE(sound_codec);
XML_SCHEMA_DECLARE(domain_sound);
XML_SCHEMA_DECLARE(audio_direction);
XML_SCHEMA_DECLARE(domain_audio);
