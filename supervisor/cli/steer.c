/* start, stop and restart: what is wanted is written down, the daemon told,
 * and the result waited for. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/database.h"
#include "cli/ids.h"
#include "cli/keepers.h"
#include "cli/options.h"
#include "cli/settle.h"
#include "cli/steer.h"

void
steer_begin(struct steering *s, char **words, size_t nwords)
{
	char name[TEXT_NAME_MAX + 1];

	if (strpbrk(s->why, "\t\n") != NULL)
		cli_fail(CLI_USAGE, "--reason is one line, no tabs");
	cli_locate(s->cli);
	if (!keepers_running(s->cli->state_directory))
		exit(cli_not_running());
	if (overview_read(&s->o, s->cli) < 0 ||
	    (s->targets = calloc(s->o.n + nwords + 1,
		 sizeof(struct overview_component *))) == NULL)
		cli_fail(CLI_FAILED, "cannot read %s: %s",
		    s->cli->state_directory, strerror(errno));
	for (s->n = 0; s->n < nwords; s->n++) {
		ids_component(s->cli, words[s->n], name);
		s->targets[s->n] = overview_find(&s->o, name);
		if (s->targets[s->n] == NULL)
			cli_fail(CLI_FAILED, "%s is no more", name);
	}
}

void
steer_end(struct steering *s)
{
	free(s->targets);
	overview_free(&s->o);
}

static int
write_changes(
    const struct cli *cli, const struct wanted_entry *changes, size_t n)
{
	if (wanted_write(cli->state_directory, changes, n) == 0)
		return CLI_DONE;
	return cli_error(
	    CLI_FAILED, "%s/wanted: %s", cli->state_directory, strerror(errno));
}

int
steer_write_one(
    const struct steering *s, const char *name, enum wanted_state state)
{
	const struct wanted_entry change = { .name = name,
		.state = state,
		.by = database_user(),
		.why = s->why };

	return write_changes(s->cli, &change, 1);
}

int
steer_write(struct steering *s, enum wanted_state state)
{
	struct wanted_entry *changes = calloc(s->n + 1, sizeof(*changes));
	size_t n = 0;
	int code;

	for (size_t i = 0; changes != NULL && i < s->n; i++) {
		const struct overview_component *c = s->targets[i];
		enum wanted_state written =
		    c->wanted != NULL ? c->wanted->state : WANTED_RUN;

		if ((s->o.owner[0] != '\0' ? c->wish : written) != state)
			changes[n++] = (struct wanted_entry){
				.name = c->name,
				.state = state,
				.by = database_user(),
				.why = s->why,
			};
	}
	s->unwritten = n > 0 && s->o.owner[0] != '\0';
	code = changes == NULL ? cli_error(CLI_FAILED, "%s", strerror(errno))
	    : n > 0 && !s->unwritten ? write_changes(s->cli, changes, n)
				     : CLI_DONE;
	free(changes);
	return code;
}

const char *
steer_by(const struct overview_component *c)
{
	return c->wanted != NULL ? c->wanted->by : "somebody";
}

int
steer_tell(const struct steering *s, const char *word)
{
	char reply[CONTROL_REPLY_MAX];
	const char **words = calloc(s->n + 1, sizeof(*words));
	int code = CLI_DONE;

	if (words == NULL)
		return cli_error(CLI_FAILED, "%s", strerror(errno));
	words[0] = word;
	for (size_t i = 0; i < s->n; i++)
		words[i + 1] = s->targets[i]->name;
	if (s->n > 0)
		code = ask_daemon(s->cli, words, s->n + 1, reply);
	free(words);
	if (code == CLI_DONE && s->unwritten)
		(void)cli_error(CLI_DONE,
		    "only %s may write %s/wanted: this holds until the "
		    "supervisor starts again",
		    s->o.owner, s->cli->state_directory);
	return code;
}

static int
settle_stop(const struct cli *cli, const struct overview_component *before)
{
	int code = settle_stopped(cli, before->name);

	if (code != CLI_DONE)
		return code;
	if (before->wish == WANTED_STOPPED)
		printf("%s: was stopped already (by %s)\n", before->name,
		    steer_by(before));
	else
		printf("%s: stopped\n", before->name);
	return code;
}

/* Waits for each; the last of their failures counts. */
static int
await(const struct steering *s, const char *word)
{
	int code = CLI_DONE;

	for (size_t i = 0; i < s->n; i++) {
		int one = strcmp(word, "stop") == 0
		    ? settle_stop(s->cli, s->targets[i])
		    : settle_started(
			  s->cli, s->targets[i], strcmp(word, "restart") == 0);

		if (one != CLI_DONE)
			code = one;
	}
	return code;
}

static int
run(struct cli *cli, int argc, char **argv, enum wanted_state state)
{
	struct steering s = { .cli = cli, .why = "" };
	const struct option_spec specs[] = {
		{ .name = "reason", .value = &s.why },
		{ .name = "dry-run", .flag = &s.dry_run },
	};
	int n = options_parse(cli, argc, argv, specs, 2, 1, INT_MAX);
	int code = CLI_DONE;

	steer_begin(&s, &argv[1], (size_t)n);
	for (size_t i = 0; s.dry_run && i < s.n; i++)
		printf("would %s %s\n", argv[0], s.targets[i]->name);
	/* Written first: a daemon that is started now reads the same. */
	if (!s.dry_run && (code = steer_write(&s, state)) == CLI_DONE &&
	    (code = steer_tell(&s, argv[0])) == CLI_DONE)
		code = await(&s, argv[0]);
	steer_end(&s);
	return code;
}

int
start_run(struct cli *cli, int argc, char **argv)
{
	return run(cli, argc, argv, WANTED_RUN);
}

int
stop_run(struct cli *cli, int argc, char **argv)
{
	return run(cli, argc, argv, WANTED_STOPPED);
}

int
restart_run(struct cli *cli, int argc, char **argv)
{
	return run(cli, argc, argv, WANTED_RUN);
}
