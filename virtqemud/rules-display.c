/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "faults.h"
#include "rules-parts.h"

/* ---- graphics ---- */

/* 2010-04-09T15:51:00 */
static bool is_time(const char *text)
{
    unsigned year, month, day, hour, minute, second;
    int end = 0;

    return sscanf(text, "%4u-%2u-%2uT%2u:%2u:%2u%n", &year, &month, &day, &hour, &minute, &second,
                  &end) == 6 &&
           !text[end];
}

static int check_listens(const struct domain_graphics *graphics, GError **error)
{
    const struct graphics_listen none = {0}, *first = graphics->listens.count
                                                          ? graphics->listens.items[0]
                                                          : &none;
    const struct fault faults[] = {
        {first->type == LISTEN_NETWORK && !first->network, FAULT_XML, "listen/@network is missing"},
        {first->type == LISTEN_ADDRESS && graphics->listen &&
             g_strcmp0(graphics->listen, first->address ?: graphics->listen),
         FAULT_GUEST, "@listen is another address than that of the first <listen>"},
        {first->type == LISTEN_SOCKET && graphics->socket &&
             g_strcmp0(graphics->socket, first->socket ?: graphics->socket),
         FAULT_GUEST, "@socket is another path than that of the first <listen>"},
    };

    return FAULTS_CHECK(faults, error, "graphics of type '%s'",
                        names_word(&graphics_type_names, graphics->type));
}

static int check_graphics(const struct domain *domain, GError **error)
{
    LIST_EACH (graphics, &domain->devices.graphics) {
        const char *until = graphics->password_valid_to;
        const struct fault faults[] = {
            {until && !is_time(until), FAULT_XML,
             "@passwdValidTo is no time like 2030-04-09T15:51:00"},
            {graphics->type == GRAPHICS_DBUS && graphics->p2p == TRISTATE_YES && graphics->address,
             FAULT_XML, "p2p and @address exclude each other"},
        };
        if (check_listens(graphics, error) < 0 ||
            FAULTS_CHECK(faults, error, "graphics of type '%s'",
                         names_word(&graphics_type_names, graphics->type)) < 0)
            return -1;
    }
    return 0;
}

/* ---- display adapters ---- */

#define WITH_RESOLUTION (BIT(VIDEO_VGA) | BIT(VIDEO_QXL) | BIT(VIDEO_VIRTIO) | BIT(VIDEO_BOCHS))

enum { QXL_MEMORY_MOST = 4194303 /* KiB: less than 4 GiB */, VGAMEM_LEAST = 1024 };

static int check_memory(const struct domain_video *video, GError **error)
{
    bool qxl = video->type == VIDEO_QXL;
    const struct fault faults[] = {
        {video->vram64 && !qxl, FAULT_QEMU, "@vram64 is for qxl alone"},
        {video->vgamem && !qxl, FAULT_QEMU, "@vgamem is for qxl alone"},
        {qxl && video->vgamem && video->vgamem < VGAMEM_LEAST, FAULT_QEMU,
         "@vgamem is at least 1024 KiB"},
        {qxl && video->vgamem & (video->vgamem - 1), FAULT_QEMU, "@vgamem must be a power of two"},
        {qxl && (video->vram > QXL_MEMORY_MOST || video->ram > QXL_MEMORY_MOST), FAULT_QEMU,
         "@vram and @ram are less than 4 GiB"},

    };

    return FAULTS_CHECK(faults, error, "video of type '%s'",
                        names_word(&video_type_names, video->type));
}

static int check_video(const struct domain_video *video, GError **error)
{
    const struct video_acceleration none = {0}, *acceleration = video->acceleration ?: &none;
    bool is_virtio = video->type == VIDEO_VIRTIO, away = video->backend == VIDEO_BACKEND_VHOST_USER;
    const struct fault faults[] = {
        {away && !is_virtio, FAULT_QEMU, "driver 'vhostuser' is for type 'virtio' alone"},
        {acceleration->rendernode && !away, FAULT_QEMU,
         "acceleration/@rendernode is for driver 'vhostuser' alone"},
        {video->resolution && !(BIT(video->type) & WITH_RESOLUTION), FAULT_XML,
         "<resolution> is for vga, qxl, virtio, bochs"},
        {video->type == VIDEO_RAMFB && video->info.address.type, FAULT_QEMU,
         "type 'ramfb' has no address"},
    };

    if (FAULTS_CHECK(faults, error, "video of type '%s'",
                     names_word(&video_type_names, video->type)) < 0)
        return -1;
    return check_memory(video, error);
}

int rules_check_displays(const struct domain *domain, GError **error)
{
    LIST_EACH (video, &domain->devices.videos)
        if (check_video(video, error) < 0)
            return -1;
    return check_graphics(domain, error);
}

/* ---- sound ---- */

static int check_direction(const struct audio_direction *direction, const char *name,
                           GError **error)
{
    const struct audio_direction none = {0}, *audio = direction ?: &none;
    bool set = audio->frequency || audio->channels || audio->format;
    const struct fault faults[] = {
        {audio->fixed_settings == TRISTATE_YES && audio->mixing_engine != TRISTATE_YES, FAULT_GUEST,
         "fixedSettings needs mixingEngine='yes'"},
        {set && audio->fixed_settings != TRISTATE_YES, FAULT_GUEST,
         "<settings> need fixedSettings='yes'"},
    };

    return FAULTS_CHECK(faults, error, "audio/%s", name);
}

int rules_check_sounds(const struct domain *domain, GError **error)
{
    LIST_EACH (audio, &domain->devices.audios)
        if (check_direction(audio->input, "input", error) < 0 ||
            check_direction(audio->output, "output", error) < 0)
            return -1;
    return 0;
}
