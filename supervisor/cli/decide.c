/* decide: an answer is a row; who does it, and when, is said. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/database.h"
#include "cli/decisions.h"
#include "cli/ids.h"
#include "cli/options.h"
#include "cli/print.h"
#include "store/decisions.h"

static bool
is_pm(const struct overview_component *c)
{
	const char *program, *slash;

	if (c->config == NULL || c->config->command.count == 0)
		return false;
	program = config_item(c->config, c->config->command, 0);
	slash = strrchr(program, '/');
	return strcmp(slash != NULL ? slash + 1 : program, "loopkeeper-pm") ==
	    0;
}

/* The PM that runs or, without one, one that should. */
static const struct overview_component *
find_pm(const struct overview *o)
{
	const struct overview_component *found = NULL;

	for (size_t i = 0; i < o->n; i++) {
		const struct overview_component *c = &o->components[i];

		if (!is_pm(c))
			continue;
		if (c->keeper_pid != 0 && c->record.pid != 0)
			return c;
		found = c;
	}
	return found;
}

static void
print_when(const struct overview *o, const struct overview_component *pm)
{
	const char *name = pm->name;

	if (!o->running)
		printf("the fleet isn't running: it is done after the next "
		       "'loopkeeper up'\n");
	else if (pm->wish == WANTED_PAUSED)
		printf("%s is paused: it is done after 'loopkeeper resume "
		       "%s'\n",
		    name, name);
	else if (pm->wish == WANTED_STOPPED)
		printf("%s is stopped: it is done after 'loopkeeper start "
		       "%s'\n",
		    name, name);
	else if (pm->keeper_pid == 0 || pm->record.pid == 0)
		printf("%s isn't up: it is done as soon as it is; 'loopkeeper "
		       "why %s' tells what is wrong\n",
		    name, name);
	else if (o->has_mode && o->mode == MODE_FILE_BASED)
		printf("the mode is file-based: it is done when that is "
		       "over\n");
	else
		printf("%s does it within seconds\n", name);
}

/* Of a fleet whose PM is another program we know nothing. */
static void
say_when(const struct cli *cli)
{
	const struct overview_component *pm;
	struct overview o;

	if (overview_read(&o, cli) == 0) {
		pm = find_pm(&o);
		if (pm != NULL)
			print_when(&o, pm);
	}
	overview_free(&o);
}

static int
decide(struct cli *cli, struct store *s, const char *word, const char *choice,
    const char *comment)
{
	char id[IDS_SIZE], asker[128];
	int answered, foreign, code = ids_find(cli, s, IDS_DECISION, word, id);

	if (code != CLI_DONE)
		return code;
	answered = decisions_answer(s, id, choice, database_user(), comment);
	if (answered < 0 && (errno == EINVAL || errno == EALREADY))
		return cli_error(CLI_FAILED, "%s", store_error(s));
	if (answered < 0 || decisions_print_choice(s, id) < 0 ||
	    (foreign = decisions_of_others(s, id, asker, sizeof(asker))) < 0)
		return database_error(s);
	if (foreign == 0) {
		say_when(cli);
	} else if (asker[0] != '\0') {
		print_clean(asker);
		printf(" has asked, and does it\n");
	}
	return CLI_DONE;
}

int
decide_run(struct cli *cli, int argc, char **argv)
{
	const char *comment = NULL;
	const struct option_spec specs[] = {
		{ .name = "comment", .letter = 'm', .value = &comment },
	};
	struct store s;
	int code;

	(void)options_parse(cli, argc, argv, specs, 1, 2, 2);
	database_open(cli, &s, STORE_WRITE);
	code = decide(cli, &s, argv[1], argv[2], comment);
	store_close(&s);
	return code;
}
