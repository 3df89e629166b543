#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "summary_fixture.h"

int64_t since_ms;
struct summary sum;
bool paused_now, stopped_now;

const char *
when(int minute)
{
	static char times[8][CLOCK_ISO_SIZE];
	static int next;
	char *time = times[next++ % 8];

	clock_format_iso(time, since_ms + minute * MINUTE);
	return time;
}

void
does(const char *format, ...)
{
	char statements[2048];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(statements, sizeof(statements), format, ap);
	va_end(ap);
	sql(statements);
}

int
summary_begin(void **state)
{
	since_ms = clock_wall_ms() - WINDOW;
	paused_now = stopped_now = false;
	sum = (struct summary){ 0 };
	(void)fixture_open(state);
	sql("INSERT INTO loops (id, priority) VALUES ('loop-1', 1),"
	    " ('loop-2', 2);"
	    "INSERT INTO tests (id, loop_id, status) VALUES ('A', 'loop-1',"
	    " 'passed'), ('B', 'loop-1', 'pending'), ('C', 'loop-1',"
	    " 'blocked'), ('D', 'loop-2', 'in_progress')");
	/* The database is older than the window. */
	does("INSERT INTO events (id, timestamp, event_type)"
	     " VALUES ('old', '%s', 'supervisor_started')",
	    when(-10000));
	return 0;
}

int
summary_end(void **state)
{
	summary_free(&sum);
	return fixture_remove(state);
}

static void
now(struct summary_loop *loop, void *argument)
{
	bool first = strcmp(loop->id, "loop-1") == 0;

	loop->is_paused = first && paused_now;
	loop->is_stopped = first && stopped_now;
	(void)snprintf(
	    loop->provider, sizeof(loop->provider), first ? "claude" : "codex");
}

const struct summary_loop *
look(void)
{
	summary_free(&sum);
	sum.since_ms = since_ms;
	sum.until_ms = since_ms + WINDOW;
	works(summary_read(&sum, store, now, NULL));
	return summary_find(&sum, "loop-1");
}

void
event(const char *type, int minute, const char *payload)
{
	does("INSERT INTO events (id, timestamp, source, event_type, payload)"
	     " VALUES (hex(randomblob(8)), '%s', 'somebody', '%s', '%s')",
	    when(minute), type, payload);
}

void
attempt(const char *outcome, int from, int to, const char *usd)
{
	static int n;

	n++;
	does("INSERT INTO attempts (id, test_id, loop_id, outcome, started_at,"
	     " ended_at) VALUES ('%d', 'A', 'loop-1', '%s', '%s', '%s');"
	     "INSERT INTO usage (loop_id, test_id, attempt_id, cost_usd,"
	     " tokens_estimated, recorded_at) VALUES ('loop-1', 'A', '%d', %s,"
	     " 100, '%s')",
	    n, outcome, when(from), when(to), n, usd, when(to));
}
