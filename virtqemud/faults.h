/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/error.h"

/*
 * Rules about one part of a document, as a table that is made for it: each row says whether the
 * part is wrong in this way, by which code clients know it, and what to tell. All conditions of a
 * table are evaluated, so they must hold for any document.
 */
enum fault_kind {
    FAULT_QEMU,      /* VIR_ERR_CONFIG_UNSUPPORTED of QEMU: it could not do this */
    FAULT_GUEST,     /* the same of the domain: no hypervisor could */
    FAULT_XML,       /* VIR_ERR_XML_ERROR: something is missing, or said twice */
    FAULT_DETAIL,    /* VIR_ERR_XML_DETAIL */
    FAULT_ARGUMENT,  /* VIR_ERR_INVALID_ARG */
    FAULT_LIMIT,     /* VIR_ERR_ARGUMENT_UNSUPPORTED */
    FAULT_NO_SOURCE, /* VIR_ERR_NO_SOURCE */
    FAULT_INTERNAL,  /* VIR_ERR_INTERNAL_ERROR */
};

struct fault {
    bool found;
    enum fault_kind kind;
    const char *says;
};

/* -1 and the first fault that was found, behind the words of format that say where: "disk 'vda'".
 */
int faults_check(const struct fault *faults, unsigned count, GError **error, const char *format,
                 ...) G_GNUC_PRINTF(4, 5);
#define FAULTS_CHECK(faults, error, ...)                                                           \
    faults_check((faults), G_N_ELEMENTS(faults), (error), __VA_ARGS__)

/* The same in words that clients know as they are: nothing stands before them, and "%s" in them is
 * about (NULL: none has one). */
int faults_say(const struct fault *faults, unsigned count, GError **error, const char *about);
#define FAULTS_SAY(faults, error, about)                                                           \
    faults_say((faults), G_N_ELEMENTS(faults), (error), (about))

/* Always -1: a fault alone, of which there is more to say than a row can. */
int faults_fail(enum fault_kind kind, GError **error, const char *format, ...) G_GNUC_PRINTF(3, 4);
