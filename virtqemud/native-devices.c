/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* -device, and the options that are a device each: input, sound, balloon, random numbers, watchdog.
 */
#include <string.h>

#include "native-parts.h"

/* ---- Input ---- */

static const struct {
    const char *driver;
    enum input_type type;
    enum input_bus bus;
} inputs[] = {
    {"usb-tablet", INPUT_TABLET, INPUT_BUS_USB},
    {"usb-mouse", INPUT_MOUSE, INPUT_BUS_USB},
    {"usb-kbd", INPUT_KEYBOARD, INPUT_BUS_USB},
    {"virtio-tablet-pci", INPUT_TABLET, INPUT_BUS_VIRTIO},
    {"virtio-mouse-pci", INPUT_MOUSE, INPUT_BUS_VIRTIO},
    {"virtio-keyboard-pci", INPUT_KEYBOARD, INPUT_BUS_VIRTIO},
};

static bool add_input(struct native *native, struct native_list *list, const char *driver)
{
    struct domain_input *input = arena_new(native->arena, struct domain_input);

    for (size_t i = 0; i < G_N_ELEMENTS(inputs); i++)
        if (g_str_equal(inputs[i].driver, driver)) {
            input->type = (uint8_t)inputs[i].type;
            input->bus = (uint8_t)inputs[i].bus;
        }
    if (input->type == INPUT_NONE)
        return false;
    native_list_ignore(list, "id", NULL);
    if (!(input->bus == INPUT_BUS_USB ? native_place_usb(native, list, &input->info)
                                      : native_place_pci(native, list, &input->info)) ||
        !native_list_done(list))
        return false;
    native_add(native, inputs, input);
    return true;
}

static int read_usb_device(struct native *native, struct native_option *option, GError **error)
{
    static const char *const words[][2] = {
        {"tablet", "usb-tablet"}, {"mouse", "usb-mouse"}, {"keyboard", "usb-kbd"}};

    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        if (!g_str_equal(option->value, words[i][0]))
            continue;
        struct native_list list = native_list_read(words[i][1], "driver", native->arena);
        option->taken = native_list_take(&list, "driver") && add_input(native, &list, words[i][1]);
    }
    return 0;
}

/* ---- Sound ---- */

static const struct {
    const char *driver;
    enum sound_model model;
} sounds[] = {
    {"sb16", SOUND_SB16},      {"es1370", SOUND_ES1370},       {"ES1370", SOUND_ES1370},
    {"ac97", SOUND_AC97},      {"AC97", SOUND_AC97},           {"hda", SOUND_ICH6},
    {"intel-hda", SOUND_ICH6}, {"ich9-intel-hda", SOUND_ICH9}, {"usb-audio", SOUND_USB},
    {"pcspk", SOUND_PCSPK},
};

static struct domain_sound *new_sound(struct native *native, const char *driver)
{
    for (size_t i = 0; i < G_N_ELEMENTS(sounds); i++)
        if (g_str_equal(sounds[i].driver, driver)) {
            struct domain_sound *sound = arena_new(native->arena, struct domain_sound);
            sound->model = (uint8_t)sounds[i].model;
            return sound;
        }
    return NULL;
}

static bool has_codecs(const struct domain_sound *sound)
{
    return sound->model == SOUND_ICH6 || sound->model == SOUND_ICH9;
}

static bool add_sound(struct native *native, struct native_list *list, const char *driver)
{
    struct domain_sound *sound = new_sound(native, driver);
    const char *id = native_list_take(list, "id");

    if (!sound)
        return false;
    if (!(sound->model == SOUND_USB ? native_place_usb(native, list, &sound->info)
                                    : native_place_pci(native, list, &sound->info)) ||
        !native_take_audio(native, list, &sound->audio) || !native_list_done(list))
        return false;
    if (has_codecs(sound) && id)
        native_add_bus(native, id, CONTROLLER_NONE, native->domain->devices.sounds.count);
    native_add(native, sounds, sound);
    return true;
}

