/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The guest itself: name, machine, memory, clock, and what it boots. */
#include <string.h>

#include "base/units.h"
#include "base/uuid.h"

#include "native-parts.h"

static struct domain_features *features_of(struct native *native)
{
    if (!native->domain->features)
        native->domain->features = arena_new(native->arena, struct domain_features);
    return native->domain->features;
}

/* What is left goes to QEMU, which joins it with what the document says. */
static int take_part(struct native *native, struct native_option *option)
{
    option->taken = option->list.count > 0;
    if (option->taken)
        option->rest = native_list_rest(&option->list, native->arena);
    return 0;
}

static int read_name(struct native *native, struct native_option *option, GError **error)
{
    const char *name = native_list_take(&option->list, "guest");

    if (!name || !*name || strchr(name, '/') || strchr(name, '\n'))
        return native_fault(option, "this is no name of a guest", error);
    native->domain->name = name;
    native_list_ignore(&option->list, "debug-threads", NULL);
    return take_part(native, option);
}

static int read_uuid(struct native *native, struct native_option *option, GError **error)
{
    if (uuid_parse(option->value, native->domain->uuid) < 0)
        return native_fault(option, "this is no UUID", error);
    native->domain->given_uuid.set = true;
    option->taken = true;
    return 0;
}

static int set_accelerator(struct native *native, const char *name)
{
    /* A list is tried in turn, "kvm:tcg"; the first is what is wanted. */
    if (g_str_has_prefix(name, "kvm"))
        native->domain->type = DOMAIN_TYPE_KVM;
    else if (g_str_has_prefix(name, "tcg"))
        native->domain->type = DOMAIN_TYPE_QEMU;
    else
        return -1;
    return 0;
}

static int read_enable_kvm(struct native *native, struct native_option *option, GError **error)
{
    option->taken = true;
    return set_accelerator(native, "kvm");
}

static int read_accel(struct native *native, struct native_option *option, GError **error)
{
    const char *name = native_list_take(&option->list, "accel");

    if (!name || !native_list_done(&option->list) || set_accelerator(native, name) < 0)
        return 0;
    option->taken = true;
    return 0;
}

/* The guest's memory in a plain object is what a document means anyway. */
static void take_memory_backend(struct native *native, struct native_list *list)
{
    const char *id = native_list_find(list, "memory-backend");
    struct native_option *object = id ? native_find_backend(native, "object", id) : NULL;

    if (!object || g_strcmp0(native_list_take(&object->list, "qom-type"), "memory-backend-ram"))
        return;
    native_list_ignore(&object->list, "id", "size", NULL);
    if (!native_list_done(&object->list))
        return;
    object->taken = true;
    native_list_take(list, "memory-backend");
}

static void read_machine_features(struct native *native, struct native_list *list)
{
    bool on;

    if (native_list_find(list, "vmport") &&
        native_list_take_tristate(list, "vmport", &features_of(native)->vmport))
        features_of(native)->has_vmport = true;
    if (native->is_x86 && native_list_take_bool(list, "acpi", &on))
        features_of(native)->acpi = on;
    if (native_list_take_bool(list, "usb", &on))
        native->has_usb = native->has_usb || on;
    native_list_take_tristate(list, "dump-guest-core", &native->domain->dump_core);
}

static int read_machine(struct native *native, struct native_option *option, GError **error)
{
    struct native_list *list = &option->list;
    const char *type = native_list_take(list, "type"), *accel = native_list_find(list, "accel");

    if (type && *type) {
        native->domain->os.machine = type;
        native->is_q35 = strstr(type, "q35");
    }
    if (accel && set_accelerator(native, accel) == 0)
        native_list_take(list, "accel");
    read_machine_features(native, list);
    take_memory_backend(native, list);
    return take_part(native, option);
}

/* ---- Memory ---- */

bool native_size(const char *text, uint64_t usual, uint64_t *ret_kib)
{
    uint64_t value, bytes;
    size_t digits = strspn(text, G_CSET_DIGITS);
    g_autofree char *number = g_strndup(text, digits);
    uint64_t unit = text[digits] ? unit_find(text + digits) : usual;

    if (strlen(text + digits) > 1 || unit == 0 || !native_number(number, &value) ||
        unit_convert(value, unit, UNIT_BYTES, &bytes) < 0 || bytes == 0)
        return false;
    *ret_kib = (bytes - 1) / UNIT_KIB + 1;
    return true;
}

