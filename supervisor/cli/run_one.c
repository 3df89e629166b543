/* run-one: one attempt of one test, here and now, before one's eyes. The loop's
 * own program does it; this only finds out whether it can. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "cli/commands.h"
#include "cli/database.h"
#include "cli/ids.h"
#include "cli/options.h"
#include "store/queries_tests.h"

struct wanted_test {
	char status[32];
	char loop_id[TEXT_NAME_MAX + 1];
};

static int
keep(const struct test_row *t, void *argument)
{
	struct wanted_test *w = argument;

	(void)strlcpy(w->status, t->status, sizeof(w->status));
	(void)strlcpy(w->loop_id, t->loop_id, sizeof(w->loop_id));
	return 0;
}

/* Resolves both words. Returns an exit code. */
static int
find(struct cli *cli, const char *word, const char *loop_word,
    char id[static IDS_SIZE], char loop[static IDS_SIZE])
{
	struct wanted_test w = { 0 };
	struct store s;
	int code;

	database_open(cli, &s, STORE_READ);
	code = ids_find(cli, &s, IDS_TEST, word, id);
	if (code == CLI_DONE && queries_test(&s, id, keep, &w) < 0)
		code = database_error(&s);
	if (code == CLI_DONE && loop_word != NULL)
		code = ids_find(cli, &s, IDS_LOOP, loop_word, loop);
	else
		(void)strlcpy(loop, w.loop_id, IDS_SIZE);
	store_close(&s);
	if (code != CLI_DONE)
		return code;
	if (strcmp(w.status, "in_progress") == 0)
		return cli_error(CLI_FAILED,
		    "%s is being worked on by %s: wait, or take it away with "
		    "'loopkeeper reset %s'",
		    id, w.loop_id, id);
	if (strcmp(w.status, "pending") != 0)
		return cli_error(CLI_FAILED,
		    "%s is %s: 'loopkeeper reset %s' makes it pending", id,
		    w.status, id);
	if (loop[0] == '\0')
		return cli_error(CLI_FAILED,
		    "%s belongs to no loop: --loop LOOP says who is to try it",
		    id);
	return CLI_DONE;
}

int
run_one_run(struct cli *cli, int argc, char **argv)
{
	const char *loop_word = NULL;
	const struct option_spec specs[] = {
		{ .name = "loop", .letter = 'l', .value = &loop_word },
	};
	char id[IDS_SIZE], loop[IDS_SIZE], program[PATH_SIZE];
	int code;

	(void)options_parse(cli, argc, argv, specs, 1, 1, 1);
	cli_locate(cli);
	code = find(cli, argv[1], loop_word, id, loop);
	if (code != CLI_DONE)
		return code;
	if (cli_program(program, "loopkeeper-loop") < 0)
		return cli_error(
		    CLI_FAILED, "loopkeeper-loop: %s", strerror(errno));
	(void)execl(program, program, "--one", id, "-c", cli->config_path, loop,
	    (char *)NULL);
	return cli_error(CLI_FAILED, "%s: %s", program, strerror(errno));
}