/* A codec is part of its card. */
static bool add_codec(struct native *native, struct native_list *list, const char *driver)
{
    static const char *const drivers[] = {
        [CODEC_DUPLEX] = "hda-duplex", [CODEC_MICRO] = "hda-micro", [CODEC_OUTPUT] = "hda-output"};
    struct sound_codec *codec = arena_new(native->arena, struct sound_codec);
    unsigned card = native->domain->devices.sounds.count;
    const char *bus = native_list_take(list, "bus");
    struct opt_uint audio = {0};

    for (unsigned type = CODEC_DUPLEX; type < G_N_ELEMENTS(drivers); type++)
        if (g_str_equal(drivers[type], driver))
            codec->type = (uint8_t)type;
    if (codec->type == CODEC_NONE || card == 0)
        return false;
    card--;
    if (bus && (!native_find_bus(native, bus, CONTROLLER_NONE, &card) ||
                card >= native->domain->devices.sounds.count))
        return false;
    struct domain_sound *sound = native->domain->devices.sounds.items[card];
    native_list_ignore(list, "id", "cad", NULL);
    if (!has_codecs(sound) || !native_take_audio(native, list, &audio) || !native_list_done(list))
        return false;
    if (audio.set)
        sound->audio = audio;
    LIST_APPEND(native->arena, &sound->codecs, codec);
    return true;
}

static int read_sound_hardware(struct native *native, struct native_option *option, GError **error)
{
    g_auto(GStrv) names = g_strsplit(option->value, ",", 8);

    for (unsigned i = 0; names[i]; i++)
        if (!new_sound(native, names[i]))
            return 0;
    for (unsigned i = 0; names[i]; i++)
        native_add(native, sounds, new_sound(native, names[i]));
    option->taken = names[0];
    return 0;
}

/* ---- Balloon, random numbers, watchdog, a device of the host ---- */

static bool add_balloon(struct native *native, struct native_list *list)
{
    struct domain_memballoon *balloon = arena_new(native->arena, struct domain_memballoon);

    balloon->model = MEMBALLOON_VIRTIO;
    native_list_take_tristate(list, "deflate-on-oom", &balloon->autodeflate);
    native_list_take_tristate(list, "free-page-reporting", &balloon->free_page_reporting);
    native_list_ignore(list, "id", NULL);
    if (native->domain->devices.memballoon || !native_place_pci(native, list, &balloon->info) ||
        !native_list_done(list))
        return false;
    native->domain->devices.memballoon = balloon;
    return true;
}

/* Without an object QEMU has its own source. */
static bool read_rng_backend(struct native *native, struct native_list *list,
                             struct domain_rng *rng, struct native_option **ret_object)
{
    const char *id = native_list_take(list, "rng");
    struct native_option *object = id ? native_find_backend(native, "object", id) : NULL;

    rng->backend = RNG_BACKEND_BUILTIN;
    if (!id)
        return true;
    if (!object)
        return false;
    const char *type = native_list_take(&object->list, "qom-type");
    native_list_ignore(&object->list, "id", NULL);
    if (g_strcmp0(type, "rng-random") == 0) {
        rng->backend = RNG_BACKEND_RANDOM;
        rng->path = native_list_take(&object->list, "filename");
        if (!rng->path)
            rng->path = "/dev/urandom";
    } else if (g_strcmp0(type, "rng-builtin") != 0) {
        return false;
    }
    *ret_object = object;
    return native_list_done(&object->list);
}

static bool add_rng(struct native *native, struct native_list *list)
{
    struct domain_rng *rng = arena_new(native->arena, struct domain_rng);
    struct native_option *object = NULL;

    rng->model = VIRTIO_MODEL_VIRTIO;
    native_list_ignore(list, "id", NULL);
    if (native_list_take_uint(list, "max-bytes", &rng->rate_bytes) &&
        !native_list_take_uint(list, "period", &rng->rate_period))
        return false;
    if (!read_rng_backend(native, list, rng, &object) ||
        !native_place_pci(native, list, &rng->info) || !native_list_done(list))
        return false;
    if (object)
        object->taken = true;
    native_add(native, rngs, rng);
    return true;
}

