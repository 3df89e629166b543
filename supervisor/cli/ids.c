#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "cli/database.h"
#include "cli/ids.h"
#include "store/queries_ids.h"

static const struct {
	const char *noun;
	const char *list;    /* the command that lists them */
	const char *command; /* what one does with one, */
	const char *more;    /* and what comes after its id */
	enum queries_kind table;
} kinds[] = {
	[IDS_COMPONENT] = { "component", "health --all", "status", "", 0 },
	[IDS_TEST] = { "test", "tests", "show", "", QUERIES_TEST },
	[IDS_LOOP] = { "loop", "status", "tests --loop", "", QUERIES_LOOP },
	[IDS_DECISION] = { "decision", "decisions --all", "decide", " CHOICE",
	    QUERIES_DECISION },
	[IDS_ALERT] = { "alert", "alerts --all", "ack", "", QUERIES_ALERT },
	[IDS_CHECKPOINT] = { "checkpoint", "checkpoints LOOP",
	    "rollback LOOP --to", "", QUERIES_CHECKPOINT },
};
/* How long a locked database is waited for, for the sake of a hint. */
#define GLANCE_MS 300
#define NKINDS	  (sizeof(kinds) / sizeof(kinds[0]))

static int
add(const char *id, void *argument)
{
	return names_add(argument, id);
}

static int
add_loop(const char *id, void *argument)
{
	return names_add_new(argument, id);
}

/* Those of the configuration; of a faulty one, whatever is running. */
static int
add_configured(
    struct names *names, const struct cli *cli, const struct conf *conf)
{
	int result = 0;

	if (conf == NULL)
		return names_read(names, cli->state_directory, NULL);
	for (size_t i = 0; i < conf->nloops && result == 0; i++)
		result = names_add(names, conf->loops[i].name);
	return result;
}

int
ids_list(const struct cli *cli, struct store *s, enum ids_kind kind,
    struct names *ret)
{
	struct conf *conf = kind == IDS_COMPONENT || kind == IDS_LOOP
	    ? names_load_conf(cli)
	    : NULL;
	int result = 0;

	*ret = (struct names){ .n = 0 };
	if (kind == IDS_COMPONENT)
		result = names_read(ret, cli->state_directory, conf);
	else if (kind == IDS_LOOP)
		result = add_configured(ret, cli, conf);
	conf_free(conf);
	if (result == 0 && kind != IDS_COMPONENT && s != NULL && s->db != NULL)
		result = queries_each_id(s, kinds[kind].table,
		    kind == IDS_LOOP ? add_loop : add, ret);
	return result;
}

/* Whether word is one of another kind, which is said. What can't be read is
 * not there: the error stays true without. */
static bool
is_other(const struct cli *cli, struct store *s, enum ids_kind kind,
    enum ids_kind other, const char *word)
{
	struct names names;
	const char *found;
	bool is = false;

	if (ids_list(cli, s, other, &names) == 0 &&
	    names_match(&names, word, &found) == NAMES_ONE)
		is = strcasecmp(found, word) == 0;
	if (is)
		(void)cli_error(CLI_FAILED,
		    "there is no %s %s, but a %s: 'loopkeeper %s %s%s'",
		    kinds[kind].noun, word, kinds[other].noun,
		    kinds[other].command, found, kinds[other].more);
	names_free(&names);
	return is;
}

static void
say_unknown(const struct cli *cli, struct store *s, enum ids_kind kind,
    const char *word, const struct names *names)
{
	const char *nearest = names_nearest(names, word);
	struct store own = { .lock_fd = -1 };
	enum ids_kind other = 0;

	if (s == NULL &&
	    store_open_within(
		&own, cli->state_directory, STORE_READ, GLANCE_MS) == 0)
		s = &own;
	while (other < NKINDS &&
	    (other == kind || !is_other(cli, s, kind, other, word)))
		other++;
	store_close(&own);
	if (other < NKINDS)
		return;
	if (nearest != NULL)
		(void)cli_error(CLI_FAILED,
		    "there is no %s %s; did you mean %s?", kinds[kind].noun,
		    word, nearest);
	else
		(void)cli_error(CLI_FAILED,
		    "there is no %s %s; 'loopkeeper %s' lists them",
		    kinds[kind].noun, word, kinds[kind].list);
}

/* Copies what word means, or says why nothing. */
static int
choose(const struct cli *cli, struct store *s, enum ids_kind kind,
    const char *word, const struct names *names, char *ret, size_t size)
{
	const char *found;
	char list[1024];

	switch (names_match(names, word, &found)) {
	case NAMES_ONE: (void)strlcpy(ret, found, size); return CLI_DONE;
	case NAMES_SEVERAL:
		names_list(names, word, list, sizeof(list));
		return cli_error(
		    CLI_FAILED, "%s may mean %s; write more of it", word, list);
	case NAMES_NONE: say_unknown(cli, s, kind, word, names);
	}
	return CLI_FAILED;
}

int
ids_find(const struct cli *cli, struct store *s, enum ids_kind kind,
    const char *word, char ret[static IDS_SIZE])
{
	struct names names;
	int code;

	if (kind != IDS_LOOP &&
	    queries_find_id(s, kinds[kind].table, word, ret, IDS_SIZE) == 1)
		return CLI_DONE;
	code = ids_list(cli, s, kind, &names) < 0
	    ? database_error(s)
	    : choose(cli, s, kind, word, &names, ret, IDS_SIZE);

	names_free(&names);
	return code;
}

void
ids_component(
    struct cli *cli, const char *word, char ret[static TEXT_NAME_MAX + 1])
{
	struct names names;
	int code;

	cli_locate(cli);
	code = ids_list(cli, NULL, IDS_COMPONENT, &names) < 0
	    ? cli_error(CLI_FAILED, "%s", strerror(errno))
	    : choose(cli, NULL, IDS_COMPONENT, word, &names, ret,
		  TEXT_NAME_MAX + 1);
	names_free(&names);
	if (code != CLI_DONE)
		exit(code);
}
