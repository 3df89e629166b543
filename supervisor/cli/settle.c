#include <poll.h>
#include <stdio.h>

#include "base/clock.h"
#include "cli/settle.h"
#include "system/wanted.h"

#define LOOK_MS	    20
#define HOLD_MS	    100	 /* a process that ends at once was no start */
#define PATIENCE_MS 2000 /* in which it should have begun to move */
#define UNKILLABLE  "nothing is started before it is gone"

int
settle_unkillable(const struct keeper_seen *seen, const char *follows)
{
	const char *channel = seen->record.wait_channel;

	return cli_error(CLI_FAILED,
	    "%s: process %d survives SIGKILL (waits in %s); %s", seen->name,
	    (int)seen->record.unkillable_pid,
	    channel[0] == '\0' ? "an unknown place" : channel, follows);
}

/* Whether that it is to run is the last word. */
static bool
is_wanted(const struct cli *cli, const char *name)
{
	const struct wanted_entry *entry;
	struct wanted wanted;
	bool is_so;

	if (wanted_read(cli->state_directory, &wanted) < 0)
		return false;
	entry = wanted_find(&wanted, name);
	is_so = entry == NULL || entry->state == WANTED_RUN;
	wanted_free(&wanted);
	return is_so;
}

int
settle_stopped(const struct cli *cli, const char *name)
{
	int64_t begun_ms = clock_ms();
	struct keeper_seen seen;

	for (;;) {
		const struct component *c = &seen.component;

		keepers_look(&seen, cli->state_directory, name);
		if (seen.pid == 0 && !seen.has_record)
			return CLI_DONE;
		if (c->want != WANT_RUN && c->state == COMPONENT_STOPPED)
			return CLI_DONE;
		if (c->unkillable)
			return settle_unkillable(&seen, UNKILLABLE);
		if (seen.pid == 0 && !keepers_running(cli->state_directory))
			return cli_not_running();
		/* Before that it may not have heard yet. */
		if (c->want == WANT_RUN &&
		    clock_ms() - begun_ms > PATIENCE_MS && is_wanted(cli, name))
			return cli_error(CLI_FAILED,
			    "%s: somebody started it meanwhile", name);
		(void)poll(NULL, 0, LOOK_MS);
	}
}

void
settle_resumed(const struct cli *cli, const char *name)
{
	int64_t begun_ms = clock_ms();
	struct keeper_seen seen;

	for (;;) {
		keepers_look(&seen, cli->state_directory, name);
		if (seen.pid == 0 || seen.component.want == WANT_RUN ||
		    clock_ms() - begun_ms > PATIENCE_MS)
			return;
		(void)poll(NULL, 0, LOOK_MS);
	}
}

static bool
is_new(const struct keeper_seen *seen, const struct overview_component *before)
{
	return seen->record.pid != 0 &&
	    (seen->record.pid != before->record.pid ||
		seen->record.pid_start != before->record.pid_start);
}

static int
say_running(const struct keeper_seen *seen, bool new, bool anew)
{
	printf("%s: %s (pid %d)\n", seen->name,
	    anew      ? "restarted"
		: new ? "started"
		      : "was running already",
	    (int)seen->record.pid);
	return CLI_DONE;
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
judge(const struct keeper_seen *seen, const struct overview_component *before,
    bool anew, bool late)
{
	const struct component *c = &seen->component;

	if (seen->has_record && c->unkillable)
		return settle_unkillable(seen, UNKILLABLE);
	if (!seen->has_record || seen->pid == 0)
		return -1;
	if (c->want != WANT_RUN) /* told already, or not yet */
		return late ? cli_error(CLI_FAILED,
				  "%s: somebody stopped or paused it, or ends "
				  "the fleet",
				  seen->name)
			    : -1;
	if (c->state == COMPONENT_RUNNING && !c->fallback &&
	    (is_new(seen, before) ? clock_ms() - c->started_ms >= HOLD_MS
				  : !anew))
		return say_running(seen, is_new(seen, before), anew);
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
	if (c->death.at_ms != before->component.death.at_ms &&
	    c->death.cause != CAUSE_OPERATOR &&
	    (c->state == COMPONENT_BACKOFF || c->state == COMPONENT_FAILED ||
		c->fallback))
		return say_death(seen);
	return -1;
}

int
settle_started(
    const struct cli *cli, const struct overview_component *before, bool anew)
{
	int64_t begun_ms = clock_ms();
	struct keeper_seen seen;
	int code;

	do {
		keepers_look(&seen, cli->state_directory, before->name);
		if (seen.pid == 0 && !keepers_running(cli->state_directory))
			return cli_not_running();
		code = judge(
		    &seen, before, anew, clock_ms() - begun_ms > PATIENCE_MS);
		if (code < 0)
			(void)poll(NULL, 0, LOOK_MS);
	} while (code < 0);
	return code;
}
