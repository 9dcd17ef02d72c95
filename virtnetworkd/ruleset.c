/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ruleset.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>

#define JUMPS_MOST 16
#define STEPS_MOST 100000

struct rule {
    char *text;
    GPtrArray *words; /* quoted texts and sets are one */
};

struct chain {
    char *table, *name;
    char *hook;       /* NULL: others lead here */
    bool drops;       /* its policy */
    GPtrArray *rules; /* struct rule */
};

struct ruleset {
    GPtrArray *chains;
};

/* ---- reading ---- */

/* A quoted text, a set or a word; NULL at the end. The caller's. */
static char *next_word(const char **text)
{
    const char *start = *text + strspn(*text, " \t");
    const char *end = start;

    if (!*start)
        return NULL;
    if (*start == '"' || *start == '{')
        end = strchr(start + 1, *start == '"' ? '"' : '}');
    else
        end = start + strcspn(start, " \t") - 1;
    *text = end ? end + 1 : start + strlen(start);
    return g_strndup(start, (gsize)(*text - start));
}

static void rule_free(void *data)
{
    struct rule *rule = data;

    g_free(rule->text);
    g_ptr_array_unref(rule->words);
    g_free(rule);
}

static struct rule *rule_new(const char *line)
{
    struct rule *rule = g_new0(struct rule, 1);
    char *word;

    rule->text = g_strdup(line);
    rule->words = g_ptr_array_new_with_free_func(g_free);
    while ((word = next_word(&line)))
        g_ptr_array_add(rule->words, word);
    return rule;
}

static void chain_free(void *data)
{
    struct chain *chain = data;

    g_free(chain->table);
    g_free(chain->name);
    g_free(chain->hook);
    g_ptr_array_unref(chain->rules);
    g_free(chain);
}

/* The word after a prefix of the line; the caller's. */
static char *word_after(const char *line, const char *prefix)
{
    const char *word = strstr(line, prefix);

    return word ? g_strndup(word + strlen(prefix), strcspn(word + strlen(prefix), " ;{")) : NULL;
}

static struct chain *add_chain(struct ruleset *ruleset, const char *table, const char *line)
{
    struct chain *chain = g_new0(struct chain, 1);

    chain->table = g_strdup(table);
    chain->name = word_after(line, "chain ");
    chain->rules = g_ptr_array_new_with_free_func(rule_free);
    g_ptr_array_add(ruleset->chains, chain);
    return chain;
}

static void read_rule(struct chain *chain, const char *line)
{
    if (g_str_has_prefix(line, "type ")) {
        g_free(chain->hook);
        chain->hook = g_str_has_prefix(line, "type filter ") ? word_after(line, " hook ") : NULL;
        chain->drops = strstr(line, "policy drop") != NULL;
    } else if (*line && *line != '#') {
        g_ptr_array_add(chain->rules, rule_new(line));
    }
}

static char *read_table(const char *line, const char *but_table)
{
    g_autofree char *table = g_strndup(line, strcspn(line, "{"));

    g_strchomp(table);
    if (!g_str_has_prefix(table, "table ip ") && !g_str_has_prefix(table, "table inet "))
        return NULL;
    return strcmp(strrchr(table, ' ') + 1, but_table) == 0 ? NULL : g_steal_pointer(&table);
}

struct ruleset *ruleset_read(const char *text, const char *but_table)
{
    struct ruleset *ruleset = g_new0(struct ruleset, 1);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autofree char *table = NULL;
    struct chain *chain = NULL;

    ruleset->chains = g_ptr_array_new_with_free_func(chain_free);
    for (char **line = lines; *line; line++) {
        char *words = g_strstrip(*line);

        if (g_str_has_prefix(words, "table ")) {
            g_free(table);
            table = read_table(words, but_table);
            chain = NULL;
        } else if (strcmp(words, "}") == 0) {
            chain = NULL;
        } else if (table && !chain && g_str_has_prefix(words, "chain ")) {
            chain = add_chain(ruleset, table, words);
        } else if (chain) {
            read_rule(chain, words);
        }
    }
    return ruleset;
}

void ruleset_free(struct ruleset *ruleset)
{
    g_ptr_array_unref(ruleset->chains);
    g_free(ruleset);
}

/* ---- what a rule asks of a packet ---- */

enum truth { NO, MAYBE, YES };

struct question {
    const char *words[2];
    enum truth (*holds)(const struct ruleset_packet *packet, const char *value);
};

/* A device: a name, or the beginning of one with a star. Which one NULL is, nobody knows, but none
 * that rules know. */
static enum truth is_device(const char *dev, const char *value)
{
    g_autofree char *name = g_strdup(value);

