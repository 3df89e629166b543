/* `recover`: the repairs of a start, by hand. What lives isn't touched. */
#include <errno.h>
#include <stdio.h>

#include "cli/commands.h"
#include "cli/database.h"
#include "cli/options.h"
#include "cli/owner.h"
#include "conf/conf.h"
#include "git/leftover.h"
#include "git/repository.h"
#include "store/check.h"

struct recovering {
	const char *state_directory;
	const struct conf *conf; /* NULL: it can't be read */
	int findings;
};

static enum alive
known(const char *loop_id, void *argument)
{
	const struct recovering *r = argument;

	return alive_by_record(r->state_directory, loop_id);
}

static bool
will_run(const char *loop_id, void *argument)
{
	const struct recovering *r = argument;

	return r->conf == NULL || conf_has_loop(r->conf, loop_id);
}

static bool
has_loop(const char *loop_id, void *argument)
{
	const struct recovering *r = argument;

	return r->conf == NULL || conf_loop(r->conf, loop_id) != NULL;
}

static void
print_finding(const char *line, void *argument)
{
	struct recovering *r = argument;

	r->findings++;
	(void)printf("%s\n", line);
	(void)fflush(stdout);
}

/* 0, or -1 after saying why. */
static int
recover(struct cli *cli, bool dry_run, struct recovering *r)
{
	const struct check c = { .state_directory = cli->state_directory,
		.lock_fd = -1,
		.known = known,
		.is_merged = repository_was_merged,
		.will_run = will_run,
		.has_loop = has_loop,
		.save = leftover_save,
		.trees = leftover_trees,
		.say = print_finding,
		.argument = r,
		.by = "recover",
		.dry_run = dry_run };
	struct store s;

	if (check_run(&c, &s) == 0) {
		store_close(&s);
		return 0;
	}
	if (dry_run && errno == ENOENT) {
		print_finding("make a new database", r);
		return 0;
	}
	if (dry_run && errno == EUCLEAN) /* it was a finding */
		return 0;
	if (errno == EACCES)
		owner_only(cli, "repair the database, %s", s.path);
	(void)database_error(&s);
	return -1;
}

int
recover_run(struct cli *cli, int argc, char **argv)
{
	bool dry_run = false;
	const struct option_spec specs[] = {
		{ .name = "dry-run", .flag = &dry_run },
	};
	struct recovering r = { .state_directory = cli->state_directory };
	struct conf *conf;
	int result;

	(void)options_parse(cli, argc, argv, specs, 1, 0, 0);
	cli_locate(cli);
	if (dry_run)
		(void)printf("dry run, nothing is changed:\n");
	conf = conf_load(cli->config_path, stderr);
	r.conf = conf;
	result = recover(cli, dry_run, &r);
	conf_free(conf);
	if (result < 0)
		return CLI_FAILED;
	if (r.findings == 0)
		(void)printf("nothing to recover\n");
	return CLI_DONE;
}
