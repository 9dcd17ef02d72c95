/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "status.h"

#include "xml/xml.h"

#include "pool.h"

struct pool_state {
    struct definition definition;
    struct storage_pool *pool;
};

XML_SCHEMA_DECLARE(pool_state);

#define ROWS_OF struct pool_state
static const struct xml_row pool_state_rows[] = {
    ROW_CHILD("pool", pool, storage_pool, "The live definition", .flags = XML_REQUIRED),
};
#undef ROWS_OF
XML_SCHEMA(pool_state, "poolstate", .doc = "A pool that runs, for a restarted daemon");

const struct store_status status_file = {.around = &pool_state_schema,
                                         .state = VIR_STORAGE_POOL_RUNNING};
