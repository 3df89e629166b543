#include <poll.h>
#include <stdio.h>

#include "base/clock.h"
#include "cli/keepers.h"
#include "cli/settle.h"

#define LOOK_MS	    20
#define PATIENCE_MS 2000 /* in which it should have begun to move */

void
settle_look(struct settle_mark *ret, const struct cli *cli, const char *name)
{
	struct keeper_seen seen;

	keepers_look(&seen, cli->state_directory, name);
	*ret = (struct settle_mark){ .pid = seen.record.pid,
		.pid_start = seen.record.pid_start,
		.died_ms = seen.component.death.at_ms };
}

int
settle_stopped(const struct cli *cli, const char *name)
{
	struct keeper_seen seen;

	for (;;) {
		const struct component *c = &seen.component;

		keepers_look(&seen, cli->state_directory, name);
		if (seen.pid == 0 && !seen.has_record)
			return CLI_DONE;
		if (c->want != WANT_RUN && c->state == COMPONENT_STOPPED)
			return CLI_DONE;
		if (c->unkillable)
			return cli_error(CLI_FAILED,
			    "%s: process %d survives SIGKILL (waits in %s); "
			    "nothing is started before it is gone",
			    name, (int)seen.record.unkillable_pid,
			    seen.record.wait_channel);
		(void)poll(NULL, 0, LOOK_MS);
	}
}

static bool
is_new(const struct keeper_seen *seen, const struct settle_mark *before)
{
	return seen->record.pid != 0 &&
	    (seen->record.pid != before->pid ||
		seen->record.pid_start != before->pid_start);
}

/* It has died since, and nobody knows yet whether the next one will hold. */
static int
say_death(const struct keeper_seen *seen)
{
	char death[128];

	component_describe_death(death, sizeof(death), &seen->component.death);
	return cli_error(CLI_FAILED, "%s: %s; 'loopkeeper why %s' tells more",
	    seen->name, death, seen->name);
}

/* Returns an exit code, or -1 when it is not decided yet. */
static int
judge(const struct keeper_seen *seen, const struct settle_mark *before,
    bool anew, bool late)
{
	const struct component *c = &seen->component;

	if (!seen->has_record || seen->pid == 0 || c->want != WANT_RUN)
		return -1;
	if (c->state == COMPONENT_RUNNING && !c->fallback &&
	    (!anew || is_new(seen, before)))
		return CLI_DONE;
	if (c->state == COMPONENT_STOPPED && c->done && late) {
		(void)printf("%s: ended as it should\n", seen->name);
		return CLI_DONE;
	}
	if (c->state == COMPONENT_WAITING && late) {
		(void)printf("%s: %s\n", seen->name,
		    c->held ? "held back by the fleet's circuit"
			    : "waits for what it comes after");
		return CLI_DONE;
	}
	if (c->death.at_ms != before->died_ms &&
	    c->death.cause != CAUSE_OPERATOR &&
	    (c->state == COMPONENT_BACKOFF || c->state == COMPONENT_FAILED ||
		c->fallback))
		return say_death(seen);
	return -1;
}

int
settle_started(const struct cli *cli, const char *name,
    const struct settle_mark *before, bool anew)
{
	int64_t begun_ms = clock_ms();
	struct keeper_seen seen;
	int code;

	do {
		keepers_look(&seen, cli->state_directory, name);
		code = judge(
		    &seen, before, anew, clock_ms() - begun_ms > PATIENCE_MS);
		if (code < 0)
			(void)poll(NULL, 0, LOOK_MS);
	} while (code < 0);
	return code;
}
