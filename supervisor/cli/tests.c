/* tests: the queue, one line each. */
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "base/buf.h"
#include "cli/commands.h"
#include "cli/database.h"
#include "cli/ids.h"
#include "cli/options.h"
#include "cli/table.h"
#include "cli/tests.h"
#include "store/queries_tests.h"

static const char *const statuses[] = { "pending", "in_progress", "passed",
	"failed", "blocked", "skipped" };
#define NSTATUSES (sizeof(statuses) / sizeof(statuses[0]))

#define NARROW 60  /* columns, below which less is shown */
#define SHOWN  200 /* the first ones; --all shows the others */

enum { TEST, LOOP, STATUS, ATTEMPTS, RESULT, NCOLUMNS };

static enum print_colour
colour_of(const char *status)
{
	if (strcmp(status, "passed") == 0)
		return PRINT_GREEN;
	if (strcmp(status, "blocked") == 0 || strcmp(status, "failed") == 0)
		return PRINT_RED;
	return strcmp(status, "in_progress") == 0 ? PRINT_YELLOW : PRINT_PLAIN;
}

static int
add_row(const struct test_row *test, void *argument)
{
	struct table *t = argument;

	table_begin_row(t);
	table_set(t, TEST, "%s", test->id);
	table_set(t, LOOP, "%s", test->loop_id);
	table_set(t, STATUS, "%s", test->status);
	table_colour(t, STATUS, colour_of(test->status));
	if (test->max_attempts > 0)
		table_set(t, ATTEMPTS, "%lld/%lld", (long long)test->attempts,
		    (long long)test->max_attempts);
	else
		table_set(t, ATTEMPTS, "%lld", (long long)test->attempts);
	if (test->waits_for[0] != '\0')
		table_set(t, RESULT, "waits for %s", test->waits_for);
	else
		table_set(t, RESULT, "%s",
		    test->reason[0] != '\0' ? test->reason : test->last_result);
	return 0;
}

#define FIELD(kind, member) PRINT_FIELD(struct test_row, kind, member)
json_t *
tests_json(const struct test_row *test)
{
	static const struct print_field fields[] = { FIELD(PRINT_TEXT, id),
		FIELD(PRINT_TEXT, loop_id), FIELD(PRINT_TEXT, category),
		FIELD(PRINT_TEXT, status), FIELD(PRINT_NUMBER, attempts),
		FIELD(PRINT_SOME, max_attempts), FIELD(PRINT_TEXT, last_result),
		FIELD(PRINT_TEXT, depends_on), FIELD(PRINT_FLAG, automatable),
		FIELD(PRINT_TEXT, notes), FIELD(PRINT_TEXT, spec_content),
		FIELD(PRINT_TEXT, last_attempt_at),
		FIELD(PRINT_TEXT, passed_at), FIELD(PRINT_TEXT, verified_at),
		FIELD(PRINT_TEXT, created_at), FIELD(PRINT_TEXT, verify),
		FIELD(PRINT_TEXT, worker), FIELD(PRINT_STORED, files),
		FIELD(PRINT_STORED, test_files), FIELD(PRINT_TEXT, reason),
		FIELD(PRINT_NUMBER, sort_order),
		FIELD(PRINT_FLAG, allow_test_changes),
		FIELD(PRINT_TEXT, retry_at), FIELD(PRINT_NUMBER, runs),
		FIELD(PRINT_NUMBER, flakes), FIELD(PRINT_TEXT, parked),
		FIELD(PRINT_TEXT, waits_for) };

	return print_json_row(fields, sizeof(fields) / sizeof(fields[0]), test);
}
#undef FIELD

static int
print_next(const struct test_row *test, void *argument)
{
	size_t *n = argument;

	return print_json_next(tests_json(test), (*n)++);
}

/* What was asked for; loop and status may be NULL. */
struct request {
	const char *loop;
	const char *status;
	bool all;
};

