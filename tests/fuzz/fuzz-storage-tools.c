/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "fuzz.h"
#include "virtstoraged/exports.h"
#include "virtstoraged/gluster-list.h"
#include "virtstoraged/iscsi.h"
#include "virtstoraged/lun.h"
#include "virtstoraged/scsi-host.h"

/* What servers and tools tell of storage: folders and names are words of one line, and a setting
 * that was written is read back. */
static void check_words(GPtrArray *words)
{
    for (guint i = 0; i < words->len; i++) {
        const char *word = words->pdata[i];

        if (!*word || strpbrk(word, " \n") || !g_utf8_validate(word, -1, NULL))
            FAIL("no word: '%s'", word);
    }
    g_ptr_array_unref(words);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    struct lun_address address;
    unsigned host;

    check_words(exports_read(text));
    check_words(iscsi_read_targets(text));
    check_words(gluster_list_read(text));
    g_autofree char *record = iscsi_set(text, "node.startup", "manual");
    g_autofree char *value = iscsi_get(record, "node.startup");
    if (g_strcmp0(value, "manual") != 0)
        FAIL("what is set is not there: %s", record);
    lun_read_address(text, &address);
    lun_guess_label(data, size);
    scsi_host_read_name(text, &host, NULL);
    scsi_host_is_behind(text, &(struct pci_address){0});
    return 0;
}
