/* order: tests to the front of their loop's queue, or behind another one; or
 * the queue as its loop will take it. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/database.h"
#include "cli/ids.h"
#include "cli/options.h"
#include "cli/queue_order.h"
#include "cli/queue_tests.h"
#include "cli/table.h"
#include "store/queries_queue.h"
#include "store/queries_tests.h"

#define SHOWN 200 /* the first of a queue; --all shows the others */

/* What was given, as options_parse() leaves it. */
struct given {
	const char *loop;
	const char *after;
	bool dry_run;
	bool all;
};

/* ---- looking ---- */

enum { NUMBER, TEST, CATEGORY, REMARK, NCOLUMNS };

static void
remark(const struct queued *t, char *buf, size_t size)
{
	if (t->in_progress)
		(void)snprintf(buf, size, "in progress");
	else if (!t->automatable)
		(void)snprintf(buf, size, "no loop takes it");
	else if (!t->taken)
		(void)snprintf(buf, size, "waits for %s",
		    t->parked[0] != '\0' ? t->parked : t->depends_on);
	else if (t->depends_on[0] != '\0')
		(void)snprintf(buf, size, "after %s", t->depends_on);
	else
		buf[0] = '\0';
}

/* The first n of them. */
static int
print_queue(const struct cli *cli, const struct queue_order *q, size_t n)
{
	static const char *const titles[] = { "", "TEST", "CATEGORY", "" };
	struct table table;
	char text[256];
	int code = CLI_DONE;

	table_init(&table, titles, NCOLUMNS, cli->colour);
	for (size_t i = 0; i < n; i++) {
		const struct queued *t = &q->tests[q->order[i]];

		table_begin_row(&table);
		if (t->taken)
			table_set(&table, NUMBER, "%zu", i + 1);
		else
			table_set(&table, NUMBER, "-");
		remark(t, text, sizeof(text));
		table_set(&table, TEST, "%s", t->id);
		table_set(&table, CATEGORY, "%s", t->category);
		table_set(&table, REMARK, "%s", text);
	}
	if (table_print(&table) < 0)
		code = cli_error(CLI_FAILED, "out of memory");
	table_free(&table);
	return code;
}

static int
print_queue_json(const struct queue_order *q)
{
	json_t *list = json_array();

	for (size_t i = 0; i < q->n; i++) {
		const struct queued *t = &q->tests[q->order[i]];

		(void)json_array_append_new(list,
		    json_pack("{s:o, s:o, s:b, s:b, s:b, s:o, s:o}", "id",
			print_json_text(t->id), "category",
			print_json_set(t->category), "in_progress",
			(int)t->in_progress, "automatable", (int)t->automatable,
			"will_be_taken", (int)t->taken, "depends_on",
			print_json_set(t->depends_on), "parked",
			print_json_set(t->parked)));
	}
	return print_json(list, CLI_DONE);
}

static int
add_queued(const char *status, int64_t n, void *argument)
{
	int64_t *queued = argument;

	if (strcmp(status, "pending") == 0 ||
	    strcmp(status, "in_progress") == 0)
		*queued += n;
	return 0;
}

/* For people: the first ones, unless all are wanted. */
static int
print_first(const struct cli *cli, struct store *s, const char *loop,
    const struct queue_order *q, bool all)
{
	size_t n = all || q->n < SHOWN ? q->n : SHOWN;
	int64_t queued = 0;
	int code = print_queue(cli, q, n);

	if (code != CLI_DONE || n == q->n)
		return code;
	if (queries_each_status(s, loop, add_queued, &queued) < 0)
		return database_error(s);
	printf("and %lld more: --all shows them\n",
	    (long long)(queued - (int64_t)n));
	return CLI_DONE;
}

static int
look(struct cli *cli, const struct given *g)
{
	bool all = g->all || cli->json;
	struct queue_order q = { 0 };
	char loop[IDS_SIZE];
	struct store s;
	int code;

	database_open(cli, &s, STORE_READ);
	code = ids_find(cli, &s, IDS_LOOP, g->loop, loop);
	if (code == CLI_DONE &&
	    queue_order_read(&q, &s, loop, all ? -1 : SHOWN) < 0)
		code = database_error(&s);
	else if (code == CLI_DONE && cli->json)
		code = print_queue_json(&q);
	else if (code == CLI_DONE && q.n > 0)
		code = print_first(cli, &s, loop, &q, all);
	else if (code == CLI_DONE)
		printf("the queue of %s is empty\n", loop);
	queue_order_free(&q);
	return database_done(cli, &s, code);
}

/* ---- ordering ---- */

