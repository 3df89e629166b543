/* priority: how urgent a loop is, until its configuration says something
 * else. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/database.h"
#include "cli/ids.h"
#include "cli/new_test.h"
#include "cli/options.h"
#include "cli/queue_tests.h"

#define NOT_CONFIGURED 0

static bool
has_component(const struct conf *conf, const char *name)
{
	for (uint32_t i = 0; i < conf->fleet.ncomponents; i++)
		if (strcmp(conf->components[i]->name, name) == 0)
			return true;
	return false;
}

/* What the loop's configuration says, NOT_CONFIGURED for a component that knows
 * only the database; or CLI_FAILED after an error. */
static int
configured_priority(const struct cli *cli, const char *loop, int64_t *ret)
{
	struct conf *conf = names_load_conf(cli);
	const struct loop_config *config =
	    conf != NULL ? conf_loop(conf, loop) : NULL;
	int code = CLI_DONE;

	if (conf == NULL)
		code = cli_error(CLI_FAILED,
		    "%s has faults, so it doesn't say what the priority of %s "
		    "is; 'loopkeeper check-config' names them",
		    cli->config_path, loop);
	else if (config == NULL && has_component(conf, loop))
		*ret = NOT_CONFIGURED;
	else if (config == NULL)
		code = cli_error(CLI_FAILED,
		    "%s is no loop of %s any more: nobody works as it", loop,
		    cli->config_path);
	else
		*ret = config->priority;
	conf_free(conf);
	return code;
}

static int
set(struct cli *cli, struct store *s, const char *loop, int64_t priority,
    bool dry_run)
{
	int64_t configured = 0, before = 0;
	int changed = 0, code = configured_priority(cli, loop, &configured);

	if (code == CLI_DONE)
		code = queue_tests_begin(s);
	if (code != CLI_DONE)
		return code;
	if (new_test_add_loop(cli, s, loop) < 0 ||
	    (changed = queries_set_priority(s, loop, priority,
		 configured != NOT_CONFIGURED ? configured : priority,
		 database_user(), &before)) < 0)
		code = database_error(s);
	code = queue_tests_end(s, code, dry_run);
	if (code != CLI_DONE)
		return code;
	if (changed == 0)
		printf(
		    "%s: has priority %lld already", loop, (long long)priority);
	else
		printf("%s: %s %lld, was %lld", loop,
		    dry_run ? "its priority would be" : "its priority is",
		    (long long)priority, (long long)before);
	if (configured == NOT_CONFIGURED)
		(void)putchar('\n');
	else if (priority == configured)
		printf("; the configuration says so too\n");
	else
		printf("; the configuration says %lld, and this holds until "
		       "that is changed\n",
		    (long long)configured);
	return CLI_DONE;
}

int
priority_run(struct cli *cli, int argc, char **argv)
{
	bool dry_run = false;
	const struct option_spec specs[] = {
		{ .name = "dry-run", .letter = 'n', .flag = &dry_run },
	};
	char loop[IDS_SIZE];
	int64_t priority;
	struct store s;
	int code;

	(void)options_parse(cli, argc, argv, specs, 1, 2, 2);
	if (text_parse_int(argv[2], 1, 1000, &priority) < 0)
		cli_fail(CLI_USAGE,
		    "priority %s: it is a number from 1, the highest, to 1000",
		    argv[2]);
	database_open(cli, &s, STORE_WRITE);
	code = ids_find(cli, &s, IDS_LOOP, argv[1], loop);
	if (code == CLI_DONE)
		code = set(cli, &s, loop, priority, dry_run);
	store_close(&s);
	return code;
}
