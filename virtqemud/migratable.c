/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "migratable.h"

#include "model/domain.h"

/* Removes from a list each item of which the condition holds. */
#define STRIP(list, item, condition)                                                               \
    for (unsigned item##_left = (list)->count; item##_left > 0; item##_left--) {                   \
        const __typeof__(**(list)->items) *item = (list)->items[item##_left - 1];                  \
        if (condition)                                                                             \
            LIST_REMOVE(list, item##_left - 1);                                                    \
    }

/* ---- controllers ---- */

static unsigned count_type(const struct domain *domain, uint8_t type)
{
    unsigned count = 0;

    LIST_EACH (controller, &domain->devices.controllers)
        count += controller->type == type;
    return count;
}

static bool is_plain_root(const struct domain_controller *controller)
{
    const struct controller_pci *pci = controller->pci;

    return controller->type == CONTROLLER_PCI && controller->model == CONTROLLER_PCI_ROOT &&
           (!pci || (!pci->hole64.set && !pci->hotplug && !pci->node.set));
}

static bool is_usb_of_pc(const struct domain_controller *controller)
{
    return controller->type == CONTROLLER_USB && controller->model == CONTROLLER_USB_PIIX3_UHCI &&
           controller->index.value == 0;
}

/* Those that a machine begins with are implied where they are the only ones of their kind. */
static void strip_controllers(struct domain *domain)
{
    bool usb = domain_is_x86(domain) && count_type(domain, CONTROLLER_USB) == 1;
    bool root = count_type(domain, CONTROLLER_PCI) == 1;

    STRIP(&domain->devices.controllers, controller,
          (usb && is_usb_of_pc(controller)) || (root && is_plain_root(controller)));
    LIST_EACH (controller, &domain->devices.controllers)
        if (controller->type == CONTROLLER_PCI && controller->model == CONTROLLER_PCI_ROOT &&
            controller->pci)
            controller->pci->model_name = PCI_MODEL_NAME_NONE;
}

/* ---- ports and displays ---- */

/* Of those that only one kind of machine has, the type says nothing more. */
static void strip_serial(struct domain_serial *serial)
{
    if (serial->target != SERIAL_TARGET_SPAPR_VIO && serial->target != SERIAL_TARGET_SYSTEM)
        return;
    serial->target = SERIAL_TARGET_NONE;
    serial->model = SERIAL_MODEL_NONE;
}

static void strip_listen(struct domain_graphics *graphics)
{
    const struct graphics_listen *listen =
        graphics->listens.count == 1 ? graphics->listens.items[0] : NULL;

    if (listen && listen->type == LISTEN_NONE && graphics->type == GRAPHICS_SPICE) {
        graphics->autoport = TRISTATE_NO;
        graphics->listens.count = 0;
    }
    if (listen && listen->type == LISTEN_SOCKET && graphics->type == GRAPHICS_VNC)
        graphics->listens.count = 0; /* socket='' says it too */
}

/* ---- the rest ---- */

/* Nothing is said of it but which it is. */
static bool is_plain_audio(const struct domain_audio *audio)
{
    return (audio->type == AUDIO_NONE || audio->type == AUDIO_SPICE) && !audio->input &&
           !audio->output && !audio->timer_period;
}

void migratable_strip(struct definition *definition)
{
    struct domain *domain = (struct domain *)definition;
    struct domain_devices *devices = &domain->devices;

    strip_controllers(domain);
    STRIP(&devices->inputs, input, input->type == INPUT_KEYBOARD && input->bus == INPUT_BUS_PS2);
    STRIP(&devices->panics, panic, panic->model == PANIC_PSERIES || panic->model == PANIC_S390);
    if (devices->audios.count == 1)
        STRIP(&devices->audios, audio, is_plain_audio(audio));
    LIST_EACH (serial, &devices->serials)
        strip_serial(serial);
    LIST_EACH (graphics, &devices->graphics)
        strip_listen(graphics);
}
