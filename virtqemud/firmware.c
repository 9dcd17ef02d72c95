/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "firmware.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

#include "firmware-descriptor.h"

#define LARGEST_NVRAM (64 * 1024 * 1024)

/* Firmware of packages without descriptors. */
static const char *const usual_pairs[] = {
    "/usr/share/OVMF/OVMF_CODE.fd:/usr/share/OVMF/OVMF_VARS.fd",
    "/usr/share/OVMF/OVMF_CODE.secboot.fd:/usr/share/OVMF/OVMF_VARS.fd",
    "/usr/share/AAVMF/AAVMF_CODE.fd:/usr/share/AAVMF/AAVMF_VARS.fd",
    "/usr/share/AAVMF/AAVMF32_CODE.fd:/usr/share/AAVMF/AAVMF32_VARS.fd",
    NULL,
};

const char *firmware_nvram_path(const struct domain *domain)
{
    const struct os_nvram *nvram = domain->os.nvram;

    if (!nvram)
        return NULL;
    return nvram->path ? nvram->path : nvram->source.path;
}

/* ---- what a document asks of firmware ---- */

static bool is_secure(const struct os_loader *loader)
{
    return loader && loader->secure == TRISTATE_YES;
}

static unsigned smm_state(const struct domain *domain)
{
    const struct features_smm *smm = domain->features ? domain->features->smm : NULL;

    return smm ? (smm->state ? smm->state : TRISTATE_ON) : TRISTATE_ABSENT;
}

static bool fits_features(const struct domain *domain, const struct firmware_descriptor *firmware)
{
    static const char *const names[] = {
        [OS_FIRMWARE_ENROLLED_KEYS] = "enrolled-keys",
        [OS_FIRMWARE_SECURE_BOOT] = "secure-boot",
    };

    LIST_EACH (feature, &domain->os.features) {
        bool wanted = feature->enabled != TRISTATE_NO;

        if (feature->name && firmware_descriptor_has(firmware, names[feature->name]) != wanted)
            return false;
    }
    return true;
}

static bool fits_smm(const struct domain *domain, const struct firmware_descriptor *firmware)
{
    const struct os_loader *loader = domain->os.loader;
    bool needs = firmware_descriptor_has(firmware, "requires-smm");

    if (is_secure(loader))
        return needs && firmware_descriptor_has(firmware, "secure-boot");
    return !needs ||
           (smm_state(domain) != TRISTATE_OFF && !(loader && loader->secure == TRISTATE_NO));
}

static bool fits_loader(const struct os_loader *loader, const struct firmware_descriptor *firmware)
{
    const char *format = firmware->format ? firmware->format : "raw";
    bool flash = g_strcmp0(firmware->device, "flash") == 0;
    bool stateless = g_strcmp0(firmware->mode, "stateless") == 0;
    unsigned wanted = loader && loader->format ? loader->format : IMAGE_FORMAT_RAW;

    if (!firmware->executable || (!flash && g_strcmp0(firmware->device, "memory") != 0))
        return false;
    if (flash && g_strcmp0(format, names_word(&image_format_names, wanted)) != 0)
        return false;
    if (!loader)
        return true;
    if (loader->type != LOADER_NONE && (loader->type == LOADER_PFLASH) != flash)
        return false;
    if (loader->stateless != TRISTATE_ABSENT && (loader->stateless == TRISTATE_YES) != stateless)
        return false;
    return !loader->path || strcmp(loader->path, firmware->executable) == 0;
}

static bool fits(const struct domain *domain, const struct firmware_descriptor *firmware)
{
    const char *interface = domain->os.firmware == OS_FIRMWARE_EFI ? "uefi" : "bios";

    return firmware_descriptor_offers(firmware, interface) &&
           firmware_descriptor_fits(firmware, domain->os.arch, domain->os.machine) &&
           fits_loader(domain->os.loader, firmware) && fits_smm(domain, firmware) &&
           fits_features(domain, firmware);
}

/* ---- applying a choice ---- */

static void turn_on_smm(struct domain *domain)
{
    struct arena *arena = &domain->definition.arena;

    if (!domain->features)
        domain->features = arena_new(arena, struct domain_features);
    if (!domain->features->smm)
        domain->features->smm = arena_new(arena, struct features_smm);
    domain->features->smm->state = TRISTATE_ON;
}

static uint8_t format_of(const char *word)
{
    int format = word ? names_find(&image_format_names, word) : -1;

    return format > 0 ? (uint8_t)format : IMAGE_FORMAT_RAW;
}

static struct os_nvram *ensure_nvram(struct domain *domain)
{
    if (!domain->os.nvram)
        domain->os.nvram = arena_new(&domain->definition.arena, struct os_nvram);
    return domain->os.nvram;
}

static void use_template(struct domain *domain, const char *template, const char *format)
{
    struct os_nvram *nvram = ensure_nvram(domain);

    if (nvram->template)
        return;
    nvram->template = arena_strdup(&domain->definition.arena, template);
    if (!nvram->format)
        nvram->format = format_of(format);
}

static void use_descriptor(struct domain *domain, const struct firmware_descriptor *firmware)
{
    struct arena *arena = &domain->definition.arena;
    bool flash = g_strcmp0(firmware->device, "flash") == 0;
    struct os_loader *loader = domain->os.loader;

    if (!loader)
        loader = domain->os.loader = arena_new(arena, struct os_loader);
    loader->path = arena_strdup(arena, firmware->executable);
    loader->type = flash ? LOADER_PFLASH : LOADER_ROM;
    if (flash && !loader->readonly)
        loader->readonly = TRISTATE_YES;
    if (flash && !loader->format)
        loader->format = format_of(firmware->format);
    if (firmware_descriptor_has(firmware, "requires-smm")) {
        loader->secure = TRISTATE_YES;
        turn_on_smm(domain);
    }
    if (flash && firmware->template && g_strcmp0(firmware->mode, "stateless") != 0)
        use_template(domain, firmware->template, firmware->template_format);
}

