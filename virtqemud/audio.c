/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"

#include "device-common.h"
#include "option.h"
#include "sound.h"

/* QEMU's audio drivers; NULL: for other systems. */
static const char *const drivers[] = {
    [AUDIO_ABSENT] = "none",   [AUDIO_NONE] = "none", [AUDIO_ALSA] = "alsa",
    [AUDIO_COREAUDIO] = NULL,  [AUDIO_JACK] = "jack", [AUDIO_OSS] = "oss",
    [AUDIO_PULSEAUDIO] = "pa", [AUDIO_SDL] = "sdl",   [AUDIO_SPICE] = "spice",
    [AUDIO_FILE] = "wav",      [AUDIO_DBUS] = "dbus", [AUDIO_PIPEWIRE] = "pipewire",
};

static void add_number(struct json_object *json, const char *pair, unsigned value)
{
    if (value)
        json_add(json, pair, value, NULL);
}

/* <input> or <output>; members that a driver does not know cannot be in its document. */
static struct json_object *build_direction(const struct audio_direction *direction)
{
    struct json_object *json;

    if (!direction)
        return NULL;
    json =
        json_build("S:dev", direction->dev, "S:name", direction->name, "S:stream-name",
                   direction->stream_name, "S:server-name", direction->server_name, "S:client-name",
                   direction->client_name, "S:connect-ports", direction->connect_ports, NULL);
    device_add_bool(json, "mixing-engine", direction->mixing_engine);
    device_add_bool(json, "fixed-settings", direction->fixed_settings);
    device_add_bool(json, "exact-name", direction->exact_name);
    device_add_bool(json, "try-poll", direction->try_poll);
    add_number(json, "u:voices", direction->voices);
    add_number(json, "u:buffer-length", direction->buffer_length);
    add_number(json, "u:buffer-count", direction->buffer_count);
    add_number(json, "u:latency", direction->latency);
    add_number(json, "u:frequency", direction->frequency);
    add_number(json, "u:channels", direction->channels);
    if (direction->format)
        json_add(json, "s:format", names_word(&audio_format_names, direction->format), NULL);
    return json;
}

enum { PIPEWIRE_SINCE = 8001000 };

static int build_audio(const struct domain_audio *audio, const struct emulator *emulator,
                       struct arguments *arguments, GError **error)
{
    g_autofree char *id = g_strdup_printf("audio%u", audio->id);

    if (!drivers[audio->type])
        return device_refuse(error, "audio", id, "type='%s' is for other systems",
                             names_word(&audio_type_names, audio->type));
    if (audio->type == AUDIO_PIPEWIRE && emulator->version < PIPEWIRE_SINCE)
        return device_refuse(error, "audio", id, "type='pipewire' needs QEMU 8.1");
    struct json_object *json = json_build("s:id", id, "s:driver", drivers[audio->type], NULL);
    add_number(json, "u:timer-period", audio->timer_period);
    json_add(json, "S:server", audio->server_name, "S:path", audio->path, NULL);
    device_add_bool(json, "try-mmap", audio->try_mmap);
    device_add_bool(json, "exclusive", audio->exclusive);
    if (audio->dsp_policy.set)
        json_add(json, "i:dsp-policy", audio->dsp_policy.value, NULL);
    json_add(json, "J:in", build_direction(audio->input), "J:out", build_direction(audio->output),
             NULL);
    words_add_json(arguments, "-audiodev", json);
    if (audio->sdl_driver)
        words_add_variable(arguments, "SDL_AUDIODRIVER",
                           names_word(&audio_sdl_driver_names, audio->sdl_driver));
    if (audio->runtime_dir)
        words_add_variable(arguments, "PIPEWIRE_RUNTIME_DIR", audio->runtime_dir);
    return 0;
}

int audio_build(const struct domain *domain, const struct emulator *emulator,
                struct arguments *arguments, GError **error)
{
    static const struct domain_audio silence = {.id = 1, .type = AUDIO_NONE};
    bool needs_one = !domain->devices.audios.count && domain->devices.sounds.count;

    LIST_EACH (audio, &domain->devices.audios)
        if (build_audio(audio, emulator, arguments, error) < 0)
            return -1;
    return needs_one ? build_audio(&silence, emulator, arguments, error) : 0;
}
