#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/duration.h"
#include "cli/money.h"
#include "cli/print.h"
#include "cli/standing.h"
#include "store/budget.h"
#include "store/queries_standing.h"

#define FILES_COLUMNS 60

/* One walk over rows: of one loop, or all of them. */
struct walk {
	const char *loop_id; /* NULL: all */
	bool begun;	     /* something was printed, behind an empty line */
	int nholders;
	int nconflicts;
};

static void
begin(struct walk *w)
{
	if (!w->begun && w->loop_id == NULL)
		(void)putchar('\n');
	w->begun = true;
}

static bool
is_about(const struct walk *w, const char *a, const char *b)
{
	return w->loop_id == NULL || strcmp(w->loop_id, a) == 0 ||
	    strcmp(w->loop_id, b) == 0;
}

/* ---- locks ---- */

static int
print_count(const char *holder, int64_t files, void *argument)
{
	struct walk *w = argument;

	begin(w);
	if (w->loop_id == NULL)
		printf("%s%s %lld", w->nholders == 0 ? "locks: " : ", ", holder,
		    (long long)files);
	else if (strcmp(w->loop_id, holder) == 0)
		printf("locks       %lld file%s\n", (long long)files,
		    files == 1 ? "" : "s");
	w->nholders++;
	return 0;
}

static int
print_waiter(const struct waiter_row *row, void *argument)
{
	struct walk *w = argument;
	int64_t age_ms = print_age_ms(row->waiting_since);
	char age[DURATION_SIZE] = "?", file[4 * FILES_COLUMNS + 8];

	if (!is_about(w, row->waiter, row->holder))
		return 0;
	if (age_ms >= 0)
		duration_format(age, age_ms);
	print_cut(file, sizeof(file), row->resource, FILES_COLUMNS);
	begin(w);
	if (w->loop_id == NULL)
		printf("  %s waits for %s of %s, for %s\n", row->waiter, file,
		    row->holder, age);
	else if (strcmp(w->loop_id, row->waiter) == 0)
		printf("waits       for %s of %s, for %s\n", file, row->holder,
		    age);
	else
		printf(
		    "holds up    %s, at %s, for %s\n", row->waiter, file, age);
	return 0;
}

static int
print_locks(struct store *s, struct walk *w)
{
	if (queries_each_lock_count(s, print_count, w) != 0)
		return -1;
	if (w->nholders > 0 && w->loop_id == NULL)
		(void)putchar('\n');
	return queries_each_waiter(s, print_waiter, w) != 0 ? -1 : 0;
}

/* ---- conflicts ---- */

static int
print_conflict(const struct conflict_row *row, void *argument)
{
	struct walk *w = argument;
	char files[4 * FILES_COLUMNS + 8];

	if (!is_about(w, row->first_loop, row->second_loop))
		return 0;
	print_cut(files, sizeof(files), row->files, FILES_COLUMNS);
	begin(w);
	if (w->loop_id != NULL)
		printf("conflict    ");
	else
		printf("%s  ", w->nconflicts++ == 0 ? "conflicts:\n" : "");
	printf("%s: %s and %s, about %s", row->id, row->first_loop,
	    row->second_loop, files);
	if (row->paused_loop[0] != '\0')
		printf("; %s waits", row->paused_loop);
	if (row->decision_id[0] != '\0')
		printf("; %s is %s", row->decision_id,
		    row->choice[0] != '\0' ? "decided, but not done yet"
					   : "to be decided");
	(void)putchar('\n');
	return 0;
}

/* ---- money ---- */

static int
print_cost(struct store *s, struct walk *w)
{
	char usd[MONEY_SIZE], tokens[MONEY_SIZE];
	struct budget_sum sum;

	if (budget_spent(
		s, w->loop_id, clock_local_day(clock_wall_ms(), 0), &sum) < 0)
		return -1;
	if (sum.known + sum.unknown == 0)
		return 0;
	money_format(usd, &sum);
	money_format_tokens(tokens, sum.tokens);
	begin(w);
	printf("%s%s USD, %s tokens\n",
	    w->loop_id != NULL ? "today       " : "today: ", usd, tokens);
	return 0;
}

