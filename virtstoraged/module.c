/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "module.h"

#include <dlfcn.h>
#include <unistd.h>

#include "base/error.h"

#define SYMBOL "storage_module"

/* The kinds that are modules: each is TYPE.so of a package of ours, and needs a library, by
 * Debian's name for its package. */
#define PACKAGE "modvirt-virtstoraged-"
static const char *const libraries[STORAGE_POOL_TYPES] = {
    [STORAGE_POOL_ISCSI_DIRECT] = "libiscsi7",
    [STORAGE_POOL_GLUSTER] = "libgfapi0",
    [STORAGE_POOL_RBD] = "librbd1",
};

static GMutex lock; /* guards what has been loaded */
static const struct backend *loaded[STORAGE_POOL_TYPES];

static char *get_path(unsigned type)
{
    const char *folder = g_getenv("MODVIRT_STORAGE_MODULES");

    return g_strdup_printf("%s/%s.so", folder ?: STORAGE_MODULES,
                           names_word(&storage_pool_type_names, type));
}

bool module_is_present(unsigned type)
{
    g_autofree char *path = libraries[type] ? get_path(type) : NULL;

    return path && access(path, R_OK) == 0;
}

/* What is exported by a file; else why it can't be loaded. */
struct opening {
    const char *path;
    const struct backend *backend;
    char *said;
};

static void *open_file(void *data)
{
    struct opening *opening = data;
    void *module = dlopen(opening->path, RTLD_NOW | RTLD_LOCAL);

    opening->backend = module ? dlsym(module, SYMBOL) : NULL;
    opening->said = opening->backend ? NULL : g_strdup(dlerror());
    return NULL;
}

static const struct backend *load(unsigned type, GError **error)
{
    g_autofree char *path = get_path(type);
    const char *word = names_word(&storage_pool_type_names, type);

    if (!module_is_present(type)) {
        error_set(
            error, VIR_ERR_INTERNAL_ERROR,
            "missing backend for pool type %u (%s): there is no module '%s' of the package " PACKAGE
            "%s; it is built where %s is",
            type - 1, word, path, word, libraries[type]);
        return NULL;
    }
    struct opening opening = {.path = path};
    /* Ceph's library takes more stack to be loaded than a worker has */
    g_thread_join(g_thread_new("module", open_file, &opening));
    if (!opening.backend)
        error_set(error, VIR_ERR_INTERNAL_ERROR,
                  "the module for pools of type '%s' can't be loaded, is %s installed? %s", word,
                  libraries[type], opening.said);
    g_free(opening.said);
    return opening.backend;
}

const struct backend *module_find(unsigned type, GError **error)
{
    if (!libraries[type]) {
        error_set(error, VIR_ERR_INTERNAL_ERROR, "missing backend for pool type %u (%s)", type - 1,
                  names_word(&storage_pool_type_names, type));
        return NULL;
    }
    g_mutex_lock(&lock);
    if (!loaded[type])
        loaded[type] = load(type, error);
    const struct backend *backend = loaded[type];
    g_mutex_unlock(&lock);
    return backend;
}
