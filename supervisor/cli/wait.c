/* wait: returns when the fleet, a component, a loop or a test is there. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "base/clock.h"
#include "base/duration.h"
#include "cli/commands.h"
#include "cli/database.h"
#include "cli/ids.h"
#include "cli/options.h"
#include "cli/wait_for.h"
#include "store/queries_ids.h"

#define LOOK_MS	   100
#define TIMEOUT_MS (5 * 60 * 1000)

static const char *const names[] = {
	[WAIT_READY] = "ready",
	[WAIT_IDLE] = "idle",
	[WAIT_PAUSED] = "paused",
	[WAIT_PASSED] = "passed",
};
#define NNAMES (sizeof(names) / sizeof(names[0]))

static int
parse_goal(const char *word, enum wait_goal *ret)
{
	if (word == NULL)
		return cli_usage("wait");
	for (size_t i = 0; i < NNAMES; i++)
		if (strcasecmp(word, names[i]) == 0) {
			*ret = (enum wait_goal)i;
			return CLI_DONE;
		}
	return cli_error(CLI_USAGE,
	    "--for %s: it is one of ready, idle, paused, passed", word);
}

/* Looks until the answer is there. *wait->why says what is still missing. */
static int
look(struct cli *cli, struct wait *wait, int64_t timeout_ms)
{
	int64_t give_up_ms = clock_ms() + timeout_ms;

	for (;;) {
		int code;

		switch (wait_for_look(cli, wait, &code)) {
		case WAIT_THERE: return CLI_DONE;
		case WAIT_NEVER: return cli_error(CLI_FAILED, "%s", wait->why);
		case WAIT_ERROR: return code;
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

/* The name is of a component, or for `passed` of a test or a loop. */
static int
find_name(struct cli *cli, struct wait *wait, const char *word)
{
	struct store s;
	int code;

	if (wait->goal != WAIT_PASSED)
		return cli_component(cli, word, wait->name);
	code = database_open(cli, &s, STORE_READ);
	if (code != CLI_DONE)
		return code;
	switch (queries_id(
	    &s, QUERIES_TEST, word, wait->test, sizeof(wait->test))) {
	case 1: break;
	case 0:
		wait->test[0] = '\0';
		code = ids_loop(cli, &s, word, wait->name);
		break;
	default: code = database_error(&s); break;
	}
	store_close(&s);
	return code;
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
	int code, left;

	left = options_parse(cli, argc, argv, specs, 2, &code);
	if (left < 0 || left > 1)
		return left < 0 ? code : cli_usage("wait");
	if ((code = parse_goal(goal, &wait.goal)) != CLI_DONE)
		return code;
	if (timeout != NULL && duration_parse(timeout, &timeout_ms) < 0)
		return cli_error(CLI_USAGE,
		    "--timeout %s: a time is written as 30s, 5m or 1h30m",
		    timeout);
	if ((code = cli_locate(cli)) != CLI_DONE)
		return code;
	if (left == 1 && (code = find_name(cli, &wait, argv[1])) != CLI_DONE)
		return code;
	return look(cli, &wait, timeout_ms);
}
