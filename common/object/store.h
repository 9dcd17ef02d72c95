/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "object/object.h"
#include "object/registry.h"

/*
 * What must survive the daemon: persistent definitions as NAME.xml in a folder, autostart as
 * symlinks to them in another, and for active objects a status file each, under /run. Every change
 * is one atomic and durable step of the file system or a series with a point where it takes effect:
 *
 *   define    replace NAME.xml                                        that is the point
 *   undefine  remove NAME.xml (the point), remove the link
 *   rename    replace OLD.xml by a document with the new name (the point), link NEW if OLD has a
 *             link, rename OLD.xml to NEW.xml, remove the link of OLD
 *
 * store_load() completes what a killed daemon left halfway: a file whose document has another name
 * is renamed, with its link; a link to a file of ours that is gone is removed, and so are temporary
 * files. A file that can't be read is reported and left alone.
 *
 * Functions block on the disk. Different objects may be saved by different threads at once.
 */
struct store;

/* The status file of an active object: what a restarted daemon needs to take it up again. */
struct store_status {
    /* Where the live definition is all that it needs: the document around it, whose only row it is,
     * and the state of what is taken up. The functions are NULL then. */
    const struct xml_schema *around;
    int state;

    /* The whole document, live definition included; the caller frees. */
    int (*write)(struct object *object, const struct object_view *view, char **ret_text,
                 GError **error);

    /* Its live definition, and whatever else restore() wants. Several threads at once. */
    int (*read)(const char *text, size_t length, struct definition **ret_live, void **ret_rest,
                GError **error);

    /* Takes the object up: sets the driver's members, publishes it as active with live (taken
     * over), takes rest over. With an error the object is inactive, and both are released all the
     * same; the file stays for the next start to try, unless the driver removes it, being sure that
     * it's over.
     */
    int (*restore)(struct registry *registry, struct job *job, struct definition *live, void *rest,
                   GError **error);

    /* Frees a rest that will not be restored. NULL: read() makes none. */
    void (*free_rest)(void *rest);
};

struct store_spec {
    const struct object_kind *kind;
    const char *config_folder;         /* /etc/libvirt/qemu */
    bool autostart;                    /* objects may have it: links in config_folder/autostart */
    const char *status_folder;         /* /run/libvirt/qemu; NULL: no status files */
    const char *edit_command;          /* "virsh edit": named in the files' first lines */
    const struct store_status *status; /* with status_folder */
};

/* Copies the spec's strings; touches no file: folders are made (0700) when first written to. */
struct store *store_new(const struct store_spec *spec);
void store_free(struct store *store);

/* VIR_ERR_XML_ERROR when a name can't be a file's: with a slash, a control character, "." or "..",
 * empty, too long. Pure; registry_add() does not ask, so do this first. */
int store_check_name(const struct object_kind *kind, const char *name, GError **error);

/* Saves config as the job's object's persistent definition; publishing is the caller's next step.
 */
int store_save(struct store *store, struct job *job, const struct definition *config,
               GError **error);

/* Forgets the persistent definition and the autostart link. Absent ones are no error. */
int store_remove(struct store *store, struct job *job, GError **error);

/* Renames the files to the name in config, saving it. The object still has its old name. */
int store_rename(struct store *store, struct job *job, const struct definition *config,
                 GError **error);

/* Makes or removes the link of a persistent object; publishing is the caller's next step. */
int store_set_autostart(struct store *store, struct job *job, bool autostart, GError **error);

/* The same for the next start of the host alone: NAME.xml.once. */
int store_set_autostart_once(struct store *store, struct job *job, bool autostart, GError **error);

/* Saves or removes the status file, not durable across a reboot, as /run is not. */
int store_save_status(struct store *store, struct job *job, GError **error);
int store_remove_status(struct store *store, struct job *job, GError **error);

/* Reads the text of a status file: read(), or what is done where only the live definition counts;
 * for who looks at them without a store too. */
int store_status_read(const struct store_status *status, const char *text, size_t length,
                      struct definition **ret_live, void **ret_rest, GError **error);

/* The path of an object's file, as messages need it; the caller frees. */
char *store_config_path(const struct store *store, const char *name);
char *store_status_path(const struct store *store, const char *name);

/* One line for the log about a file: broken and skipped, or an interrupted step completed. */
struct store_note {
    bool is_error; /* else information */
    char *text;    /* begins with the path */
};

/* Reads every file into the registry: persistent objects, autostart, then status files with
 * restore(). Meant for the start, on one thread; reads and parses on up to threads of them (0: as
 * the machine has processors). *ret_notes: struct store_note *, the caller's; free with
 * g_ptr_array_unref(). An error only when a folder exists and can't be listed. */
int store_load(struct store *store, struct registry *registry, unsigned threads,
               GPtrArray **ret_notes, GError **error);
