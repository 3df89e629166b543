#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/schema.h"
#include "store/statement.h"
#include "store/summary.h"

#define SECONDS_LEN 19 /* "2026-01-07T02:14:00" */

struct summary_loop *
summary_find(const struct summary *sum, const char *id)
{
	struct summary_loop *loop = sum->loops;

	for (size_t i = 0; loop != NULL && i < sum->n; i++)
		if (strcmp(loop[i].id, id) == 0)
			return &loop[i];
	return NULL;
}

static int
read_loops(struct summary *sum, struct store *s)
{
	int64_t n;
	struct sqlite3_stmt *q;
	struct summary_loop *loop;
	int more = 0;

	if (statement_get(s, "SELECT count(*) FROM loops", ">i", &n) != 1)
		return -1;
	sum->loops = calloc((size_t)n + 1, sizeof(sum->loops[0]));
	if (sum->loops == NULL)
		return store_refuse(s, ENOMEM, "out of memory");
	q = statement_query(s,
	    "SELECT id FROM loops ORDER BY ifnull(priority, 1000), id"
	    " LIMIT ?1",
	    "i", n);
	for (loop = sum->loops;
	     (more = statement_row(s, q, "s", loop->id, sizeof(loop->id))) == 1;
	     loop++) {
		loop->spent.tokens = loop->wasted.tokens = -1;
		sum->n++;
	}
	statement_end(q);
	return more;
}

static int
count_tests(struct summary *sum, struct store *s)
{
	/* Covered by an index on exactly these; most are passed. */
	struct sqlite3_stmt *q = statement_query(s,
	    "SELECT status, loop_id, count(*) FROM tests WHERE status IN"
	    " ('pending', 'in_progress', 'blocked', 'failed')"
	    " GROUP BY status, loop_id",
	    "");
	const char *status, *loop_id;
	int64_t n;
	int more;

	while (
	    (more = statement_row(s, q, "tti", &status, &loop_id, &n)) == 1) {
		struct summary_loop *loop = summary_find(sum, loop_id);

		if (loop == NULL)
			continue;
		if (strcmp(status, "pending") == 0 ||
		    strcmp(status, "in_progress") == 0)
			loop->left += n;
		else if (strcmp(status, "blocked") == 0 ||
		    strcmp(status, "failed") == 0)
			loop->blocked += n;
	}
	statement_end(q);
	return more;
}

/* One number for each loop, by a query with ?1 since. */
static int
count_each(struct summary *sum, struct store *s, const char *since,
    const char *sql, size_t offset)
{
	struct sqlite3_stmt *q = statement_query(s, sql, "t", since);
	const char *loop_id;
	int64_t n;
	int more;

	while ((more = statement_row(s, q, "ti", &loop_id, &n)) == 1) {
		struct summary_loop *loop = summary_find(sum, loop_id);

		if (loop != NULL)
			*(int64_t *)(void *)((char *)loop + offset) = n;
	}
	statement_end(q);
	return more;
}

static int
count_events(struct summary *sum, struct store *s)
{
	char since[CLOCK_ISO_SIZE];

	clock_format_iso(since, sum->since_ms);
	since[SECONDS_LEN] = '\0';
	/* What was rolled back since, or fails now, isn't passed. */
	if (count_each(sum, s, since,
		"SELECT ifnull(e.loop_id, t.loop_id),"
		" count(DISTINCT e.test_id) FROM events e"
		" JOIN tests t ON t.id = e.test_id AND t.status = 'passed'"
		" WHERE e.event_type = 'test_passed'"
		" AND " SCHEMA_EVENT_TIME " >= ?1 GROUP BY 1",
		offsetof(struct summary_loop, passed)) < 0)
		return -1;
	return count_each(sum, s, since,
	    "SELECT coalesce(e.loop_id, t.loop_id, e.source), count(*)"
	    " FROM events e LEFT JOIN tests t ON t.id = e.test_id"
	    " WHERE e.event_type = 'test_failed'"
	    " AND " SCHEMA_EVENT_TIME " >= ?1 GROUP BY 1",
	    offsetof(struct summary_loop, failed));
}

/* Of a time before there was anything nothing can be told. */
static int
limit_window(struct summary *sum, struct store *s)
{
	char first[CLOCK_ISO_SIZE + 8];
	int64_t first_ms;
	int found = statement_get(s,
	    "SELECT timestamp FROM events ORDER BY " SCHEMA_EVENT_TIME
	    " LIMIT 1",
	    ">s", first, sizeof(first));

	if (found == 1 && clock_parse_iso(first, &first_ms) == 0 &&
	    first_ms > sum->since_ms && first_ms < sum->until_ms)
		sum->since_ms = first_ms;
	sum->has_past = found == 1;
	return found < 0 ? -1 : 0;
}

int
summary_read(struct summary *sum, struct store *s,
    void (*now)(struct summary_loop *loop, void *argument), void *argument)
{
	if (limit_window(sum, s) < 0 || read_loops(sum, s) < 0 ||
	    count_tests(sum, s) < 0 || count_events(sum, s) < 0)
		return -1;
	for (size_t i = 0; sum->has_past && i < sum->n; i++)
		now(&sum->loops[i], argument);
	return summary_read_lost(sum, s);
}

void
summary_free(struct summary *sum)
{
	free(sum->loops);
	sum->loops = NULL;
	sum->n = 0;
}

int64_t
summary_done_ms(const struct summary *sum, const struct summary_loop *loop)
{
	int64_t worked_ms = sum->until_ms - loop->begun_ms;

	if (loop->left == 0 || loop->passed == 0 || loop->begun_ms == 0 ||
	    worked_ms <= 0)
		return 0;
	return sum->until_ms +
	    (int64_t)((double)worked_ms / (double)loop->passed *
		(double)loop->left);
}

const char *
summary_cause_name(enum summary_cause cause)
{
	static const char *const names[LOST_CAUSES] = {
		[LOST_STUCK] = "stuck",
		[LOST_PAUSED] = "paused",
		[LOST_STOPPED] = "stopped",
		[LOST_EMPTY] = "queue empty",
		[LOST_LIMIT] = "rate limit",
		[LOST_UNAVAILABLE] = "provider away",
		[LOST_DEGRADED] = "degraded",
	};

	return names[cause];
}
