/* up: starts the fleet, or finds that it runs; stays with it unless told not
 * to. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/follow.h"
#include "cli/keepers.h"
#include "cli/options.h"
#include "cli/wait_for.h"
#include "conf/conf.h"
#include "system/wanted.h"

#define LOOK_MS 50

struct up {
	bool daemon; /* -d */
	bool wait;
	bool attach;
	bool dry_run;
};

static void
print_start(const struct component_config *c)
{
	(void)printf("%s: start", c->name);
	for (uint32_t i = 0; i < c->after.count; i++)
		(void)printf("%s %s", i == 0 ? " after" : ",",
		    config_item(c, c->after, i));
	for (uint32_t i = 0; i < c->command.count; i++)
		(void)printf(
		    "%s%s", i == 0 ? ": " : " ", config_item(c, c->command, i));
	(void)putchar('\n');
}

static void
print_plan(const struct conf *conf, const struct wanted *wanted)
{
	for (uint32_t i = 0; i < conf->fleet.ncomponents; i++) {
		const struct component_config *c = conf->components[i];
		const struct wanted_entry *e = wanted_find(wanted, c->name);

		if (!c->enabled)
			(void)printf("%s: not enabled\n", c->name);
		else if (e != NULL)
			(void)printf("%s: stays %s (since %s, by %s)\n",
			    c->name, wanted_state_name(e->state), e->since,
			    e->by);
		else
			print_start(c);
	}
}

static int
plan(const struct cli *cli, const struct conf *conf)
{
	struct wanted wanted = { 0 };

	if (wanted_read(cli->state_directory, &wanted) < 0 && errno != ENOENT)
		return cli_error(CLI_FAILED, "%s/wanted: %s",
		    cli->state_directory, strerror(errno));
	print_plan(conf, &wanted);
	wanted_free(&wanted);
	return CLI_DONE;
}

/* Reads and checks the file; *ret_living says who runs already. */
static int
look(struct cli *cli, const struct up *up, struct keepers *ret_living)
{
	struct conf *conf;
	int code = CLI_DONE;

	cli_locate(cli);
	conf = conf_load(cli->config_path, stderr);
	if (conf == NULL)
		return CLI_FAILED;
	if (up->dry_run)
		code = plan(cli, conf);
	conf_free(conf);
	if (code == CLI_DONE &&
	    keepers_read(ret_living, cli->state_directory) < 0)
		code = cli_error(CLI_FAILED, "%s", strerror(errno));
	return code;
}

static bool
is_up(const struct keepers *living)
{
	return living->guardian != 0 || living->daemon != 0;
}

static int
wait_until_ready(struct follow *f)
{
	struct wait wait = { .goal = WAIT_READY };

	for (;;) {
		enum wait_answer answer = wait_for_look(f->cli, &wait);

		if (answer == WAIT_THERE)
			return CLI_DONE;
		if (answer == WAIT_NEVER || (wait.running && wait.given_up))
			return cli_error(CLI_FAILED, "%s", wait.why);
		if (!wait.running)
			return cli_error(CLI_FAILED,
			    "the fleet ended before it was ready: %s",
			    wait.why);
		if (follow_turn(f, LOOK_MS) < 0 || f->interrupts > 0)
			return cli_error(CLI_FAILED,
			    "not ready yet, and no longer waited for: %s",
			    wait.why);
	}
}

static int
start(struct follow *f, const struct up *up, const struct keepers *living)
{
	int code = CLI_DONE;

	if (is_up(living))
		(void)printf("running already: guardian pid %d, daemon pid %d, "
			     "%zu keepers\n",
		    (int)living->guardian, (int)living->daemon, living->n);
	else
		code = follow_launch(f);
	(void)fflush(stdout);
	if (code == CLI_DONE && up->wait)
		code = wait_until_ready(f);
	return code;
}

int
up_run(struct cli *cli, int argc, char **argv)
{
	struct up up = { 0 };
	const struct option_spec specs[] = {
		{ .name = "daemon", .letter = 'd', .flag = &up.daemon },
		{ .name = "wait", .flag = &up.wait },
		{ .name = "attach", .flag = &up.attach },
		{ .name = "dry-run", .flag = &up.dry_run },
	};
	struct keepers living = { 0 };
	struct follow f;
	bool ran, stay;
	int code;

	(void)options_parse(cli, argc, argv, specs, 4, 0, 0);
	code = look(cli, &up, &living);
	ran = is_up(&living);
	/* The first process of a namespace takes everything with it. */
	stay = up.attach || getpid() == 1 || (!up.daemon && !ran);
	if (code == CLI_DONE && !up.dry_run) {
		code = follow_begin(&f, cli, stay && !up.attach);
		if (code == CLI_DONE)
			code = start(&f, &up, &living);
		if (code == CLI_DONE && stay)
			code = follow_fleet(&f);
		follow_end(&f);
	}
	keepers_free(&living);
	return code;
}
