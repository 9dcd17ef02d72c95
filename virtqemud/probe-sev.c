/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probe-sev.h"

#include <json-c/json.h>

#include "json.h"

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>

#define ENCRYPTION_LEAF 0x8000001f

struct probe_sev_asids probe_sev_read_asids(void)
{
    uint32_t eax, ebx, last, first;

    if (!__get_cpuid(ENCRYPTION_LEAF, &eax, &ebx, &last, &first))
        return (struct probe_sev_asids){0};
    return (struct probe_sev_asids){.last = last, .first = first};
}
#else
struct probe_sev_asids probe_sev_read_asids(void)
{
    return (struct probe_sev_asids){0};
}
#endif

struct json_object *probe_sev_describe(struct json_object *capabilities,
                                       struct probe_sev_asids asids)
{
    struct json_object *sev;
    bool known = asids.first > 0 && asids.first <= asids.last;

    if (!json_object_is_type(capabilities, json_type_object))
        return NULL;
    sev = json_object_get(capabilities);
    json_add(sev, "u:max-guests", known ? asids.last - asids.first + 1 : 0, "u:max-es-guests",
             known ? asids.first - 1 : 0, NULL);
    return sev;
}
