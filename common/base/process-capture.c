/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"

#define READ_CHUNK 8192
#define KILL_MILLISECONDS 2000

enum { OUTPUT, ERRORS, STREAMS };

/* One run: the program, and the reading ends of its pipes. */
struct capture {
    struct process process;
    int fds[STREAMS];
    GString *texts[STREAMS];
    size_t limit;
};

static void capture_clear(struct capture *capture)
{
    for (int i = 0; i < STREAMS; i++) {
        fd_clear(&capture->fds[i]);
        if (capture->texts[i])
            g_string_free(capture->texts[i], TRUE);
    }
    process_clear(&capture->process);
}

/* A file in memory never blocks its writer and never raises SIGPIPE. */
static int make_input(const char *input, GError **error)
{
    autofd int fd = memfd_create("input", MFD_CLOEXEC);
    size_t length = strlen(input);

    if (fd >= 0 && pwrite(fd, input, length, 0) == (ssize_t)length)
        return fd_take(&fd);
    error_set_errno(error, errno, "cannot keep a program's input");
    return -1;
}

static int make_pipe(int *ret_read, int *ret_write, GError **error)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0) {
        error_set_errno(error, errno, "cannot make a pipe");
        return -1;
    }
    *ret_read = ends[0];
    *ret_write = ends[1];
    return fd_set_nonblock(ends[0], true, error);
}

static int start(struct capture *capture, const struct process_spec *spec, const char *input,
                 GError **error)
{
    struct process_spec piped = *spec;
    autofd int input_fd = input ? make_input(input, error) : -1;
    autofd int output = -1;
    autofd int errors = -1;

    if (input && input_fd < 0)
        return -1;
    if (make_pipe(&capture->fds[OUTPUT], &output, error) < 0 ||
        make_pipe(&capture->fds[ERRORS], &errors, error) < 0)
        return -1;
    if (input)
        piped.input = input_fd;
    piped.output = output;
    piped.errors = errors;
    return process_start(&piped, &capture->process, error);
}

/* Takes what is there now; closes the stream at its end. False above the limit. */
static bool read_stream(struct capture *capture, int stream)
{
    char chunk[READ_CHUNK];
    ssize_t count;

    while (capture->fds[stream] >= 0) {
        count = read(capture->fds[stream], chunk, sizeof(chunk));
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 && errno == EAGAIN)
            return true;
        if (count <= 0) {
            fd_clear(&capture->fds[stream]);
            return true;
        }
        if (capture->texts[stream]->len + (size_t)count > capture->limit)
            return false;
        g_string_append_len(capture->texts[stream], chunk, count);
    }
    return true;
}

static bool read_streams(struct capture *capture)
{
    return read_stream(capture, OUTPUT) && read_stream(capture, ERRORS);
}

static int report_stop(struct capture *capture, const char *program, GError **error,
                       enum error_code code, const char *why)
{
    process_signal(&capture->process, SIGKILL, NULL);
    process_wait(&capture->process, KILL_MILLISECONDS, NULL);
    error_set(error, code, "'%s' %s", program, why);
    return -1;
}

/* Until the program ends, not until its pipes close: what it left in the background may hold them.
 */
static int collect(struct capture *capture, const char *program, int milliseconds, GError **error)
{
    gint64 deadline = g_get_monotonic_time() + milliseconds * G_TIME_SPAN_MILLISECOND;

    while (!process_ended(&capture->process)) {
        struct pollfd fds[] = {{capture->process.fd, POLLIN, 0},
                               {capture->fds[OUTPUT], POLLIN, 0},
                               {capture->fds[ERRORS], POLLIN, 0}};
        int left = (int)MAX(0, (deadline - g_get_monotonic_time() + 999) / 1000);
        if (poll(fds, G_N_ELEMENTS(fds), left) == 0)
            return report_stop(capture, program, error, VIR_ERR_OPERATION_TIMEOUT,
                               "did not end in time and was killed");
        if (!read_streams(capture))
            return report_stop(capture, program, error, VIR_ERR_OPERATION_FAILED,
                               "wrote too much and was killed");
    }
    if (!read_streams(capture))
        return report_stop(capture, program, error, VIR_ERR_OPERATION_FAILED, "wrote too much");
    return 0;
}

int process_capture(const struct process_spec *spec, const char *input, size_t limit,
                    int milliseconds, struct process_output *ret_output, GError **error)
{
    __attribute__((cleanup(capture_clear))) struct capture capture = {
        .process = PROCESS_INIT,
        .fds = {-1, -1},
        .texts = {g_string_new(NULL), g_string_new(NULL)},
        .limit = limit,
    };

    if (start(&capture, spec, input, error) < 0 ||
        collect(&capture, spec->argv[0], milliseconds, error) < 0)
        return -1;
    process_wait(&capture.process, -1, &ret_output->status);
    ret_output->output = g_string_free(g_steal_pointer(&capture.texts[OUTPUT]), FALSE);
    ret_output->errors = g_string_free(g_steal_pointer(&capture.texts[ERRORS]), FALSE);
    return 0;
}

void process_output_clear(struct process_output *output)
{
    g_clear_pointer(&output->output, g_free);
    g_clear_pointer(&output->errors, g_free);
}

/* The last line with something in it, inside text, which is cut there; or NULL. */
static const char *last_line(char *text)
{
    g_strchomp(text);
    if (!*text)
        return NULL;
    char *newline = strrchr(text, '\n');
    return newline ? newline + 1 : text;
}

int process_run(const struct process_spec *spec, size_t limit, int milliseconds, char **ret_text,
                GError **error)
{
    __attribute__((cleanup(process_output_clear))) struct process_output output = {0};

    if (process_capture(spec, NULL, limit, milliseconds, &output, error) < 0)
        return -1;
    if (output.status != 0) {
        g_autofree char *status = process_status_text(output.status);
        const char *line = last_line(output.errors);
        error_set(error, VIR_ERR_OPERATION_FAILED, "'%s' failed with %s%s%s", spec->argv[0], status,
                  line ? ": " : "", line ? line : "");
        return -1;
    }
    if (ret_text)
        *ret_text = g_steal_pointer(&output.output);
    return 0;
}
