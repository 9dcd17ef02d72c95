/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log-output.h"

#define LONGEST_SETTING 4096

struct filter {
    int level;
    GPatternSpec *pattern;
};

/* Writing a line reads all of this; changing it excludes writers of lines. */
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static int default_level = LOG_LEVEL_WARN;
static GPtrArray *filters;         /* struct filter */
static GPtrArray *outputs;         /* struct log_output; NULL until the first line or setting */
static char *filters_text;         /* as configured; NULL: none */
static char *outputs_text;         /* as configured; NULL: the default */
static char *default_output;       /* NULL: STANDARD_OUTPUT */
static struct log_source *sources; /* those that have logged */

#define STANDARD_OUTPUT "1:stderr"

static void filter_free(void *data)
{
    struct filter *filter = data;

    g_pattern_spec_free(filter->pattern);
    g_free(filter);
}

static void output_free(void *data)
{
    log_output_free(data);
}

/* "../virtqemud/start.c" -> "virtqemud.start" */
static char *source_name(const char *file)
{
    g_autofree char *folder_path = g_path_get_dirname(file);
    g_autofree char *folder = g_path_get_basename(folder_path);
    g_autofree char *name = g_path_get_basename(file);
    char *dot = strrchr(name, '.');

    if (dot)
        *dot = '\0';
    return g_strdup_printf("%s.%s", folder, name);
}

static int lowest_output_level(void)
{
    int lowest = LOG_LEVEL_ERROR + 1;

    for (guint i = 0; i < outputs->len; i++)
        lowest = MIN(lowest, ((struct log_output *)outputs->pdata[i])->level);
    return lowest;
}

static int level_for(const char *name)
{
    for (guint i = 0; filters && i < filters->len; i++) {
        struct filter *filter = filters->pdata[i];
        if (g_pattern_spec_match_string(filter->pattern, name))
            return filter->level;
    }
    return default_level;
}

/* With the lock held for writing. */
static void set_source_level(struct log_source *source)
{
    int level = MAX(level_for(source->name), lowest_output_level());

    atomic_store_explicit(&source->level, level, memory_order_release);
}

static int read_filter(const char *text, struct filter **ret_filter, GError **error)
{
    const char *word;
    int level = log_read_level(text, &word);

    if (level && *word == '+') /* asked for stack traces once; still found in files */
        word++;
    if (!level || !*word) {
        error_set(error, VIR_ERR_INVALID_ARG, "log filter '%s' is not LEVEL:WORD, level 1 to 4",
                  text);
        return -1;
    }
    g_autofree char *pattern = g_strdup_printf("*%s*", word);
    struct filter *filter = g_new(struct filter, 1);
    *filter = (struct filter){level, g_pattern_spec_new(pattern)};
    *ret_filter = filter;
    return 0;
}

/* Words between blanks; NULL and an error when there is too much text. */
static char **split(const char *text, GError **error)
{
    if (strlen(text) <= LONGEST_SETTING)
        return g_strsplit_set(text, " \t\n", -1);
    error_set(error, VIR_ERR_INVALID_ARG, "log setting is longer than %d bytes", LONGEST_SETTING);
    return NULL;
}

static int read_filters(const char *text, GPtrArray **ret_filters, GError **error)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(filter_free);
    g_auto(GStrv) words = split(text, error);

    if (!words)
        return -1;
    for (char **word = words; *word; word++) {
        struct filter *filter;
        if (!**word)
            continue;
        if (read_filter(*word, &filter, error) < 0)
            return -1;
        g_ptr_array_add(list, filter);
    }
    *ret_filters = g_steal_pointer(&list);
    return 0;
}

static int open_outputs(const char *text, GPtrArray **ret_outputs, GError **error)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(output_free);
    g_auto(GStrv) words = split(text, error);

    if (!words)
        return -1;
    for (char **word = words; *word; word++) {
        struct log_output *output;
        if (!**word)
            continue;
        if (log_output_open(*word, &output, error) < 0)
            return -1;
        g_ptr_array_add(list, output);
    }
    *ret_outputs = g_steal_pointer(&list);
    return 0;
}

