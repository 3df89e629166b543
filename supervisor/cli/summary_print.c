/* The summary for somebody at night, on a telephone: 24 lines and no more. The
 * lists take what they need of them, up to a share each; the loops the rest. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/duration.h"
#include "cli/money.h"
#include "cli/print.h"
#include "cli/summary.h"
#include "cli/table.h"

#define MARGIN	  9  /* what a list's name takes */
#define LEAST	  48 /* columns of a text beside a command */
#define LOOPS_MIN 4  /* lines, with the titles: what the others leave */

/* A list with its share of the lines. */
struct section {
	const char *name;
	const json_t *list;
	int64_t total; /* also what isn't in the list */
	int share;
	const char *more; /* the command that shows all */
	void (*print)(const json_t *item);
};

static int
section_lines(const struct section *s)
{
	int64_t n = s->total;

	return n < s->share ? (int)n : s->share;
}

static void
print_begin_line(const char *name, int line)
{
	printf("%-*s", MARGIN, line == 0 ? name : "");
}

/* "TEXT: COMMAND"; the text is cut where there is no room for both. */
static void
print_item(const json_t *item)
{
	const char *command = print_json_get(item, "command");
	char text[SUMMARY_COLUMNS * 4 + 8];
	int room = SUMMARY_COLUMNS - MARGIN;

	if (command[0] != '\0')
		room -= (int)strlen(command) + 2;
	print_cut(text, sizeof(text), print_json_get(item, "text"),
	    room < LEAST ? LEAST : room);
	printf("%s%s%s\n", text, command[0] != '\0' ? ": " : "", command);
}

/* "COMMAND  # TEXT": what the line begins with is what is to be pasted. */
static void
print_next(const json_t *item)
{
	const char *command = print_json_get(item, "command");
	char text[SUMMARY_COLUMNS * 4 + 8];
	int room = SUMMARY_COLUMNS - MARGIN - (int)strlen(command) - 4;

	print_cut(text, sizeof(text), print_json_get(item, "text"),
	    room < LEAST ? LEAST : room);
	printf("%s  # %s\n", command, text);
}

static void
print_section(const struct report *r, const struct section *s)
{
	int lines = section_lines(s);
	char more[SUMMARY_COMMAND];

	for (int i = 0; i < lines; i++) {
		int64_t rest = s->total - i;

		print_begin_line(s->name, i);
		if ((i == lines - 1 && rest > 1) ||
		    (size_t)i >= json_array_size(s->list))
			printf("and %lld more: %s\n", (long long)rest,
			    report_command(r, more, s->more, NULL));
		else
			s->print(json_array_get(s->list, (size_t)i));
	}
}

/* ---- commits ---- */

static int
commit_lines(const struct report *r)
{
	const json_t *first = json_array_get(r->commits, 0);
	int n = print_json_get(first, "merge")[0] != '\0' ? 3 : 1;

	return first == NULL ? 0 : n + (json_array_size(r->commits) > 1);
}

static void
print_commits(const struct report *r)
{
	const json_t *first = json_array_get(r->commits, 0);
	const char *review = print_json_get(first, "command");
	char text[SUMMARY_COLUMNS * 4 + 8];

	if (first == NULL)
		return;
	print_cut(text, sizeof(text), print_json_get(first, "text"),
	    SUMMARY_COLUMNS - MARGIN);
	printf("%-*s%s\n", MARGIN, "commits", text);
	if (review[0] != '\0')
		printf("%-*s%s\n%-*s%s\n", MARGIN, "", review, MARGIN, "",
		    print_json_get(first, "merge"));
	if (json_array_size(r->commits) > 1)
		printf("%-*sand in %zu more repositories; --markdown shows "
		       "all\n",
		    MARGIN, "", json_array_size(r->commits) - 1);
}

/* ---- loops ---- */

enum { LOOP, PASSED, FAILED, BLOCKED, LEFT, DONE, USD, TOKENS, NCOLUMNS };