    g_strdelimit(name, "\"", ' ');
    g_strstrip(name);
    if (!dev)
        return strcmp(name, "*") == 0 ? YES : NO;
    return g_pattern_match_simple(name, dev) ? YES : NO;
}

static enum truth comes_in(const struct ruleset_packet *packet, const char *value)
{
    return is_device(packet->in, value);
}

static enum truth goes_out(const struct ruleset_packet *packet, const char *value)
{
    return is_device(packet->out, value);
}

static enum truth has_state(const struct ruleset_packet *packet, const char *value)
{
    return strcmp(value, packet->established ? "established" : "new") == 0 ? YES : NO;
}

static enum truth has_status(const struct ruleset_packet *packet, const char *value)
{
    return NO;
}

static enum truth has_port(const struct ruleset_packet *packet, const char *value)
{
    unsigned first, last;
    int count = sscanf(value, "%u-%u", &first, &last);

    if (!packet->udp_port || count < 1)
        return MAYBE;
    return packet->udp_port >= first && packet->udp_port <= (count == 2 ? last : first) ? YES : NO;
}

static enum truth has_tcp_port(const struct ruleset_packet *packet, const char *value)
{
    return packet->udp_port ? NO : MAYBE;
}

static enum truth has_protocol(const struct ruleset_packet *packet, const char *value)
{
    return !packet->udp_port ? MAYBE : strcmp(value, "udp") == 0 ? YES : NO;
}

static enum truth has_family(const struct ruleset_packet *packet, const char *value)
{
    return strcmp(value, "ipv4") == 0 ? YES : NO;
}

static const struct question questions[] = {
    {{"iifname"}, comes_in},
    {{"iif"}, comes_in},
    {{"oifname"}, goes_out},
    {{"oif"}, goes_out},
    {{"ct", "state"}, has_state},
    {{"ct", "status"}, has_status},
    {{"udp", "dport"}, has_port},
    {{"tcp", "dport"}, has_tcp_port},
    {{"meta", "l4proto"}, has_protocol},
    {{"meta", "nfproto"}, has_family},
};

static const struct question *find_question(const struct rule *rule, guint at)
{
    const char *first = rule->words->pdata[at];
    const char *second = at + 1 < rule->words->len ? rule->words->pdata[at + 1] : "";

    for (size_t i = 0; i < G_N_ELEMENTS(questions); i++)
        if (strcmp(questions[i].words[0], first) == 0 &&
            (!questions[i].words[1] || strcmp(questions[i].words[1], second) == 0))
            return &questions[i];
    return NULL;
}

/* A value, or several of which one is enough. */
static enum truth holds(const struct question *question, const struct ruleset_packet *packet,
                        const char *values)
{
    g_auto(GStrv) items = g_strsplit_set(values, "{,}", -1);
    enum truth truth = NO;

    if (*values == '@')
        return MAYBE;
    for (char **item = items; *item; item++)
        if (*g_strstrip(*item) && truth != YES) {
            enum truth one = question->holds(packet, *item);

            truth = MAX(truth, one);
        }
    return truth;
}

/* Moves *at to the last word of the question. */
static enum truth ask(const struct question *question, const struct ruleset_packet *packet,
                      const struct rule *rule, guint *at)
{
    guint next = *at + (question->words[1] ? 2 : 1);
    const char *word = next < rule->words->len ? rule->words->pdata[next] : "";
    bool not = strcmp(word, "!=") == 0;

    if (strcmp(word, ".") == 0 || strcmp(word, "vmap") == 0)
        return MAYBE;
    if (not || strcmp(word, "==") == 0)
        word = ++next < rule->words->len ? rule->words->pdata[next] : "";
    *at = next;
    enum truth truth = holds(question, packet, word);
    return not ? YES - truth : truth;
}

/* ---- the way of a packet ---- */

enum verdict { CONTINUE, RETURN, ACCEPT, DROP };

struct walk {
    const struct ruleset *ruleset;
    const struct ruleset_packet *packet;
    const struct chain *dropper;
    const struct rule *rule;
    unsigned steps;
};

static const struct chain *find_chain(const struct walk *walk, const char *table, const char *name)
{
    for (guint i = 0; i < walk->ruleset->chains->len; i++) {
        const struct chain *chain = walk->ruleset->chains->pdata[i];

        if (strcmp(chain->table, table) == 0 && strcmp(chain->name, name) == 0)
            return chain;
    }
    return NULL;
}

/* Somebody has thought of it, whatever else the rule asks for. */
static bool names_network(const struct ruleset_packet *packet, const struct rule *rule)
{
    return (packet->in && strstr(rule->text, packet->in)) ||
           (packet->out && strstr(rule->text, packet->out)) ||
           (packet->subnet && strstr(rule->text, packet->subnet));
}

