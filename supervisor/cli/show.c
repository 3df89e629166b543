/* show: one test with its attempts. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/duration.h"
#include "cli/commands.h"
#include "cli/database.h"
#include "cli/ids.h"
#include "cli/options.h"
#include "cli/tests.h"
#include "store/queries_tests.h"
#include "store/retry.h"

#define SHOWN 20 /* that wait for it; --json has all */

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

/* A back-off that is over, or that nobody believes in, isn't one. */
static void
print_retry(const struct test_row *t)
{
	char text[DURATION_SIZE + 4] = "in ";
	int64_t at_ms, in_ms;

	if (strcmp(t->status, "pending") != 0 ||
	    clock_parse_iso(t->retry_at, &at_ms) < 0)
		return;
	in_ms = at_ms - clock_wall_ms();
	if (in_ms <= 0 || in_ms > RETRY_MAX_MS)
		return;
	duration_format(text + 3, in_ms);
	print_field("next attempt", text);
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
	print_field("waits for", t->waits_for);
	print_field("verify", t->verify);
	print_field("worker", t->worker);
	print_field("files", t->files);
	print_field("test files", t->test_files);
	if (t->allow_test_changes != 0)
		print_field("tests", "may be changed");
	print_field("notes", t->notes);
	if (t->automatable == 0)
		print_field("automatable", "no: no loop takes it");
	print_when("added", t->created_at);
	print_when("last attempt", t->last_attempt_at);
	print_retry(t);
	print_when("passed", t->passed_at);
	if (t->flakes > 0)
		printf("  %-12s fails in %lld of %lld runs\n", "by chance",
		    (long long)t->flakes, (long long)t->runs);
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
print_dependents(struct store *s, const char *id)
{
	int64_t all = 0;
	int n = 0;

	if (queries_each_dependent(s, id, SHOWN, print_dependent, &n) < 0 ||
	    (n == SHOWN && queries_count_dependents(s, id, &all) < 0))
		return -1;
	if (all > n)
		printf("    and %lld more\n", (long long)(all - n));
	return 0;
}

static int
print_all(struct store *s, const char *id)
{
	int nattempts = 0;

	if (queries_test(s, id, print_test, NULL) < 0 ||
	    queries_each_attempt(s, id, print_attempt, &nattempts) < 0 ||
	    print_dependents(s, id) < 0)
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

#define FIELD(kind, member) PRINT_FIELD(struct attempt_row, kind, member)
static int
add_attempt(const struct attempt_row *attempt, void *argument)
{
	static const struct print_field fields[] = { FIELD(PRINT_TEXT, id),
		FIELD(PRINT_TEXT, loop_id), FIELD(PRINT_TEXT, state),
		FIELD(PRINT_TEXT, outcome), FIELD(PRINT_SOME, pid),
		FIELD(PRINT_TEXT, transcript), FIELD(PRINT_STORED, command),
		FIELD(PRINT_TEXT, base_commit),
		FIELD(PRINT_TEXT, result_commit), FIELD(PRINT_KNOWN, tokens),
		FIELD(PRINT_REAL, cost_usd), FIELD(PRINT_TEXT, started_at),
		FIELD(PRINT_TEXT, ended_at) };
	json_t *object =
	    print_json_row(fields, sizeof(fields) / sizeof(fields[0]), attempt);

	(void)json_object_set_new(
	    object, "attempt", json_integer(attempt->fence));
	return json_array_append_new(argument, object);
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
	    queries_each_dependent(s, id, -1, add_dependent, dependents) < 0) {
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
	char id[IDS_SIZE];
	struct store s;
	int code;

	(void)options_parse(cli, argc, argv, NULL, 0, 1, 1);
	database_open(cli, &s, STORE_READ);
	code = ids_find(cli, &s, IDS_TEST, argv[1], id);
	if (code == CLI_DONE)
		code = cli->json ? print_all_json(&s, id) : print_all(&s, id);
	return database_done(cli, &s, code);
}
