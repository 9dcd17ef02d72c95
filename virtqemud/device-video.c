/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"

#include "device-common.h"
#include "machine.h"

#define KIB_PER_MIB 1024

/* Adapters that stand alone, with the memory of a VGA, and as a further head beside one. NULL:
 * there is no such. */
static const struct {
    const char *primary, *secondary, *accelerated;
} drivers[] = {
    [VIDEO_VGA] = {"VGA"},
    [VIDEO_CIRRUS] = {"cirrus-vga"},
    [VIDEO_VMVGA] = {"vmware-svga"},
    [VIDEO_QXL] = {"qxl-vga", "qxl"},
    [VIDEO_VIRTIO] = {"virtio-vga", "virtio-gpu", "virtio-vga-gl"},
    [VIDEO_BOCHS] = {"bochs-display", "bochs-display"},
    [VIDEO_RAMFB] = {"ramfb", "ramfb"},
};

/* The same, of documents that name one. */
static const char *const chosen[] = {
    [VIDEO_DEVICE_VGA] = "virtio-vga",
    [VIDEO_DEVICE_VGA_GL] = "virtio-vga-gl",
    [VIDEO_DEVICE_GPU_GL] = "virtio-gpu-gl-pci",
    [VIDEO_DEVICE_VHOST_USER_VGA] = "vhost-user-vga",
    [VIDEO_DEVICE_VHOST_USER_GPU] = "vhost-user-gpu-pci",
};

static int refuse(const struct domain_video *video, const char *reason, GError **error)
{
    return device_refuse(error, "video", names_word(&video_type_names, video->type), "%s", reason);
}

static bool is_primary(const struct domain *domain, const struct domain_video *video)
{
    return video->primary || !domain->devices.videos.count;
}

static bool is_accelerated(const struct domain_video *video)
{
    return video->acceleration && video->acceleration->accel3d == TRISTATE_YES;
}

/* Drawn by a program beside QEMU. */
static bool is_elsewhere(const struct domain_video *video)
{
    return video->backend == VIDEO_BACKEND_VHOST_USER;
}

/* Arm's machines have no VGA, and channels no PCI; nor have all emulators one with virtio. */
static bool has_vga(const struct domain *domain, const struct domain_video *video,
                    const struct emulator *emulator)
{
    return domain_is_x86(domain) ||
           (!g_str_has_prefix(domain->os.arch, "arm") && !g_str_equal(domain->os.arch, "aarch64") &&
            video->info.address.type == ADDRESS_PCI &&
            emulator_has_type(emulator, drivers[VIDEO_VIRTIO].primary));
}

/* The first of them is a VGA for firmware. */
static char *virtio_driver(const struct domain *domain, const struct domain_video *video,
                           const struct arguments_context *context)
{
    const char *vga = drivers[VIDEO_VIRTIO].primary;

    if (video->device == VIDEO_DEVICE_GPU)
        return device_virtio_name(drivers[VIDEO_VIRTIO].secondary, VIRTIO_MODEL_NONE, &video->info);
    if (video->device)
        return g_strdup(chosen[video->device]);
    if (is_elsewhere(video))
        return g_strdup(is_primary(domain, video) && domain_is_x86(domain) ? "vhost-user-vga"
                                                                           : "vhost-user-gpu-pci");
    if (is_accelerated(video) && is_primary(domain, video))
        vga = drivers[VIDEO_VIRTIO].accelerated;
    if (is_primary(domain, video) && has_vga(domain, video, context->emulator))
        return g_strdup(vga);
    if (is_accelerated(video))
        return g_strdup("virtio-gpu-gl-pci");
    return device_virtio_name(drivers[VIDEO_VIRTIO].secondary, VIRTIO_MODEL_NONE, &video->info);
}

static char *choose_driver(const struct domain *domain, const struct domain_video *video,
                           const struct arguments_context *context)
{
    if (video->type == VIDEO_VIRTIO)
        return virtio_driver(domain, video, context);
    return g_strdup(is_primary(domain, video) ? drivers[video->type].primary
                                              : drivers[video->type].secondary);
}