/* Programs get all of them, whatever their number. */
static int
print_list(struct store *s, const struct request *q)
{
	size_t n = 0;

	if (queries_each_test(s, q->loop, q->status, print_next, &n) < 0)
		return database_error(s);
	print_json_end(n);
	return CLI_DONE;
}

/* Of those in one status, or of all (NULL). */
struct tally {
	const char *status;
	int64_t n;
	struct buf words; /* "12 passed, 3 pending" */
};

static int
add_status(const char *status, int64_t n, void *argument)
{
	struct tally *t = argument;

	if (t->status != NULL && strcmp(t->status, status) != 0)
		return 0;
	buf_addf(
	    &t->words, "%s%lld %s", t->n > 0 ? ", " : "", (long long)n, status);
	t->n += n;
	return 0;
}

/* What the first ones leave out. */
static int
print_more(struct store *s, const struct request *q, size_t nshown)
{
	struct tally t = { .status = q->status };
	char words[256];

	buf_init(&t.words, words, sizeof(words));
	if (queries_each_status(s, q->loop, add_status, &t) < 0)
		return database_error(s);
	if (t.n > (int64_t)nshown)
		printf("and %lld more: --all shows them, --loop and --status "
		       "fewer\nin all: %s\n",
		    (long long)(t.n - (int64_t)nshown), words);
	return CLI_DONE;
}

static int
print_tests(const struct cli *cli, struct store *s, const struct request *q)
{
	static const char *const titles[] = { "TEST", "LOOP", "STATUS",
		"ATTEMPTS", "RESULT" };
	struct table t;
	int code = CLI_DONE;

	if (cli->json)
		return print_list(s, q);
	table_init(&t, titles, NCOLUMNS, cli->colour);
	if (print_width() < NARROW)
		t.hidden = 1u << LOOP | 1u << ATTEMPTS;
	if (queries_first_tests(
		s, q->loop, q->status, q->all ? -1 : SHOWN, add_row, &t) != 0)
		code = database_error(s);
	else if (t.nrows == 0)
		printf("no tests%s; 'loopkeeper add' and 'loopkeeper import' "
		       "add some\n",
		    q->loop != NULL || q->status != NULL ? " like that" : "");
	else if (table_print(&t) < 0)
		code = cli_error(CLI_FAILED, "out of memory");
	else if (!q->all && t.nrows == SHOWN)
		code = print_more(s, q, t.nrows);
	table_free(&t);
	return code;
}

/* The stored word for what was typed: "in-progress" will do. */
static const char *
find_status(const char *word)
{
	for (size_t i = 0; i < NSTATUSES; i++)
		if (strcasecmp(statuses[i], word) == 0)
			return statuses[i];
	if (strcasecmp(word, "in-progress") == 0 ||
	    strcasecmp(word, "running") == 0)
		return "in_progress";
	cli_fail(CLI_USAGE,
	    "there is no status %s; there are pending, in_progress, passed, "
	    "failed, blocked, skipped",
	    word);
}

int
tests_run(struct cli *cli, int argc, char **argv)
{
	const char *loop = NULL, *word = NULL;
	struct request q = { 0 };
	const struct option_spec specs[] = {
		{ .name = "loop", .letter = 'l', .value = &loop },
		{ .name = "status", .letter = 's', .value = &word },
		{ .name = "all", .letter = 'a', .flag = &q.all },
	};
	char name[IDS_SIZE];
	struct store s;
	int code = CLI_DONE;

	(void)options_parse(cli, argc, argv, specs, 3, 0, 0);
	if (word != NULL)
		q.status = find_status(word);
	database_open(cli, &s, STORE_READ);
	if (loop != NULL) {
		code = ids_find(cli, &s, IDS_LOOP, loop, name);
		q.loop = name;
	}
	if (code == CLI_DONE)
		code = print_tests(cli, &s, &q);
	return database_done(cli, &s, code);
}