static bool add_watchdog(struct native *native, struct native_list *list, const char *driver)
{
    struct domain_watchdog *watchdog = arena_new(native->arena, struct domain_watchdog);

    watchdog->model = g_str_equal(driver, "ib700") ? WATCHDOG_IB700 : WATCHDOG_I6300ESB;
    watchdog->action = WATCHDOG_ACTION_RESET;
    native_list_ignore(list, "id", NULL);
    if (!native_place_pci(native, list, &watchdog->info) || !native_list_done(list))
        return false;
    native_add(native, watchdogs, watchdog);
    return true;
}

static int read_watchdog(struct native *native, struct native_option *option, GError **error)
{
    struct native_list list = native_list_read(option->value, "driver", native->arena);

    if (!g_str_equal(option->value, "ib700") && !g_str_equal(option->value, "i6300esb"))
        return 0;
    native_list_take(&list, "driver");
    option->taken = add_watchdog(native, &list, option->value);
    return 0;
}

static int read_action(struct native *native, struct native_option *option, GError **error)
{
    int action = names_find(&watchdog_action_names, option->value);

    option->taken = action > 0;
    if (action <= 0)
        return 0;
    LIST_EACH (watchdog, &native->domain->devices.watchdogs)
        watchdog->action = (uint8_t)action;
    return 0;
}

/* ---- -device ---- */

static bool add_other(struct native *native, struct native_list *list, const char *driver)
{
    if (g_str_equal(driver, "virtio-balloon-pci") || g_str_equal(driver, "virtio-balloon"))
        return add_balloon(native, list);
    if (g_str_equal(driver, "virtio-rng-pci") || g_str_equal(driver, "virtio-rng"))
        return add_rng(native, list);
    if (g_str_equal(driver, "ib700") || g_str_equal(driver, "i6300esb"))
        return add_watchdog(native, list, driver);
    return false;
}

/* A family that does not know the driver must leave the list alone for the next one. */
static int read_device(struct native *native, struct native_option *option, GError **error)
{
    static bool (*const families[])(struct native * native, struct native_list * list,
                                    const char *driver) = {
        native_disk_device,
        native_net_device,
        native_chardev_device,
        native_controller_device,
        native_video_device,
        add_input,
        add_sound,
        add_codec,
        add_other,
    };
    const char *driver = native_list_find(&option->list, "driver");
    const char *id = native_list_find(&option->list, "id");

    if (id && g_hash_table_contains(native->kept, id))
        return 0;
    if (!driver)
        return option->value[0] == '{' ? 0 : native_fault(option, "no device is named", error);
    for (size_t i = 0; i < G_N_ELEMENTS(families) && !option->taken; i++) {
        option->list = native_list_read(option->value, option->row->first, native->arena);
        native_list_take(&option->list, "driver");
        option->taken = families[i](native, &option->list, driver);
    }
    return 0;
}

/* What a document without these would get. */
void native_complete_devices(struct native *native)
{
    struct domain_devices *devices = &native->domain->devices;

    if (!devices->memballoon) {
        devices->memballoon = arena_new(native->arena, struct domain_memballoon);
        devices->memballoon->model = MEMBALLOON_NONE;
    }
    if (native->has_usb || !native->is_x86)
        return;
    struct domain_controller *usb = arena_new(native->arena, struct domain_controller);
    usb->type = CONTROLLER_USB;
    usb->model = CONTROLLER_USB_DISABLED;
    usb->index = OPT_UINT(0);
    native_add(native, controllers, usb);
}

const struct native_row native_device_rows[] = {
    {"device", "driver", NATIVE_DEVICE, .read = read_device},
    {"object", "qom-type", NATIVE_BACKEND, .read = native_note_backend},
    {"usbdevice", NULL, NATIVE_DEVICE, .read = read_usb_device},
    {"soundhw", NULL, NATIVE_DEVICE, .read = read_sound_hardware},
    {"watchdog", NULL, NATIVE_DRIVE, .read = read_watchdog},
    {"watchdog-action", NULL, NATIVE_LAST, .read = read_action},
    {NULL},
};
