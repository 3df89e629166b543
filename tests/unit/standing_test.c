/* What stands in the way of work, on a real database. */
#include <stdio.h>

#include "store/queries_standing.h"
#include "store_fixture.h"

static int
note_count(const char *holder, int64_t files, void *argument)
{
	char line[64];

	(void)snprintf(line, sizeof(line), "%s=%d", holder, (int)files);
	note_said(line);
	return 0;
}

static int
note_waiter(const struct waiter_row *row, void *argument)
{
	char line[128];

	(void)snprintf(line, sizeof(line), "%s-(%s)->%s", row->waiter,
	    row->resource, row->holder);
	note_said(line);
	return 0;
}

/* What is over is none, nor is one who waits for somebody without a lock;
 * other programs' have no end. */
static void
test_locks(void **state)
{
	sql("INSERT INTO file_locks (file_path, locked_by, expires_at) VALUES"
	    " ('a', 'loop-1', '2999-01-01T00:00:00Z'), ('b', 'loop-1', NULL),"
	    " ('c', 'loop-2', '2999-01-01 00:00:00'),"
	    " ('d', 'loop-2', '2020-01-01'), ('e', 'loop-3', '2020-01-01')");
	works(queries_each_lock_count(store, note_count, NULL));
	was_said("loop-1=2 loop-2=1 ");
	sql("INSERT INTO wait_graph (waiter, holder, resource, waiting_since,"
	    " expires_at) VALUES"
	    " ('loop-2', 'loop-1', 'a', '2026-01-02', NULL),"
	    " ('loop-3', 'loop-2', 'c', '2026-01-01', '2999-01-01'),"
	    " ('loop-4', 'loop-1', 'b', '2026-01-01', '2020-01-01'),"
	    " ('loop-4', 'loop-3', 'e', '2026-01-01', NULL)");
	works(queries_each_waiter(store, note_waiter, NULL));
	was_said("loop-3-(c)->loop-2 loop-2-(a)->loop-1 ");
}

static int
note_conflict(const struct conflict_row *row, void *argument)
{
	char line[128];

	(void)snprintf(line, sizeof(line), "%s=%s/%s/%s", row->id, row->files,
	    row->first_loop, row->paused_loop);
	note_said(line);
	return 0;
}

static void
test_conflicts(void **state)
{
	sql("INSERT INTO conflicts (id, files, first_loop, paused_loop,"
	    " closed_at) VALUES"
	    " ('CON-001', '[\"a.c\",\"b.c\"]', 'loop-1', 'loop-2', NULL),"
	    " ('CON-002', '[]', 'loop-1', NULL, '2026-01-01'),"
	    " ('CON-003', 'c.c', 'loop-3', NULL, NULL)");
	works(queries_each_open_conflict(store, note_conflict, NULL));
	was_said("CON-001=a.c, b.c/loop-1/loop-2 CON-003=c.c/loop-3/ ");
}

static int
note_parked(const struct parked_row *row, void *argument)
{
	char line[128];

	(void)snprintf(line, sizeof(line), "%s=%s/%s/%s", row->test_id,
	    row->parked, row->summary, row->choice);
	note_said(line);
	return 0;
}

/* Of an answered decision there is nothing to choose any more. */
static void
test_parked(void **state)
{
	sql("INSERT INTO decisions (id, status, summary, options) VALUES"
	    " ('DEC-001', 'pending', 'why', '[{\"id\": \"X\"}]'),"
	    " ('DEC-002', 'decided', 'done', '[{\"id\": \"X\"}]'),"
	    " ('DEC-003', 'pending', 'odd', 'no JSON')");
	sql("INSERT INTO tests (id, status, parked) VALUES"
	    " ('A', 'pending', 'DEC-001'), ('B', 'in_progress', 'DEC-002'),"
	    " ('C', 'pending', 'DEC-003'), ('D', 'pending', 'CON-001'),"
	    " ('E', 'passed', 'DEC-001'), ('F', 'pending', NULL)");
	works(queries_each_parked(store, note_parked, NULL));
	was_said("D=CON-001// A=DEC-001/why/X B=DEC-002// C=DEC-003/odd/ ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_locks, fixture_open),
		TEST(test_conflicts, fixture_open),
		TEST(test_parked, fixture_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
