#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/alerts.h"
#include "store/budget.h"
#include "store/note.h"
#include "store/schema.h"
#include "store/statement.h"

#define SECONDS_LEN 19 /* "2026-01-07T02:14:00" */
#define CAUSE_SIZE  (TEXT_NAME_MAX + 32)

/* All causes of alerts in here begin so, and end with their day. */
#define CAUSES "budget"

/* One row for each attempt that cost something in the day from ?1 to ?2: of
 * usage, and of those that still run where ?3 is set. */
#define SPENT                                                       \
	"(SELECT u.loop_id, u.outcome, u.cost_usd,"                 \
	" u.tokens_estimated AS tokens FROM usage u"                \
	" WHERE " SCHEMA_USAGE_TIME " >= ?1 AND " SCHEMA_USAGE_TIME \
	" < ?2 UNION ALL SELECT a.loop_id, 'running', a.cost_usd,"  \
	" a.tokens FROM attempts a WHERE a.ended_at IS NULL AND ?3" \
	" AND (a.cost_usd IS NOT NULL OR a.tokens IS NOT NULL)) AS spent"

#define SUMS                                                            \
	"CAST(round(ifnull(sum(spent.cost_usd), 0) * 1e6) AS INTEGER)," \
	" count(spent.cost_usd), sum(spent.cost_usd IS NULL),"          \
	" ifnull(sum(spent.tokens), -1)"

struct day {
	char begin[CLOCK_ISO_SIZE];
	char end[CLOCK_ISO_SIZE];
	int64_t is_today;
};

static void
fill_day(struct day *d, int64_t day_ms)
{
	int64_t now_ms = clock_wall_ms();

	clock_format_iso(d->begin, day_ms);
	clock_format_iso(d->end, clock_local_day(day_ms, 1));
	/* Without the fraction, which the shorter format hasn't. */
	d->begin[SECONDS_LEN] = d->end[SECONDS_LEN] = '\0';
	d->is_today = clock_local_day(now_ms, 0) == day_ms;
}

int
budget_spent(struct store *s, const char *loop_id, int64_t day_ms,
    struct budget_sum *ret)
{
	struct day d;

	fill_day(&d, day_ms);
	return statement_get(s,
		   "SELECT " SUMS " FROM " SPENT
		   " WHERE ?4 IS NULL OR loop_id = ?4",
		   "ttit>iiii", d.begin, d.end, d.is_today, loop_id,
		   &ret->micros, &ret->known, &ret->unknown, &ret->tokens) == 1
	    ? 0
	    : -1;
}

/* ---- by loop and outcome ---- */

struct group {
	char *loop_id; /* owned, as outcome is */
	char *outcome;
	double usd;
	struct budget_sum sum; /* all but micros */
};

/* Few, however much there is to be summed up. */
struct groups {
	struct group *items;
	size_t n;
};

static void
free_groups(struct groups *all)
{
	for (size_t i = 0; i < all->n; i++) {
		free(all->items[i].loop_id);
		free(all->items[i].outcome);
	}
	free(all->items);
}

/* NULL with ENOMEM. */
static struct group *
find_group(struct groups *all, const char *loop_id, const char *outcome)
{
	struct group *items, *g;

	for (size_t i = 0; i < all->n; i++) {
		g = &all->items[i];
		if (strcmp(g->loop_id, loop_id) == 0 &&
		    strcmp(g->outcome, outcome) == 0)
			return g;
	}
	items = reallocarray(all->items, all->n + 1, sizeof(*items));
	if (items == NULL)
		return NULL;
	all->items = items;
	g = &items[all->n++];
	*g = (struct group){ .loop_id = strdup(loop_id),
		.outcome = strdup(outcome),
		.sum.tokens = -1 };
	return g->loop_id != NULL && g->outcome != NULL ? g : NULL;
}

static int
compare_groups(const void *a, const void *b)
{
	const struct group *x = a, *y = b;
	int order = strcmp(x->loop_id, y->loop_id);

	return order != 0 ? order : strcmp(x->outcome, y->outcome);
}

