/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/domain-video.h"

#include "model/text-types.h"

NAMES(video_type_names, NULL, "vga", "cirrus", "vmvga", "xen", "vbox", "qxl", "parallels", "virtio",
      "gop", "none", "bochs", "ramfb");
NAMES(video_backend_names, NULL, "qemu", "vhostuser");
NAMES(video_device_names, NULL, "virtio-vga", "virtio-vga-gl", "virtio-gpu", "virtio-gpu-gl",
      "vhost-user-vga", "vhost-user-gpu");
NAMES(video_vgaconf_names, NULL, "io", "on", "off");

#define ROWS_OF struct video_acceleration
static const struct xml_row video_acceleration_rows[] = {
    ROW_YES_NO("@accel2d", accel2d, "2D acceleration", .flags = XML_ABI),
    ROW_YES_NO("@accel3d", accel3d, "3D acceleration", .flags = XML_ABI),
    ROW_STRING("@rendernode", rendernode, "Render node of the host", FORM(absolute_path_type)),
};
#undef ROWS_OF
XML_SCHEMA(video_acceleration, "acceleration", .doc = "Use of the host's GPU");

#define ROWS_OF struct video_resolution
static const struct xml_row video_resolution_rows[] = {
    ROW_NUMBER("@x", x, "Width", .flags = XML_REQUIRED),
    ROW_NUMBER("@y", y, "Height", .flags = XML_REQUIRED),
};
#undef ROWS_OF
XML_SCHEMA(video_resolution, "resolution", .doc = "Size of the display at start");

#define ROWS_OF struct domain_video
static const struct xml_row domain_video_rows[] = {
    ROW_ENUM("driver/@name", backend, video_backend_names, "What emulates it"),
    ROW_ENUM("driver/@vgaconf", vgaconf, video_vgaconf_names, "VGA access (bhyve)"),
    ROW_EMBED("driver", virtio, domain_virtio),
    ROW_ENUM("model/@type", type, video_type_names, "Device", WRONG(VIR_ERR_CONFIG_UNSUPPORTED),
             .flags = XML_EXPECTED | XML_ABI | XML_BLANK),
    ROW_ENUM("model/@device", device, video_device_names, "Which of the virtio adapters",
             WHEN(type, BIT(VIDEO_VIRTIO)), .flags = XML_ABI),
    ROW_NUMBER("model/@ram", ram, "KiB of the first bar (qxl)", .flags = XML_ABI | XML_BLANK),
    ROW_NUMBER("model/@vram", vram, "KiB of video memory", .flags = XML_ABI | XML_BLANK),
    ROW_NUMBER("model/@vram64", vram64, "KiB of 64-bit video memory (qxl)",
               .flags = XML_ABI | XML_BLANK),
    ROW_NUMBER("model/@vgamem", vgamem, "KiB of VGA memory (qxl)", .flags = XML_ABI | XML_BLANK),
    ROW_NUMBER("model/@heads", heads, "Monitors", .flags = XML_ABI | XML_BLANK),
    ROW_YES_NO("model/@primary", primary, "The one that firmware uses", .flags = XML_BLANK),
    ROW_ON_OFF("model/@blob", blob, "Zero-copy resources (virtio)",
               WRONG(VIR_ERR_CONFIG_UNSUPPORTED), .flags = XML_ABI),
    ROW_ON_OFF("model/@edid", edid, "The guest sees the monitor's data (virtio)", .flags = XML_ABI),
    ROW_CHILD("model/acceleration", acceleration, video_acceleration, "Use of the host's GPU",
              .flags = XML_ABI),
    ROW_CHILD("model/resolution", resolution, video_resolution, "Size at start"),
    ROW_EMBED(".", info, domain_device_info),
};
#undef ROWS_OF
XML_SCHEMA(domain_video, "video", .doc = "A display adapter");
