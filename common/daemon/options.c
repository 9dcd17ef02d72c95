/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static const struct option long_options[] = {
    {"help", no_argument, NULL, 'h'},          {"version", no_argument, NULL, 'V'},
    {"verbose", no_argument, NULL, 'v'},       {"daemon", no_argument, NULL, 'd'},
    {"config", required_argument, NULL, 'f'},  {"pid-file", required_argument, NULL, 'p'},
    {"timeout", required_argument, NULL, 't'}, {"listen", no_argument, NULL, 'l'},
    {"check-tls", no_argument, NULL, 'C'},     {NULL, 0, NULL, 0},
};

static const char remote_usage[] =
    "  -l, --listen         nothing: the configuration says whether to listen for other hosts\n"
    "      --check-tls      say what certificates are in use and what is wrong with them, and "
    "end\n";

static void print_usage(FILE *stream, const char *name, bool remote, const struct paths *paths)
{
    fprintf(
        stream,
        "Usage: %s [OPTION]...\n"
        "\n"
        "  -d, --daemon         go to the background once clients can connect\n"
        "  -f, --config FILE    read this configuration (%s)\n"
        "  -p, --pid-file FILE  keep the process id here (%s)\n"
        "  -t, --timeout SECS   end after this time without clients and without work\n"
        "  -v, --verbose        log information too, not only warnings and errors\n"
        "%s"
        "  -V, --version        print the version and end\n"
        "  -h, --help           print this and end\n"
        "\n"
        "Sockets are made in %s, unless systemd passes them.\n"
        "SIGHUP reads the configuration again and reopens log files; SIGTERM ends the daemon.\n",
        name, paths->config_file, paths->pid_file, remote ? remote_usage : "", paths->runtime);
}

static bool read_seconds(const char *text, unsigned *ret_seconds)
{
    char *end;

    errno = 0;
    long seconds = strtol(text, &end, 10);
    if (errno || end == text || *end || seconds <= 0 || seconds > INT_MAX / 1000)
        return false;
    *ret_seconds = (unsigned)seconds;
    return true;
}

static enum options_result bad(const char *name, const char *what, const char *value)
{
    fprintf(stderr, "%s: %s%s (see %s --help)\n", name, what, value, name);
    return OPTIONS_BAD;
}

static enum options_result apply(const char *name, bool remote, const struct paths *paths,
                                 int option, struct options *options)
{
    switch (option) {
    case 'd':
        options->detach = true;
        return OPTIONS_RUN;
    case 'v':
        options->verbose = true;
        return OPTIONS_RUN;
    case 'f':
        options->config_file = optarg;
        return OPTIONS_RUN;
    case 'p':
        options->pid_file = optarg;
        return OPTIONS_RUN;
    case 't':
        if (read_seconds(optarg, &options->idle_timeout))
            return OPTIONS_RUN;
        return bad(name, "not a number of seconds: ", optarg);
    case 'l':
        return remote ? OPTIONS_RUN : bad(name, "it serves no other hosts: ", "--listen");
    case 'C':
        options->check_tls = true;
        return remote ? OPTIONS_RUN : bad(name, "it serves no other hosts: ", "--check-tls");
    case 'V':
        printf("%s (modvirt) %s\n", name, MODVIRT_VERSION);
        return OPTIONS_DONE;
    case 'h':
        print_usage(stdout, name, remote, paths);
        return OPTIONS_DONE;
    default: /* getopt has said what is wrong */
        print_usage(stderr, name, remote, paths);
        return OPTIONS_BAD;
    }
}

enum options_result options_read(const char *name, bool remote, const struct paths *paths, int argc,
                                 char **argv, struct options *ret_options)
{
    enum options_result result = OPTIONS_RUN;
    int option;

    *ret_options = (struct options){0};
    optind = 0;
    while (result == OPTIONS_RUN &&
           (option = getopt_long(argc, argv, "hVvdlf:p:t:", long_options, NULL)) != -1)
        result = apply(name, remote, paths, option, ret_options);
    if (result == OPTIONS_RUN && optind < argc)
        return bad(name, "unexpected argument: ", argv[optind]);
    return result;
}