/* Sums up here what SQLite would sort first: that takes it most of the time. */
static int
sum_up(struct store *s, const struct day *d, struct groups *ret)
{
	struct sqlite3_stmt *q = statement_query(s,
	    "SELECT loop_id, outcome, ifnull(cost_usd, 0), cost_usd IS NULL,"
	    " ifnull(tokens, -1) FROM " SPENT,
	    "tti", d->begin, d->end, d->is_today);
	const char *loop_id, *outcome;
	struct group *g;
	int64_t tokens;
	bool unknown;
	double usd;
	int more;

	while ((more = statement_row(s, q, "ttdbi", &loop_id, &outcome, &usd,
		    &unknown, &tokens)) == 1) {
		g = find_group(ret, loop_id, outcome);
		if (g == NULL) {
			more = store_refuse(s, ENOMEM, "out of memory");
			break;
		}
		g->usd += usd;
		g->sum.known += !unknown;
		g->sum.unknown += unknown;
		if (tokens >= 0)
			g->sum.tokens =
			    tokens + (g->sum.tokens > 0 ? g->sum.tokens : 0);
	}
	statement_end(q);
	return more;
}

int
budget_each(struct store *s, int64_t day_ms,
    int (*each)(const struct budget_row *row, void *argument), void *argument)
{
	struct groups all = { 0 };
	struct day d;
	int result;

	fill_day(&d, day_ms);
	result = sum_up(s, &d, &all);
	if (result == 0 && all.n > 0)
		qsort(all.items, all.n, sizeof(*all.items), compare_groups);
	for (size_t i = 0; i < all.n && result == 0; i++) {
		struct group *g = &all.items[i];

		g->sum.micros = (int64_t)(g->usd * 1e6 + 0.5);
		result =
		    each(&(struct budget_row){ g->loop_id, g->outcome, g->sum },
			argument);
	}
	free_groups(&all);
	return result;
}

/* ---- limits ---- */

static int
read_raised(struct store *s, const char *loop_id, int64_t *ret)
{
	char today[CLOCK_DAY_SIZE];
	int found;

	clock_format_day(today, clock_wall_ms());
	*ret = 0;
	found = statement_get(s,
	    "SELECT CAST(round(usd * 1e6) AS INTEGER) FROM budget_raises"
	    " WHERE day = ?1 AND loop_id = ifnull(?2, '')",
	    "tt>i", today, loop_id, ret);
	return found < 0 ? -1 : 0;
}

int
budget_state(struct store *s, const struct budget_limits *limits,
    const char *loop_id, struct budget_state *ret)
{
	int64_t limit =
	    loop_id != NULL ? limits->loop_day_micros : limits->day_micros;

	*ret = (struct budget_state){ .limit = BUDGET_NO_LIMIT };
	if (read_raised(s, loop_id, &ret->raised) < 0)
		return -1;
	if (limit >= 0)
		ret->limit = limit + ret->raised;
	return budget_spent(
	    s, loop_id, clock_local_day(clock_wall_ms(), 0), &ret->spent);
}

/* ---- alerts ---- */

enum level { LEVEL_FINE, LEVEL_NEAR, LEVEL_OVER };

/* What one look decided of the limit of a loop, or of all (NULL). */
struct verdict {
	const char *loop_id;
	struct budget_state state;
	enum level level;
};

static void
format_cause(char buf[static CAUSE_SIZE], enum level level, const char *loop_id)
{
	char today[CLOCK_DAY_SIZE];

	clock_format_day(today, clock_wall_ms());
	(void)snprintf(buf, CAUSE_SIZE, CAUSES "%s:%s%s:%s",
	    level == LEVEL_NEAR ? "-near" : "",
	    loop_id != NULL ? "loop:" : "day", loop_id != NULL ? loop_id : "",
	    today);
}

/* "loop-1 has spent 5.10 of its 5.00 USD of today". */
static void
format_reason(char *buf, size_t size, const struct verdict *v)
{
	(void)snprintf(buf, size,
	    "%s spent %.2f of %.2f USD of today; 'loopkeeper budget --raise "
	    "USD%s%s' allows more",
	    v->loop_id != NULL ? v->loop_id : "all loops",
	    (double)v->state.spent.micros / 1e6, (double)v->state.limit / 1e6,
	    v->loop_id != NULL ? " --loop " : "",
	    v->loop_id != NULL ? v->loop_id : "");
}

static int
judge(struct store *s, const struct budget_limits *limits, const char *loop_id,
    struct verdict *v)
{
	const struct budget_state *state = &v->state;

