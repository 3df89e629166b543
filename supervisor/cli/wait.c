/* wait: returns when the fleet, a component, a loop or a test is there. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "base/clock.h"
#include "base/duration.h"
#include "cli/commands.h"
#include "cli/database.h"
#include "cli/ids.h"
#include "cli/options.h"
#include "cli/wait_for.h"

#define LOOK_MS	   100
#define TIMEOUT_MS (5 * 60 * 1000)

static const char *const names[] = {
	[WAIT_READY] = "ready",
	[WAIT_IDLE] = "idle",
	[WAIT_PAUSED] = "paused",
	[WAIT_PASSED] = "passed",
};
#define NNAMES (sizeof(names) / sizeof(names[0]))

static enum wait_goal
parse_goal(const char *word)
{
	for (size_t i = 0; i < NNAMES; i++)
		if (strcasecmp(word, names[i]) == 0)
			return (enum wait_goal)i;
	cli_fail(CLI_USAGE,
	    "--for %s: it is one of ready, idle, paused, passed", word);
}

/* Looks until the answer is there. *wait->why says what is still missing. */
static int
look(struct cli *cli, struct wait *wait, int64_t timeout_ms)
{
	int64_t give_up_ms = clock_ms() + timeout_ms;

	for (;;) {
		switch (wait_for_look(cli, wait)) {
		case WAIT_THERE: return CLI_DONE;
		case WAIT_NEVER: return cli_error(CLI_FAILED, "%s", wait->why);
		case WAIT_NOT_YET: break;
		}
		if (!wait->running)
			return cli_error(CLI_NOT_RUNNING,
			    "the supervisor isn't running (%s); "
			    "'loopkeeper up -d' starts it",
			    wait->why);
		if (clock_ms() >= give_up_ms)
			return cli_error(
			    CLI_FAILED, "not in time: %s", wait->why);
		(void)poll(NULL, 0, LOOK_MS);
	}
}

/* The name is of a component, or for `passed` of a loop or a test. */
static void
find_name(struct cli *cli, struct wait *wait, const char *word)
{
	struct names loops;
	const char *found;
	struct store s;
	int code = CLI_DONE;

	if (wait->goal != WAIT_PASSED) {
		ids_component(cli, word, wait->name);
		return;
	}
	database_open(cli, &s, STORE_READ);
	if (ids_list(cli, &s, IDS_LOOP, &loops) == 0 &&
	    names_match(&loops, word, &found) == NAMES_ONE)
		(void)strlcpy(wait->name, found, sizeof(wait->name));
	else
		code = ids_find(cli, &s, IDS_TEST, word, wait->test);
	names_free(&loops);
	store_close(&s);
	if (code != CLI_DONE)
		exit(code);
}

int
wait_run(struct cli *cli, int argc, char **argv)
{
	const char *goal = NULL, *timeout = NULL;
	const struct option_spec specs[] = {
		{ .name = "for", .value = &goal },
		{ .name = "timeout", .letter = 't', .value = &timeout },
	};
	struct wait wait = { .why = "" };
	int64_t timeout_ms = TIMEOUT_MS;
	int nwords = options_parse(cli, argc, argv, specs, 2, 0, 1);

	if (goal == NULL)
		cli_usage("wait");
	wait.goal = parse_goal(goal);
	if (timeout != NULL && duration_parse(timeout, &timeout_ms) < 0)
		cli_fail(CLI_USAGE,
		    "--timeout %s: a time is written as 30s, 5m or 1h30m",
		    timeout);
	cli_locate(cli);
	if (nwords == 1)
		find_name(cli, &wait, argv[1]);
	return look(cli, &wait, timeout_ms);
}
