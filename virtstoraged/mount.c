/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mount.h"

#include <errno.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"

#include "program.h"

#define DEADLINE_MS 30000
#define LINE_MOST 8192
#define ALWAYS "nodev,nosuid,noexec"

/* What is mounted on top at target; the caller frees; NULL: nothing. */
static char *find_mounted(const char *target)
{
    FILE *table = setmntent("/proc/self/mounts", "re");
    g_autofree char *line = g_malloc(LINE_MOST);
    struct mntent entry;
    char *found = NULL;

    while (table && getmntent_r(table, &entry, line, LINE_MOST))
        if (strcmp(entry.mnt_dir, target) == 0) {
            g_free(found);
            found = g_strdup(entry.mnt_fsname);
        }
    if (table)
        endmntent(table);
    return found;
}

/* A device has many names. */
static bool is_same_source(const char *a, const char *b)
{
    struct stat first, second;

    if (strcmp(a, b) == 0)
        return true;
    return stat(a, &first) == 0 && stat(b, &second) == 0 && S_ISBLK(first.st_mode) &&
           S_ISBLK(second.st_mode) && first.st_rdev == second.st_rdev;
}

static int run(const char *const *argv, GError **error)
{
    struct program program = {.argv = argv, .milliseconds = DEADLINE_MS};

    return program_run(&program, NULL, error);
}

static char *join_options(const struct mount_request *request)
{
    GString *options = g_string_new(ALWAYS);

    for (unsigned i = 0; i < request->option_count; i++)
        g_string_append_printf(options, ",%s", request->options[i]);
    return g_string_free(options, FALSE);
}

int mount_begin(const struct mount_request *request, GError **error)
{
    g_autofree char *mounted = find_mounted(request->target);
    g_autofree char *options = join_options(request);

    if (mounted && is_same_source(mounted, request->source))
        return 0;
    if (mounted) {
        error_set(error, VIR_ERR_OPERATION_FAILED, "'%s' is mounted at '%s' already", mounted,
                  request->target);
        return -1;
    }
    if (request->argv)
        return run(request->argv, error);
    const char *const typed[] = {
        "mount", "-t", request->type, "-o", options, "--", request->source, request->target, NULL};
    const char *const untyped[] = {"mount",         "-o", options, "--", request->source,
                                   request->target, NULL};
    return run(request->type ? typed : untyped, error);
}

int mount_end(const char *target, GError **error)
{
    g_autofree char *mounted = find_mounted(target);
    const char *const argv[] = {"umount", "--", target, NULL};

    return mounted ? run(argv, error) : 0;
}

int mount_detach(const char *target, GError **error)
{
    const char *const argv[] = {"umount", "--no-canonicalize", "--force", "--lazy", "--", target,
                                NULL};

    return run(argv, error);
}