/* With the lock held for writing. */
static void ensure_outputs(void)
{
    if (!outputs)
        open_outputs(STANDARD_OUTPUT, &outputs, NULL);
}

int log_check_filters(const char *text, GError **error)
{
    g_autoptr(GPtrArray) list = NULL;

    return read_filters(text, &list, error);
}

int log_check_outputs(const char *text, GError **error)
{
    g_auto(GStrv) words = split(text, error);

    if (!words)
        return -1;
    for (char **word = words; *word; word++)
        if (**word && log_output_check(*word, error) < 0)
            return -1;
    return 0;
}

/* NULL for text without words, so that "nothing set" has one form. */
static char *setting_text(const char *text)
{
    g_autofree char *copy = g_strstrip(g_strdup(text));

    return *copy ? g_steal_pointer(&copy) : NULL;
}

static char *wanted_outputs(const char *text)
{
    char *wanted = setting_text(text);

    if (wanted)
        return wanted;
    pthread_rwlock_rdlock(&lock);
    wanted = g_strdup(default_output ? default_output : STANDARD_OUTPUT);
    pthread_rwlock_unlock(&lock);
    return wanted;
}

static void swap_list(GPtrArray **list, char **list_text, GPtrArray **new_list, const char *text)
{
    g_clear_pointer(list, g_ptr_array_unref);
    *list = g_steal_pointer(new_list);
    g_free(*list_text);
    *list_text = setting_text(text);
}

int log_configure(int level, const char *new_filters, const char *new_outputs, GError **error)
{
    g_autoptr(GPtrArray) filter_list = NULL;
    g_autoptr(GPtrArray) output_list = NULL;

    if (level < 0 || level > LOG_LEVEL_ERROR) {
        error_set(error, VIR_ERR_INVALID_ARG, "log level %d is not 1 to 4", level);
        return -1;
    }
    if (new_filters && read_filters(new_filters, &filter_list, error) < 0)
        return -1;
    g_autofree char *wanted = new_outputs ? wanted_outputs(new_outputs) : NULL;
    if (wanted && open_outputs(wanted, &output_list, error) < 0)
        return -1;

    pthread_rwlock_wrlock(&lock);
    default_level = level ? level : default_level;
    if (filter_list)
        swap_list(&filters, &filters_text, &filter_list, new_filters);
    if (output_list)
        swap_list(&outputs, &outputs_text, &output_list, new_outputs);
    ensure_outputs();
    for (struct log_source *source = sources; source; source = source->next)
        set_source_level(source);
    pthread_rwlock_unlock(&lock);
    return 0;
}

void log_set_default_output(const char *text)
{
    pthread_rwlock_wrlock(&lock);
    g_free(default_output);
    default_output = g_strdup(text);
    pthread_rwlock_unlock(&lock);
}

int log_reopen(GError **error)
{
    int result = 0;

    pthread_rwlock_wrlock(&lock);
    for (guint i = 0; outputs && i < outputs->len; i++)
        if (log_output_reopen(outputs->pdata[i], result ? NULL : error) < 0)
            result = -1;
    pthread_rwlock_unlock(&lock);
    return result;
}

static char *read_text(char **setting, const char *otherwise)
{
    pthread_rwlock_rdlock(&lock);
    char *text = g_strdup(*setting ? *setting : otherwise);
    pthread_rwlock_unlock(&lock);
    return text;
}

int log_level(void)
{
    pthread_rwlock_rdlock(&lock);
    int level = default_level;
    pthread_rwlock_unlock(&lock);
    return level;
}

char *log_filters(void)
{
    return read_text(&filters_text, "");
}

char *log_outputs(void)
{
    g_autofree char *fallback = read_text(&default_output, STANDARD_OUTPUT);

    return read_text(&outputs_text, fallback);
}

int log_level_from_text(const char *text)
{
    static const struct {
        const char *word;
        int level;
    } words[] = {{"1", 1},    {"debug", 1}, {"2", 2},     {"info", 2},   {"3", 3},
                 {"warn", 3}, {"4", 4},     {"error", 4}, {"warning", 3}};

    for (size_t i = 0; text && i < G_N_ELEMENTS(words); i++)
        if (strcmp(words[i].word, text) == 0)
            return words[i].level;
    return 0;
}

