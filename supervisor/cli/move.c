/* move: tests to another loop's queue. What a loop works on, and what is done
 * with, stays where it is. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/database.h"
#include "cli/new_test.h"
#include "cli/options.h"
#include "cli/queue_tests.h"

/* Whether the test may go; says why not. */
static int
check(const struct queue_test *t, const char *loop)
{
	const char *status = t->place.status;

	if (strcmp(t->place.loop_id, loop) == 0 ||
	    strcmp(status, "pending") == 0 || strcmp(status, "failed") == 0 ||
	    strcmp(status, "blocked") == 0)
		return CLI_DONE;
	if (strcmp(status, "in_progress") == 0)
		return cli_error(CLI_FAILED,
		    "%s is in progress: %s works on it; 'loopkeeper pause %s' "
		    "comes first, and 'loopkeeper resume %s' after the move",
		    t->id, t->place.loop_id, t->place.loop_id,
		    t->place.loop_id);
	return cli_error(CLI_FAILED,
	    "%s is %s: 'loopkeeper reset %s' makes it pending, and then it can "
	    "be moved",
	    t->id, status, t->id);
}

static int
move_all(struct cli *cli, struct store *s, const struct queue_tests *tests,
    const char *loop)
{
	int code = CLI_DONE;

	for (size_t i = 0; i < tests->n; i++)
		if (check(&tests->items[i], loop) != CLI_DONE)
			code = CLI_FAILED;
	if (code == CLI_DONE && new_test_add_loop(cli, s, loop) < 0)
		code = database_error(s);
	for (size_t i = 0; i < tests->n && code == CLI_DONE; i++)
		if (strcmp(tests->items[i].place.loop_id, loop) != 0 &&
		    queries_move(s, tests->items[i].id, loop, database_user()) <
			0)
			code = database_error(s);
	return code;
}

static void
print_moved(const struct queue_tests *tests, const char *loop, bool dry_run)
{
	for (size_t i = 0; i < tests->n; i++) {
		const struct queue_test *t = &tests->items[i];

		if (strcmp(t->place.loop_id, loop) == 0)
			printf(
			    "%s: is in the queue of %s already\n", t->id, loop);
		else
			printf("%s: %s from %s to the end of the queue of %s\n",
			    t->id, dry_run ? "would be moved" : "moved",
			    t->place.loop_id, loop);
	}
}

static int
move(struct cli *cli, struct store *s, char **words, size_t n, bool dry_run)
{
	struct queue_tests tests = { 0 };
	char loop[IDS_SIZE];
	int code = ids_find(cli, s, IDS_LOOP, words[n - 1], loop);

	if (code == CLI_DONE)
		code = queue_tests_begin(s);
	if (code != CLI_DONE)
		return code;
	for (size_t i = 0; i + 1 < n && code == CLI_DONE; i++)
		code = queue_tests_add(&tests, cli, s, words[i]);
	if (code == CLI_DONE)
		code = move_all(cli, s, &tests, loop);
	code = queue_tests_end(s, code, dry_run);
	if (code == CLI_DONE)
		print_moved(&tests, loop, dry_run);
	queue_tests_free(&tests);
	return code;
}

int
move_run(struct cli *cli, int argc, char **argv)
{
	bool dry_run = false;
	const struct option_spec specs[] = {
		{ .name = "dry-run", .letter = 'n', .flag = &dry_run },
	};
	int n = options_parse(cli, argc, argv, specs, 1, 2, INT_MAX);
	struct store s;
	int code;

	database_open(cli, &s, STORE_WRITE);
	code = move(cli, &s, &argv[1], (size_t)n, dry_run);
	store_close(&s);
	return code;
}
