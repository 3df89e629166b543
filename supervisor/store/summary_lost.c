/* What worked when and what was in the way, as spans (summary_spans.h). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/schema.h"
#include "store/statement.h"
#include "store/summary_spans.h"

#define SECONDS_LEN 19	  /* "2026-01-07T02:14:00" */
#define LOOK_BACK   "100" /* events of a loop before the window */

/* Something that events begin and end. What ends in the window without a
 * beginning held before it. */
struct holding {
	bool known;
	bool on;
	int64_t since_ms;
};

/* Those of a loop. */
struct state {
	struct holding paused;
	struct holding stopped;
};

struct work {
	struct summary *sum;
	struct store *store;
	struct summary_spans spans;
	struct state *states; /* owned; one per loop */
	struct holding degraded;
	char since[CLOCK_ISO_SIZE];
};

static int
add_span(struct work *w, size_t loop, int kind, int64_t from_ms, int64_t to_ms)
{
	return summary_spans_add(&w->spans, loop, kind, from_ms, to_ms) < 0
	    ? store_refuse(w->store, ENOMEM, "out of memory")
	    : 0;
}

/* From then on nothing was in its queue. */
static int
begin_empty(struct work *w, size_t loop, int64_t from_ms)
{
	return summary_spans_begin(&w->spans, loop, LOST_EMPTY, from_ms) < 0
	    ? store_refuse(w->store, ENOMEM, "out of memory")
	    : 0;
}

/* ---- attempts, and what they cost ---- */

struct spending {
	const char *loop_id;
	const char *outcome; /* "" where no attempt is known */
	const char *began;   /* "" unknown, as the next one */
	const char *ended;
	double seconds;
	int64_t micros;
	bool has_cost;
	int64_t tokens; /* -1 unknown */
};

static void
add_cost(struct budget_sum *sum, const struct spending *row)
{
	sum->micros += row->micros;
	sum->known += row->has_cost;
	sum->unknown += !row->has_cost;
	if (row->tokens >= 0)
		sum->tokens = (sum->tokens < 0 ? 0 : sum->tokens) + row->tokens;
}

static bool
is_any(const char *word, const char *const *words)
{
	while (*words != NULL && strcmp(word, *words) != 0)
		words++;
	return *words != NULL;
}

static int
add_attempt(struct work *w, const struct spending *row)
{
	static const char *const well[] = { "", "passed", "running", NULL };
	static const char *const stuck[] = { "silent", "timeout", NULL };
	struct summary_loop *loop = summary_find(w->sum, row->loop_id);
	int64_t from_ms, to_ms = w->sum->until_ms;

	if (loop == NULL)
		return 0;
	add_cost(&loop->spent, row);
	if (!is_any(row->outcome, well))
		add_cost(&loop->wasted, row);
	if (row->ended[0] != '\0' && clock_parse_iso(row->ended, &to_ms) < 0)
		return 0;
	if (clock_parse_iso(row->began, &from_ms) < 0)
		from_ms = to_ms - (int64_t)(row->seconds * 1000);
	if (from_ms < w->sum->since_ms)
		from_ms = w->sum->since_ms;
	if (loop->begun_ms == 0 || from_ms < loop->begun_ms)
		loop->begun_ms = from_ms;
	return add_span(w, (size_t)(loop - w->sum->loops),
	    is_any(row->outcome, stuck) ? (int)LOST_STUCK : SPAN_WORKED,
	    from_ms, to_ms);
}

static int
read_attempts(struct work *w)
{
	/* A row of usage is written when its attempt ends. */
	struct sqlite3_stmt *q = statement_query(w->store,
	    "SELECT u.loop_id, a.outcome, a.started_at,"
	    " ifnull(a.ended_at, u.recorded_at), u.duration_seconds,"
	    " CAST(round(ifnull(u.cost_usd, 0) * 1e6) AS INTEGER),"
	    " u.cost_usd IS NOT NULL, ifnull(u.tokens_estimated, -1)"
	    " FROM usage u LEFT JOIN attempts a ON a.id = u.attempt_id"
	    " WHERE " SCHEMA_USAGE_TIME " >= ?1 UNION ALL"
	    " SELECT loop_id, 'running', started_at, '', 0,"
	    " CAST(round(ifnull(cost_usd, 0) * 1e6) AS INTEGER),"
	    " cost_usd IS NOT NULL, ifnull(tokens, -1)"
	    " FROM attempts WHERE ended_at IS NULL",
	    "t", w->since);
	struct spending row;
	int more;

	while ((more = statement_row(w->store, q, "ttttdibi", &row.loop_id,
		    &row.outcome, &row.began, &row.ended, &row.seconds,
		    &row.micros, &row.has_cost, &row.tokens)) == 1)
		if (add_attempt(w, &row) < 0)
			break;
	statement_end(q);
	return more == 0 ? 0 : -1;
}

