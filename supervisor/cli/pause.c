/*
 * pause and resume. What is wanted is written down first, so that a pause
 * survives everything; then the daemon is told. `pause all` also has the
 * database released, when nobody is left who works on it.
 */
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/keepers.h"
#include "cli/options.h"
#include "cli/owner.h"
#include "cli/polling.h"
#include "cli/release.h"
#include "cli/settle.h"
#include "cli/steer.h"

#define LOOK_MS 50

struct pausing {
	struct steering s;
	bool all;
	bool after_test;
};

static bool
ends_with_program(const struct component_config *config, const char *program)
{
	const char *path = config_item(config, config->command, 0);
	const char *slash = strrchr(path, '/');

	return strcmp(slash != NULL ? slash + 1 : path, program) == 0;
}

/* Whether the component works on the database, or watches those who do. */
static bool
is_worker(const struct overview_component *c)
{
	if (c->housekeeping)
		return false;
	if (c->is_loop)
		return true;
	if (c->config == NULL)
		return c->record.heartbeat == HEARTBEAT_DATABASE ||
		    strcmp(c->name, "pm") == 0 ||
		    strcmp(c->name, "monitor") == 0;
	return c->config->heartbeat == HEARTBEAT_DATABASE ||
	    ends_with_program(c->config, "loopkeeper-pm") ||
	    ends_with_program(c->config, "loopkeeper-monitor");
}

static bool
is_enabled(const struct overview_component *c)
{
	return c->config == NULL || c->config->enabled;
}

/* What is stopped stays so, and is not to come back by a resume. */
static void
choose_workers(struct steering *s)
{
	for (size_t i = 0; i < s->o.n; i++) {
		struct overview_component *c = &s->o.components[i];

		if (is_worker(c) && is_enabled(c) && c->wish != WANTED_STOPPED)
			s->targets[s->n++] = c;
	}
}

/* Whether a loop that is to be paused has no test any more: it says so itself
 * (agents/loop), and takes none either where the mode is file-based. */
static bool
is_between_tests(const struct cli *cli, const char *name)
{
	struct keeper_seen seen;

	keepers_look(&seen, cli->state_directory, name);
	if (seen.pid == 0 || !seen.has_record || seen.record.pid == 0)
		return true;
	return strcmp(seen.record.status_text, "idle: to be paused") == 0 ||
	    strcmp(seen.record.status_text, "idle: mode file-based") == 0;
}

/* Each loop goes on with its test and takes no other. */
static void
await_tests(const struct steering *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const char *name = s->targets[i]->name;
		bool said = false;

		while (s->targets[i]->is_loop && !polling_is(s->targets[i]) &&
		    !is_between_tests(s->cli, name)) {
			if (!said)
				printf("%s: goes on with its test\n", name);
			said = true;
			(void)fflush(stdout);
			(void)poll(NULL, 0, LOOK_MS);
		}
	}
}

static int
await_stops(const struct steering *s)
{
	int code = CLI_DONE;

	for (size_t i = 0; i < s->n; i++)
		if (settle_stopped(s->cli, s->targets[i]->name) != CLI_DONE)
			code = CLI_FAILED;
	return code;
}

/* All are: says so, to people and by events. */
static void
say_paused(const struct steering *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct overview_component *c = s->targets[i];

		if (c->wish == WANTED_PAUSED) {
			printf("%s: was paused already (by %s)\n", c->name,
			    steer_by(c));
			continue;
		}
		ask_tell(s->cli, "paused", c->name, NULL, s->why);
		printf("%s: paused\n", c->name);
	}
	(void)fflush(stdout);
}

static int
release(const struct steering *s)
{
	int code = CLI_DONE;

	if (wanted_find(&s->o.wanted, WANTED_DATABASE) == NULL)
		code = steer_write_one(s, WANTED_DATABASE, WANTED_RELEASED);
	if (code == CLI_DONE)
		code = release_wait(s->cli);
	if (code == CLI_DONE)
		printf("the database is free: nobody has it open until "
		       "'loopkeeper resume'\n");
	return code;
}

/* Of those who only know the database. They are asked by an event, which is the
 * owner's to write. */
static void
request(const struct steering *s, bool after_test)
{
	if (s->o.owner[0] == '\0')
		polling_request(s->cli, s->targets, s->n, after_test, s->why);
}

