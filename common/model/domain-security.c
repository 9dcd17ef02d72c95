/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/domain-security.h"

NAMES(seclabel_type_names, NULL, "none", "dynamic", "static");
NAMES(launch_type_names, NULL, "sev", "sev-snp", "s390-pv", "tdx");

#define ROWS_OF struct domain_seclabel
static const struct xml_row domain_seclabel_rows[] = {
    ROW_ENUM("@type", type, seclabel_type_names, "Who chooses the label", .flags = XML_ALWAYS),
    ROW_STRING("@model", model, "Security model: dac, selinux, apparmor"),
    ROW_YES_NO("@relabel", relabel, "Files are labelled when the guest starts"),
    ROW_STRING("label", label, "Label of the guest", WHEN(type, BIT(SECLABEL_STATIC))),
    ROW_STRING("label", label, "Label in use", WHEN(type, BIT(SECLABEL_DYNAMIC)),
               .flags = XML_LIVE),
    ROW_STRING("imagelabel", image_label, "Label of its files", .flags = XML_LIVE),
    ROW_STRING("baselabel", base_label, "What a dynamic label is made from",
               WHEN(type, BIT(SECLABEL_ABSENT) | BIT(SECLABEL_DYNAMIC) | BIT(SECLABEL_NONE))),
};
#undef ROWS_OF

/* A label that is not made up by the host's first model is one of a model. */
static int domain_seclabel_check(struct xml_at *at, void *object, GError **error)
{
    struct domain_seclabel *label = object;
    bool is_typed = label->type != SECLABEL_ABSENT;

    if (xml_at_validates(at) && label->type == SECLABEL_NONE && label->relabel == TRISTATE_YES)
        return xml_at_fail(at, "@relabel", VIR_ERR_XML_ERROR, error,
                           "has no meaning while @type is 'none'");
    if (!is_typed)
        label->type = SECLABEL_DYNAMIC;
    if (label->model || label->type == SECLABEL_NONE ||
        (is_typed && label->type == SECLABEL_DYNAMIC && label->relabel != TRISTATE_NO &&
         !label->base_label))
        return 0;
    return xml_at_fail(at, "@model", VIR_ERR_XML_ERROR, error,
                       "missing security model in domain seclabel");
}
XML_SCHEMA(domain_seclabel, "seclabel", .doc = "Security label of the guest",
           .check = domain_seclabel_check);

#define TYPE(name) WHEN(type, BIT(LAUNCH_##name))
#define AMD WHEN(type, BIT(LAUNCH_SEV) | BIT(LAUNCH_SEV_SNP))
#define ROWS_OF struct launch_security
static const struct xml_row launch_security_rows[] = {
    ROW_ENUM("@type", type, launch_type_names, "Technology", .flags = XML_REQUIRED | XML_ABI),
    ROW_YES_NO("@kernelHashes", kernel_hashes, "The kernel is measured", AMD, .flags = XML_ABI),
    ROW_YES_NO("@authorKey", author_key, "The block is signed by an author", TYPE(SEV_SNP)),
    ROW_YES_NO("@vcek", vcek, "Key of the chip", TYPE(SEV_SNP)),
    ROW_NUMBER("cbitpos", cbitpos, "Bit of page tables", AMD, .flags = XML_EXPECTED | XML_ABI),
    ROW_NUMBER("reducedPhysBits", reduced_phys_bits, "Address bits lost", AMD,
               .flags = XML_EXPECTED | XML_ABI),
    ROW_HEX("policy", policy, 4, "Policy", TYPE(SEV), .flags = XML_REQUIRED | XML_ABI),
    ROW_HEX("policy", policy, 8, "Policy", WHEN(type, BIT(LAUNCH_SEV_SNP) | BIT(LAUNCH_TDX)),
            .flags = XML_ABI),
    ROW_STRING("dhCert", dh_cert, "Owner's certificate", TYPE(SEV), .flags = XML_ABI),
    ROW_STRING("session", session, "Owner's session", TYPE(SEV), .flags = XML_ABI),
    ROW_STRING("guestVisibleWorkarounds", guest_visible_workarounds, "Workarounds", TYPE(SEV_SNP)),
    ROW_STRING("idBlock", id_block, "Identity", TYPE(SEV_SNP)),
    ROW_STRING("idAuth", id_auth, "Its signature", TYPE(SEV_SNP)),
    ROW_STRING("hostData", host_data, "Data of the host", TYPE(SEV_SNP)),
    ROW_STRING("mrConfigId", mr_config_id, "Measured configuration", TYPE(TDX)),
    ROW_STRING("mrOwner", mr_owner, "Measured owner", TYPE(TDX)),
    ROW_STRING("mrOwnerConfig", mr_owner_config, "Measured owner's configuration", TYPE(TDX)),
    ROW_FLAG("quoteGenerationService", quote_service, "Quotes can be made", TYPE(TDX)),
    ROW_STRING("quoteGenerationService/@path", quote_service_path, "Socket of the service",
               TYPE(TDX)),
};
#undef ROWS_OF
XML_SCHEMA(launch_security, "launchSecurity", .doc = "A guest whose memory the host can't read");

#define ROWS_OF struct keywrap_cipher
static const struct xml_row keywrap_cipher_rows[] = {
    ROW_STRING("@name", name, "aes or dea", .flags = XML_REQUIRED),
    ROW_ON_OFF("@state", state, "Whether keys are wrapped", .flags = XML_REQUIRED),
};
#undef ROWS_OF
XML_SCHEMA(keywrap_cipher, "cipher", .doc = "Wrapping of keys on s390x");
