/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

#include "native-words.h"

/* Between the files native-*.c. Memory is the document's own arena. */

struct native;
struct native_option;

/* One option of QEMU: what reads it, and when: back ends are noted first, devices come last. */
enum native_stage { NATIVE_MACHINE, NATIVE_BACKEND, NATIVE_DRIVE, NATIVE_DEVICE, NATIVE_LAST };

struct native_row {
    const char *name;  /* without hyphens */
    const char *first; /* key of a list's first part; NULL: none has to be there */
    enum native_stage stage;
    bool is_alone; /* without a value */
    /* Sets option->taken if the document says it all; NULL: the daemon does it by itself, or it
     * makes no difference to the guest. -1: the value is wrong. */
    int (*read)(struct native *native, struct native_option *option, GError **error);
};

struct native_option {
    const char *word;             /* as it was given: "--name" */
    const char *value;            /* NULL: none */
    const struct native_row *row; /* NULL: unknown */
    struct native_list list;
    bool taken;
    const char *rest; /* passed through in place of the value; NULL: that */
};

/* A controller of the guest by the name that devices call it by */
struct native_bus {
    const char *name;
    enum controller_type type;
    unsigned index;
};

struct native {
    struct domain *domain;
    struct arena *arena;
    GArray *options;      /* struct native_option */
    GArray *buses;        /* struct native_bus */
    GHashTable *backends; /* "netdev ID" to struct native_option, borrowed */
    GHashTable *kept;     /* names of buses that go on to QEMU with what is on them */
    bool is_x86;
    bool is_q35;
    bool no_defaults;
    bool no_window;  /* some display was chosen, or none */
    bool no_adapter; /* of video, but for one that is a -device */
    bool has_video;
    bool has_usb;
};

extern const struct native_row native_machine_rows[];
extern const struct native_row native_cpu_rows[];
extern const struct native_row native_numa_rows[];
extern const struct native_row native_disk_rows[];
extern const struct native_row native_net_rows[];
extern const struct native_row native_device_rows[];
extern const struct native_row native_chardev_rows[];
extern const struct native_row native_display_rows[];

/* VIR_ERR_INVALID_ARG naming option and value; returns -1. */
int native_fault(const struct native_option *option, const char *what, GError **error);

/* The back end of a kind ("netdev", "drive", "blockdev", "chardev", "object", "audiodev") with that
 * id; NULL: there is none, or it is in use by another device. */
struct native_option *native_find_backend(struct native *native, const char *kind, const char *id);

/* Notes a back end by its id, for later; the read of rows. */
int native_note_backend(struct native *native, struct native_option *option, GError **error);

/* A new list entry, in the document's order. */
#define native_add(native, member, item)                                                           \
    LIST_APPEND((native)->arena, &(native)->domain->devices.member, item)

/* ---- Places: the keys bus, addr, port ... of a device. False: no document can say it. ---- */
bool native_place_pci(struct native *native, struct native_list *list,
                      struct domain_device_info *info);
bool native_place_usb(struct native *native, struct native_list *list,
                      struct domain_device_info *info);

/* The index of a controller that is called so ("scsi0.0", of which the part behind the last full
 * stop is left aside); false: there is none. */
bool native_find_bus(struct native *native, const char *name, enum controller_type type,
                     unsigned *ret_index);
void native_add_bus(struct native *native, const char *name, enum controller_type type,
                    unsigned index);

/* The number behind the last full stop of "ide.1"; 0 if there is none. */
unsigned native_bus_number(const char *name);

/* ---- Devices, by -device: true if the document says it all now ---- */
bool native_disk_device(struct native *native, struct native_list *list, const char *driver);
bool native_net_device(struct native *native, struct native_list *list, const char *driver);
bool native_chardev_device(struct native *native, struct native_list *list, const char *driver);
bool native_controller_device(struct native *native, struct native_list *list, const char *driver);
bool native_video_device(struct native *native, struct native_list *list, const char *driver);

/* Fills in source from the list of a -chardev or the word of a -serial; false: no document can. */
bool native_chardev_source(struct native *native, struct native_list *list,
                           struct chardev_source *source);

/* Takes the key audiodev of a list, and makes it an <audio>; false: no document can. No such key is
 * true. */
bool native_take_audio(struct native *native, struct native_list *list, struct opt_uint *ret_id);

/* The document's processor, made when there is none. */
struct domain_cpu *native_cpu(struct native *native);

/* "2G", in the usual unit if it does not say it; false: it is no size, or nothing. */
bool native_size(const char *text, uint64_t usual, uint64_t *ret_kib);

/* The cells of all -numa, if a document can say them. */
void native_complete_numa(struct native *native);

/* What the guest has though nobody asked for it, or has not though a document would. */
void native_complete_display(struct native *native);
void native_complete_devices(struct native *native);

/* ---- What goes on to QEMU ---- */

/* Notes as kept the buses of the document that devices which go on are on: QEMU makes those devices
 * before any of the document. True: there were such, and everything has to be read again. */
bool native_keep_buses(struct native *native);

/* Passes on what has not been taken. */
void native_pass_on(struct native *native);

/* The pairs of -net nic and one back end. */
void native_complete_nets(struct native *native);
