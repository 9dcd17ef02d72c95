/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/image-below.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/fd.h"
#include "image/image-server.h"

#define JSON "json:"
#define LEVELS 8 /* of JSON */

void image_below_clear(struct image_below *below)
{
    g_clear_pointer(&below->path, g_free);
}

static int refuse(const char *image, GError **error, const char *format, ...) G_GNUC_PRINTF(3, 4);

static int refuse(const char *image, GError **error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *reason = g_strdup_vprintf(format, args);
    va_end(args);
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "image '%s': %s", image, reason);
    return -1;
}

int image_open(const char *path, int *ret_fd, GError **error)
{
    autofd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat about;

    if (fd < 0 || fstat(fd, &about) < 0) {
        error_set_errno(error, errno, "Cannot access storage file '%s'", path);
        return -1;
    }
    if (!S_ISREG(about.st_mode) && !S_ISBLK(about.st_mode)) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "image '%s' is neither a file nor a block device", path);
        return -1;
    }
    *ret_fd = fd_take(&fd);
    return 0;
}

/* ---- where it is ---- */

/* Relative to the folder of the image that names it. */
static char *resolve(const char *image, const char *name)
{
    if (g_path_is_absolute(name))
        return g_strdup(name);
    g_autofree char *folder = g_path_get_dirname(image);
    return g_strdup_printf("%s/%s", folder, name);
}

/* A path, which may have colons behind a slash; else a protocol and what it makes of the rest. */
static int find_by_name(const char *image, const char *name, char **ret_path, GError **error)
{
    size_t word = strcspn(name, ":/");

    if (g_str_has_prefix(name, "file:")) {
        name += strlen("file:");
    } else if (name[word] == ':') {
        if (!image_server_is_word(name, word))
            return refuse(image, error, "the image below is '%s', which is no file or server",
                          name);
        *ret_path = NULL;
        return 0;
    }
    *ret_path = resolve(image, name);
    return 0;
}

/* ---- JSON ---- */

static const char *text_of(json_object *object, const char *name)
{
    json_object *found = NULL;

    json_object_object_get_ex(object, name, &found);
    return json_object_is_type(found, json_type_string) ? json_object_get_string(found) : NULL;
}

/* A format above a protocol, or the latter alone. */
struct layers {
    const char *format; /* NULL: not said */
    const char *driver; /* NULL: as the name says */
    const char *name;   /* of a file; NULL: not said */
};

static struct layers find_layers(json_object *object)
{
    json_object *file = NULL;

    if (json_object_object_get_ex(object, "file", &file))
        return (struct layers){text_of(object, "driver"), text_of(file, "driver"),
                               text_of(file, "filename")};
    if (text_of(object, "file.driver") || text_of(object, "file.filename"))
        return (struct layers){text_of(object, "driver"), text_of(object, "file.driver"),
                               text_of(object, "file.filename")};
    return (struct layers){NULL, text_of(object, "driver"), text_of(object, "filename")};
}

/* What would be lost on us: another image below, a part of the file. */
static bool has_more(json_object *object)
{
    static const char *const words[] = {"backing", "offset", "size", "data-file"};

    for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
        if (json_object_object_get_ex(object, words[i], NULL))
            return true;
    return false;
}

static int find_by_layers(const char *image, const struct layers *layers, char **ret_path,
                          GError **error)
{
    const char *driver = layers->driver;

    if (!driver && layers->name && (strchr(layers->name, ':') || *layers->name == '/'))
        return find_by_name(image, layers->name, ret_path, error);
    if (!driver)
        driver = "file";
    if (layers->name && (strcmp(driver, "file") == 0 || strcmp(driver, "host_device") == 0)) {
        if (!g_path_is_absolute(layers->name)) /* QEMU takes its own working folder for it */
            return refuse(image, error, "the path of the image below is not absolute: '%s'",
                          layers->name);
        *ret_path = g_strdup(layers->name);
        return 0;
    }
    if (!image_server_is_word(driver, strlen(driver)))
        return refuse(image, error, "the image below is no file or server: driver '%s'", driver);
    *ret_path = NULL;
    return 0;
}

static json_object *parse(const char *text)
{
    size_t length = strlen(text);
    struct json_tokener *tokener = json_tokener_new_ex(LEVELS);
    json_object *json = json_tokener_parse_ex(tokener, text, (int)MIN(length, G_MAXINT));

    json_tokener_free(tokener);
    return json;
}

static int find_by_json(const char *image, const char *text, char **ret_path, char **ret_format,
                        GError **error)
{
    json_object *object = parse(text);
    int result;

    if (!json_object_is_type(object, json_type_object)) {
        result = refuse(image, error, "what it says of the image below is no JSON, or too deep");
    } else if (has_more(object)) {
        result = refuse(image, error, "the image below is described with more than its file: '%s'",
                        text);
    } else {
        struct layers layers = find_layers(object);

        result = find_by_layers(image, &layers, ret_path, error);
        if (result == 0)
            *ret_format = g_strdup(layers.format);
    }
    json_object_put(object);
    return result;
}

/* ---- its format ---- */

/* QEMU's words for formats, some of which are the drivers that reach the bytes. */
static int format_of_word(const char *word)
{
    if (strcmp(word, "file") == 0 || strcmp(word, "host_device") == 0)
        return IMAGE_FORMAT_RAW;
    return names_find(&image_format_names, word);
}

static int check_raw(const char *image, const char *path, GError **error)
{
    autofd int fd = -1;

    if (image_open(path, &fd, error) < 0)
        return -1;
    enum image_format looks = image_header_guess(fd);
    if (looks == IMAGE_FORMAT_RAW)
        return 0;
    return refuse(image, error,
                  "format of backing image '%s' was not specified in the image metadata: it looks "
                  "like %s; say so with 'qemu-img rebase -u -F' or in <backingStore>",
                  path, names_word(&image_format_names, looks));
}

static int find_format(const char *image, const char *word, struct image_below *below,
                       GError **error)
{
    int format = word ? format_of_word(word) : IMAGE_FORMAT_RAW;

    if (format <= 0)
        return refuse(image, error, "unknown format '%s' of the image below", word);
    below->format = (enum image_format)format;
    return word || !below->path ? 0 : check_raw(image, below->path, error);
}

static int find_file(const char *image, struct image_below *below, GError **error)
{
    struct stat about;

    if (!below->path)
        return 0;
    if (stat(below->path, &about) < 0) {
        error_set_errno(error, errno, "Cannot access backing file '%s' of storage file '%s'",
                        below->path, image);
        return -1;
    }
    below->is_device = S_ISBLK(about.st_mode);
    return 0;
}

int image_below_find(const char *image, const struct image_header *header,
                     struct image_below *ret_below, GError **error)
{
    struct image_below below IMAGE_BELOW_AUTO = {0};
    g_autofree char *format = NULL;
    int result =
        g_str_has_prefix(header->backing, JSON)
            ? find_by_json(image, header->backing + strlen(JSON), &below.path, &format, error)
            : find_by_name(image, header->backing, &below.path, error);

    if (result < 0 || find_file(image, &below, error) < 0 ||
        find_format(image, format ?: header->backing_format, &below, error) < 0)
        return -1;
    *ret_below = below;
    below.path = NULL;
    return 0;
}
