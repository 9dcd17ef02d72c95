/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

struct xml_row;

#define XML_FORM_MOST 64 /* bytes of a member whose type may be a FORM */

/*
 * How a scalar member is read, written and compared. The model may have types of its own; most
 * need name, size, parse, format and rng only. Absent is all bytes zero unless is_set says other.
 */
struct xml_type {
    const char *name; /* for the documentation: "whole number" */
    const char *rng;  /* RELAX NG pattern of the text; NULL: <text/> */
    size_t size;      /* of the member; 0: any */
    /* Fills the member; or returns -1 with the reason in problem: "'x' is not a number". Text is
     * stripped of surrounding space unless keep_space is set. */
    int (*parse)(const struct xml_row *row, const char *text, struct arena *arena, void *member,
                 GString *problem);
    /* Appends the text, unescaped. */
    void (*format)(const struct xml_row *row, const void *member, GString *out);
    bool (*is_set)(const struct xml_row *row, const void *member);
    /* NULL: the member's (and payload's) bytes are compared. */
    bool (*equal)(const struct xml_row *row, const void *a, const void *b);
    /* For members that are a pointer to one block: its size in bytes. NULL: no pointer inside. */
    size_t (*payload)(const void *block);
    bool payload_unaligned;
    bool keep_space;
    uint8_t wrong; /* enum error_code of a text that is none; 0: the row's */
};

extern const struct xml_type xml_type_string, xml_type_unsigned, xml_type_signed, xml_type_double,
    xml_type_opt_uint, xml_type_opt_int, xml_type_opt_ulong, xml_type_enum, xml_type_yes_no,
    xml_type_on_off, xml_type_uuid, xml_type_opt_uuid, xml_type_mac, xml_type_cpuset;

/* Of members of the row's type: whether the document said it; whether both say the same. */
bool xml_type_is_set(const struct xml_row *row, const void *member);
bool xml_type_equal(const struct xml_row *row, const void *a, const void *b);

/* Of whole numbers, words, yes/no: the value as a number, whatever the member's type. */
void xml_type_set_number(const struct xml_row *row, void *member, int64_t value);
uint64_t xml_type_get_number(const struct xml_row *row, const void *member);
