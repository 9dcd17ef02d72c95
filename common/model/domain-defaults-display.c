/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/domain-defaults-parts.h"

/* An address that the daemon's configuration gave is chosen anew each time. */
static void forget_address(struct domain_graphics *graphics)
{
    LIST_EACH (listen, &graphics->listens) {
        if (listen->from_config != TRISTATE_YES)
            continue;
        listen->from_config = TRISTATE_ABSENT;
        listen->address = NULL;
        if (listen_i == 0)
            graphics->listen = NULL;
    }
}

/* The older attributes listen= and socket= of <graphics>, and the first <listen>: one of them makes
 * the other. Where they differ both stay, for rules to see. */
static void listen_defaults(struct domain *domain, struct domain_graphics *graphics)
{
    struct arena *arena = &domain->definition.arena;

    if (!graphics->listens.count) {
        struct graphics_listen *listen = arena_new(arena, struct graphics_listen);

        listen->type = graphics->socket ? LISTEN_SOCKET : LISTEN_ADDRESS;
        listen->address = graphics->listen;
        listen->socket = graphics->socket;
        LIST_APPEND(arena, &graphics->listens, listen);
    }
    struct graphics_listen *first = graphics->listens.items[0];
    if (first->type == LISTEN_ADDRESS && !first->address)
        first->address = graphics->listen;
    if (first->type == LISTEN_SOCKET && !first->socket)
        first->socket = graphics->socket;
    graphics->listen = first->type == LISTEN_ADDRESS ? graphics->listen ?: first->address : NULL;
    graphics->socket = first->type == LISTEN_SOCKET ? graphics->socket ?: first->socket : NULL;
}

static bool has_ports(const struct domain_graphics *graphics)
{
    uint8_t type = graphics->listens.items[0]->type;

    return type == LISTEN_ADDRESS || type == LISTEN_NETWORK;
}

static void vnc_port_defaults(struct domain_graphics *graphics)
{
    if (graphics->port == -1 && graphics->autoport == TRISTATE_NO)
        graphics->port = 0;
    if (graphics->port == -1 || (!graphics->port && graphics->autoport != TRISTATE_NO))
        graphics->autoport = TRISTATE_YES;
    default_to(&graphics->autoport, TRISTATE_NO);
    if (graphics->autoport == TRISTATE_YES)
        graphics->port = graphics->type == GRAPHICS_RDP ? 0 : -1;
}

static void spice_port_defaults(struct domain_graphics *graphics)
{
    if (graphics->port == -1 && graphics->tls_port == -1)
        graphics->autoport = TRISTATE_YES;
    default_to(&graphics->autoport, TRISTATE_NO);
    if (graphics->autoport == TRISTATE_YES)
        graphics->port = graphics->tls_port = 0;
}

/* In the order of their names, each once, and only those that must be one or the other. */
static void spice_channel_defaults(struct domain_graphics *graphics)
{
    struct spice_channel *by_name[SPICE_CHANNEL_USBREDIR + 1] = {NULL};
    unsigned kept = 0;

    LIST_EACH (channel, &graphics->spice->channels)
        by_name[channel->name] = channel;
    for (unsigned i = 0; i < G_N_ELEMENTS(by_name); i++)
        if (by_name[i] && by_name[i]->mode != SPICE_MODE_ANY)
            graphics->spice->channels.items[kept++] = by_name[i];
    graphics->spice->channels.count = kept;
}

void domain_defaults_graphics(struct domain *domain, struct domain_graphics *graphics,
                              const struct domain_defaults *defaults)
{
    if (graphics->type != GRAPHICS_VNC && graphics->type != GRAPHICS_SPICE &&
        graphics->type != GRAPHICS_RDP)
        return;
    if (!defaults->live)
        forget_address(graphics);
    listen_defaults(domain, graphics);
    if (graphics->spice)
        spice_channel_defaults(graphics);
    if (!graphics->password) {
        graphics->password_valid_to = NULL;
        graphics->connected = GRAPHICS_CONNECTED_NONE;
    }
    if (!has_ports(graphics)) {
        graphics->port = graphics->tls_port = 0;
        graphics->autoport = TRISTATE_ABSENT;
    } else if (!defaults->live) {
        graphics->type == GRAPHICS_SPICE ? spice_port_defaults(graphics)
                                         : vnc_port_defaults(graphics);
    }
}