/* ---- what events begin and end ---- */

/* The fleet's where loop is NULL: it holds for all of them. */
static int
add_held(struct work *w, const struct summary_loop *loop, int kind,
    int64_t from_ms, int64_t to_ms)
{
	for (size_t i = 0; i < w->sum->n; i++)
		if ((loop == NULL || loop == &w->sum->loops[i]) &&
		    add_span(w, i, kind, from_ms, to_ms) < 0)
			return -1;
	return 0;
}

static int
change(struct work *w, struct holding *h, const struct summary_loop *loop,
    int kind, bool on, int64_t at_ms)
{
	int64_t from_ms;

	if (!h->known)
		*h = (struct holding){
			.known = true, .on = !on, .since_ms = w->sum->since_ms
		};
	if (h->on == on)
		return 0;
	from_ms = h->since_ms;
	h->on = on;
	h->since_ms = at_ms;
	return on ? 0 : add_held(w, loop, kind, from_ms, at_ms);
}

/* What holds at the end of the window; without any event in it all along. */
static int
finish(struct work *w, const struct holding *h, const struct summary_loop *loop,
    int kind, bool is_now)
{
	if (h->known ? !h->on : !is_now)
		return 0;
	return add_held(w, loop, kind,
	    h->known ? h->since_ms : w->sum->since_ms, w->sum->until_ms);
}

struct happening {
	const char *type;
	const char *loop_id; /* or the component */
	const char *mode;
	const char *before;
	int64_t at_ms;
};

/* Of mode_changed. */
static int
change_mode(struct work *w, const struct happening *e)
{
	struct holding *h = &w->degraded;

	if (!h->known && e->before[0] != '\0') {
		h->known = true;
		h->on = strcmp(e->before, "normal") != 0;
		h->since_ms = w->sum->since_ms;
	}
	return change(w, h, NULL, LOST_DEGRADED, strcmp(e->mode, "normal") != 0,
	    e->at_ms);
}

static int
take_event(struct work *w, const struct happening *e)
{
	static const char *const ends[] = { "component_stopped",
		"component_crashed", "component_failed", NULL };
	struct summary_loop *loop = summary_find(w->sum, e->loop_id);
	struct state *state;

	if (strcmp(e->type, "mode_changed") == 0)
		return change_mode(w, e);
	if (loop == NULL)
		return 0;
	state = &w->states[loop - w->sum->loops];
	if (strcmp(e->type, "queue_empty") == 0)
		return begin_empty(w, (size_t)(loop - w->sum->loops), e->at_ms);
	if (strcmp(e->type, "paused") == 0 || strcmp(e->type, "resumed") == 0)
		return change(w, &state->paused, loop, LOST_PAUSED,
		    strcmp(e->type, "paused") == 0, e->at_ms);
	return change(w, &state->stopped, loop, LOST_STOPPED,
	    is_any(e->type, ends), e->at_ms);
}

#define FIELD(name)                                                         \
	"CASE WHEN json_valid(payload) THEN json_extract(payload, '$." name \
	"') END"

#define MODES FIELD("mode") ", " FIELD("before")

/* A test that waits while its loop takes others costs no time. */
#define IS_OF_TEST                             \
	"(event_type IN ('paused', 'resumed')" \
	" AND test_id IS NOT NULL)"

static int
read_events(struct work *w)
{
	struct sqlite3_stmt *q = statement_query(w->store,
	    "SELECT event_type, ifnull(loop_id, component)," MODES ", timestamp"
	    " FROM events WHERE event_type IN ('paused', 'resumed',"
	    " 'mode_changed', 'queue_empty', 'component_stopped',"
	    " 'component_crashed', 'component_failed', 'component_started',"
	    " 'component_restarted') AND NOT " IS_OF_TEST
	    " AND " SCHEMA_EVENT_TIME " >= ?1 ORDER BY " SCHEMA_EVENT_TIME
	    ", rowid",
	    "t", w->since);
	struct happening e;
	const char *when;
	int more;

	while ((more = statement_row(w->store, q, "ttttt", &e.type, &e.loop_id,
		    &e.mode, &e.before, &when)) == 1)
		if (clock_parse_iso(when, &e.at_ms) == 0 &&
		    e.at_ms >= w->sum->since_ms &&
		    e.at_ms <= w->sum->until_ms && take_event(w, &e) < 0)
			break;
	statement_end(q);
	return more == 0 ? 0 : -1;
}

