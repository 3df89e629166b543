#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "base/buf.h"
#include "cli/ids.h"
#include "cli/names.h"
#include "store/queries_ids.h"

static const struct {
	const char *noun;
	const char *list;    /* the command that lists them */
	const char *command; /* the one that shows one */
	enum queries_kind table;
} kinds[] = {
	[IDS_COMPONENT] = { "component", "health --all", "status", 0 },
	[IDS_TEST] = { "test", "tests", "show", QUERIES_TEST },
	[IDS_LOOP] = { "loop", "status", "status", QUERIES_LOOP },
	[IDS_DECISION] = { "decision", "decisions --all", "decisions",
	    QUERIES_DECISION },
	[IDS_ALERT] = { "alert", "alerts --all", "ack", QUERIES_ALERT },
};
/* How long a locked database is waited for, for the sake of a hint. */
#define GLANCE_MS 300
#define NKINDS	  (sizeof(kinds) / sizeof(kinds[0]))

static int
read_names(struct cli *cli, struct names *names)
{
	struct conf *conf = names_load_conf(cli);
	int result = names_read(names, cli, conf);

	conf_free(conf);
	return result;
}

static int
say_several(const struct names *names, const char *word)
{
	char list[512];
	struct buf b;
	int n = 0;

	buf_init(&b, list, sizeof(list));
	for (size_t i = 0; i < names->n; i++)
		if (names_is_prefix(word, names->items[i]))
			buf_addf(
			    &b, "%s%s", n++ > 0 ? ", " : "", names->items[i]);
	return cli_error(
	    CLI_FAILED, "%s may mean %s; write more of the name", word, list);
}

int
ids_component(struct cli *cli, const char *word, char *ret_name)
{
	enum names_match match;
	struct names names;
	size_t at;
	int code = cli_locate(cli);

	if (code != CLI_DONE)
		return code;
	if (read_names(cli, &names) < 0) {
		names_free(&names);
		return cli_error(CLI_FAILED, "out of memory");
	}
	match = names_match(&names, word, &at);
	if (match == NAMES_ONE)
		(void)strlcpy(ret_name, names.items[at], TEXT_NAME_MAX + 1);
	else if (match == NAMES_SEVERAL)
		code = say_several(&names, word);
	names_free(&names);
	return match == NAMES_NONE ? ids_unknown(cli, NULL, IDS_COMPONENT, word)
				   : code;
}

int
ids_test(struct cli *cli, struct store *s, const char *word,
    char ret[static ATTEMPT_TEST_SIZE])
{
	switch (queries_id(s, QUERIES_TEST, word, ret, ATTEMPT_TEST_SIZE)) {
	case 1: return CLI_DONE;
	case 0: return ids_unknown(cli, s, IDS_TEST, word);
	default: return cli_error(CLI_FAILED, "%s", store_error(s));
	}
}

int
ids_loop(struct cli *cli, struct store *s, const char *word, char *ret_name)
{
	struct names names;
	size_t at;
	int found =
	    queries_id(s, QUERIES_LOOP, word, ret_name, TEXT_NAME_MAX + 1);

	if (found != 0)
		return found > 0 ? CLI_DONE
				 : cli_error(CLI_FAILED, "%s", store_error(s));
	if (read_names(cli, &names) < 0)
		return cli_error(CLI_FAILED, "out of memory");
	found = names_match(&names, word, &at) == NAMES_ONE;
	if (found)
		(void)strlcpy(ret_name, names.items[at], TEXT_NAME_MAX + 1);
	names_free(&names);
	return found ? CLI_DONE : ids_unknown(cli, s, IDS_LOOP, word);
}

/* The ids of one kind, to be compared with a word. */
struct candidates {
	char **items;
	size_t n;
	size_t size;
};

static int
add_candidate(const char *id, void *argument)
{
	struct candidates *c = argument;

	if (c->n == c->size) {
		size_t size = c->size == 0 ? 64 : 2 * c->size;
		char **items = reallocarray(c->items, size, sizeof(items[0]));

		if (items == NULL)
			return 1;
		c->items = items;
		c->size = size;
	}
	c->items[c->n] = strdup(id);
	if (c->items[c->n] == NULL)
		return 1;
	c->n++;
	return 0;
}

