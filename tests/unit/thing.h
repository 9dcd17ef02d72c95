/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "object/object.h"
#include "object/registry.h"
#include "xml/definition.h"

/*
 * A small kind of object to test with: <thing><name/><uuid/><text/></thing>.
 */
struct thing {
    struct definition definition;
    const char *name;
    uint8_t uuid[16];
    const char *text;
};

/* What a driver would have: members after the object's. */
struct thing_object {
    struct object object;
    int extra;
};

extern const struct object_kind thing_kind;

/* A definition named name, whose uuid is all bytes number. The caller's. */
struct definition *thing_new(const char *name, uint8_t number, const char *text);

/* A uuid that is unlike those of all other numbers. */
void thing_number_uuid(unsigned number, uint8_t ret_uuid[16]);

/* As thing_new(), with the uuid of a number above 255. */
struct definition *thing_new_numbered(const char *name, unsigned number);

/* An object in the registry with a persistent definition; a new reference. */
struct object *thing_define(struct registry *registry, const char *name, uint8_t number);

/* How many objects of this kind have been freed so far. */
int thing_cleared(void);
