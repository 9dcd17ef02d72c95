/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "xml/schema.h"

/*
 * A table arranged by place, for the engine alone: rows with the same leading path meet in one
 * element, rows of embedded structs stand among those of their owner. Made at first use, kept.
 */
enum xml_item_kind {
    XML_ITEM_ATTRIBUTE,
    XML_ITEM_TEXT,     /* of the element itself */
    XML_ITEM_PLACE,    /* a child element with items of the same struct */
    XML_ITEM_PRESENCE, /* FLAG and ELEMENT rows: about the element itself */
    XML_ITEM_GROUP,    /* rows of another struct, behind a pointer, in the same element */
    XML_ITEM_LIST,
    XML_ITEM_STRINGS,
    XML_ITEM_RAW,
    XML_ITEM_HOOK,
    XML_ITEM_CHECK, /* the check function of an embedded struct */
};

struct xml_condition {
    uint64_t mask;
    uint16_t offset;
    uint8_t size;
};

struct xml_item {
    uint8_t kind; /* enum xml_item_kind */
    uint8_t n_conditions;
    bool optional;   /* GROUP: only if one of its rows is there (place ".") */
    uint16_t offset; /* of the member in the outer struct */
    const struct xml_row *row;
    const struct xml_schema *owner;         /* the table with the row */
    const struct xml_condition *conditions; /* all must hold */
    const char *name;                       /* of an attribute, or of the element of the item */
    const char *prefix, *uri;               /* of that element's namespace; NULL: none */
    const char *attribute;                  /* STRINGS: NULL is the element's text */
    struct xml_place *place;                /* PLACE */
    const struct xml_schema *schema;        /* GROUP, LIST, CHECK */
};

struct xml_range {
    uint16_t offset, size;
};

struct xml_place {
    struct xml_item *items;
    struct xml_range *ranges; /* of the members that it shows */
    unsigned count, n_ranges;
    bool never_quiet; /* there is something to write even if all members are zero */
    bool has_text;
    bool once;           /* its element must not be there twice */
    bool private;        /* all in it is of status files only */
    bool has_namespaces; /* a table behind a pointer has: namespaces are declared here */
    bool speaks_absent;  /* something is to be done (DEFAULT, XML_REQUIRED) when its element is not
                            there */
};

/* The place of the struct's own element. Never fails: a broken table aborts with its message. */
const struct xml_place *xml_plan_of(const struct xml_schema *schema);

/* The mistakes that would make xml_plan_of() abort, for xml_schema_lint(). */
void xml_plan_lint(const struct xml_schema *schema, GPtrArray *mistakes);

/* True if all members that place shows are zero, and so it surely has nothing to write. */
bool xml_place_is_quiet(const struct xml_place *place, const void *object);

/* True if the item's (row's) conditions hold in object. */
bool xml_item_applies(const struct xml_item *item, const void *object);
bool xml_row_applies(const struct xml_row *row, const void *object);

/* True if the row's member at that address is there. */
bool xml_row_is_set(const struct xml_row *row, const void *member);

/* Appends schema and all tables reachable from it, each once, in a fixed order. */
void xml_schema_collect(const struct xml_schema *schema, GPtrArray *found);

/* What every LIST_OF() is. */
struct xml_list {
    void **items;
    unsigned count;
};