static int
finish_events(struct work *w)
{
	for (size_t i = 0; i < w->sum->n; i++) {
		const struct summary_loop *loop = &w->sum->loops[i];

		if (finish(w, &w->states[i].paused, loop, LOST_PAUSED,
			loop->is_paused) < 0 ||
		    finish(w, &w->states[i].stopped, loop, LOST_STOPPED,
			loop->is_stopped) < 0)
			return -1;
	}
	return finish(
	    w, &w->degraded, NULL, LOST_DEGRADED, w->sum->is_degraded);
}

/* Whether the last that is known of the loop before the window is that its
 * queue was empty. */
static int
look_back(struct work *w, size_t loop)
{
	char type[32];
	int found = statement_get(w->store,
	    "SELECT event_type FROM (SELECT event_type FROM events"
	    " WHERE loop_id = ?1 AND " SCHEMA_EVENT_TIME " < ?2"
	    " ORDER BY " SCHEMA_EVENT_TIME " DESC LIMIT " LOOK_BACK ")"
	    " WHERE event_type IN ('queue_empty', 'test_started',"
	    " 'attempt_ended') LIMIT 1",
	    "tt>s", w->sum->loops[loop].id, w->since, type, sizeof(type));

	if (found <= 0 || strcmp(type, "queue_empty") != 0)
		return found < 0 ? -1 : 0;
	return begin_empty(w, loop, w->sum->since_ms);
}

/* ---- closed gates ---- */

static int
add_gate(struct work *w, const char *provider, const char *type,
    int64_t from_ms, int64_t to_ms)
{
	int kind =
	    strcmp(type, "rate_limited") == 0 ? LOST_LIMIT : LOST_UNAVAILABLE;

	for (size_t i = 0; i < w->sum->n; i++)
		if (strcmp(w->sum->loops[i].provider, provider) == 0 &&
		    add_span(w, i, kind, from_ms, to_ms) < 0)
			return -1;
	return 0;
}

/* Each closing has an alert, which is cleared when it opens. */
static int
read_gates(struct work *w)
{
	struct sqlite3_stmt *q = statement_query(w->store,
	    "SELECT substr(json_extract(context, '$.cause'), 6), alert_type,"
	    " created_at, json_extract(context, '$.cleared_at') FROM alerts"
	    " WHERE json_valid(context)"
	    " AND json_extract(context, '$.cause') > 'gate:'"
	    " AND json_extract(context, '$.cause') < 'gate;'",
	    "");
	const char *provider, *type, *from, *to;
	int64_t from_ms, to_ms;
	int more;

	while ((more = statement_row(
		    w->store, q, "tttt", &provider, &type, &from, &to)) == 1) {
		if (clock_parse_iso(from, &from_ms) < 0)
			continue;
		if (clock_parse_iso(to, &to_ms) < 0)
			to_ms = w->sum->until_ms;
		if (add_gate(w, provider, type, from_ms, to_ms) < 0)
			break;
	}
	statement_end(q);
	return more == 0 ? 0 : -1;
}

static int
collect(struct work *w)
{
	if (read_attempts(w) < 0 || read_events(w) < 0 ||
	    finish_events(w) < 0 || read_gates(w) < 0)
		return -1;
	for (size_t i = 0; i < w->sum->n; i++)
		if (look_back(w, i) < 0)
			return -1;
	return 0;
}

int
summary_read_lost(struct summary *sum, struct store *s)
{
	struct work w = { .sum = sum, .store = s, .spans = { .sum = sum } };
	int result = -1;

	clock_format_iso(w.since, sum->since_ms);
	w.since[SECONDS_LEN] = '\0';
	w.states = calloc(sum->n + 1, sizeof(w.states[0]));
	if (w.states == NULL)
		(void)store_refuse(s, ENOMEM, "out of memory");
	else
		result = collect(&w);
	if (result == 0)
		summary_spans_walk(&w.spans);
	free(w.states);
	free(w.spans.edges);
	return result;
}