static void reset_sources(void)
{
    for (struct log_source *source = sources; source; source = source->next)
        atomic_store_explicit(&source->level, 0, memory_order_release);
}

static struct {
    pthread_mutex_t lock;
    char *text;
    int64_t time;
} last_error = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void keep_error(const char *text)
{
    pthread_mutex_lock(&last_error.lock);
    g_free(last_error.text);
    last_error.text = g_strdup(text);
    last_error.time = text ? g_get_real_time() / G_USEC_PER_SEC : 0;
    pthread_mutex_unlock(&last_error.lock);
}

char *log_last_error(int64_t *ret_time)
{
    char *text;

    pthread_mutex_lock(&last_error.lock);
    text = g_strdup(last_error.text);
    *ret_time = last_error.time;
    pthread_mutex_unlock(&last_error.lock);
    return text;
}

void log_reset(void)
{
    keep_error(NULL);
    pthread_rwlock_wrlock(&lock);
    default_level = LOG_LEVEL_WARN;
    g_clear_pointer(&filters, g_ptr_array_unref);
    g_clear_pointer(&outputs, g_ptr_array_unref);
    g_clear_pointer(&filters_text, g_free);
    g_clear_pointer(&outputs_text, g_free);
    g_clear_pointer(&default_output, g_free);
    reset_sources();
    pthread_rwlock_unlock(&lock);
}

/* First line of a source, or first after log_reset(). */
static void resolve_source(struct log_source *source)
{
    pthread_rwlock_wrlock(&lock);
    ensure_outputs();
    if (!source->name) {
        source->name = source_name(source->file);
        source->next = sources;
        sources = source;
    }
    set_source_level(source);
    pthread_rwlock_unlock(&lock);
}

/* "2026-01-31 07:05:31.013+0000: " */
#define TIME_LENGTH 30

static void append_prefix(GString *line, enum log_level level, const char *function, int number)
{
    static const char *const words[] = {"", "debug", "info", "warning", "error"};
    struct timespec now;
    struct tm date;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &date);
    g_string_append_printf(
        line, "%04d-%02d-%02d %02d:%02d:%02d.%03ld+0000: %d: %s : %s:%d : ", date.tm_year + 1900,
        date.tm_mon + 1, date.tm_mday, date.tm_hour, date.tm_min, date.tm_sec,
        now.tv_nsec / 1000000, gettid(), words[level], function, number);
}

/* Text of clients and guests ends up in lines: none of it may begin a line of its own. */
static void append_text(GString *line, const char *text)
{
    for (const char *c = text; *c; c++) {
        if (*c == '\n')
            g_string_append(line, c[1] ? "\\n" : "");
        else if ((unsigned char)*c < ' ' && *c != '\t')
            g_string_append_printf(line, "\\x%02x", *c);
        else
            g_string_append_c(line, *c);
    }
}

void log_write(struct log_source *source, enum log_level level, const char *function, int number,
               const char *format, ...)
{
    int saved = errno;
    va_list args;

    if (!atomic_load_explicit(&source->level, memory_order_acquire))
        resolve_source(source);
    if ((int)level < atomic_load_explicit(&source->level, memory_order_acquire)) {
        errno = saved;
        return;
    }
    errno = saved; /* for %m */
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);

    g_autoptr(GString) full = g_string_sized_new(128);
    append_prefix(full, level, function, number);
    size_t begin = full->len;
    append_text(full, message);
    g_autofree char *text = g_strdup(full->str + begin);
    g_string_append_c(full, '\n');
    if (level >= LOG_LEVEL_ERROR)
        keep_error(text);

    struct log_line line = {
        level, source->name, function, number, text, full->str + TIME_LENGTH, full->str, full->len};
    pthread_rwlock_rdlock(&lock);
    for (guint i = 0; outputs && i < outputs->len; i++)
        log_output_write(outputs->pdata[i], &line);
    pthread_rwlock_unlock(&lock);
    errno = saved;
}
