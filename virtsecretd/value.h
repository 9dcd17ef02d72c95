/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The bytes of a secret: immutable, counted, overwritten when the last reference goes. On disk they
 * are base64 in one line, as the incumbent has it.
 */
struct value;

/* A copy of bytes; one reference. */
struct value *value_new(const void *bytes, size_t length);
struct value *value_ref(struct value *value);
void value_unref(struct value *value); /* NULL is ok */

/* Borrowed. */
const uint8_t *value_bytes(const struct value *value, size_t *ret_length);

/* Replaces the file as one durable step, mode 0600; on failure the old one is as it was.
 * VIR_ERR_SYSTEM_ERROR. Blocks on the disk. */
int value_save(const struct value *value, const char *path, GError **error);

/* *ret_value is NULL when there is no file. VIR_ERR_SYSTEM_ERROR; VIR_ERR_INTERNAL_ERROR: it is not
 * base64, or larger than a secret can be. Blocks on the disk. */
int value_load(const char *path, struct value **ret_value, GError **error);

/* Keeps this process out of core dumps, of other processes of its user and, where that is allowed,
 * of swap. Once, at the start. */
void value_protect_process(void);

static inline void value_unref_at(struct value **value)
{
    value_unref(*value);
}

/* VALUE_AUTO struct value *value = NULL; */
#define VALUE_AUTO __attribute__((cleanup(value_unref_at)))
