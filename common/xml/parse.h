/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <libxml/tree.h>
#include <stdbool.h>

/*
 * Text to libxml2's tree, within the limits of "xml/xml.h": no network, no external parts, no
 * entities but the predefined ones, and none of libxml2's quadratic paths (many attributes in one
 * tag, many namespaces). NULL and VIR_ERR_XML_DETAIL, or VIR_ERR_XML_ERROR beyond a limit. The
 * caller frees by xmlFreeDoc(); the document has a root element. own: a file of ours.
 */
xmlDoc *xml_parse(const char *text, gssize length, bool own, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlDoc, xmlFreeDoc)
