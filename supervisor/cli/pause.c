/*
 * pause and resume. What is wanted is written down first, so that a pause
 * survives everything; then the daemon is told. `pause all` also has the
 * database released, when nobody is left who works on it.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/database.h"
#include "cli/keepers.h"
#include "cli/options.h"
#include "cli/overview.h"
#include "cli/polling.h"
#include "cli/release.h"
#include "cli/settle.h"
#include "cli/tell.h"
#include "system/wanted.h"

#define LOOK_MS 50

struct pausing {
	struct cli *cli;
	struct overview o;
	struct overview_component **targets; /* in o */
	size_t n;
	bool all;
	bool after_test;
	bool dry_run;
	const char *why;
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

static int
add_target(struct pausing *p, const char *word)
{
	struct overview_component *c;
	char name[TEXT_NAME_MAX + 1];
	int code = cli_component(p->cli, word, name);

	if (code != CLI_DONE)
		return code;
	c = overview_find(&p->o, name);
	if (c == NULL)
		return cli_error(CLI_FAILED, "%s: no such component", word);
	p->targets[p->n++] = c;
	return CLI_DONE;
}

static int
choose(struct pausing *p, char **words, size_t n)
{
	int code = CLI_DONE;

	p->targets =
	    calloc(p->o.n + n + 1, sizeof(struct overview_component *));
	if (p->targets == NULL)
		return cli_error(CLI_FAILED, "%s", strerror(errno));
	p->n = 0;
	p->all = n == 1 && strcmp(words[0], "all") == 0;
	for (size_t i = 0; !p->all && code == CLI_DONE && i < n; i++)
		code = add_target(p, words[i]);
	/* What is stopped stays so, and is not to come back by a resume. */
	for (size_t i = 0; p->all && i < p->o.n; i++) {
		struct overview_component *c = &p->o.components[i];

		if (is_worker(c) && is_enabled(c) &&
		    (c->wanted == NULL || c->wanted->state != WANTED_STOPPED))
			p->targets[p->n++] = c;
	}
	return code;
}

/* One state for n names at once; those that are in it already keep what was
 * said of them. */
static int
write_down(struct pausing *p, enum wanted_state state)
{
	struct wanted_entry *changes = calloc(p->n + 1, sizeof(*changes));
	size_t n = 0;
	int result = -1;

	for (size_t i = 0; changes != NULL && i < p->n; i++) {
		const struct overview_component *c = p->targets[i];

		if (c->wanted != NULL && c->wanted->state == state)
			continue;
		changes[n++] = (struct wanted_entry){
			.name = c->name,
			.state = state,
			.by = database_user(),
			.why = p->why,
		};
	}
	if (changes != NULL)
		result = wanted_write(p->cli->state_directory, changes, n);
	free(changes);
	if (result == 0)
		return CLI_DONE;
	return cli_error(CLI_FAILED, "%s/wanted: %s", p->cli->state_directory,
	    strerror(errno));
}

static int
write_release(struct pausing *p, enum wanted_state state)
{
	const struct wanted_entry change = { .name = WANTED_DATABASE,
		.state = state,
		.by = database_user(),
		.why = p->why };

	if (wanted_write(p->cli->state_directory, &change, 1) == 0)
		return CLI_DONE;
	return cli_error(CLI_FAILED, "%s/wanted: %s", p->cli->state_directory,
	    strerror(errno));
}

static int
tell(struct pausing *p, const char *word)
{
	char reply[CONTROL_REPLY_MAX];
	const char **words = calloc(p->n + 1, sizeof(*words));
	int code;

	if (p->n == 0 || words == NULL) {
		free(words);
		return CLI_DONE;
	}
	words[0] = word;
	for (size_t i = 0; i < p->n; i++)
		words[i + 1] = p->targets[i]->name;
	code = ask_daemon(p->cli, words, p->n + 1, reply);
	free(words);
	return code;
}

/* Whether a loop that is to be paused has no test any more: it says so itself
 * (agents/loop), and takes none either where the mode is file-based. */
static bool
is_between_tests(const struct pausing *p, const char *name)
{
	struct keeper_seen seen;

	keepers_look(&seen, p->cli->state_directory, name);
	if (seen.pid == 0 || !seen.has_record || seen.record.pid == 0)
		return true;
	return strcmp(seen.record.status_text, "idle: to be paused") == 0 ||
	    strcmp(seen.record.status_text, "idle: mode file-based") == 0;
}

/* Each loop goes on with its test and takes no other. */
static void
await_tests(struct pausing *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const char *name = p->targets[i]->name;
		bool said = false;

		while (p->targets[i]->is_loop && !is_between_tests(p, name)) {
			if (!said)
				(void)printf(
				    "%s: goes on with its test\n", name);
			said = true;
			(void)fflush(stdout);
			(void)poll(NULL, 0, LOOK_MS);
		}
	}
}

static int
await_stops(struct pausing *p)
{
	int code = CLI_DONE;

	for (size_t i = 0; i < p->n; i++)
		if (settle_stopped(p->cli, p->targets[i]->name) != CLI_DONE)
			code = CLI_FAILED;
	return code;
}

static void
print_paused(const struct pausing *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct overview_component *c = p->targets[i];

		if (c->wanted != NULL && c->wanted->state == WANTED_PAUSED)
			(void)printf("%s: was paused already (by %s)\n",
			    c->name, c->wanted->by);
		else
			(void)printf("%s: paused\n", c->name);
	}
	(void)fflush(stdout);
}

