/* skip and reset: a test out of the queue, or back to its beginning. Who
 * works on it notices within seconds and takes the next. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "cli/commands.h"
#include "cli/database.h"
#include "cli/ids.h"
#include "cli/options.h"
#include "store/claims.h"
#include "store/queries_tests.h"

/* What the test was before. */
struct before {
	char status[32];
	char loop_id[TEXT_NAME_MAX + 1];
	int64_t attempts;
};

static int
keep(const struct test_row *t, void *argument)
{
	struct before *b = argument;

	(void)strlcpy(b->status, t->status, sizeof(b->status));
	(void)strlcpy(b->loop_id, t->loop_id, sizeof(b->loop_id));
	b->attempts = t->attempts;
	return 0;
}

static int
print_dependent(const struct test_row *t, void *argument)
{
	(void)argument;
	if (strcmp(t->status, "passed") != 0 &&
	    strcmp(t->status, "skipped") != 0)
		printf("  %s depends on it: nobody takes it until this one is "
		       "reset and passed\n",
		    t->id);
	return 0;
}

/* "CP-UFS-001: was in_progress; its attempt ends and is not counted" */
static void
print_before(const struct before *b)
{
	printf(", was %s", b->status);
	if (b->attempts > 0)
		printf(" with %lld attempt%s used", (long long)b->attempts,
		    b->attempts == 1 ? "" : "s");
	if (strcmp(b->status, "in_progress") == 0)
		printf(
		    "; %s ends its attempt, which isn't counted", b->loop_id);
	(void)putchar('\n');
}

static int
change(struct cli *cli, struct store *s, const char *word, bool skip,
    const char *reason, bool dry_run)
{
	const char *verb = skip ? "skipped" : "reset";
	struct before before = { 0 };
	char id[IDS_SIZE];
	int changed = 1, code = ids_find(cli, s, IDS_TEST, word, id);

	if (code != CLI_DONE)
		return code;
	if (queries_test(s, id, keep, &before) < 0)
		return database_error(s);
	if (!dry_run)
		changed = skip ? claims_skip(s, id, database_user(), reason)
			       : claims_reset(s, id, database_user(), reason);
	if (changed < 0)
		return database_error(s);
	if (changed == 0) {
		printf("%s: was %s already, nothing was changed\n", id, verb);
	} else {
		printf("%s: %s%s", id, dry_run ? "would be " : "", verb);
		print_before(&before);
	}
	if (skip &&
	    queries_each_dependent(s, id, -1, print_dependent, NULL) < 0)
		return database_error(s);
	return CLI_DONE;
}

static int
run(struct cli *cli, int argc, char **argv, bool skip)
{
	const char *reason = NULL;
	bool dry_run = false;
	const struct option_spec specs[] = {
		{ .name = "reason", .letter = 'r', .value = &reason },
		{ .name = "dry-run", .letter = 'n', .flag = &dry_run },
	};
	struct store s;
	int code;

	(void)options_parse(cli, argc, argv, specs, 2, 1, 1);
	database_open(cli, &s, dry_run ? STORE_READ : STORE_WRITE);
	code = change(cli, &s, argv[1], skip, reason, dry_run);
	store_close(&s);
	return code;
}

int
skip_run(struct cli *cli, int argc, char **argv)
{
	return run(cli, argc, argv, true);
}

int
reset_run(struct cli *cli, int argc, char **argv)
{
	return run(cli, argc, argv, false);
}
