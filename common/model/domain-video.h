/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain-device.h"

enum video_type {
    VIDEO_ABSENT,
    VIDEO_VGA,
    VIDEO_CIRRUS,
    VIDEO_VMVGA,
    VIDEO_XEN,
    VIDEO_VBOX,
    VIDEO_QXL,
    VIDEO_PARALLELS,
    VIDEO_VIRTIO,
    VIDEO_GOP,
    VIDEO_NONE, /* "none": the guest has no display adapter */
    VIDEO_BOCHS,
    VIDEO_RAMFB,
};
extern const struct names video_type_names;

enum video_backend { VIDEO_BACKEND_NONE, VIDEO_BACKEND_QEMU, VIDEO_BACKEND_VHOST_USER };
extern const struct names video_backend_names;

enum video_vgaconf { VIDEO_VGACONF_NONE, VIDEO_VGACONF_IO, VIDEO_VGACONF_ON, VIDEO_VGACONF_OFF };
extern const struct names video_vgaconf_names;

struct video_acceleration {
    uint8_t accel2d; /* enum tristate */
    uint8_t accel3d;
    const char *rendernode;
};

struct video_resolution {
    unsigned x;
    unsigned y;
};

enum video_device {
    VIDEO_DEVICE_NONE,
    VIDEO_DEVICE_VGA,
    VIDEO_DEVICE_VGA_GL,
    VIDEO_DEVICE_GPU,
    VIDEO_DEVICE_GPU_GL,
    VIDEO_DEVICE_VHOST_USER_VGA,
    VIDEO_DEVICE_VHOST_USER_GPU,
};
extern const struct names video_device_names;

struct domain_video {
    struct domain_device_info info;
    uint8_t type;    /* enum video_type */
    uint8_t backend; /* enum video_backend */
    uint8_t vgaconf; /* enum video_vgaconf */
    uint8_t device;  /* enum video_device: of type virtio */
    bool primary;
    uint8_t blob; /* enum tristate */
    uint8_t edid; /* enum tristate */
    struct domain_virtio virtio;
    unsigned ram; /* KiB, as all memory here */
    unsigned vram;
    unsigned vram64;
    unsigned vgamem;
    unsigned heads;
    struct video_acceleration *acceleration;
    struct video_resolution *resolution;
};

XML_SCHEMA_DECLARE(video_acceleration);
XML_SCHEMA_DECLARE(video_resolution);
XML_SCHEMA_DECLARE(domain_video);
