/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"

#include "device-common.h"
#include "machine.h"

/* Serial ports, parallel ports, consoles and channels: the guest's end of a stream, whose host's
 * end is called "char" + alias (chardev.h). */

static struct json_object *build(const char *driver, const struct domain_device_info *info)
{
    g_autofree char *stream = g_strdup_printf("char%s", info->alias);

    return json_build("s:driver", driver, "s:chardev", stream, "S:id", info->alias, NULL);
}

/* ---- serial ports ---- */

static const struct {
    const char *driver; /* NULL: part of the machine, see -serial */
    bool port;          /* has "index", the number of the port */
} serial_models[] = {
    [SERIAL_MODEL_ISA_SERIAL] = {"isa-serial", true},
    [SERIAL_MODEL_USB_SERIAL] = {"usb-serial"},
    [SERIAL_MODEL_PCI_SERIAL] = {"pci-serial"},
    [SERIAL_MODEL_SPAPR_VTY] = {"spapr-vty"},
    [SERIAL_MODEL_PL011] = {NULL},
    [SERIAL_MODEL_SCLPCONSOLE] = {"sclpconsole"},
    [SERIAL_MODEL_SCLPLMCONSOLE] = {"sclplmconsole"},
    [SERIAL_MODEL_16550A] = {NULL},
    [SERIAL_MODEL_ISA_DEBUGCON] = {"isa-debugcon"},
};

/* Of a port that says nothing: the one of PCs. */
static unsigned model_of(const struct domain_serial *serial)
{
    if (serial->model)
        return serial->model;
    return machine_serial_model(serial->target ? serial->target : SERIAL_TARGET_ISA);
}

int device_serial_properties(const struct domain *domain, const struct domain_serial *serial,
                             const struct arguments_context *context,
                             struct json_object **ret_properties, GError **error)
{
    unsigned model = model_of(serial);
    bool of_board = !serial->target && !serial->model && !domain_is_x86(domain);

    *ret_properties = NULL;
    if (of_board || !serial_models[model].driver)
        return 0;
    *ret_properties = build(serial_models[model].driver, &serial->info);
    if (serial_models[model].port)
        json_add(*ret_properties, "u:index", serial->port.value, NULL);
    device_add_place(*ret_properties, domain, &serial->info);
    return 0;
}

int device_parallel_properties(const struct domain *domain, const struct domain_parallel *parallel,
                               const struct arguments_context *context,
                               struct json_object **ret_properties, GError **error)
{
    *ret_properties = build("isa-parallel", &parallel->info);
    device_add_place(*ret_properties, domain, &parallel->info);
    return 0;
}

/* ---- consoles and channels ---- */

int device_console_properties(const struct domain *domain, const struct domain_console *console,
                              const struct arguments_context *context,
                              struct json_object **ret_properties, GError **error)
{
    static const char *const drivers[] = {
        [CONSOLE_TARGET_VIRTIO] = "virtconsole",
        [CONSOLE_TARGET_SCLP] = "sclpconsole",
        [CONSOLE_TARGET_SCLPLM] = "sclplmconsole",
    };

    *ret_properties = NULL;
    /* the first serial port, shown a second time */
    if (console->target == CONSOLE_TARGET_NONE || console->target == CONSOLE_TARGET_SERIAL)
        return 0;
    if (console->target >= G_N_ELEMENTS(drivers) || !drivers[console->target])
        return device_refuse(error, "console", console->info.alias,
                             "target type='%s' is for other hypervisors",
                             names_word(&console_target_names, console->target));
    *ret_properties = build(drivers[console->target], &console->info);
    device_add_place(*ret_properties, domain, &console->info);
    return 0;
}

int device_channel_properties(const struct domain *domain, const struct domain_channel *channel,
                              const struct arguments_context *context,
                              struct json_object **ret_properties, GError **error)
{
    *ret_properties = NULL;
    /* a port of the guest's own network: a netdev, and no device */
    if (channel->target == CHANNEL_TARGET_GUESTFWD)
        return 0;
    if (channel->target != CHANNEL_TARGET_VIRTIO)
        return device_refuse(error, "channel", channel->info.alias,
                             "target type='%s' is for other hypervisors",
                             names_word(&channel_target_names, channel->target));
    *ret_properties = json_build("s:driver", "virtserialport", NULL);
    device_add_place(*ret_properties, domain, &channel->info);
    g_autofree char *stream = g_strdup_printf("char%s", channel->info.alias);
    /* SPICE's agent is found by its name alone */
    json_add(*ret_properties, "s:chardev", stream, "S:id", channel->info.alias, "S:name",
             channel->name                              ? channel->name
             : channel->source.type == CHARDEV_SPICEVMC ? "com.redhat.spice.0"
                                                        : NULL,
             NULL);
    return 0;
}