static enum verdict walk_chain(struct walk *walk, const struct chain *chain, unsigned depth,
                               enum truth truth);

static enum verdict follow(struct walk *walk, const struct chain *chain, const struct rule *rule,
                           guint at, unsigned depth, enum truth truth)
{
    const char *name = at + 1 < rule->words->len ? rule->words->pdata[at + 1] : "";
    const struct chain *target = find_chain(walk, chain->table, name);
    enum verdict verdict = target ? walk_chain(walk, target, depth + 1, truth) : CONTINUE;

    if (verdict == ACCEPT || verdict == DROP)
        return verdict;
    return strcmp(rule->words->pdata[at], "goto") == 0 && truth == YES ? RETURN : CONTINUE;
}

static enum verdict decide(struct walk *walk, const struct chain *chain, const struct rule *rule,
                           enum verdict verdict, enum truth truth)
{
    if (verdict == ACCEPT && truth == MAYBE && names_network(walk->packet, rule))
        return ACCEPT;
    if (truth != YES)
        return CONTINUE;
    if (verdict == DROP) {
        walk->dropper = chain;
        walk->rule = rule;
    }
    return verdict;
}

static const struct {
    const char *word;
    enum verdict verdict;
} verdicts[] = {{"accept", ACCEPT}, {"drop", DROP}, {"reject", DROP}, {"return", RETURN}};

static int find_verdict(const char *word)
{
    for (size_t i = 0; i < G_N_ELEMENTS(verdicts); i++)
        if (strcmp(verdicts[i].word, word) == 0)
            return (int)verdicts[i].verdict;
    return -1;
}

static bool leads_on(const char *word)
{
    return strcmp(word, "jump") == 0 || strcmp(word, "goto") == 0;
}

/* Words that ask for nothing; moves *at to the last of them. */
static bool skip(const struct rule *rule, guint *at)
{
    const char *word = rule->words->pdata[*at];

    if (strcmp(word, "counter") == 0 && *at + 1 < rule->words->len &&
        strcmp(rule->words->pdata[*at + 1], "packets") == 0)
        *at += 4;
    else if (strcmp(word, "log") == 0)
        while (*at + 1 < rule->words->len && find_verdict(rule->words->pdata[*at + 1]) < 0 &&
               !leads_on(rule->words->pdata[*at + 1]))
            (*at)++;
    else if (strcmp(word, "counter") != 0)
        return false;
    return true;
}

static enum verdict walk_rule(struct walk *walk, const struct chain *chain, const struct rule *rule,
                              unsigned depth, enum truth truth)
{
    for (guint i = 0; i < rule->words->len && truth != NO; i++) {
        const char *word = rule->words->pdata[i];
        const struct question *question = find_question(rule, i);
        int verdict = find_verdict(word);

        if (leads_on(word))
            return follow(walk, chain, rule, i, depth, truth);
        if (verdict >= 0)
            return decide(walk, chain, rule, (enum verdict)verdict, truth);
        enum truth answer = question         ? ask(question, walk->packet, rule, &i)
                            : skip(rule, &i) ? YES
                                             : MAYBE;
        truth = MIN(truth, answer);
    }
    return CONTINUE;
}

static enum verdict walk_chain(struct walk *walk, const struct chain *chain, unsigned depth,
                               enum truth truth)
{
    for (guint i = 0; i < chain->rules->len; i++) {
        if (depth > JUMPS_MOST || walk->steps++ > STEPS_MOST)
            return CONTINUE;
        enum verdict verdict = walk_rule(walk, chain, chain->rules->pdata[i], depth, truth);
        if (verdict != CONTINUE)
            return verdict;
    }
    return CONTINUE;
}

/* Each chain of a hook can drop a packet; that another accepts it is nothing to it. */
static bool drops(struct walk *walk, const struct chain *chain)
{
    enum verdict verdict = walk_chain(walk, chain, 0, YES);

    if (verdict == DROP)
        return true;
    walk->dropper = chain;
    walk->rule = NULL;
    return verdict != ACCEPT && chain->drops;
}

char *ruleset_find_drop(const struct ruleset *ruleset, const struct ruleset_packet *packet,
                        char **ret_rule)
{
    struct walk walk = {.ruleset = ruleset, .packet = packet};

    for (guint i = 0; i < ruleset->chains->len; i++) {
        const struct chain *chain = ruleset->chains->pdata[i];

        if (g_strcmp0(chain->hook, packet->hook) != 0 || !drops(&walk, chain))
            continue;
        *ret_rule = walk.rule ? g_strdup(walk.rule->text) : NULL;
        return g_strdup_printf("%s, chain %s", walk.dropper->table, walk.dropper->name);
    }
    return NULL;
}
