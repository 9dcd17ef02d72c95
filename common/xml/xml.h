/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "xml/definition.h"
#include "xml/schema.h"

/*
 * Documents as text and back. All functions are pure: no I/O, any thread.
 *
 * Errors of reading: VIR_ERR_XML_DETAIL text that is not XML, VIR_ERR_XML_ERROR (or the row's code)
 * a wrong document, or VIR_ERR_XML_INVALID_SCHEMA with XML_READ_VALIDATE.
 * Each names line and path: "line 14: devices/disk[2]/target/@bus: 'virtoi' is not one of ...".
 */

/* Limits on what is read. For files of ours there is room for what we add to a document that was
 * just within them: what could be stored must be readable. */
#define XML_MAX_TEXT (16 * 1024 * 1024)
#define XML_MAX_DEPTH 250
#define XML_MAX_NODES 200000 /* elements and attributes */
#define XML_OWN_TEXT (4 * XML_MAX_TEXT)
#define XML_OWN_DEPTH (XML_MAX_DEPTH + 5)
#define XML_OWN_NODES (4 * XML_MAX_NODES)

enum xml_read_flag {
    XML_READ_VALIDATE = 1 << 0, /* what is unknown is an error, not a warning; and see
                                   VALIDATING in "xml/schema.h" */
    XML_READ_INACTIVE = 1 << 1, /* rows with XML_LIVE are skipped */
    XML_READ_STATUS = 1 << 2,   /* rows with XML_STATUS are read */
    XML_READ_OWN = 1 << 3,      /* a file of ours: see the limits */
    XML_READ_PATTERN = 1 << 4,  /* names another element: as little of it as will do, unchecked */
};

enum xml_write_flag {
    XML_WRITE_SECURE = 1 << 0,
    XML_WRITE_INACTIVE = 1 << 1,
    XML_WRITE_MIGRATABLE = 1 << 2,
    XML_WRITE_STATUS = 1 << 3,
};

/* A new definition from text (length -1: up to its NUL); NULL and error when it is wrong. Warnings,
 * if not NULL, gets an owned string for each thing that was ignored. */
struct definition *xml_read(const struct xml_schema *schema, const char *text, gssize length,
                            unsigned flags, GPtrArray *warnings, GError **error);

/* The same for a document that is not a root of its own (a device to attach): a struct of whichever
 * of the schemas has the name of the text's root element, allocated in arena. None of several has:
 * VIR_ERR_CONFIG_UNSUPPORTED, for others may know it. */
int xml_read_part(const struct xml_schema *const *schemas, unsigned n_schemas, const char *text,
                  gssize length, unsigned flags, struct arena *arena, GPtrArray *warnings,
                  const struct xml_schema **ret_schema, void **ret_object, GError **error);

/* The text, as the ecosystem formats it, ending with a newline. The caller frees. Cannot fail. */
char *xml_write(const struct definition *definition, unsigned flags);

/* Appends a struct as an element named schema->name, indented by indent spaces. */
void xml_write_part(const struct xml_schema *schema, const void *object, unsigned flags,
                    unsigned indent, GString *out);

/* True if all rows are equal (flags, names, numbers; not the slack between). */
bool xml_equal(const struct xml_schema *schema, const void *a, const void *b);

/* True if all that pattern says is so in object, which may say more; what only a running guest has
 * is left aside. So a document names one of several devices. */
bool xml_covers(const struct xml_schema *schema, const void *pattern, const void *object);

/* The path of the first row that differs, "target/@bus"; NULL: none. What only a running guest has
 * is left aside. The caller frees. */
char *xml_difference(const struct xml_schema *schema, const void *is, const void *asked);

/* 0, or -1 with VIR_ERR_CONFIG_UNSUPPORTED naming the first row marked XML_ABI that differs, and
 * both values: source is what runs, target what is asked for. */
int xml_compare_abi(const struct xml_schema *schema, const void *source, const void *target,
                    GError **error);

/* A deep copy of a struct into arena, to move parts between definitions. */
void *xml_copy_part(const struct xml_schema *schema, const void *object, struct arena *arena);
