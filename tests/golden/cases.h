/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/*
 * Cases that the project did not write stand in a folder of their own, outside of it: each is a
 * document (NAME.xml) with what the incumbent makes of it (NAME.out.xml, NAME.err). What is not
 * reached yet is listed, with its reason, in a file that only gets shorter.
 */

/* The folder of one kind of cases, or NULL where there are none: then skip. Constant. */
const char *cases_folder(const char *kind);

/* The project's own folder of this name below the tests. Constant. */
const char *cases_own_folder(const char *name);

/* Names of the cases in folder with a file NAME+suffix, sorted, each constant; the caller owns the
 * list. */
GPtrArray *cases_list(const char *folder, const char *suffix);

/* The text of a file of a case; aborts if there is none. The caller frees. */
char *cases_read(const char *folder, const char *name, const char *suffix);

/* Lines "name<TAB>reason" of a file, but for those starting with #: name to reason. The caller owns
 * it. */
GHashTable *cases_read_reasons(const char *path);

/* Paths that the incumbent reads but does not write back in this case, from the folder's index:
 * strings like "/domain/devices/disk/driver/@cache". The caller owns it. */
GPtrArray *cases_unechoed(const char *kind, const char *name);

/* Adds to paths those of a file of lines "kind<TAB>XPath<TAB>reason" or
 * "kind/name<TAB>XPath<TAB>reason" that are about this case. */
void cases_add_kept(const char *path, const char *kind, const char *name, GPtrArray *paths);

/* NULL if actual is the expected text, in which @WORD@ stands for anything; else where they differ.
 * The caller frees. */
char *cases_compare(const char *expected, const char *actual);

/* The same for two documents, not counting space between elements, nor what stands at the given
 * paths. */
char *cases_compare_without(const char *expected, const char *actual, const GPtrArray *paths);