/* Memory that is plugged in later needs cells in a document: QEMU hears of it as it was. */
static int read_memory(struct native *native, struct native_option *option, GError **error)
{
    const char *size = native_list_take(&option->list, "size");

    if (size && !native_size(size, UNIT_MIB, &native->domain->memory))
        return native_fault(option, "this is no size of memory", error);
    return take_part(native, option);
}

/* ---- What is booted ---- */

static int read_kernel(struct native *native, struct native_option *option, GError **error)
{
    struct domain_os *os = &native->domain->os;
    const struct {
        const char *name;
        const char **member;
    } members[] = {{"kernel", &os->kernel},
                   {"initrd", &os->initrd},
                   {"append", &os->cmdline},
                   {"dtb", &os->dtb}};

    for (size_t i = 0; i < G_N_ELEMENTS(members); i++)
        if (g_str_equal(option->row->name, members[i].name))
            *members[i].member = option->value;
    option->taken = true;
    return 0;
}

static int read_bios(struct native *native, struct native_option *option, GError **error)
{
    if (option->value[0] != '/')
        return 0;
    native->domain->os.loader = arena_new(native->arena, struct os_loader);
    native->domain->os.loader->path = option->value;
    native->domain->os.loader->type = LOADER_ROM;
    option->taken = true;
    return 0;
}

static void add_boots(struct native *native, const char *order)
{
    static const char letters[] = {
        [BOOT_DEVICE_FLOPPY] = 'a',
        [BOOT_DEVICE_CDROM] = 'd',
        [BOOT_DEVICE_DISK] = 'c',
        [BOOT_DEVICE_NETWORK] = 'n',
    };

    native->domain->os.boots.count = 0;
    for (; *order; order++)
        for (unsigned dev = BOOT_DEVICE_FLOPPY; dev < G_N_ELEMENTS(letters); dev++)
            if (letters[dev] == *order) {
                struct os_boot *boot = arena_new(native->arena, struct os_boot);
                boot->dev = (uint8_t)dev;
                LIST_APPEND(native->arena, &native->domain->os.boots, boot);
            }
}

static bool is_order(const char *order)
{
    for (const char *at = order; *at; at++)
        if (!strchr("acdn", *at) || strchr(at + 1, *at))
            return false;
    return *order;
}

/* Where devices have an order of their own, a document has no other. */
static bool has_boot_order(const struct native *native)
{
    unsigned count;
    g_autofree struct device *devices = domain_list_devices(native->domain, &count);

    for (unsigned i = 0; i < count; i++)
        if (devices[i].info && devices[i].info->boot_order)
            return true;
    return false;
}

static int read_boot(struct native *native, struct native_option *option, GError **error)
{
    struct native_list *list = &option->list;
    const char *order = native_list_find(list, "order");
    unsigned timeout;

    if (order && is_order(order) && !has_boot_order(native)) {
        add_boots(native, order);
        native_list_take(list, "order");
    }
    native_list_take_tristate(list, "menu", &native->domain->os.bootmenu);
    if (native->domain->os.bootmenu == TRISTATE_YES && native_list_find(list, "splash-time") &&
        native_list_take_uint(list, "splash-time", &timeout))
        native->domain->os.bootmenu_timeout = OPT_UINT(timeout);
    if (native_list_take_uint(list, "reboot-timeout", &timeout))
        native->domain->os.reboot_timeout = OPT_INT((int)timeout);
    if (g_strcmp0(native_list_find(list, "strict"), "on") == 0)
        native_list_take(list, "strict");
    return take_part(native, option);
}

/* ---- Clock and life ---- */

