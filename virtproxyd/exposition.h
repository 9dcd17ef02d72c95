/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * Text in the OpenMetrics format: families of samples, each family with its meaning and in one
 * piece, in whatever order its samples are added. Not thread-safe; never fails.
 */
struct exposition;

enum family_kind { FAMILY_GAUGE, FAMILY_COUNTER, FAMILY_HISTOGRAM, FAMILY_INFO };

/* What is measured, constant. The name ends with the unit, if there is one, and nothing else: what
 * the format puts behind it comes from the kind. */
struct family {
    const char *name;
    enum family_kind kind;
    const char *unit; /* NULL: it counts things */
    const char *help;
};

/* One answer, built by one thread. */
struct exposition *exposition_new(void);

/* Appends NAME="VALUE" to what will be a sample's labels. */
void exposition_label(GString *labels, const char *name, const char *value);

/* Adds a sample; labels may be "". */
void exposition_add(struct exposition *exposition, const struct family *family, const char *labels,
                    const char *format, ...) G_GNUC_PRINTF(4, 5);

/* The same for a part of a histogram: "_bucket", "_count", "_sum". */
void exposition_add_part(struct exposition *exposition, const struct family *family,
                         const char *part, const char *labels, const char *format, ...)
    G_GNUC_PRINTF(5, 6);

/* The whole; frees exposition. The caller frees the text. */
char *exposition_end(struct exposition *exposition);
