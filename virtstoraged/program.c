/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "program.h"

#include <string.h>
#include <sys/wait.h>

#include "base/error.h"
#include "base/process.h"

#define OUTPUT_MOST (1024 * 1024)
#define WORDS_MOST 1000

/* All that it said, as one line: the last line alone is often only that it has failed. */
static void tell(const struct program *program, struct process_output *output, GError **error)
{
    g_autofree char *status = process_status_text(output->status);
    char *words = g_strdelimit(g_strstrip(output->errors), "\n\r\t", ' ');

    if (strlen(words) > WORDS_MOST)
        words[WORDS_MOST] = '\0';
    error_set(error, VIR_ERR_INTERNAL_ERROR, "'%s' failed with %s%s%s", program->argv[0], status,
              *words ? ": " : "", words);
}

int program_run(const struct program *program, char **ret_text, GError **error)
{
    struct process_spec spec = {.argv = program->argv};
    struct process_output output = {0};

    if (process_capture(&spec, NULL, OUTPUT_MOST, program->milliseconds, &output, error) < 0)
        return -1;
    bool fine = WIFEXITED(output.status) &&
                (!WEXITSTATUS(output.status) || WEXITSTATUS(output.status) == program->fine);
    if (!fine)
        tell(program, &output, error);
    else if (ret_text)
        *ret_text = g_steal_pointer(&output.output);
    process_output_clear(&output);
    return fine ? 0 : -1;
}
