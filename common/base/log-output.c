/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/log-output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <syslog.h>
#include <unistd.h>

/* The place is given as fields below: the library must not add its own. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "base/error.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

struct log_output_kind {
    const char *name;
    const char *argument; /* what follows "kind:", for messages; NULL: nothing may */
    int (*open)(struct log_output *output, GError **error);
    void (*write)(const struct log_output *output, const struct log_line *line);
    void (*close)(struct log_output *output);
};

static void write_descriptor(const struct log_output *output, const struct log_line *line)
{
    /* One call per line keeps lines whole. What can't be written can't be reported either. */
    while (write(output->fd, line->full, line->length) < 0 && errno == EINTR)
        continue;
}

static int open_stderr(struct log_output *output, GError **error)
{
    output->fd = STDERR_FILENO;
    return 0;
}

static int open_path(const char *path, GError **error)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);

    if (fd < 0)
        error_set_errno(error, errno, "cannot open log file '%s'", path);
    return fd;
}

static int open_file(struct log_output *output, GError **error)
{
    output->fd = open_path(output->argument, error);
    return output->fd < 0 ? -1 : 0;
}

static void close_file(struct log_output *output)
{
    if (output->fd >= 0)
        close(output->fd);
}

static int syslog_priority(enum log_level level)
{
    static const int priorities[] = {LOG_DEBUG, LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERR};

    return priorities[level];
}

static int open_syslog(struct log_output *output, GError **error)
{
    /* The C library keeps the pointer, so the name outlives the output. */
    openlog(g_intern_string(output->argument), LOG_NDELAY | LOG_PID, LOG_DAEMON);
    return 0;
}

static void write_syslog(const struct log_output *output, const struct log_line *line)
{
    syslog(syslog_priority(line->level), "%s", line->timeless);
}

static int open_journal(struct log_output *output, GError **error)
{
    if (access(JOURNAL_SOCKET, W_OK) == 0)
        return 0;
    error_set_errno(error, errno, "cannot log to journald at '%s'", JOURNAL_SOCKET);
    return -1;
}

static void write_journal(const struct log_output *output, const struct log_line *line)
{
    sd_journal_send("MESSAGE=%s", line->text, "PRIORITY=%d", syslog_priority(line->level),
                    "LIBVIRT_SOURCE=%s", line->source, "CODE_FUNC=%s", line->function,
                    "CODE_LINE=%d", line->number, "TID=%d", gettid(), NULL);
}

static const struct log_output_kind kinds[] = {
    {"stderr", NULL, open_stderr, write_descriptor, NULL},
    {"file", "absolute path", open_file, write_descriptor, close_file},
    {"syslog", "name", open_syslog, write_syslog, NULL},
    {"journald", NULL, open_journal, write_journal, NULL},
};

int log_read_level(const char *text, const char **ret_rest)
{
    if (text[0] < '1' || text[0] > '4' || text[1] != ':')
        return 0;
    *ret_rest = text + 2;
    return text[0] - '0';
}

static const struct log_output_kind *find_kind(const char *text, const char **ret_argument)
{
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        size_t length = strlen(kinds[i].name);
        if (strncmp(text, kinds[i].name, length) != 0 || (text[length] && text[length] != ':'))
            continue;
        *ret_argument = text[length] ? text + length + 1 : NULL;
        return &kinds[i];
    }
    return NULL;
}

static int read_output(const char *text, struct log_output *ret_output, GError **error)
{
    const char *rest, *argument;
    int level = log_read_level(text, &rest);

    if (!level) {
        error_set(error, VIR_ERR_INVALID_ARG,
                  "log output '%s' does not begin with a level and a colon ('1:' to '4:')", text);
        return -1;
    }
    const struct log_output_kind *kind = find_kind(rest, &argument);
    if (!kind) {
        error_set(error, VIR_ERR_INVALID_ARG,
                  "log output '%s' is not one of stderr, file, syslog, journald", text);
        return -1;
    }
    if (!kind->argument != !argument || (argument && !*argument) ||
        (kind->open == open_file && *argument != '/')) {
        error_set(error, VIR_ERR_INVALID_ARG, "log output '%s' must be 'LEVEL:%s%s%s'", text,
                  kind->name, kind->argument ? ":" : "", kind->argument ? kind->argument : "");
        return -1;
    }
    *ret_output = (struct log_output){kind, level, -1, (char *)argument};
    return 0;
}

int log_output_check(const char *text, GError **error)
{
    struct log_output unused;

    return read_output(text, &unused, error);
}

int log_output_open(const char *text, struct log_output **ret_output, GError **error)
{
    struct log_output read;

    if (read_output(text, &read, error) < 0)
        return -1;
    struct log_output *output = g_memdup2(&read, sizeof(read));
    output->argument = g_strdup(read.argument);
    if (output->kind->open(output, error) < 0) {
        log_output_free(output);
        return -1;
    }
    *ret_output = output;
    return 0;
}

void log_output_free(struct log_output *output)
{
    if (output->kind->close)
        output->kind->close(output);
    g_free(output->argument);
    g_free(output);
}

void log_output_write(const struct log_output *output, const struct log_line *line)
{
    if ((int)line->level >= output->level)
        output->kind->write(output, line);
}

int log_output_reopen(struct log_output *output, GError **error)
{
    if (output->kind->open != open_file)
        return 0;
    int fd = open_path(output->argument, error);
    if (fd < 0)
        return -1;
    close(output->fd);
    output->fd = fd;
    return 0;
}
