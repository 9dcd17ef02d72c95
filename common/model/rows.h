/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "xml/schema.h"

/*
 * For the tables of this folder only: a struct may have more than one table (a disk's <source> and
 * an image of its chain are both a struct domain_source). XML_SCHEMA_OF names the struct,
 * ROW_SAME puts the rows of another table of the same struct here, ROW_CHILD_AS and ROW_EMBED_AS
 * read a member by a table that is not the one named after its struct.
 */
#define XML_SCHEMA_OF(tag, of, element, ...)                                                       \
    static struct xml_plan *tag##_plan;                                                            \
    const struct xml_schema tag##_schema = {.name = (element),                                     \
                                            .rows = tag##_rows,                                    \
                                            .n_rows = G_N_ELEMENTS(tag##_rows),                    \
                                            .size = sizeof(of),                                    \
                                            .plan = &tag##_plan,                                   \
                                            ##__VA_ARGS__}

#define ROW_SAME(tag, ...)                                                                         \
    {                                                                                              \
        .path = ".", .kind = XML_KIND_EMBED, .size = sizeof(ROWS_OF), .schema = &tag##_schema,     \
        ##__VA_ARGS__                                                                              \
    }

#define ROW_CHILD_AS(place, member, of, tag, about, ...)                                           \
    XML_ROW(place, member, about, XML_KIND_CHILD, XML_IS(member, of *), .schema = &tag##_schema,   \
            ##__VA_ARGS__)

#define ROW_EMBED_AS(place, member, of, tag, ...)                                                  \
    XML_ROW(place, member, NULL, XML_KIND_EMBED, XML_IS(member, of), .schema = &tag##_schema,      \
            ##__VA_ARGS__)

/* A size whose unit is spelled otherwise than XML_SIZE_WORD does. */
#define ROW_SIZE_IN(place, member, stored_unit, word, about, ...)                                  \
    XML_ROW(place, member, about, XML_KIND_SIZE, 1, .type = XML_SIZE_TYPE(member), .base = 10,     \
            .unit_factor = (stored_unit), .unit = (word), ##__VA_ARGS__)

#define ROW_LIST_AS(place, member, of, tag, about, ...)                                            \
    XML_ROW(place, member, about, XML_KIND_LIST, XML_IS(member.items, of **),                      \
            .schema = &tag##_schema, ##__VA_ARGS__)

/* A number read in any base (0x1f, 017), written in decimal: unsigned or uint64_t, 0: absent. */
#define ROW_NUMBER_ANY(place, member, about, ...)                                                  \
    ROW_TYPE(place, member, number_any_type, about, ##__VA_ARGS__)
extern const struct xml_type number_any_type;

/* The same in struct opt_uint, which knows a 0 that is given; RANGE says the highest. */
#define ROW_OPT_NUMBER_ANY(place, member, about, ...)                                              \
    ROW_TYPE(place, member, opt_number_any_type, about, ##__VA_ARGS__)
extern const struct xml_type opt_number_any_type;
