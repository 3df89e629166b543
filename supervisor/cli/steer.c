/* start, stop and restart: what is wanted is written down, the daemon told,
 * and the result waited for. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/database.h"
#include "cli/options.h"
#include "cli/settle.h"
#include "system/wanted.h"

struct target {
	char name[TEXT_NAME_MAX + 1];
	struct settle_mark before;
};

struct steering {
	struct cli *cli;
	const char *word; /* start, stop, restart */
	bool stop;
	bool anew;
	struct target *targets;
	size_t n;
};

static int
resolve(struct steering *s, char **words, size_t n)
{
	s->targets = calloc(n, sizeof(*s->targets));
	if (s->targets == NULL)
		return cli_error(CLI_FAILED, "%s", strerror(errno));
	for (s->n = 0; s->n < n; s->n++) {
		struct target *t = &s->targets[s->n];

		if (cli_component(s->cli, words[s->n], t->name) != CLI_DONE)
			return CLI_FAILED;
		settle_look(&t->before, s->cli, t->name);
	}
	return CLI_DONE;
}

static int
write_down(const struct steering *s, const char *why)
{
	struct wanted_entry *changes = calloc(s->n, sizeof(*changes));
	int result = -1;

	for (size_t i = 0; changes != NULL && i < s->n; i++)
		changes[i] = (struct wanted_entry){
			.name = s->targets[i].name,
			.state = s->stop ? WANTED_STOPPED : WANTED_RUN,
			.by = database_user(),
			.why = why,
		};
	if (changes != NULL)
		result = wanted_write(s->cli->state_directory, changes, s->n);
	free(changes);
	if (result == 0)
		return CLI_DONE;
	return cli_error(CLI_FAILED, "%s/wanted: %s", s->cli->state_directory,
	    strerror(errno));
}

static int
tell(const struct steering *s)
{
	char reply[CONTROL_REPLY_MAX];
	const char **words = calloc(s->n + 1, sizeof(*words));
	int code;

	if (words == NULL)
		return cli_error(CLI_FAILED, "%s", strerror(errno));
	words[0] = s->word;
	for (size_t i = 0; i < s->n; i++)
		words[i + 1] = s->targets[i].name;
	code = ask_daemon(s->cli, words, s->n + 1, reply);
	free(words);
	return code;
}

static int
await(const struct steering *s)
{
	int code = CLI_DONE;

	for (size_t i = 0; i < s->n; i++) {
		const struct target *t = &s->targets[i];
		int one = s->stop
		    ? settle_stopped(s->cli, t->name)
		    : settle_started(s->cli, t->name, &t->before, s->anew);

		if (one != CLI_DONE)
			code = one;
	}
	return code;
}

static int
steer(struct steering *s, char **words, size_t n, const char *why, bool dry_run)
{
	int code = cli_locate(s->cli);

	if (code == CLI_DONE)
		code = ask_running(s->cli);
	if (code == CLI_DONE)
		code = resolve(s, words, n);
	if (code == CLI_DONE && dry_run)
		for (size_t i = 0; i < s->n; i++)
			(void)printf(
			    "would %s %s\n", s->word, s->targets[i].name);
	if (code != CLI_DONE || dry_run)
		return code;
	/* Written first: a daemon that is started now reads the same. */
	code = write_down(s, why);
	if (code == CLI_DONE)
		code = tell(s);
	return code == CLI_DONE ? await(s) : code;
}

static int
run(struct steering *s, int argc, char **argv)
{
	const char *why = "";
	bool dry_run = false;
	const struct option_spec specs[] = {
		{ .name = "reason", .value = &why },
		{ .name = "dry-run", .flag = &dry_run },
	};
	int code, left = options_parse(s->cli, argc, argv, specs, 2, &code);

	if (left < 0)
		return code;
	if (left == 0)
		return cli_usage(s->word);
	if (strpbrk(why, "\t\n") != NULL)
		return cli_error(CLI_USAGE, "--reason is one line, no tabs");
	code = steer(s, &argv[1], (size_t)left, why, dry_run);
	free(s->targets);
	return code;
}

int
start_run(struct cli *cli, int argc, char **argv)
{
	struct steering s = { .cli = cli, .word = "start" };

	return run(&s, argc, argv);
}

int
stop_run(struct cli *cli, int argc, char **argv)
{
	struct steering s = { .cli = cli, .word = "stop", .stop = true };

	return run(&s, argc, argv);
}

int
restart_run(struct cli *cli, int argc, char **argv)
{
	struct steering s = { .cli = cli, .word = "restart", .anew = true };

	return run(&s, argc, argv);
}