static void
add_row(struct table *t, const char *name, const struct summary_loop *loop,
    int64_t done_ms)
{
	char done[REPORT_DONE_SIZE], usd[MONEY_SIZE], tokens[MONEY_SIZE];

	report_format_done(done, done_ms);
	money_format(usd, &loop->spent);
	money_format_tokens(tokens, loop->spent.tokens);
	table_begin_row(t);
	table_set(t, LOOP, "%s", name);
	table_set(t, PASSED, "%lld", (long long)loop->passed);
	table_set(t, FAILED, "%lld", (long long)loop->failed);
	table_set(t, BLOCKED, "%lld", (long long)loop->blocked);
	table_colour(t, BLOCKED, loop->blocked > 0 ? PRINT_RED : PRINT_PLAIN);
	table_set(t, LEFT, "%lld", (long long)loop->left);
	table_set(t, DONE, "%s%s", done[0] != '\0' ? "~" : "-", done);
	table_set(t, USD, "%s", usd);
	table_set(t, TOKENS, "%s", loop->spent.tokens < 0 ? "-" : tokens);
}

/* Those behind the first ones in one row. */
static void
add_rest(struct table *t, const struct report *r, size_t first)
{
	struct summary_loop rest = { .spent = { .tokens = -1 } };
	char name[64];

	for (size_t i = first; i < r->sum.n; i++)
		report_add_loop(&rest, &r->sum.loops[i]);
	(void)snprintf(
	    name, sizeof(name), "and %zu more loops", r->sum.n - first);
	add_row(t, name, &rest, 0);
}

static int
print_loops(const struct report *r, int lines)
{
	static const char *const titles[] = { "LOOP", "PASSED", "FAILED",
		"BLOCKED", "LEFT", "DONE BY", "USD", "TOKENS" };
	size_t room = (size_t)(lines > 2 ? lines - 1 : 1);
	size_t n = r->sum.n <= room ? r->sum.n : room - 1;
	struct table t;
	int result;

	if (r->sum.n == 0)
		return 0;
	table_init(&t, titles, NCOLUMNS, r->cli->colour);
	for (size_t i = 0; i < n; i++)
		add_row(&t, r->sum.loops[i].id, &r->sum.loops[i],
		    summary_done_ms(&r->sum, &r->sum.loops[i]));
	if (n < r->sum.n)
		add_rest(&t, r, n);
	result = table_print(&t);
	table_free(&t);
	return result;
}

/* ---- the page ---- */

static void
print_head(const struct report *r)
{
	enum print_colour colour = r->is_well ? PRINT_GREEN : PRINT_YELLOW;
	char since[CLOCK_LOCAL_SIZE], span[DURATION_SIZE];

	clock_format_local(since, r->sum.since_ms);
	duration_format(span, r->sum.until_ms - r->sum.since_ms);
	printf("%s%s%s (since %s, %s)\n", print_begin(r->cli->colour, colour),
	    r->verdict, print_end(r->cli->colour, colour), since, span);
}

static void
print_fact(const char *name, void (*add)(struct buf *b, const struct report *r),
    const struct report *r)
{
	char all[512], text[SUMMARY_COLUMNS * 4 + 8];
	struct buf b;

	buf_init(&b, all, sizeof(all));
	add(&b, r);
	print_cut(text, sizeof(text), all, SUMMARY_COLUMNS - MARGIN);
	printf("%-*s%s\n", MARGIN, name, text);
}

static int64_t
list_total(const json_t *list)
{
	return (int64_t)json_array_size(list);
}

int
report_print(const struct report *r)
{
	char since[CLOCK_ISO_SIZE], whole[64];
	const struct section sections[] = {
		{ "decided", r->decided, list_total(r->decided), 3, whole,
		    print_item },
		{ "broken", r->broken, list_total(r->broken), 3, whole,
		    print_item },
		{ "waits", r->waiting, list_total(r->waiting) + r->nunlisted, 4,
		    r->nunlisted > 0 ? "tests --status blocked" : whole,
		    print_item },
		{ "do", r->next, list_total(r->next), SUMMARY_NEXT, "help",
		    print_next },
	};
	int left = SUMMARY_LINES - 3 - commit_lines(r);

	/* The window of the next one may be another. */
	clock_format_iso(since, r->sum.since_ms);
	(void)snprintf(
	    whole, sizeof(whole), "summary --markdown --since %s", since);
	for (size_t i = 0; i < 4; i++)
		left -= section_lines(&sections[i]);
	print_head(r);
	if (print_loops(r, left > LOOPS_MIN ? left : LOOPS_MIN) < 0)
		return cli_error(CLI_FAILED, "out of memory");
	print_fact("cost", report_add_cost, r);
	print_fact("lost", report_add_lost, r);
	print_commits(r);
	for (size_t i = 0; i < 4; i++)
		print_section(r, &sections[i]);
	return CLI_DONE;
}
