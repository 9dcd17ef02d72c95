/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

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

enum { VNC_PASSWORD_LONGEST = 8 };

static int check_type(const struct domain_graphics *graphics, GError **error)
{
    bool vnc = graphics->type == GRAPHICS_VNC;
    size_t length = vnc && graphics->password ? strlen(graphics->password) : 0;
    const struct fault faults[] = {
        {graphics->type == GRAPHICS_RDP, FAULT_QEMU,
         "devices/graphics: type 'rdp' needs the program 'qemu-rdp', of which there is no package: "
         "use 'vnc' or 'spice'"},
        {graphics->type == GRAPHICS_DESKTOP, FAULT_QEMU,
         "devices/graphics: QEMU has no display of type '%s'"},
        {vnc && graphics->connected && graphics->connected != GRAPHICS_CONNECTED_KEEP, FAULT_QEMU,
         "VNC supports connected='keep' only"},
    };

    if (length > VNC_PASSWORD_LONGEST)
        return faults_fail(FAULT_QEMU, error,
                           "VNC password is %zu characters long, only %d permitted", length,
                           VNC_PASSWORD_LONGEST);
    return FAULTS_SAY(faults, error, names_word(&graphics_type_names, graphics->type));
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
        if (check_type(graphics, error) < 0 || check_listens(graphics, error) < 0 ||
            FAULTS_CHECK(faults, error, "graphics of type '%s'",
                         names_word(&graphics_type_names, graphics->type)) < 0)
            return -1;
    }
    return 0;
}

/* ---- display adapters ---- */

#define WITH_RESOLUTION (BIT(VIDEO_VGA) | BIT(VIDEO_QXL) | BIT(VIDEO_VIRTIO) | BIT(VIDEO_BOCHS))

#define WITH_HEADS (BIT(VIDEO_QXL) | BIT(VIDEO_VIRTIO) | BIT(VIDEO_NONE))
#define OF_OTHERS (BIT(VIDEO_XEN) | BIT(VIDEO_VBOX) | BIT(VIDEO_PARALLELS) | BIT(VIDEO_GOP))
#define SECOND                                                                                     \
    (BIT(VIDEO_QXL) | BIT(VIDEO_VIRTIO) | BIT(VIDEO_BOCHS) | BIT(VIDEO_RAMFB) | BIT(VIDEO_NONE))

enum { QXL_MEMORY_MOST = 4194303 /* KiB: less than 4 GiB */, MEMORY_LEAST = 1024 };

static int check_memory(const struct domain_video *video, GError **error)
{
    bool qxl = video->type == VIDEO_QXL;
    const struct fault faults[] = {
        {video->vram64 && !qxl, FAULT_QEMU, "@vram64 is for qxl alone"},
        {video->vgamem && !qxl, FAULT_QEMU, "@vgamem is for qxl alone"},
        {qxl && video->vgamem && video->vgamem < MEMORY_LEAST, FAULT_QEMU,
         "@vgamem is at least 1024 KiB"},
        {qxl && video->vgamem & (video->vgamem - 1), FAULT_QEMU, "@vgamem must be a power of two"},
        {qxl && (video->vram > QXL_MEMORY_MOST || video->ram > QXL_MEMORY_MOST), FAULT_QEMU,
         "@vram and @ram are less than 4 GiB"},

    };

    return FAULTS_CHECK(faults, error, "video of type '%s'",
                        names_word(&video_type_names, video->type));
}

static int check_abilities(const struct domain_video *video, GError **error)
{
    const struct video_acceleration none = {0}, *acceleration = video->acceleration ?: &none;
    uint64_t type = BIT(video->type);
    const struct fault faults[] = {
        {type & OF_OTHERS, FAULT_QEMU, "video type '%s' is not supported with QEMU"},
        {!video->primary && !(type & SECOND), FAULT_QEMU,
         "video type '%s' is only valid as primary video device"},
        {video->heads > 1 && !(type & WITH_HEADS), FAULT_QEMU,
         "video type '%s' doesn't support multiple 'heads'"},
        {acceleration->accel2d == TRISTATE_YES, FAULT_QEMU,
         "qemu does not support 2d video acceleration"},
        {acceleration->accel3d == TRISTATE_YES && video->type != VIDEO_VIRTIO, FAULT_QEMU,
         "video type '%s' doesn't support 3d acceleration"},
        {video->type == VIDEO_VGA && video->vram && video->vram < MEMORY_LEAST, FAULT_QEMU,
         "value for 'vram' must be at least 1 MiB (1024 KiB)"},
        {video->ram && video->type != VIDEO_QXL, FAULT_QEMU,
         "ram attribute only supported for video type qxl"},
    };

    return FAULTS_SAY(faults, error, names_word(&video_type_names, video->type));
}

static int check_video(const struct domain_video *video, GError **error)
{
    const struct video_acceleration none = {0}, *acceleration = video->acceleration ?: &none;
    bool is_virtio = video->type == VIDEO_VIRTIO, away = video->backend == VIDEO_BACKEND_VHOST_USER;
    const struct fault faults[] = {
        {away && !is_virtio, FAULT_QEMU, "driver 'vhostuser' is for type 'virtio' alone"},
        {!is_virtio && rules_has_virtio_options(&video->virtio), FAULT_QEMU,
         "iommu, ats, packed and page_per_vq are for type 'virtio' alone"},
        {acceleration->rendernode && !away, FAULT_QEMU,
         "acceleration/@rendernode is for driver 'vhostuser' alone"},
        {video->resolution && !(BIT(video->type) & WITH_RESOLUTION), FAULT_XML,
         "<resolution> is for vga, qxl, virtio, bochs"},
        {video->type == VIDEO_RAMFB && video->info.address.type, FAULT_QEMU,
         "type 'ramfb' has no address"},
    };

    if (check_abilities(video, error) < 0 ||
        FAULTS_CHECK(faults, error, "video of type '%s'",
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
    bool spice = domain_find_graphics(domain, GRAPHICS_SPICE);

    LIST_EACH (audio, &domain->devices.audios) {
        const struct fault faults[] = {
            {audio->type == AUDIO_SPICE && !spice, FAULT_QEMU,
             "Spice audio is not supported without spice graphics"},
        };
        if (FAULTS_SAY(faults, error, NULL) < 0 ||
            check_direction(audio->input, "input", error) < 0 ||
            check_direction(audio->output, "output", error) < 0)
            return -1;
    }
    return 0;
}