static int select_descriptor(struct domain *domain, const char *const *folders, GError **error)
{
    struct arena scratch ARENA_AUTO = {0};
    struct firmware_descriptor *items;
    unsigned count;

    firmware_descriptors_load(folders, &scratch, &items, &count);
    for (unsigned i = 0; i < count; i++)
        if (fits(domain, &items[i])) {
            use_descriptor(domain, &items[i]);
            return 0;
        }
    /* every emulator brings a BIOS, so that nothing need be chosen */
    if (domain->os.firmware == OS_FIRMWARE_BIOS)
        return 0;
    error_set(error, VIR_ERR_OPERATION_FAILED,
              "Unable to find any firmware to satisfy '%s': no descriptor fits machine %s",
              names_word(&os_firmware_names, domain->os.firmware), domain->os.machine);
    return -1;
}

/* ---- templates of variables ---- */

/* "CODE:VARS" */
static bool use_pair(struct domain *domain, const char *const *pairs)
{
    const char *loader = domain->os.loader->path;
    size_t length = strlen(loader);

    for (const char *const *pair = pairs; pair && *pair; pair++)
        if (strncmp(*pair, loader, length) == 0 && (*pair)[length] == ':') {
            use_template(domain, *pair + length + 1, NULL);
            return true;
        }
    return false;
}

static void find_template(struct domain *domain, const struct qemu_config *config,
                          const char *const *folders)
{
    struct arena scratch ARENA_AUTO = {0};
    struct firmware_descriptor *items;
    unsigned count;

    if (use_pair(domain, (const char *const *)config->nvram))
        return;
    firmware_descriptors_load(folders, &scratch, &items, &count);
    for (unsigned i = 0; i < count; i++)
        if (items[i].template && g_strcmp0(items[i].executable, domain->os.loader->path) == 0) {
            use_template(domain, items[i].template, items[i].template_format);
            return;
        }
    use_pair(domain, usual_pairs);
}

/* Firmware that can be written keeps its variables itself, unless the document has a file for them.
 */
bool firmware_has_variables(const struct domain *domain)
{
    const struct os_loader *loader = domain->os.loader;

    return loader && loader->path && loader->type == LOADER_PFLASH &&
           loader->stateless != TRISTATE_YES &&
           (loader->readonly == TRISTATE_YES || domain->os.nvram);
}

char *firmware_stored_nvram(const struct domain *domain, const char *nvram_folder)
{
    const char *path = firmware_nvram_path(domain);

    if (path || domain->os.firmware != OS_FIRMWARE_EFI)
        return g_strdup(path);
    return g_strdup_printf("%s/%s_VARS.fd", nvram_folder, domain->name);
}

void firmware_name_nvram(struct domain *domain, const char *nvram_folder)
{
    struct os_nvram *nvram = ensure_nvram(domain);
    const char *suffix = "fd";

    if (firmware_nvram_path(domain) || nvram->source.type == SOURCE_NETWORK)
        return;
    if (nvram->format && nvram->format != IMAGE_FORMAT_RAW)
        suffix = names_word(&image_format_names, nvram->format);
    nvram->path = arena_printf(&domain->definition.arena, "%s/%s_VARS.%s", nvram_folder,
                               domain->name, suffix);
}

int firmware_select(struct domain *domain, const struct qemu_config *config,
                    const char *nvram_folder, const char *const *folders, GError **error)
{
    bool chosen = domain->os.loader && domain->os.loader->path;

    if (domain->os.firmware && !chosen && select_descriptor(domain, folders, error) < 0)
        return -1;
    if (!firmware_has_variables(domain))
        return 0;
    if (!domain->os.nvram || !domain->os.nvram->template)
        find_template(domain, config, folders);
    firmware_name_nvram(domain, nvram_folder);
    return 0;
}

/* ---- the file ---- */

static int copy_template(const char *template, const char *path, const struct qemu_config *config,
                         GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);
    uid_t uid = config->set_user ? config->uid : (uid_t)-1;
    gid_t gid = config->set_user ? config->gid : (gid_t)-1;
    g_autofree char *bytes = NULL;
    size_t length;

    if (file_read_all(template, LARGEST_NVRAM, &bytes, &length, error) < 0 ||
        file_make_folders_owned(folder, 0750, uid, gid, error) < 0 ||
        file_replace(path, bytes, length, 0600, error) < 0)
        return -1;
    if (!config->set_user || chown(path, uid, gid) == 0)
        return 0;
    error_set_errno(error, errno, "cannot hand over '%s'", path);
    return -1;
}

int firmware_make_nvram(const struct domain *live, const struct qemu_config *config, bool reset,
                        GError **error)
{
    const char *path = firmware_nvram_path(live);
    const struct os_nvram *nvram = live->os.nvram;

    if (!path || !firmware_has_variables(live) || (!reset && access(path, F_OK) == 0))
        return 0;
    if (!nvram->template) {
        error_set(error, VIR_ERR_OPERATION_FAILED,
                  "unable to find any master var store for loader: %s", live->os.loader->path);
        return -1;
    }
    return copy_template(nvram->template, path, config, error);
}
