/* deadlocks: circles of those who wait for each other, now and lately. */
#include <stdio.h>

#include "base/duration.h"
#include "cli/commands.h"
#include "cli/database.h"
#include "cli/options.h"
#include "cli/print.h"
#include "store/deadlocks.h"
#include "store/queries_locks.h"

#define LATELY_MS (24 * 60 * 60 * 1000)

struct listing {
	int n;
	json_t *list; /* NULL: for people */
};

static void
print_line(const char *cycle, const char *victim, const char *test_id,
    const char *word, const char *when)
{
	print_clean(cycle);
	printf(", victim ");
	print_clean(victim);
	if (test_id[0] != '\0') {
		printf(" (");
		print_clean(test_id);
		printf(")");
	}
	printf(", %s%s\n", word, when);
}

static int
add_json(json_t *list, const char *cycle, const char *victim,
    const char *test_id, bool open, const char *at)
{
	return json_array_append_new(list,
	    json_pack("{s:o, s:o, s:o, s:b, s:o}", "cycle",
		print_json_text(cycle), "victim", print_json_text(victim),
		"test_id", print_json_set(test_id), "open", open, "detected_at",
		print_json_set(at)));
}

static int
print_open(const struct deadlock *d, void *argument)
{
	struct listing *l = argument;
	int64_t age_ms = print_age_ms(d->since);
	char age[DURATION_SIZE];

	l->n++;
	if (l->list != NULL)
		return add_json(
		    l->list, d->cycle, d->victim, d->test_id, true, d->since);
	duration_format(age, age_ms > 0 ? age_ms : 0);
	if (age_ms < 0)
		print_line(d->cycle, d->victim, d->test_id, "open now", "");
	else
		print_line(d->cycle, d->victim, d->test_id, "open for ", age);
	return 0;
}

static int
print_resolved(const struct deadlock_row *d, void *argument)
{
	struct listing *l = argument;
	char when[PRINT_TIME_SIZE];

	l->n++;
	if (l->list != NULL)
		return add_json(l->list, d->cycle, d->victim, d->test_id, false,
		    d->timestamp);
	print_time(when, d->timestamp);
	print_line(d->cycle, d->victim, d->test_id, "resolved at ", when);
	return 0;
}

static int
print_all(const struct cli *cli, struct store *s)
{
	struct listing l = { .list = cli->json ? json_array() : NULL };

	if (deadlocks_each(s, print_open, &l) < 0 ||
	    queries_each_deadlock(s, LATELY_MS, print_resolved, &l) < 0) {
		json_decref(l.list);
		return database_error(s);
	}
	if (cli->json)
		return print_json(l.list, CLI_DONE);
	if (l.n == 0)
		printf("nobody waits in a circle, and nobody did in the last "
		       "24 hours\n");
	return CLI_DONE;
}

int
deadlocks_run(struct cli *cli, int argc, char **argv)
{
	struct store s;

	(void)options_parse(cli, argc, argv, NULL, 0, 0, 0);
	database_open(cli, &s, STORE_READ);
	return database_done(cli, &s, print_all(cli, &s));
}