static void add_heads(struct json_object *json, const struct domain_video *video,
                      const struct arguments_context *context)
{
    enum emulator_flag flag =
        video->type == VIDEO_QXL ? EMULATOR_QXL_MAX_OUTPUTS : EMULATOR_VIRTIO_GPU_MAX_OUTPUTS;

    if ((video->type == VIDEO_QXL || video->type == VIDEO_VIRTIO) && video->heads &&
        emulator_has(context->emulator, flag))
        json_add(json, "u:max_outputs", video->heads, NULL);
}

/* Sizes are KiB in documents; QEMU has bytes for some and MiB for others. */
static void add_memory(struct json_object *json, const struct domain_video *video)
{
    if (video->type == VIDEO_QXL) {
        if (video->ram)
            json_add(json, "U:ram_size", (uint64_t)video->ram * 1024, NULL);
        if (video->vram)
            json_add(json, "U:vram_size", (uint64_t)video->vram * 1024, NULL);
        json_add(json, "u:vram64_size_mb", video->vram64 / KIB_PER_MIB, NULL);
        if (video->vgamem)
            json_add(json, "u:vgamem_mb", video->vgamem / KIB_PER_MIB, NULL);
    }
    if ((video->type == VIDEO_VGA || video->type == VIDEO_VMVGA) && video->vram)
        json_add(json, "u:vgamem_mb", video->vram / KIB_PER_MIB, NULL);
    if (video->type == VIDEO_BOCHS && video->vram)
        json_add(json, "U:vgamem", (uint64_t)video->vram * 1024, NULL);
}

static int check_video(const struct domain *domain, const struct domain_video *video,
                       GError **error)
{
    if (video->type >= G_N_ELEMENTS(drivers) || !drivers[video->type].primary)
        return refuse(video, "this type is for other hypervisors", error);
    if (!is_primary(domain, video) && !drivers[video->type].secondary)
        return refuse(video, "it can only be the first video device", error);
    if (is_elsewhere(video) && video->type != VIDEO_VIRTIO)
        return refuse(video, "<driver name='vhostuser'/> needs type='virtio'", error);
    if (is_elsewhere(video) && !domain_shares_memory(domain))
        return refuse(video,
                      "<driver name='vhostuser'/> requires shared memory: <memoryBacking> needs "
                      "<access mode='shared'/>",
                      error);
    if (video->device && (video->device >= VIDEO_DEVICE_VHOST_USER_VGA) != is_elsewhere(video))
        return refuse(video, "its <model device=> is not for this <driver>", error);
    if (is_accelerated(video) && video->type != VIDEO_VIRTIO)
        return refuse(video, "accel3d needs type='virtio'", error);
    return 0;
}

int device_video_properties(const struct domain *domain, const struct domain_video *video,
                            const struct arguments_context *context,
                            struct json_object **ret_properties, GError **error)
{
    *ret_properties = NULL;
    if (video->type == VIDEO_NONE)
        return 0;
    if (check_video(domain, video, error) < 0)
        return -1;
    g_autofree char *driver = choose_driver(domain, video, context);
    g_autofree char *stream = g_strdup_printf("char%s", video->info.alias);
    struct json_object *json = json_build("s:driver", driver, "S:id", video->info.alias, NULL);
    if (video->type == VIDEO_VIRTIO)
        device_add_virtio(json, &video->virtio);
    if (is_elsewhere(video))
        json_add(json, "s:chardev", stream, NULL);
    add_heads(json, video, context);
    add_memory(json, video);
    device_add_bool(json, "blob", video->blob);
    device_add_bool(json, "edid", video->edid);
    if (video->resolution)
        json_add(json, "u:xres", video->resolution->x, "u:yres", video->resolution->y, NULL);
    device_add_place(json, domain, &video->info);
    *ret_properties = json;
    return 0;
}