int
standing_print(struct store *s, const char *loop_id)
{
	struct walk w = { .loop_id = loop_id };

	if (print_locks(s, &w) < 0 ||
	    queries_each_open_conflict(s, print_conflict, &w) != 0)
		return -1;
	return print_cost(s, &w);
}

/* ---- for programs ---- */

static int
add_count(const char *holder, int64_t files, void *argument)
{
	return json_array_append_new(argument,
	    json_pack("{s:o,s:I}", "holder", print_json_set(holder), "files",
		(json_int_t)files));
}

static int
add_waiter(const struct waiter_row *row, void *argument)
{
	return json_array_append_new(argument,
	    json_pack("{s:o,s:o,s:o,s:o}", "waiter",
		print_json_set(row->waiter), "holder",
		print_json_set(row->holder), "file",
		print_json_set(row->resource), "waiting_since",
		print_json_set(row->waiting_since)));
}

#define FIELD(member) PRINT_FIELD(struct conflict_row, PRINT_TEXT, member)

static int
add_conflict(const struct conflict_row *row, void *argument)
{
	static const struct print_field fields[] = { FIELD(id), FIELD(files),
		FIELD(first_loop), FIELD(second_loop), FIELD(paused_loop),
		FIELD(status), FIELD(decision_id), FIELD(detected_at) };

	return json_array_append_new(argument,
	    print_json_row(fields, sizeof(fields) / sizeof(fields[0]), row));
}

static json_t *
locks_json(struct store *s)
{
	json_t *held = json_array(), *waiting = json_array();

	if (queries_each_lock_count(s, add_count, held) != 0 ||
	    queries_each_waiter(s, add_waiter, waiting) != 0) {
		json_decref(held);
		json_decref(waiting);
		return json_null();
	}
	return json_pack("{s:o,s:o}", "held", held, "waiting", waiting);
}

static json_t *
conflicts_json(struct store *s)
{
	json_t *list = json_array();

	if (queries_each_open_conflict(s, add_conflict, list) == 0)
		return list;
	json_decref(list);
	return json_null();
}

static int
add_spent(const struct budget_row *row, void *argument)
{
	double before =
	    json_real_value(json_object_get(argument, row->loop_id));

	if (row->sum.known == 0 || row->loop_id[0] == '\0')
		return 0;
	return json_object_set_new(argument, row->loop_id,
	    json_real(before + (double)row->sum.micros / 1e6));
}

/* By loop, as far as it is known. */
static json_t *
cost_json(struct store *s)
{
	int64_t today_ms = clock_local_day(clock_wall_ms(), 0);
	json_t *loops = json_object();
	struct budget_sum sum;

	if (budget_spent(s, NULL, today_ms, &sum) < 0 ||
	    budget_each(s, today_ms, add_spent, loops) != 0) {
		json_decref(loops);
		return json_null();
	}
	return json_pack("{s:o,s:I,s:o,s:o}", "usd",
	    sum.known == 0 && sum.unknown > 0
		? json_null()
		: json_real((double)sum.micros / 1e6),
	    "unknown", (json_int_t)sum.unknown, "tokens",
	    sum.tokens < 0 ? json_null() : json_integer(sum.tokens),
	    "loops_usd", loops);
}

void
standing_add_json(json_t *object, struct store *s)
{
	bool open = s->db != NULL;

	(void)json_object_set_new(
	    object, "locks", open ? locks_json(s) : json_null());
	(void)json_object_set_new(
	    object, "conflicts", open ? conflicts_json(s) : json_null());
	(void)json_object_set_new(
	    object, "cost_today", open ? cost_json(s) : json_null());
}
