/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

#include "arguments.h"
#include "json.h"

/* Memory of a guest as an object: what the host gives for it, and how. */
struct memory_request {
    const char *id;
    int cell;           /* of the guest, whose place on the host it takes; -1: none of its own */
    uint64_t size;      /* KiB */
    unsigned access;    /* enum memory_access; NONE: as its cell, or all memory of the guest */
    unsigned discard;   /* enum tristate, same; of no meaning with a path */
    uint64_t page_size; /* KiB; 0: as all memory of the guest */
    const char *path;   /* a file or device that is the memory; NULL: made for it */
    const struct cpuset *nodes; /* of the host; NULL: as the cell */
    bool deferred;              /* the host gives it bit by bit: neither reserved nor allocated */
    bool whole;                 /* the host gives all of it before the guest runs */
    bool canonical;             /* the machine's own memory, whose name a migration compares */
};

/* The object, the caller's. Pure. */
struct json_object *memory_backend_build(const struct domain *domain,
                                         const struct arguments_context *context,
                                         const struct memory_request *request);

/* Whether memory of this page size (KiB; 0: as all) is made of huge pages. */
bool memory_backend_is_huge(const struct domain *domain, int cell, uint64_t page_size);
