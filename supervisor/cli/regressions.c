/* regressions: passed tests that fail now, who broke them, and what can be done
 * about it. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/duration.h"
#include "cli/commands.h"
#include "cli/database.h"
#include "cli/paste.h"
#include "cli/print.h"
#include "store/attempts.h"
#include "store/queries_regressions.h"

#define SHORT_HASH 12
#define FLAKY_MAX  20
#define COMMAND	   (PATH_SIZE + 512)

struct printing {
	const struct cli *cli;
	int n;
};

static bool
is_open(const struct regression_row *r)
{
	return strcmp(r->status, "open") == 0;
}

static bool
is_pending(const struct regression_row *r)
{
	return is_open(r) && strcmp(r->decision_status, "pending") == 0;
}

static void
print_title(const struct printing *p, const struct regression_row *r)
{
	enum print_colour colour = is_open(r) ? PRINT_RED
	    : strcmp(r->result, "skipped") == 0 ||
		strcmp(r->result, "blocked") == 0
	    ? PRINT_YELLOW
	    : PRINT_GREEN;
	char found[PRINT_TIME_SIZE], age[DURATION_SIZE] = "?";
	int64_t age_ms = print_age_ms(r->detected_at);

	if (age_ms >= 0)
		duration_format(age, age_ms);
	print_time(found, r->detected_at);
	printf("%s of %s: %s%s%s%s%s%s, found %s ago (%s)\n", r->test_id,
	    r->loop_id, print_begin(p->cli->colour, colour),
	    is_open(r) ? "fails" : "over", r->result[0] != '\0' ? " (" : "",
	    r->result, r->result[0] != '\0' ? ")" : "",
	    print_end(p->cli->colour, colour), age, found);
}

static void
print_blamed(const struct regression_row *r)
{
	printf("  %-12s %.*s",
	    strcmp(r->cause, "sometimes") == 0 ? "fails at times since"
					       : "fails since",
	    SHORT_HASH, r->first_bad_commit);
	if (r->blamed_test[0] != '\0')
		printf("  %s of %s", r->blamed_test, r->blamed_loop);
	else
		printf("  no loop's, by %s", r->blamed_author);
	if (r->blamed_fence > 0)
		printf(", attempt %lld", (long long)r->blamed_fence);
	printf(": ");
	print_clean(r->blamed_subject);
	(void)putchar('\n');
	if (r->blamed_commits > 1)
		printf("  %-12s or one of the %lld commits before it, which "
		       "can't be run\n",
		    "", (long long)r->blamed_commits - 1);
}

static void
print_where(const struct regression_row *r)
{
	if (strcmp(r->cause, "outside") == 0)
		printf("  %-12s %.*s, where it passed, too: something outside "
		       "the repository has changed\n",
		    "fails on", SHORT_HASH, r->last_good_commit);
	else if (r->first_bad_commit[0] == '\0')
		printf("  %-12s %.*s; where it passed isn't known\n",
		    "fails on", SHORT_HASH, r->failing_commit);
	else {
		printf("  %-12s %.*s\n", "passes on", SHORT_HASH,
		    r->last_good_commit);
		print_blamed(r);
	}
	printf("  %-12s %s\n", "its runs", r->transcript);
	if (r->blamed_transcript[0] != '\0')
		printf("  %-12s %s\n", "the work", r->blamed_transcript);
	if (r->flakes > 0)
		printf("  %-12s in %lld of %lld other runs\n", "by chance",
		    (long long)r->flakes, (long long)r->runs);
}

/* A command as it is to be pasted, behind a name; the words of a NULL-ended
 * list are quoted where they need that. */
