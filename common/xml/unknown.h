/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "xml/at.h"
#include "xml/plan.h"

/* What the reader has understood is marked; the rest of an element is unknown. */
void xml_mark_used(void *node_or_attribute);
void xml_mark_all_used(xmlNode *node);
bool xml_is_used(const xmlNode *node);

/* True if the element is the item's (PLACE, LIST, STRINGS, RAW, HOOK), in its namespace. */
bool xml_item_names(const struct xml_item *item, const xmlNode *element);

/* The attribute without namespace, or NULL. */
xmlAttr *xml_find_attribute(const xmlNode *node, const char *name);

/* Warns of each attribute, element and text of node that is not marked; or, with XML_READ_VALIDATE,
 * -1 with VIR_ERR_XML_INVALID_SCHEMA for the first of them. object is place's. */
int xml_report_unknown(struct xml_at *at, const struct xml_place *place, const void *object,
                       xmlNode *node, GError **error);

/* " (did you mean 'x'?)" or "": an unmarked attribute (attribute set) or element of node that is
 * spelled nearly like name. The caller frees. */
char *xml_misspelling_of(const xmlNode *node, const char *name, bool attribute);
