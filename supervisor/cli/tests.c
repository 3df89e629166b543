/* tests: the queue, one line each. show: one test with its attempts. */
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

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
	char result[160];

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
	print_cut(result, sizeof(result),
	    test->reason[0] != '\0' ? test->reason : test->last_result, 36);
	table_set(t, RESULT, "%s", result);
	return 0;
}

json_t *
tests_json(const struct test_row *t)
{
	return json_pack("{s:o,s:o,s:o,s:o,s:I,s:o,s:o,s:o,s:b,s:o,s:o,s:o,"
			 "s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:I}",
	    "id", print_json_text(t->id), "loop_id", print_json_set(t->loop_id),
	    "category", print_json_set(t->category), "status",
	    print_json_text(t->status), "attempts", (json_int_t)t->attempts,
	    "max_attempts",
	    t->max_attempts == 0 ? json_null() : json_integer(t->max_attempts),
	    "last_result", print_json_set(t->last_result), "depends_on",
	    print_json_set(t->depends_on), "automatable", t->automatable != 0,
	    "notes", print_json_set(t->notes), "spec_content",
	    print_json_set(t->spec_content), "last_attempt_at",
	    print_json_set(t->last_attempt_at), "passed_at",
	    print_json_set(t->passed_at), "verified_at",
	    print_json_set(t->verified_at), "created_at",
	    print_json_set(t->created_at), "verify", print_json_set(t->verify),
	    "worker", print_json_set(t->worker), "files",
	    print_json_raw(t->files), "test_files",
	    print_json_raw(t->test_files), "reason", print_json_set(t->reason),
	    "sort_order", (json_int_t)t->sort_order);
}

static int
add_json(const struct test_row *test, void *argument)
{
	return json_array_append_new(argument, tests_json(test));
}

static int
print_tests(const struct cli *cli, struct store *s, const char *loop,
    const char *status)
{
	static const char *const titles[] = { "TEST", "LOOP", "STATUS",
		"ATTEMPTS", "RESULT" };
	struct table t;
	int code = CLI_DONE;

	if (cli->json) {
		json_t *list = json_array();

		if (queries_each_test(s, loop, status, add_json, list) == 0)
			return print_json(list, CLI_DONE);
		json_decref(list);
		return database_error(s);
	}
	table_init(&t, titles, NCOLUMNS, cli->colour);
	if (queries_each_test(s, loop, status, add_row, &t) != 0) {
		table_free(&t);
		return database_error(s);
	}
	if (t.nrows > 0) {
		if (table_print(&t) < 0)
			code = cli_error(CLI_FAILED, "out of memory");
	} else {
		printf("no tests%s; 'loopkeeper add' and 'loopkeeper import' "
		       "add some\n",
		    loop != NULL || status != NULL ? " like that" : "");
	}
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
	return NULL;
}

int
tests_run(struct cli *cli, int argc, char **argv)
{
	const char *loop = NULL, *word = NULL, *status = NULL;
	const struct option_spec specs[] = {
		{ .name = "loop", .letter = 'l', .value = &loop },
		{ .name = "status", .letter = 's', .value = &word },
	};
	char name[TEXT_NAME_MAX + 1];
	struct store s;
	int code, left;

	left = options_parse(cli, argc, argv, specs, 2, &code);
	if (left != 0)
		return left < 0 ? code : cli_usage("tests");
	if (word != NULL && (status = find_status(word)) == NULL)
		return cli_error(CLI_USAGE,
		    "there is no status %s; there are pending, in_progress, "
		    "passed, failed, blocked, skipped",
		    word);
	code = database_open(cli, &s, STORE_READ);
	if (code != CLI_DONE)
		return code;
	if (loop != NULL)
		code = ids_loop(cli, &s, loop, name);
	if (code == CLI_DONE)
		code = print_tests(cli, &s, loop != NULL ? name : NULL, status);
	store_close(&s);
	return code == CLI_DONE ? database_reader_code(cli) : code;
}
