/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/domain-tpm.h"

#include "model/text-types.h"

NAMES(tpm_model_names, NULL, "tpm-tis", "tpm-crb", "tpm-spapr", "spapr-tpm-proxy");
NAMES(tpm_backend_names, NULL, "passthrough", "emulator", "external");
static NAMES(tpm_mode_names, NULL, "connect");
NAMES(tpm_version_names, NULL, "1.2", "2.0");

#define ROWS_OF struct tpm_emulator
static const struct xml_row tpm_emulator_rows[] = {
    ROW_YES_NO("@persistent_state", persistent_state,
               "Its state stays when the guest is transient"),
    ROW_NUMBER("@debug", debug, "Level of its log"),
    ROW_UUID("encryption/@secret", encryption, "Secret that its state is encrypted with",
             .flags = XML_EXPECTED | XML_BLANK),
    ROW_STRING("source/@type", source_type, "file or dir"),
    ROW_STRING("source/@path", source_path, "Where its state is"),
    ROW_STRING("profile/@source", profile_source, "Profile that it is made from"),
    ROW_STRING("profile/@name", profile_name, "Name of the profile", .flags = XML_LIVE),
    ROW_STRING("profile/@removeDisabled", profile_remove_disabled,
               "What to do with algorithms that the host has disabled"),
    ROW_FLAG("active_pcr_banks/sha1", sha1, "SHA-1"),
    ROW_FLAG("active_pcr_banks/sha256", sha256, "SHA-256"),
    ROW_FLAG("active_pcr_banks/sha384", sha384, "SHA-384"),
    ROW_FLAG("active_pcr_banks/sha512", sha512, "SHA-512"),
};
#undef ROWS_OF
XML_SCHEMA(tpm_emulator, "backend", .doc = "The TPM emulator, swtpm");

#define TYPE(name) WHEN(backend, BIT(TPM_BACKEND_##name))
#define ROWS_OF struct domain_tpm
static const struct xml_row domain_tpm_rows[] = {
    ROW_ENUM("@model", model, tpm_model_names, "Device", .flags = XML_ABI),
    ROW_ENUM("backend/@type", backend, tpm_backend_names, "What is behind it",
             .flags = XML_ONCE | XML_REQUIRED | XML_ABI),
    ROW_ENUM("backend/@version", version, tpm_version_names, "Version of the specification",
             TYPE(EMULATOR), .flags = XML_ABI),
    ROW_STRING("backend/device/@path", device, "TPM of the host", TYPE(PASSTHROUGH),
               FORM(filled_type)),
    ROW_EMBED("backend", emulator, tpm_emulator, TYPE(EMULATOR)),
    ROW_STRING("backend/source/@type", external_type, "unix", TYPE(EXTERNAL)),
    ROW_STRING("backend/source/@mode", external_mode, "connect", TYPE(EXTERNAL),
               WORDS(tpm_mode_names), .flags = XML_EXPECTED),
    ROW_STRING("backend/source/@path", external_path, "Socket of the emulator", TYPE(EXTERNAL),
               FORM(filled_type)),
    ROW_EMBED(".", info, domain_device_info),
};
#undef ROWS_OF
XML_SCHEMA(domain_tpm, "tpm", .doc = "A trusted platform module");
