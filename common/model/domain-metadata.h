/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

/*
 * Elements of other programs inside <metadata>, one for each namespace URI.
 */

/* The element of uri as text, without the prefix it has in the document; the caller frees.
 * VIR_ERR_NO_DOMAIN_METADATA: there is none. */
int domain_metadata_get(const struct domain *domain, const char *uri, char **ret_text,
                        GError **error);

/* Puts text (an element without or with the namespace) in the place of uri's element, with prefix
 * key; text NULL: takes it out. The domain is under construction. VIR_ERR_XML_DETAIL or
 * _ERROR for text that is no XML element; VIR_ERR_XML_ERROR for a prefix that can't be one,
 * VIR_ERR_INVALID_ARG for one that text uses for something else. */
int domain_metadata_set(struct domain *domain, const char *uri, const char *key, const char *text,
                        GError **error);
