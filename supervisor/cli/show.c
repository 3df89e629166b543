/* show: one test, its attempts, and what depends on it. */
#include <stdio.h>
#include <string.h>

#include "base/duration.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/database.h"
#include "cli/ids.h"
#include "cli/options.h"
#include "cli/print.h"
#include "cli/tests.h"

/* A line per thing that is set. */
static void
print_field(const char *name, const char *text)
{
	if (text[0] == '\0')
		return;
	printf("  %-12s ", name);
	print_clean(text);
	(void)putchar('\n');
}

static void
print_when(const char *name, const char *stored)
{
	char when[PRINT_TIME_SIZE];

	if (stored[0] == '\0')
		return;
	print_time(when, stored);
	print_field(name, when);
}

static int
print_test(const struct test_row *t, void *argument)
{
	(void)argument;
	printf("%s: %s (%lld", t->id, t->status, (long long)t->attempts);
	if (t->max_attempts > 0)
		printf(" of %lld", (long long)t->max_attempts);
	printf(" attempt%s used)\n",
	    t->max_attempts == 0 && t->attempts == 1 ? "" : "s");
	print_field("loop", t->loop_id);
	print_field("category", t->category);
	print_field("reason", t->reason);
	print_field("last result", t->last_result);
	print_field("depends on", t->depends_on);
	print_field("verify", t->verify);
	print_field("worker", t->worker);
	print_field("files", t->files);
	print_field("test files", t->test_files);
	print_field("notes", t->notes);
	if (t->automatable == 0)
		print_field("automatable", "no: no loop takes it");
	print_when("added", t->created_at);
	print_when("last attempt", t->last_attempt_at);
	print_when("passed", t->passed_at);
	if (t->spec_content[0] != '\0') {
		printf("  spec\n");
		print_clean(t->spec_content);
		(void)putchar('\n');
	}
	return 0;
}

static int
print_attempt(const struct attempt_row *a, void *argument)
{
	int64_t age_ms = print_age_ms(a->started_at);
	int64_t end_ms = print_age_ms(a->ended_at);
	char when[PRINT_TIME_SIZE], took[DURATION_SIZE] = "?";
	int *n = argument;

	if ((*n)++ == 0)
		printf("  attempts\n");
	print_time(when, a->started_at);
	if (age_ms >= 0)
		duration_format(took, age_ms - (end_ms >= 0 ? end_ms : 0));
	printf("    %lld  %s  %s  %s, %s\n", (long long)a->fence, when,
	    a->outcome[0] != '\0' ? a->outcome : a->state, a->loop_id, took);
	if (a->transcript[0] != '\0')
		printf("       %s\n", a->transcript);
	return 0;
}

static int
print_dependent(const struct test_row *t, void *argument)
{
	int *n = argument;

	if ((*n)++ == 0)
		printf("  wait for it\n");
	printf("    %s (%s)\n", t->id, t->status);
	return 0;
}

static int
print_all(struct store *s, const char *id)
{
	int nattempts = 0, ndependents = 0;

	if (queries_test(s, id, print_test, NULL) < 0 ||
	    queries_each_attempt(s, id, print_attempt, &nattempts) < 0 ||
	    queries_each_dependent(s, id, print_dependent, &ndependents) < 0)
		return database_error(s);
	return CLI_DONE;
}

static int
keep_json(const struct test_row *t, void *argument)
{
	json_t **ret = argument;

	*ret = tests_json(t);
	return 0;
}

static int
add_attempt(const struct attempt_row *a, void *argument)
{
	return json_array_append_new(argument,
	    json_pack("{s:o,s:I,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:I,s:f,s:o,s:o}",
		"id", print_json_text(a->id), "attempt", (json_int_t)a->fence,
		"loop_id", print_json_set(a->loop_id), "state",
		print_json_set(a->state), "outcome", print_json_set(a->outcome),
		"pid", a->pid == 0 ? json_null() : json_integer(a->pid),
		"transcript", print_json_set(a->transcript), "base_commit",
		print_json_set(a->base_commit), "result_commit",
		print_json_set(a->result_commit), "tokens",
		(json_int_t)a->tokens, "cost_usd", a->cost_usd, "started_at",
		print_json_set(a->started_at), "ended_at",
		print_json_set(a->ended_at)));
}

static int
add_dependent(const struct test_row *t, void *argument)
{
	return json_array_append_new(argument, print_json_text(t->id));
}

static int
print_all_json(struct store *s, const char *id)
{
	json_t *attempts = json_array(), *dependents = json_array();
	json_t *test = NULL;

	if (queries_test(s, id, keep_json, &test) < 0 ||
	    queries_each_attempt(s, id, add_attempt, attempts) < 0 ||
	    queries_each_dependent(s, id, add_dependent, dependents) < 0) {
		json_decref(test);
		json_decref(attempts);
		json_decref(dependents);
		return database_error(s);
	}
	(void)json_object_set_new(test, "attempt_list", attempts);
	(void)json_object_set_new(test, "dependents", dependents);
	return print_json(test, CLI_DONE);
}

int
show_run(struct cli *cli, int argc, char **argv)
{
	char id[ATTEMPT_TEST_SIZE];
	struct store s;
	int code, left;

	left = options_parse(cli, argc, argv, NULL, 0, &code);
	if (left != 1)
		return left < 0 ? code : cli_usage("show");
	code = database_open(cli, &s, STORE_READ);
	if (code != CLI_DONE)
		return code;
	code = ids_test(cli, &s, argv[1], id);
	if (code == CLI_DONE)
		code = cli->json ? print_all_json(&s, id) : print_all(&s, id);
	store_close(&s);
	return code == CLI_DONE ? database_reader_code(cli) : code;
}
