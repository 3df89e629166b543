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

/* One word, compared with one id after the other. */
struct comparison {
	const char *word;
	size_t nbeginning;	       /* ids that begin with word */
	char equal[ATTEMPT_TEST_SIZE]; /* in any case; "" for none */
	char beginning[ATTEMPT_TEST_SIZE];
	char nearest[ATTEMPT_TEST_SIZE];
};

static int
compare(const char *id, void *argument)
{
	struct comparison *c = argument;
	const char *const both[] = { c->nearest, id };
	/* Of two that are as near, the first stays. */
	const char *nearest = c->nearest[0] != '\0'
	    ? text_nearest(c->word, both, 2)
	    : text_nearest(c->word, &both[1], 1);

	if (nearest == id)
		(void)strlcpy(c->nearest, id, sizeof(c->nearest));
	if (strcasecmp(id, c->word) == 0)
		(void)strlcpy(c->equal, id, sizeof(c->equal));
	if (names_is_prefix(c->word, id)) {
		(void)strlcpy(c->beginning, id, sizeof(c->beginning));
		c->nbeginning++;
	}
	return 0;
}

static void
compare_names(struct cli *cli, struct comparison *c)
{
	struct names names;

	if (read_names(cli, &names) == 0)
		for (size_t i = 0; i < names.n; i++)
			(void)compare(names.items[i], c);
	names_free(&names);
}

static void
compare_loops(struct cli *cli, struct comparison *c)
{
	struct conf *conf = names_load_conf(cli);

	for (size_t i = 0; conf != NULL && i < conf->nloops; i++)
		(void)compare(conf->loops[i].name, c);
	conf_free(conf);
}

/* What can't be read compares with nothing: the error stays true without. */
static struct comparison
compare_all(
    struct cli *cli, struct store *s, enum ids_kind kind, const char *word)
{
	struct comparison c = { .word = word };

	if (kind == IDS_COMPONENT)
		compare_names(cli, &c);
	else if (kind == IDS_LOOP)
		compare_loops(cli, &c);
	if (kind != IDS_COMPONENT && s != NULL && s->db != NULL)
		(void)queries_each_id(s, kinds[kind].table, compare, &c);
	return c;
}

int
ids_alert(struct cli *cli, struct store *s, const char *word,
    char ret[static IDS_ALERT_SIZE])
{
	struct comparison c = compare_all(cli, s, IDS_ALERT, word);
	bool exact = c.equal[0] != '\0';

	if (!exact && c.nbeginning > 1)
		return cli_error(CLI_FAILED,
		    "%s begins several alerts' ids; write more of it", word);
	if (!exact && c.nbeginning == 0)
		return ids_unknown(cli, s, IDS_ALERT, word);
	(void)strlcpy(ret, exact ? c.equal : c.beginning, IDS_ALERT_SIZE);
	return CLI_DONE;
}

static int
say_unknown(
    struct cli *cli, struct store *s, enum ids_kind kind, const char *word)
{
	struct comparison c;

	for (enum ids_kind other = 0; other < NKINDS; other++) {
		if (other == kind)
			continue;
		c = compare_all(cli, s, other, word);
		if (c.equal[0] != '\0')
			return cli_error(CLI_FAILED,
			    "there is no %s %s, but a %s: 'loopkeeper %s %s'",
			    kinds[kind].noun, word, kinds[other].noun,
			    kinds[other].command, c.equal);
	}
	c = compare_all(cli, s, kind, word);
	if (c.nearest[0] != '\0')
		return cli_error(CLI_FAILED,
		    "there is no %s %s; did you mean %s?", kinds[kind].noun,
		    word, c.nearest);
	return cli_error(CLI_FAILED,
	    "there is no %s %s; 'loopkeeper %s' lists them", kinds[kind].noun,
	    word, kinds[kind].list);
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