/* Whether --after is none of them, and in the same queue. */
static int
check_after(const struct queue_tests *tests, const struct queue_test *after)
{
	for (size_t i = 0; i < tests->n; i++) {
		const struct queue_test *t = &tests->items[i];

		if (strcmp(t->id, after->id) == 0)
			return cli_error(
			    CLI_FAILED, "%s can't come after itself", t->id);
		if (strcmp(t->place.loop_id, after->place.loop_id) != 0)
			return cli_error(CLI_FAILED,
			    "%s is in the queue of %s, and %s in that of %s: "
			    "'loopkeeper move %s %s' comes first",
			    t->id, t->place.loop_id, after->id,
			    after->place.loop_id, t->id, after->place.loop_id);
	}
	return CLI_DONE;
}

/* Those of one loop, the loop of the test at first. */
static int
order_loop(struct store *s, const struct queue_tests *tests, size_t first,
    const char *after)
{
	const char *loop = tests->items[first].place.loop_id;
	const char **ids = calloc(tests->n, sizeof(*ids));
	size_t n = 0;
	int code = CLI_DONE;

	if (ids == NULL)
		return cli_error(CLI_FAILED, "out of memory");
	for (size_t i = first; i < tests->n; i++)
		if (strcmp(tests->items[i].place.loop_id, loop) == 0)
			ids[n++] = tests->items[i].id;
	if (queries_order(s, loop, ids, n, after, database_user()) < 0)
		code = database_error(s);
	free(ids);
	return code;
}

static bool
is_first_of_loop(const struct queue_tests *tests, size_t i)
{
	size_t first = 0;

	while (strcmp(tests->items[first].place.loop_id,
		   tests->items[i].place.loop_id) != 0)
		first++;
	return first == i;
}

/* Behind which test the one at i stands now; NULL: at the front. */
static const char *
comes_after(const struct queue_tests *tests, size_t i, const char *after)
{
	const char *loop = tests->items[i].place.loop_id;

	while (i-- > 0)
		if (strcmp(tests->items[i].place.loop_id, loop) == 0)
			return tests->items[i].id;
	return after;
}

static void
print_ordered(const struct queue_tests *tests, const char *after, bool dry_run)
{
	for (size_t i = 0; i < tests->n; i++) {
		const struct queue_test *t = &tests->items[i];
		const char *before = comes_after(tests, i, after);

		printf("%s: %s %s%s in the queue of %s", t->id,
		    dry_run ? "would be put" : "put",
		    before != NULL ? "behind " : "first",
		    before != NULL ? before : "", t->place.loop_id);
		if (strcmp(t->place.status, "pending") != 0)
			printf("; it isn't pending but %s", t->place.status);
		(void)putchar('\n');
	}
}

static int
order(struct cli *cli, struct store *s, char **words, size_t n,
    const struct given *g)
{
	struct queue_tests tests = { 0 }, after = { 0 };
	const char *behind = NULL;
	int code = queue_tests_begin(s);

	if (code != CLI_DONE)
		return code;
	for (size_t i = 0; i < n && code == CLI_DONE; i++)
		code = queue_tests_add(&tests, cli, s, words[i]);
	if (code == CLI_DONE && g->after != NULL)
		code = queue_tests_add(&after, cli, s, g->after);
	if (code == CLI_DONE && after.n > 0) {
		behind = after.items[0].id;
		code = check_after(&tests, &after.items[0]);
	}
	for (size_t i = 0; i < tests.n && code == CLI_DONE; i++)
		if (is_first_of_loop(&tests, i))
			code = order_loop(s, &tests, i, behind);
	code = queue_tests_end(s, code, g->dry_run);
	if (code == CLI_DONE)
		print_ordered(&tests, behind, g->dry_run);
	queue_tests_free(&tests);
	queue_tests_free(&after);
	return code;
}

int
order_run(struct cli *cli, int argc, char **argv)
{
	struct given g = { 0 };
	const struct option_spec specs[] = {
		{ .name = "loop", .letter = 'l', .value = &g.loop },
		{ .name = "after", .letter = 'a', .value = &g.after },
		{ .name = "dry-run", .letter = 'n', .flag = &g.dry_run },
		{ .name = "all", .flag = &g.all },
	};
	int n = options_parse(cli, argc, argv, specs,
	    sizeof(specs) / sizeof(specs[0]), 0, INT_MAX);
	struct store s;
	int code;

	if ((g.loop != NULL) == (n > 0) || (n == 0 && g.after != NULL) ||
	    (n > 0 && g.all))
		cli_usage(argv[0]);
	if (n == 0)
		return look(cli, &g);
	database_open(cli, &s, STORE_WRITE);
	code = order(cli, &s, &argv[1], (size_t)n, &g);
	store_close(&s);
	return code;
}
