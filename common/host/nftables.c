/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/nftables.h"

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <nftables/libnftables.h>
#include <string.h>

#include "base/error.h"

#define LIBRARY "libnftables.so.1"

/* Its functions, by their names there. */
static struct library {
    void *handle;
    typeof(&nft_ctx_new) ctx_new;
    typeof(&nft_ctx_free) ctx_free;
    typeof(&nft_ctx_buffer_output) buffer_output;
    typeof(&nft_ctx_buffer_error) buffer_error;
    typeof(&nft_ctx_unbuffer_output) unbuffer_output;
    typeof(&nft_ctx_unbuffer_error) unbuffer_error;
    typeof(&nft_ctx_get_output_buffer) get_output;
    typeof(&nft_ctx_get_error_buffer) get_error;
    typeof(&nft_run_cmd_from_buffer) run;
} library;

static const struct {
    const char *name;
    void **function;
} functions[] = {
    {"nft_ctx_new", (void **)&library.ctx_new},
    {"nft_ctx_free", (void **)&library.ctx_free},
    {"nft_ctx_buffer_output", (void **)&library.buffer_output},
    {"nft_ctx_buffer_error", (void **)&library.buffer_error},
    {"nft_ctx_unbuffer_output", (void **)&library.unbuffer_output},
    {"nft_ctx_unbuffer_error", (void **)&library.unbuffer_error},
    {"nft_ctx_get_output_buffer", (void **)&library.get_output},
    {"nft_ctx_get_error_buffer", (void **)&library.get_error},
    {"nft_run_cmd_from_buffer", (void **)&library.run},
};

/* A context is not for two threads, and remembers the whole rule set. */
static GMutex lock;
static struct nft_ctx *context;

static void unload(void)
{
    g_clear_pointer(&context, library.ctx_free);
    g_clear_pointer(&library.handle, dlclose);
}

static int load(GError **error)
{
    bool good = (library.handle = dlopen(LIBRARY, RTLD_LAZY | RTLD_LOCAL)) != NULL;

    for (size_t i = 0; good && i < G_N_ELEMENTS(functions); i++)
        good = (*functions[i].function = dlsym(library.handle, functions[i].name)) != NULL;
    if (good && (context = library.ctx_new(NFT_CTX_DEFAULT)))
        return 0;
    error_set(error, VIR_ERR_INTERNAL_ERROR, "the library nftables can't be loaded: %s",
              good ? "there is no memory" : dlerror());
    g_clear_pointer(&library.handle, dlclose);
    return -1;
}

static void report(int errnum, const char *said, GError **error)
{
    g_autofree char *line = g_strndup(said, strcspn(said, "\n"));

    if (strstr(said, "Operation not permitted") || errnum == EPERM)
        error_set(error, VIR_ERR_OPERATION_DENIED,
                  "packet filter rules need the capability CAP_NET_ADMIN, which the daemon does "
                  "not have");
    else
        error_set(error, VIR_ERR_OPERATION_FAILED, "nftables: %s", line);
}

static int run(const char *orders, char **ret_output, GError **error)
{
    if (!context && load(error) < 0)
        return -1;
    library.buffer_output(context);
    library.buffer_error(context);
    int result = library.run(context, orders);
    if (result != 0)
        report(errno, library.get_error(context), error);
    else if (ret_output)
        *ret_output = g_strdup(library.get_output(context));
    library.unbuffer_output(context);
    library.unbuffer_error(context);
    return result == 0 ? 0 : -1;
}

int nftables_run(const char *orders, char **ret_output, GError **error)
{
    g_mutex_lock(&lock);
    int result = run(orders, ret_output, error);
    g_mutex_unlock(&lock);
    return result;
}

void nftables_rest(void)
{
    g_mutex_lock(&lock);
    unload();
    g_mutex_unlock(&lock);
    malloc_trim(0);
}