static int
do_pause(struct pausing *p)
{
	struct steering *s = &p->s;
	int code = CLI_DONE;

	if (p->after_test) {
		code = steer_write(s, WANTED_DRAINING);
		if (code == CLI_DONE)
			request(s, true);
		if (code == CLI_DONE)
			await_tests(s);
	}
	if (code == CLI_DONE)
		code = steer_write(s, WANTED_PAUSED);
	if (code != CLI_DONE)
		return code;
	if (!p->after_test)
		request(s, false);
	code = steer_tell(s, "pause");
	if (code == CLI_DONE)
		code = await_stops(s);
	if (code != CLI_DONE)
		return code;
	say_paused(s);
	/* Only now: what the last ones did is in it. */
	return p->all ? release(s) : CLI_DONE;
}

/* Leaves in targets what is paused. */
static int
choose_paused(struct pausing *p)
{
	struct steering *s = &p->s;
	size_t n = 0, all = p->all ? s->o.n : s->n;
	int code = CLI_DONE;

	for (size_t i = 0; i < all; i++) {
		struct overview_component *c =
		    p->all ? &s->o.components[i] : s->targets[i];

		if (c->wish == WANTED_PAUSED || c->wish == WANTED_DRAINING)
			s->targets[n++] = c;
		else if (c->wish == WANTED_STOPPED && !p->all)
			code = cli_error(CLI_FAILED,
			    "%s was stopped (by %s), not paused; "
			    "'loopkeeper start %s' starts it",
			    c->name, steer_by(c), c->name);
		else if (!p->all)
			printf("%s: is not paused\n", c->name);
	}
	s->n = n;
	return code;
}

static int
take_database_back(const struct steering *s)
{
	int code;

	if (wanted_find(&s->o.wanted, WANTED_DATABASE) == NULL)
		return CLI_DONE;
	code = steer_write_one(s, WANTED_DATABASE, WANTED_RUN);
	if (code == CLI_DONE)
		code = release_wait_back(s->cli);
	if (code == CLI_DONE)
		printf("the database is in use again\n");
	return code;
}

static int
do_resume(struct pausing *p)
{
	struct steering *s = &p->s;
	int code = take_database_back(s);

	if (code == CLI_DONE)
		code = steer_write(s, WANTED_RUN);
	if (code == CLI_DONE && s->o.owner[0] == '\0')
		polling_resume(s->cli, s->targets, s->n, s->why);
	if (code == CLI_DONE)
		code = steer_tell(s, "resume");
	for (size_t i = 0; code == CLI_DONE && i < s->n; i++) {
		settle_resumed(s->cli, s->targets[i]->name);
		ask_tell(s->cli, "resumed", s->targets[i]->name, NULL, s->why);
		printf("%s: resumed\n", s->targets[i]->name);
	}
	if (code == CLI_DONE && s->n == 0 && p->all)
		printf("nothing is paused\n");
	return code;
}

static void
print_plan(const struct pausing *p, const char *verb)
{
	for (size_t i = 0; i < p->s.n; i++)
		printf("would %s %s\n", verb, p->s.targets[i]->name);
	if (p->all)
		printf("would %s the database\n",
		    strcmp(verb, "pause") == 0 ? "release" : "take back");
}

static int
run(struct cli *cli, int argc, char **argv, bool resume)
{
	struct pausing p = { .s = { .cli = cli, .why = "" } };
	const struct option_spec specs[] = {
		{ .name = "reason", .value = &p.s.why },
		{ .name = "dry-run", .flag = &p.s.dry_run },
		{ .name = "after-test", .flag = &p.after_test },
	};
	int n =
	    options_parse(cli, argc, argv, specs, resume ? 2 : 3, 1, INT_MAX);
	int code = CLI_DONE;

	p.all = n == 1 && strcmp(argv[1], "all") == 0;
	cli_locate(cli);
	if (p.all || p.after_test)
		owner_only(cli, "%s%s: it is written to %s/wanted", argv[0],
		    p.all ? " all" : " --after-test", cli->state_directory);
	steer_begin(&p.s, &argv[1], p.all ? 0 : (size_t)n);
	if (resume)
		code = choose_paused(&p);
	else if (p.all)
		choose_workers(&p.s);
	if (code == CLI_DONE && p.s.dry_run)
		print_plan(&p, argv[0]);
	else if (code == CLI_DONE)
		code = resume ? do_resume(&p) : do_pause(&p);
	steer_end(&p.s);
	return code;
}

int
pause_run(struct cli *cli, int argc, char **argv)
{
	return run(cli, argc, argv, false);
}

int
resume_run(struct cli *cli, int argc, char **argv)
{
	return run(cli, argc, argv, true);
}