/* Sizes of video memory are powers of two. */
static unsigned power_of_two(unsigned value)
{
    unsigned power = 1;

    while (power < value && power < 1u << 30)
        power <<= 1;
    return power;
}

static void default_size(unsigned *member, unsigned size)
{
    *member = power_of_two(*member ? *member : size);
}

void domain_video_default_sizes(struct domain_video *video)
{
    static const unsigned sizes[] = {
        [VIDEO_VGA] = 16384, [VIDEO_CIRRUS] = 16384, [VIDEO_VMVGA] = 16384,
        [VIDEO_XEN] = 4096,  [VIDEO_QXL] = 65536,    [VIDEO_BOCHS] = 16384,
    };

    if (video->type < G_N_ELEMENTS(sizes) && sizes[video->type])
        default_size(&video->vram, sizes[video->type]);
    if (video->type != VIDEO_QXL)
        return;
    default_size(&video->ram, sizes[VIDEO_QXL]);
    if (video->vgamem)
        video->vgamem = power_of_two(video->vgamem);
}

/* QEMU's choice depends on the machine. */
static enum video_type default_video_type(const struct domain *domain)
{
    switch (domain->type) {
    case DOMAIN_TYPE_TEST:
    case DOMAIN_TYPE_XEN:
        return domain->os.type == OS_HVM ? VIDEO_CIRRUS : VIDEO_XEN;
    case DOMAIN_TYPE_VBOX:
        return VIDEO_VBOX;
    case DOMAIN_TYPE_VMWARE:
        return VIDEO_VMVGA;
    case DOMAIN_TYPE_VZ:
    case DOMAIN_TYPE_PARALLELS:
        return domain->os.type == OS_HVM ? VIDEO_VGA : VIDEO_PARALLELS;
    case DOMAIN_TYPE_BHYVE:
        return VIDEO_GOP;
    default:
        return VIDEO_ABSENT;
    }
}

void domain_defaults_video(const struct domain *domain, struct domain_video *video)
{
    default_to(&video->type, default_video_type(domain));
    domain_video_default_sizes(video);
    if (!video->heads && video->type != VIDEO_NONE)
        video->heads = 1;
    if (video->type == VIDEO_NONE) { /* which has nothing */
        video->resolution = NULL;
        video->heads = 0;
        video->vram = 0;
        video->backend = VIDEO_BACKEND_NONE;
        video->info.address.type = ADDRESS_NONE;
    }
}

/* The one that firmware uses: the first, if none says so. It stands before the others. */
void domain_defaults_first_video(struct domain *domain)
{
    struct domain_video **videos = domain->devices.videos.items;
    unsigned first = 0;

    if (!domain->devices.videos.count)
        return;
    LIST_EACH (video, &domain->devices.videos)
        if (video->primary)
            first = video_i;
    struct domain_video *primary = videos[first];
    memmove(&videos[1], &videos[0], first * sizeof(struct domain_video *));
    videos[0] = primary;
    primary->primary = primary->type != VIDEO_NONE;
}

/* Who wants to be seen has something to show. */
void domain_add_video(struct domain *domain)
{
    struct domain_video *video;

    if (!domain->devices.graphics.count || domain->devices.videos.count)
        return;
    video = arena_new(&domain->definition.arena, struct domain_video);
    LIST_APPEND(&domain->definition.arena, &domain->devices.videos, video);
    domain_defaults_video(domain, video);
    domain_defaults_first_video(domain);
}
