/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/virtual-function.h"

#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

#include "host/link-request.h"

#define DEVICES "/sys/bus/pci/devices"
#define MOST_FUNCTIONS 65536

bool virtual_function_exists(const char *address)
{
    g_autofree char *path = g_strdup_printf(DEVICES "/%s/physfn", address);

    return access(path, F_OK) == 0;
}

/* The network device of the adapter; the caller frees. */
static char *adapter_device(const char *address)
{
    g_autofree char *folder = g_strdup_printf(DEVICES "/%s/physfn/net", address);
    g_auto(GStrv) names = NULL;

    if (file_list(folder, NULL, &names, NULL) < 0 || !names[0])
        return NULL;
    return g_strdup(names[0]);
}

/* Which of its adapter's functions it is: -1: none. */
static int function_number(const char *address)
{
    for (int number = 0; number < MOST_FUNCTIONS; number++) {
        g_autofree char *path = g_strdup_printf(DEVICES "/%s/physfn/virtfn%d", address, number);
        g_autofree char *target = g_file_read_link(path, NULL);

        if (!target)
            return -1;
        if (g_str_has_suffix(target, address))
            return number;
    }
    return -1;
}

int virtual_function_set(const char *address, const uint8_t mac[6], unsigned vlan, GError **error)
{
    g_autofree char *adapter = adapter_device(address);
    int number = function_number(address);
    struct link_request request = link_request_begin(RTM_SETLINK);
    struct ifla_vf_mac its_mac = {.vf = (unsigned)number};
    struct ifla_vf_vlan its_vlan = {.vf = (unsigned)number, .vlan = vlan};

    if (!adapter || number < 0) {
        error_set(error, VIR_ERR_OPERATION_FAILED,
                  "the adapter of the PCI device %s has no network device", address);
        return -1;
    }
    memcpy(its_mac.mac, mac, 6);
    request.link.ifi_index = (int)if_nametoindex(adapter);
    struct rtattr *list = link_request_add(&request, IFLA_VFINFO_LIST, NULL, 0);
    struct rtattr *info = link_request_add(&request, IFLA_VF_INFO, NULL, 0);
    link_request_add(&request, IFLA_VF_MAC, &its_mac, sizeof(its_mac));
    link_request_add(&request, IFLA_VF_VLAN, &its_vlan, sizeof(its_vlan));
    link_request_end(&request, info);
    link_request_end(&request, list);
    int failure = link_request_send(&request);
    if (failure)
        error_set_errno(error, failure, "cannot set the address of function %d of '%s'", number,
                        adapter);
    return failure ? -1 : 0;
}

/* Its name is the last part of what a link of the adapter leads to. */
static bool read_function(const char *link, struct virtual_function *ret_function)
{
    g_autofree char *target = g_file_read_link(link, NULL), *folder = NULL, *address = NULL;
    struct virtual_function function = {0};
    g_auto(GStrv) devices = NULL;

    address = target ? g_path_get_basename(target) : g_strdup("");
    if (sscanf(address, "%x:%x:%x.%u", &function.domain, &function.bus, &function.slot,
               &function.function) != 4)
        return false;
    folder = g_strdup_printf("%s/net", link);
    if (file_list(folder, NULL, &devices, NULL) == 0 && devices[0])
        g_strlcpy(function.device, devices[0], sizeof(function.device));
    *ret_function = function;
    return true;
}

GArray *virtual_function_list(const char *adapter)
{
    GArray *functions = g_array_new(FALSE, TRUE, sizeof(struct virtual_function));

    for (int number = 0; number < MOST_FUNCTIONS; number++) {
        g_autofree char *link =
            g_strdup_printf("/sys/class/net/%s/device/virtfn%d", adapter, number);
        struct virtual_function function;

        if (!read_function(link, &function))
            break;
        g_array_append_val(functions, function);
    }
    return functions;
}
