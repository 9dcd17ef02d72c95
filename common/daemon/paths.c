/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/paths.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/file.h"

static const char *home_folder(void)
{
    const char *home = getenv("HOME");

    return home && *home == '/' ? home : g_get_home_dir();
}

/* $variable/libvirt, or HOME/fallback/libvirt. Relative values are void, by the XDG rules. */
static char *xdg_folder(const char *variable, const char *fallback)
{
    const char *value = getenv(variable);

    if (value && *value == '/')
        return g_build_filename(value, "libvirt", NULL);
    return g_build_filename(home_folder(), fallback, "libvirt", NULL);
}

static int find_session(struct paths *paths, GError **error)
{
    if (!home_folder()) {
        error_set(error, VIR_ERR_INTERNAL_ERROR, "HOME is not set and the user has no home folder");
        return -1;
    }
    paths->config = xdg_folder("XDG_CONFIG_HOME", ".config");
    paths->cache = xdg_folder("XDG_CACHE_HOME", ".cache");
    paths->runtime = xdg_folder("XDG_RUNTIME_DIR", ".cache");
    paths->state = xdg_folder("XDG_DATA_HOME", ".local/share");
    paths->log = g_build_filename(paths->cache, "log", NULL);
    return 0;
}

static void find_system(struct paths *paths)
{
    paths->config = g_strdup("/etc/libvirt");
    paths->runtime = g_strdup("/run/libvirt");
    paths->state = g_strdup("/var/lib/libvirt");
    paths->cache = g_strdup("/var/cache/libvirt");
    paths->log = g_strdup("/var/log/libvirt");
}

int paths_find(const char *name, bool session, struct paths *ret_paths, GError **error)
{
    g_autofree char *config_name = g_strconcat(name, ".conf", NULL);
    g_autofree char *pid_name = g_strconcat(name, ".pid", NULL);
    struct paths paths = {0};

    if (session && find_session(&paths, error) < 0)
        return -1;
    if (!session)
        find_system(&paths);
    paths.config_file = g_build_filename(paths.config, config_name, NULL);
    paths.pid_file = g_build_filename(session ? paths.runtime : "/run", pid_name, NULL);
    *ret_paths = paths;
    return 0;
}

int paths_make(const struct paths *paths, bool session, GError **error)
{
    const char *const folders[] = {paths->runtime, paths->state, paths->cache, paths->log};

    for (size_t i = 0; i < G_N_ELEMENTS(folders); i++)
        if (file_make_folders(folders[i], session ? 0700 : 0755, error) < 0)
            return -1;
    return 0;
}

void paths_clear(struct paths *paths)
{
    g_free(paths->config);
    g_free(paths->runtime);
    g_free(paths->state);
    g_free(paths->cache);
    g_free(paths->log);
    g_free(paths->config_file);
    g_free(paths->pid_file);
    *paths = (struct paths){0};
}