	*v = (struct verdict){ .loop_id = loop_id };
	if ((loop_id != NULL ? limits->loop_day_micros : limits->day_micros) <
	    0)
		return 0;
	if (budget_state(s, limits, loop_id, &v->state) < 0)
		return -1;
	if (state->spent.micros >= state->limit)
		v->level = LEVEL_OVER;
	else if (state->spent.micros >= state->limit / 100 * BUDGET_WARNING)
		v->level = LEVEL_NEAR;
	return 0;
}

struct verdicts {
	struct verdict list[2]; /* of all, and of one loop */
	size_t n;
};

/* Whether an alert that stands may go on standing. Those of other loops are
 * theirs to judge, as long as it is their day. */
static bool
keep(const char *cause, void *argument)
{
	const struct verdicts *all = argument;
	char today[CLOCK_DAY_SIZE], near[CAUSE_SIZE], over[CAUSE_SIZE];
	size_t len = strlen(cause);

	clock_format_day(today, clock_wall_ms());
	if (len < CLOCK_DAY_SIZE ||
	    strcmp(cause + len - (CLOCK_DAY_SIZE - 1), today) != 0)
		return false;
	for (size_t i = 0; i < all->n; i++) {
		const struct verdict *v = &all->list[i];

		format_cause(near, LEVEL_NEAR, v->loop_id);
		format_cause(over, LEVEL_OVER, v->loop_id);
		if (strcmp(cause, near) == 0)
			return v->level == LEVEL_NEAR;
		if (strcmp(cause, over) == 0)
			return v->level == LEVEL_OVER;
	}
	return true;
}

static int
raise_alert(struct store *s, const struct verdict *v, const char *by)
{
	bool over = v->level == LEVEL_OVER;
	char cause[CAUSE_SIZE], message[BUDGET_REASON_SIZE];
	struct alert alert = { .cause = cause,
		.severity = over ? "error" : "warning",
		.type = over ? "budget_exceeded" : "budget_near",
		.source = by,
		.message = message,
		.loop_id = v->loop_id };

	if (v->level == LEVEL_FINE)
		return 0;
	format_cause(cause, v->level, v->loop_id);
	format_reason(message, sizeof(message), v);
	return alerts_raise(s, &alert, over ? "budget_exceeded" : NULL);
}

/* Looks at both limits (loop_id NULL: only at that of all), and has the alerts
 * say what is. */
static int
look(struct store *s, const struct budget_limits *limits, const char *loop_id,
    const char *by, struct verdicts *ret)
{
	*ret = (struct verdicts){ .n = loop_id != NULL ? 2 : 1 };
	if (judge(s, limits, NULL, &ret->list[0]) < 0 ||
	    (loop_id != NULL && judge(s, limits, loop_id, &ret->list[1]) < 0) ||
	    alerts_sweep_causes(s, by, CAUSES, keep, ret) < 0)
		return -1;
	for (size_t i = 0; i < ret->n; i++)
		if (raise_alert(s, &ret->list[i], by) < 0)
			return -1;
	return 0;
}

int
budget_may_claim(struct store *s, const struct budget_limits *limits,
    const char *loop_id, struct budget_refusal *ret)
{
	struct verdicts v;

	if (look(s, limits, loop_id, loop_id, &v) < 0)
		return -1;
	for (size_t i = 0; i < v.n; i++) {
		if (v.list[i].level != LEVEL_OVER)
			continue;
		format_reason(ret->reason, sizeof(ret->reason), &v.list[i]);
		ret->until_ms = clock_local_day(clock_wall_ms(), 1);
		return 0;
	}
	return 1;
}

int
budget_raise(struct store *s, const struct budget_limits *limits,
    const char *loop_id, int64_t micros, const char *by)
{
	char today[CLOCK_DAY_SIZE];
	struct verdicts v;
	int result;

	clock_format_day(today, clock_wall_ms());
	if (note_begin(s) < 0)
		return -1;
	result = statement_run(s,
	    "INSERT INTO budget_raises (day, loop_id, usd)"
	    " VALUES (?1, ifnull(?2, ''), ?3 / 1e6)"
	    " ON CONFLICT (day, loop_id) DO UPDATE SET usd = usd + ?3 / 1e6",
	    "tti", today, loop_id, micros);
	if (result == 0)
		result = note_event(s, by, "budget_raised", "tut", "loop_id",
		    loop_id, "usd", micros, "by", by);
	if (store_end(s, result) < 0)
		return -1;
	return look(s, limits, loop_id, by, &v);
}