static void
free_candidates(struct candidates *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->items[i]);
	free(c->items);
}

static void
add_names(struct cli *cli, struct candidates *ret)
{
	struct names names;

	if (read_names(cli, &names) == 0)
		for (size_t i = 0; i < names.n; i++)
			(void)add_candidate(names.items[i], ret);
	names_free(&names);
}

static void
add_loops(struct cli *cli, struct candidates *ret)
{
	struct conf *conf = names_load_conf(cli);

	for (size_t i = 0; conf != NULL && i < conf->nloops; i++)
		(void)add_candidate(conf->loops[i].name, ret);
	conf_free(conf);
}

/* What can't be read has no candidates: the error stays true without. */
static void
read_candidates(struct cli *cli, struct store *s, enum ids_kind kind,
    struct candidates *ret)
{
	*ret = (struct candidates){ 0 };
	if (kind == IDS_COMPONENT) {
		add_names(cli, ret);
		return;
	}
	if (kind == IDS_LOOP)
		add_loops(cli, ret);
	if (s != NULL && s->db != NULL)
		(void)queries_each_id(s, kinds[kind].table, add_candidate, ret);
}

/* Whether word is an id of kind, in any case; then *ret_id is it, to be
 * freed. */
static bool
is_one(struct cli *cli, struct store *s, enum ids_kind kind, const char *word,
    char **ret_id)
{
	struct candidates c;

	*ret_id = NULL;
	read_candidates(cli, s, kind, &c);
	for (size_t i = 0; i < c.n && *ret_id == NULL; i++)
		if (strcasecmp(c.items[i], word) == 0)
			*ret_id = strdup(c.items[i]);
	free_candidates(&c);
	return *ret_id != NULL;
}

int
ids_alert(struct cli *cli, struct store *s, const char *word,
    char ret[static IDS_ALERT_SIZE])
{
	struct candidates c;
	size_t n = 0;

	ret[0] = '\0';
	read_candidates(cli, s, IDS_ALERT, &c);
	for (size_t i = 0; i < c.n; i++) {
		bool exact = strcasecmp(word, c.items[i]) == 0;

		if (!exact && !names_is_prefix(word, c.items[i]))
			continue;
		(void)strlcpy(ret, c.items[i], IDS_ALERT_SIZE);
		n++;
		if (exact) {
			n = 1;
			break;
		}
	}
	free_candidates(&c);
	if (n > 1)
		return cli_error(CLI_FAILED,
		    "%s begins several alerts' ids; write more of it", word);
	return n == 1 ? CLI_DONE : ids_unknown(cli, s, IDS_ALERT, word);
}

static int
say_unknown(
    struct cli *cli, struct store *s, enum ids_kind kind, const char *word)
{
	struct candidates c;
	const char *nearest;
	char *id;
	int code;

	for (enum ids_kind other = 0; other < NKINDS; other++) {
		if (other == kind || !is_one(cli, s, other, word, &id))
			continue;
		code = cli_error(CLI_FAILED,
		    "there is no %s %s, but a %s: 'loopkeeper %s %s'",
		    kinds[kind].noun, word, kinds[other].noun,
		    kinds[other].command, id);
		free(id);
		return code;
	}
	read_candidates(cli, s, kind, &c);
	nearest = text_nearest(word, (const char *const *)c.items, c.n);
	if (nearest != NULL)
		code =
		    cli_error(CLI_FAILED, "there is no %s %s; did you mean %s?",
			kinds[kind].noun, word, nearest);
	else
		code = cli_error(CLI_FAILED,
		    "there is no %s %s; 'loopkeeper %s' lists them",
		    kinds[kind].noun, word, kinds[kind].list);
	free_candidates(&c);
	return code;
}

int
ids_unknown(
    struct cli *cli, struct store *s, enum ids_kind kind, const char *word)
{
	struct store own = { .lock_fd = -1 };
	int code;

	if (s == NULL &&
	    store_open_within(
		&own, cli->state_directory, STORE_READ, GLANCE_MS) == 0)
		s = &own;
	code = say_unknown(cli, s, kind, word);
	store_close(&own);
	return code;
}