static int
do_pause(struct pausing *p)
{
	int code = CLI_DONE;

	if (p->after_test) {
		code = write_down(p, WANTED_DRAINING);
		if (code == CLI_DONE)
			await_tests(p);
	}
	if (code == CLI_DONE)
		code = write_down(p, WANTED_PAUSED);
	if (code != CLI_DONE)
		return code;
	polling_request(p->cli, p->targets, p->n, p->why);
	code = tell(p, "pause");
	if (code == CLI_DONE)
		code = await_stops(p);
	for (size_t i = 0; code == CLI_DONE && i < p->n; i++)
		if (p->targets[i]->wanted == NULL ||
		    p->targets[i]->wanted->state != WANTED_PAUSED)
			tell_event(
			    p->cli, "paused", p->targets[i]->name, p->why);
	if (code != CLI_DONE)
		return code;
	print_paused(p);
	if (!p->all)
		return CLI_DONE;
	/* Only now: what the last ones did is in it. */
	if (wanted_find(&p->o.wanted, WANTED_DATABASE) == NULL)
		code = write_release(p, WANTED_RELEASED);
	if (code == CLI_DONE)
		code = release_wait(p->cli);
	if (code == CLI_DONE)
		(void)printf("the database is free: nobody has it open until "
			     "'loopkeeper resume'\n");
	return code;
}

/* Leaves in targets what is paused. */
static int
choose_paused(struct pausing *p)
{
	int code = CLI_DONE;
	size_t n = 0;

	if (p->all) {
		p->n = 0;
		for (size_t i = 0; i < p->o.n; i++)
			p->targets[p->n++] = &p->o.components[i];
	}
	for (size_t i = 0; i < p->n; i++) {
		struct overview_component *c = p->targets[i];
		enum wanted_state state =
		    c->wanted != NULL ? c->wanted->state : WANTED_RUN;

		if (state == WANTED_PAUSED || state == WANTED_DRAINING)
			p->targets[n++] = c;
		else if (state == WANTED_STOPPED && !p->all)
			code = cli_error(CLI_FAILED,
			    "%s was stopped (by %s), not paused; "
			    "'loopkeeper start %s' starts it",
			    c->name, c->wanted->by, c->name);
		else if (!p->all)
			(void)printf("%s: is not paused\n", c->name);
	}
	p->n = n;
	return code;
}

static int
take_database_back(struct pausing *p)
{
	int code;

	if (wanted_find(&p->o.wanted, WANTED_DATABASE) == NULL)
		return CLI_DONE;
	code = write_release(p, WANTED_RUN);
	if (code == CLI_DONE)
		code = release_wait_back(p->cli);
	if (code == CLI_DONE)
		(void)printf("the database is in use again\n");
	return code;
}

static int
do_resume(struct pausing *p)
{
	int code = take_database_back(p);

	if (code == CLI_DONE && p->n > 0)
		code = write_down(p, WANTED_RUN);
	if (code == CLI_DONE)
		code = tell(p, "resume");
	for (size_t i = 0; code == CLI_DONE && i < p->n; i++) {
		tell_event(p->cli, "resumed", p->targets[i]->name, p->why);
		(void)printf("%s: resumed\n", p->targets[i]->name);
	}
	if (code == CLI_DONE && p->n == 0 && p->all)
		(void)printf("nothing is paused\n");
	return code;
}

static void
print_plan(const struct pausing *p, const char *verb)
{
	for (size_t i = 0; i < p->n; i++)
		(void)printf("would %s %s\n", verb, p->targets[i]->name);
	if (p->all)
		(void)printf("would %s the database\n",
		    strcmp(verb, "pause") == 0 ? "release" : "take back");
}

static int
run(struct pausing *p, const char *verb, char **words, size_t n)
{
	bool resume = strcmp(verb, "resume") == 0;
	int code = cli_locate(p->cli);

	if (code == CLI_DONE)
		code = ask_running(p->cli);
	if (code != CLI_DONE)
		return code;
	if (overview_read(&p->o, p->cli) < 0)
		return cli_error(CLI_FAILED, "%s", strerror(errno));
	code = choose(p, words, n);
	if (code == CLI_DONE && resume)
		code = choose_paused(p);
	if (code == CLI_DONE && p->dry_run)
		print_plan(p, verb);
	else if (code == CLI_DONE)
		code = resume ? do_resume(p) : do_pause(p);
	free(p->targets);
	overview_free(&p->o);
	return code;
}

static int
parse_and_run(struct pausing *p, const struct option_spec *specs, size_t nspecs,
    int argc, char **argv)
{
	int code;
	int left = options_parse(p->cli, argc, argv, specs, nspecs, &code);

	if (left < 0)
		return code;
	if (left == 0)
		return cli_usage(argv[0]);
	if (strpbrk(p->why, "\t\n") != NULL)
		return cli_error(CLI_USAGE, "--reason is one line, no tabs");
	return run(p, argv[0], &argv[1], (size_t)left);
}

int
pause_run(struct cli *cli, int argc, char **argv)
{
	struct pausing p = { .cli = cli, .why = "" };
	const struct option_spec specs[] = {
		{ .name = "after-test", .flag = &p.after_test },
		{ .name = "reason", .value = &p.why },
		{ .name = "dry-run", .flag = &p.dry_run },
	};

	return parse_and_run(&p, specs, 3, argc, argv);
}

int
resume_run(struct cli *cli, int argc, char **argv)
{
	struct pausing p = { .cli = cli, .why = "" };
	const struct option_spec specs[] = {
		{ .name = "reason", .value = &p.why },
		{ .name = "dry-run", .flag = &p.dry_run },
	};

	return parse_and_run(&p, specs, 2, argc, argv);
}