static int read_rtc(struct native *native, struct native_option *option, GError **error)
{
    struct native_list *list = &option->list;
    const char *base = native_list_find(list, "base");
    const char *drift = native_list_find(list, "driftfix");

    if (g_strcmp0(base, "utc") == 0 || g_strcmp0(base, "localtime") == 0) {
        native->domain->clock.offset = *base == 'u' ? CLOCK_UTC : CLOCK_LOCALTIME;
        native_list_take(list, "base");
    }
    if (g_strcmp0(drift, "slew") == 0) {
        struct clock_timer *timer = arena_new(native->arena, struct clock_timer);
        timer->name = TIMER_RTC;
        timer->tickpolicy = TIMER_TICK_CATCHUP;
        LIST_APPEND(native->arena, &native->domain->clock.timers, timer);
        native_list_take(list, "driftfix");
    } else if (g_strcmp0(drift, "none") == 0) {
        native_list_take(list, "driftfix");
    }
    if (g_strcmp0(native_list_find(list, "clock"), "host") == 0)
        native_list_take(list, "clock");
    return take_part(native, option);
}

static int read_switch(struct native *native, struct native_option *option, GError **error)
{
    const char *name = option->row->name;

    option->taken = true;
    if (g_str_equal(name, "localtime"))
        native->domain->clock.offset = CLOCK_LOCALTIME;
    else if (g_str_equal(name, "no-reboot"))
        native->domain->on_reboot = LIFECYCLE_DESTROY;
    else if (g_str_equal(name, "nodefaults"))
        native->no_defaults = true;
    else if (g_str_equal(name, "usb"))
        native->has_usb = true;
    else if (native->is_x86)
        features_of(native)->acpi = false; /* no-acpi */
    else
        option->taken = false;
    return 0;
}

/* No document says it; known so that it is not taken for an option with a value. */
static int pass_alone(struct native *native, struct native_option *option, GError **error)
{
    return 0;
}

/* Guests' memory is not locked unless their document wants it. */
static int read_overcommit(struct native *native, struct native_option *option, GError **error)
{
    if (g_strcmp0(native_list_find(&option->list, "mem-lock"), "off") == 0)
        native_list_take(&option->list, "mem-lock");
    return take_part(native, option);
}

const struct native_row native_machine_rows[] = {
    {"name", "guest", .read = read_name},
    {"uuid", .read = read_uuid},
    {"M", "type", .read = read_machine},
    {"machine", "type", .read = read_machine},
    {"accel", "accel", .read = read_accel},
    {"enable-kvm", .is_alone = true, .read = read_enable_kvm},
    {"m", "size", .read = read_memory},
    {"kernel", .read = read_kernel},
    {"initrd", .read = read_kernel},
    {"append", .read = read_kernel},
    {"dtb", .read = read_kernel},
    {"bios", .read = read_bios},
    {"boot", "order", NATIVE_LAST, .read = read_boot},
    {"rtc", .read = read_rtc},
    {"localtime", .is_alone = true, .read = read_switch},
    {"no-acpi", .is_alone = true, .read = read_switch},
    {"no-reboot", .is_alone = true, .read = read_switch},
    {"nodefaults", .is_alone = true, .read = read_switch},
    {"usb", .is_alone = true, .read = read_switch},
    {"overcommit", .read = read_overcommit},
    {"snapshot", .is_alone = true, .read = pass_alone},
    {"no-hpet", .is_alone = true, .read = pass_alone},
    {"no-fd-bootchk", .is_alone = true, .read = pass_alone},
    {"win2k-hack", .is_alone = true, .read = pass_alone},
    {"only-migratable", .is_alone = true, .read = pass_alone},
    {"preconfig", .is_alone = true, .read = pass_alone},
    {"singlestep", .is_alone = true, .read = pass_alone},
    {"semihosting", .is_alone = true, .read = pass_alone},
    {"full-screen", .is_alone = true, .read = pass_alone},
    {"alt-grab", .is_alone = true, .read = pass_alone},
    {"ctrl-grab", .is_alone = true, .read = pass_alone},
    {"no-quit", .is_alone = true, .read = pass_alone},
    {"no-shutdown", .is_alone = true},
    {"no-user-config", .is_alone = true},
    {"S", .is_alone = true},
    {"daemonize", .is_alone = true},
    {.name = "pidfile"},
    {.name = "sandbox"},
    {.name = "msg"},
    {.name = "monitor"},
    {.name = "qmp"},
    {.name = "D"},
    {NULL},
};