static void
print_command(const struct cli *cli, const char *name, const char *const *words)
{
	char text[COMMAND];
	struct buf b;

	buf_init(&b, text, sizeof(text));
	paste_begin(&b, cli);
	for (size_t i = 0; words[i] != NULL; i++) {
		buf_add(&b, i > 0 ? " " : "");
		buf_add_word(&b, words[i]);
	}
	printf("  %-12s %s", name, text);
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void
print_decision(const struct cli *cli, const struct regression_row *r)
{
	json_t *options = json_loads(r->decision_options, 0, NULL), *option;
	size_t i;

	if (r->decision_id[0] == '\0')
		return;
	printf("  %-12s %s: %s\n", "decision", r->decision_id,
	    is_pending(r)			? "waits for an answer"
		: r->decision_choice[0] != '\0' ? r->decision_choice
						: r->decision_status);
	json_array_foreach(options, i, option)
	{
		const char *id = print_json_get(option, "id");

		if (!is_pending(r) || id[0] == '\0')
			continue;
		print_command(cli, "", WORDS("decide", r->decision_id, id));
		printf("   # ");
		print_clean(print_json_get(option, "description"));
		printf("%s\n",
		    strcmp(id, r->decision_default) == 0 ? " (the default)"
							 : "");
	}
	json_decref(options);
}

/* By the commit: the test may have been merged again since. */
static void
print_rollback(const struct cli *cli, const struct regression_row *r)
{
	char commit[SHORT_HASH + 1];

	(void)snprintf(commit, sizeof(commit), "%s", r->first_bad_commit);
	print_command(cli, "roll back",
	    WORDS("rollback",
		r->blamed_loop[0] != '\0' ? r->blamed_loop : r->loop_id,
		"--commit", commit));
	(void)putchar('\n');
}

/* The commands, whether or not it was asked. */
static void
print_ways(const struct cli *cli, const struct regression_row *r)
{
	char reason[ATTEMPT_TEST_SIZE + 32], fence[24];

	if (r->rollback_error[0] != '\0')
		printf("  %-12s %s\n", "not undone", r->rollback_error);
	if (r->first_bad_commit[0] != '\0')
		print_rollback(cli, r);
	print_command(cli, "fix forward", WORDS("reset", r->test_id));
	(void)putchar('\n');
	if (r->blamed_test[0] != '\0')
		(void)snprintf(reason, sizeof(reason), "Regression from %s",
		    r->blamed_test);
	else
		(void)snprintf(reason, sizeof(reason),
		    "Regression seen on %.*s", SHORT_HASH, r->failing_commit);
	print_command(
	    cli, "skip", WORDS("skip", r->test_id, "--reason", reason));
	(void)putchar('\n');
	if (r->blamed_fence <= 0)
		return;
	(void)snprintf(
	    fence, sizeof(fence), "%lld", (long long)r->blamed_fence);
	print_command(cli, "look", WORDS("transcript", r->blamed_test, fence));
	(void)putchar('\n');
}

static int
each(const struct regression_row *r, void *argument)
{
	struct printing *p = argument;
	char when[PRINT_TIME_SIZE];

	if (p->n++ > 0)
		(void)putchar('\n');
	print_title(p, r);
	print_where(r);
	print_decision(p->cli, r);
	if (is_open(r)) {
		print_ways(p->cli, r);
		return 0;
	}
	print_time(when, r->closed_at);
	printf("  %-12s %s\n", "over since", when);
	return 0;
}

static int
each_flaky(const struct flaky_row *r, void *argument)
{
	int *n = argument;

	if ((*n)++ == 0)
		printf("\ntests that fail by chance:\n");
	printf("  %s of %s: in %lld of %lld runs\n", r->id, r->loop_id,
	    (long long)r->flakes, (long long)r->runs);
	return 0;
}

#define FIELD(kind, member) PRINT_FIELD(struct regression_row, kind, member)

static int
each_json(const struct regression_row *row, void *argument)
{
	static const struct print_field fields[] = { FIELD(PRINT_TEXT, id),
		FIELD(PRINT_TEXT, test_id), FIELD(PRINT_TEXT, loop_id),
		FIELD(PRINT_TEXT, status), FIELD(PRINT_TEXT, result),
		FIELD(PRINT_TEXT, cause), FIELD(PRINT_TEXT, failing_commit),
		FIELD(PRINT_TEXT, last_good_commit),
		FIELD(PRINT_TEXT, first_bad_commit),
		FIELD(PRINT_SOME, blamed_commits),
		FIELD(PRINT_TEXT, blamed_loop), FIELD(PRINT_TEXT, blamed_test),
		FIELD(PRINT_TEXT, blamed_attempt),
		FIELD(PRINT_SOME, blamed_fence),
		FIELD(PRINT_TEXT, blamed_transcript),
		FIELD(PRINT_TEXT, blamed_author),
		FIELD(PRINT_TEXT, blamed_subject),
		FIELD(PRINT_FLAG, blamed_revert), FIELD(PRINT_TEXT, transcript),
		FIELD(PRINT_TEXT, output), FIELD(PRINT_TEXT, detected_at),
		FIELD(PRINT_TEXT, checked_at), FIELD(PRINT_TEXT, closed_at),
		FIELD(PRINT_TEXT, decision_id),
		FIELD(PRINT_TEXT, decision_status),
		FIELD(PRINT_TEXT, decision_choice),
		FIELD(PRINT_TEXT, rollback_error), FIELD(PRINT_NUMBER, runs),
		FIELD(PRINT_NUMBER, flakes) };

	return json_array_append_new(argument,
	    print_json_row(fields, sizeof(fields) / sizeof(fields[0]), row));
}

static int
print_as_json(struct store *s, bool all)
{
	json_t *list = json_array();

	if (queries_each_regression(s, all, each_json, list) == 0)
		return print_json(list, CLI_DONE);
	json_decref(list);
	return database_error(s);
}

static int
print_all(const struct cli *cli, struct store *s, bool all)
{
	struct printing p = { .cli = cli };
	int nflaky = 0;

	if (cli->json)
		return print_as_json(s, all);
	if (queries_each_regression(s, all, each, &p) < 0)
		return database_error(s);
	if (p.n == 0)
		printf(all ? "no regressions\n"
			   : "no regression is open; --all shows those that "
			     "are over\n");
	if (queries_each_flaky(s, FLAKY_MAX, each_flaky, &nflaky) < 0)
		return database_error(s);
	return CLI_DONE;
}

int
regressions_run(struct cli *cli, int argc, char **argv)
{
	return database_list(cli, argc, argv, print_all);
}
