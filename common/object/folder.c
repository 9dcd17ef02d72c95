/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "object/folder.h"

#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "xml/xml.h"

#define SUFFIX ".xml"
#define MOST_THREADS 8
#define FILES_PER_THREAD 64 /* fewer are not worth a thread */

struct reading {
    GPtrArray *files;
    gint next; /* the first that no thread has taken */
    folder_parse parse;
    const void *data;
};

static void file_free(struct folder_file *file)
{
    g_free(file->path);
    g_free(file->name);
    definition_unref(file->definition);
    g_ptr_array_unref(file->warnings);
    g_clear_error(&file->error);
    g_free(file);
}

static struct folder_file *file_new(const char *folder, const char *name)
{
    struct folder_file *file = g_new0(struct folder_file, 1);

    file->path = g_build_filename(folder, name, NULL);
    file->name = g_strndup(name, strlen(name) - strlen(SUFFIX));
    file->warnings = g_ptr_array_new_with_free_func(g_free);
    return file;
}

static void read_file(const struct reading *reading, struct folder_file *file)
{
    g_autofree char *text = NULL;
    size_t length;

    if (file_read_all(file->path, XML_MAX_TEXT, &text, &length, &file->error) < 0)
        return;
    if (length == 0)
        error_set(&file->error, VIR_ERR_XML_ERROR, "the file is empty");
    else
        reading->parse(reading->data, text, length, file->warnings, &file->definition, &file->rest,
                       &file->error);
}

static gpointer read_files(gpointer data)
{
    struct reading *reading = data;
    guint i;

    while ((i = (guint)g_atomic_int_add(&reading->next, 1)) < reading->files->len)
        read_file(reading, g_ptr_array_index(reading->files, i));
    return NULL;
}

/* This thread is one of them. */
static void read_in_parallel(struct reading *reading, unsigned threads)
{
    GThread *helpers[MOST_THREADS];
    unsigned wanted = threads ? threads : g_get_num_processors();
    unsigned count = 0;

    wanted = MIN(MIN(wanted, MOST_THREADS), reading->files->len / FILES_PER_THREAD + 1);
    while (count + 1 < wanted) {
        helpers[count] = g_thread_try_new("read", read_files, reading, NULL);
        if (!helpers[count])
            break;
        count++;
    }
    read_files(reading);
    for (unsigned i = 0; i < count; i++)
        g_thread_join(helpers[i]);
}

int folder_read(const char *path, unsigned threads, folder_parse parse, const void *data,
                GPtrArray **ret_files, GError **error)
{
    g_auto(GStrv) names = NULL;
    struct reading reading = {.parse = parse, .data = data};

    if (file_list(path, SUFFIX, &names, error) < 0)
        return -1;
    reading.files = g_ptr_array_new_with_free_func((GDestroyNotify)file_free);
    for (char **name = names; *name; name++)
        g_ptr_array_add(reading.files, file_new(path, *name));
    read_in_parallel(&reading, threads);
    *ret_files = reading.files;
    return 0;
}
