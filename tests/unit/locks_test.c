/* Locks that are taken one after the other, and by several processes at once;
 * and how they end. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "claims_fixture.h"
#include "store/edges.h"
#include "store/force.h"
#include "store/locks.h"
#include "store/overlap.h"

#define PROCESSES 6
#define ROUNDS	  20

static char src[] = "src/", a_c[] = "src/a.c", b_c[] = "src/b.c", x[] = "x";

static void
conflict(const struct locks_conflict *c, void *argument)
{
	(void)argument;
	note_said(c->path);
	note_said(c->loop_id);
}

/* What `by` gets who asks for one or two paths. */
static struct lock_answer
asks(const char *by, char *one, char *two, enum lock_result expected)
{
	struct lock_request r = {
		.by = by, .paths = (char *[]){ one, two, NULL }, .reason = "why"
	};
	struct lock_answer answer;

	works(locks_take(store, &r, conflict, NULL, &answer));
	assert_int_equal(answer.result, expected);
	return answer;
}

static void
test_all_or_none(void **state)
{
	(void)asks("a", b_c, a_c, LOCK_TAKEN);
	has_rows(2,
	    "file_locks WHERE locked_by = 'a' AND lock_reason = 'why'"
	    " AND attempt_id IS NULL AND renewed = 0"
	    " AND julianday(expires_at) BETWEEN"
	    " julianday('now', '+290 seconds')"
	    " AND julianday('now', '+301 seconds')");
	was_said("");
	(void)asks("b", x, src, LOCK_REFUSED);
	was_said("src/ a ");
	has_rows(2, "file_locks");
	has_rows(0, "wait_graph");	       /* he doesn't wait */
	(void)asks("a", src, a_c, LOCK_TAKEN); /* his own are in no way */
	assert_int_equal(
	    locks_release(store, "a", NULL, (char *[]){ a_c, x, NULL }), 1);
	assert_int_equal(locks_release(store, "a", NULL, NULL), 2);
	assert_int_equal(locks_release(store, "a", NULL, NULL), 0);
	(void)asks("b", x, src, LOCK_TAKEN);
	has_rows(3,
	    "events WHERE event_type = 'file_locked'"
	    " AND component IS NOT NULL");
	has_rows(2, "events WHERE event_type = 'file_unlocked'");
}

/* What has expired is in nobody's way, a claim's neither. */
static void
test_expired(void **state)
{
	bool locked = false;

	sql("INSERT INTO tests (id, loop_id, files)"
	    " VALUES ('T', 'loop-1', '[\"src/a.c\"]');"
	    "INSERT INTO file_locks (file_path, locked_by, expires_at) VALUES"
	    " ('src/a.c', 'other', datetime('now', '-1 second')),"
	    " ('src/b.c', 'other', datetime('now', '+1 hour')),"
	    " ('never', 'other', NULL), ('odd', 'other', 'soon');"
	    "INSERT INTO wait_graph (waiter, holder, resource, expires_at)"
	    " VALUES ('a', 'other', 'x', datetime('now', '-1 second')),"
	    " ('a', 'other', 'y', NULL)");
	assert_int_equal(claims_any(store, &loop_1, &locked), 1);
	assert_int_equal(locks_sweep(store), 2);
	assert_int_equal(locks_sweep(store), 0);
	has_rows(3, "file_locks");
	has_rows(1, "wait_graph");
	takes(&loop_1, "T");
	sql("UPDATE file_locks SET expires_at = datetime('now', '-1 second')");
	/* Work that goes on keeps its locks. */
	assert_int_equal(locks_sweep(store), 3);
	has_rows(1, "file_locks WHERE locked_by = 'loop-1'");
	(void)asks("a", a_c, NULL, LOCK_REFUSED);
	was_said("src/a.c loop-1 ");
}

/* Who had to let go doesn't get it again before those who wait for it. */
static void
test_turn(void **state)
{
	bool locked = false;

	sql("INSERT INTO tests (id, loop_id, files)"
	    " VALUES ('T', 'loop-1', '[\"src/a.c\"]');"
	    "INSERT INTO wait_graph (waiter, holder, resource, expires_at)"
	    " VALUES ('loop-2', 'loop-1', 'src/', datetime('now', '+9 "
	    "second'))");
	assert_int_equal(claims_any(store, &loop_1, &locked), 0);
	assert_true(locked);
	takes(&loop_1, NULL);
	/* Another loop's queue, or who was killed, has no turn. */
	sql("UPDATE wait_graph SET expires_at = NULL");
	assert_int_equal(claims_any(store, &loop_1, &locked), 1);
	sql("UPDATE wait_graph SET expires_at = datetime('now', '-1 second')");
	takes(&loop_1, "T");
}

/* Those of an attempt are renewed with it, and end with it. */
static void
test_attempt(void **state)
{
	struct attempt_key key;
	struct lock_request r = { .by = "loop-1",
		.paths = (char *[]){ b_c, x, NULL } };
	struct lock_answer answer;

	sql("INSERT INTO tests (id, loop_id, files)"
	    " VALUES ('T', 'loop-1', '[\"src/a.c\"]')");
	key = takes(&loop_1, "T");
	r.attempt_id = key.id;
	works(locks_take(store, &r, conflict, NULL, &answer));
	assert_int_equal(answer.result, LOCK_TAKEN);
	sql("UPDATE file_locks SET expires_at = datetime('now', '+1 minute')");
	assert_int_equal(claims_renew(store, &key), 1);
	has_rows(3,
	    "file_locks WHERE julianday(expires_at) >"
	    " julianday('now', '+280 seconds') AND attempt_id ="
	    " (SELECT id FROM attempts) AND test_id = 'T'");
	/* The claim's own is the loop's to give back. */
	assert_int_equal(locks_release(store, "loop-1", key.id,
			     (char *[]){ a_c, b_c, NULL }),
	    1);
	assert_int_equal(locks_release(store, "loop-1", NULL, NULL), 0);
	works(locks_take(store, &r, conflict, NULL, &answer));
	assert_int_equal(locks_release(store, "loop-1", key.id, NULL), 2);
	works(locks_take(store, &r, conflict, NULL, &answer));
	has_rows(3, "file_locks");
	assert_int_equal(claims_skip(store, "T", "olaf", "no use"), 1);
	works(locks_take(store, &r, conflict, NULL, &answer));
	assert_int_equal(answer.result, LOCK_LOST);
	assert_string_equal(
	    answer.why, "the attempt at T isn't loop-1's any more: skipped");
	has_rows(3, "file_locks"); /* till nothing of its tree is left */
	ends(&key, OUTCOME_LOST_LEASE, true, RESULT_NOTHING);
	has_rows(0, "file_locks");
	r.attempt_id = "no such";
	works(locks_take(store, &r, conflict, NULL, &answer));
	assert_int_equal(answer.result, LOCK_LOST);
}

/* Who speaks for a loop from outside doesn't take over what its attempt has. */
static void
test_beside_attempt(void **state)
{
	struct attempt_key key;

	sql("INSERT INTO tests (id, loop_id, files)"
	    " VALUES ('T', 'loop-1', '[\"src/a.c\"]')");
	key = takes(&loop_1, "T");
	(void)asks("loop-1", a_c, x, LOCK_TAKEN);
	has_rows(1, "file_locks WHERE attempt_id IS NULL");
	assert_int_equal(locks_release(store, "loop-1", NULL, NULL), 1);
	has_rows(1, "file_locks WHERE file_path = 'src/a.c' AND test_id = 'T'");
	ends(&key, OUTCOME_FAILED, false, RESULT_RETRY);
	has_rows(0, "file_locks");
}

/* A new attempt's aren't touched by the end of the old one. */
static void
test_late_end(void **state)
{
	struct attempt_key old;

	sql("INSERT INTO tests (id, loop_id, files)"
	    " VALUES ('T', 'loop-1', '[\"src/a.c\"]')");
	old = takes(&loop_1, "T");
	assert_int_equal(claims_reset(store, "T", "olaf", NULL), 1);
	takes(&loop_1, "T");
	ends(&old, OUTCOME_PASSED, false, RESULT_NOTHING);
	has_rows(1, "file_locks");
}

/* Whoever dies, his locks go, of every kind; and nobody else's. */
static bool
is_not_dead(const char *name, void *argument)
{
	(void)argument;
	return strcmp(name, "agent") != 0;
}

static void
test_renewed(void **state)
{
	const struct recovery recovery = { .is_alive = is_not_dead,
		.by = "test" };
	struct lock_request r = {
		.by = "agent", .paths = (char *[]){ a_c, NULL }, .renewed = true
	};
	struct lock_answer answer;

	works(locks_take(store, &r, conflict, NULL, &answer));
	r.by = "living";
	r.paths = (char *[]){ b_c, NULL };
	works(locks_take(store, &r, conflict, NULL, &answer));
	(void)asks("passer-by", x, NULL, LOCK_TAKEN);
	sql("UPDATE file_locks SET expires_at = datetime('now', '+1 minute')");
	works(locks_renew_living(store, is_not_dead, NULL));
	has_rows(1,
	    "file_locks WHERE julianday(expires_at) >"
	    " julianday('now', '+280 seconds')");
	has_rows(1,
	    "file_locks WHERE locked_by = 'living' AND"
	    " julianday(expires_at) > julianday('now', '+280 seconds')");
	sql("INSERT INTO file_locks (file_path, locked_by)"
	    " VALUES ('by hand', 'agent'), ('too', 'other');"
	    "INSERT INTO wait_graph (waiter, holder, resource)"
	    " VALUES ('agent', 'other', 'too'), ('other', 'agent', 'by hand'),"
	    " ('other', 'living', 'src/b.c')");
	works(recovery_run(store, &recovery, "agent", NULL));
	has_rows(3, "file_locks");
	has_rows(0, "file_locks WHERE locked_by = 'agent'");
	has_rows(1, "wait_graph");
}

/* A worker is taken its attempt by force: what it holds stays until its loop
 * lets go. */
static void
test_force(void **state)
{
	struct force_released released;
	struct attempt_key key;

	sql("INSERT INTO tests (id, loop_id, files)"
	    " VALUES ('T', 'loop-1', '[\"src/a.c\"]')");
	key = takes(&loop_1, "T");
	sql("UPDATE attempts SET pid = 7, cost_usd = 0.5;"
	    "INSERT INTO file_locks (file_path, locked_by)"
	    " VALUES ('x', 'loop-1'), ('y', 'loop-2');"
	    "INSERT INTO wait_graph (waiter, holder, resource)"
	    " VALUES ('loop-1', 'loop-2', 'y')");
	works(
	    force_release(store, "loop-1", "olaf", "to see", NULL, &released));
	assert_string_equal(released.attempt_id, key.id);
	assert_string_equal(released.test_id, "T");
	assert_int_equal(released.locks, 1);
	assert_int_equal(released.left, 1);
	assert_int_equal(released.edges, 1);
	has_rows(0, "wait_graph");
	has_rows(2, "file_locks");
	has_rows(1,
	    "tests WHERE status = 'pending' AND attempts = 0"
	    " AND reason = 'to see'");
	has_rows(1,
	    "attempts WHERE outcome = 'interrupted'"
	    " AND state = 'parked' AND ended_at IS NOT NULL");
	has_rows(1, "usage WHERE cost_usd = 0.5");
	has_rows(1,
	    "events WHERE event_type = 'force_release'"
	    " AND loop_id = 'loop-1' AND test_id = 'T'");
	assert_int_equal(claims_held(store, &key), 0);
	takes(&loop_2, NULL);
	ends(&key, OUTCOME_LOST_LEASE, true, RESULT_NOTHING);
	assert_int_equal(force_left(store, "loop-1"), 0);
	/* Nothing is told of nothing. */
	works(
	    force_release(store, "loop-1", "olaf", "to see", NULL, &released));
	has_rows(1, "events WHERE event_type = 'force_release'");
	key = takes(&loop_1, "T");
	assert_int_equal(key.fence, 2);
}

static int
keep_work(const struct work_row *row, void *argument)
{
	force_keep_work(argument, row);
	return 0;
}

/* Who was asked about one attempt doesn't mean the next one. */
static void
test_force_what_was_shown(void **state)
{
	struct force_work shown = { .test_id = "" };
	struct force_released released;

	sql("INSERT INTO tests (id, loop_id) VALUES ('T', 'loop-1')");
	takes(&loop_1, "T");
	assert_int_equal(
	    force_release(store, "loop-1", "olaf", "to see", &shown, &released),
	    1);
	works(queries_work(store, "loop-1", keep_work, &shown));
	sql("UPDATE attempts SET started_at = '2026-01-01T00:00:00.000Z'");
	assert_int_equal(
	    force_release(store, "loop-1", "olaf", "to see", &shown, &released),
	    1);
	has_rows(1, "attempts WHERE ended_at IS NULL");
	has_rows(0, "events WHERE event_type = 'force_release'");
	works(queries_work(store, "loop-1", keep_work, &shown));
	works(force_release(
	    store, "loop-1", "olaf", "to see", &shown, &released));
	assert_string_equal(released.test_id, "T");
	/* It works on nothing by now. */
	sql("INSERT INTO file_locks (file_path, locked_by)"
	    " VALUES ('x', 'loop-1')");
	works(force_release(
	    store, "loop-1", "olaf", "to see", &shown, &released));
	assert_int_equal(released.locks, 1);
	/* Another program's test has no attempt. */
	sql("UPDATE tests SET status = 'in_progress'");
	assert_int_equal(
	    force_release(store, "loop-1", "olaf", "to see", &shown, &released),
	    1);
}

/* What a queue waits for; what is as it was isn't written again. */
static void
test_queue_edges(void **state)
{
	struct edges e = { .n = 0 };
	int64_t changes;

	sql("INSERT INTO tests (id, loop_id, files, sort_order) VALUES"
	    " ('A', 'loop-1', '[\"src/a.c\", \"src/b.c\"]', 1),"
	    " ('B', 'loop-1', '[\"src/a.c\"]', 2),"
	    " ('C', 'loop-1', '[\"x\"]', 3);"
	    "INSERT INTO file_locks (file_path, locked_by, expires_at) VALUES"
	    " ('src/', 'loop-2', NULL),"
	    " ('x', 'gone', datetime('now', '-1 hour'))");
	edges_add(&e, "loop-3", "y", "D");
	works(edges_add_queue(store, "loop-1", &e));
	assert_int_equal(e.n, 3);
	works(edges_write(store, "loop-1", &e));
	has_rows(3, "wait_graph WHERE waiter = 'loop-1'");
	sql("UPDATE wait_graph SET waiting_since = 'long ago'");
	changes = number("SELECT total_changes()");
	works(edges_write(store, "loop-1", &e));
	assert_int_equal(number("SELECT total_changes()"), changes);
	e.n = 2;
	works(edges_write(store, "loop-1", &e));
	has_rows(2, "wait_graph WHERE waiting_since = 'long ago'");
	has_rows(0, "wait_graph WHERE resource = 'src/b.c'");
	e.n = 0;
	works(edges_write(store, "loop-1", &e));
	has_rows(0, "wait_graph");
}

/* Each takes both or none, in either order, and tells when it isn't alone. */
static void
lock_and_look(const char *name, bool turned)
{
	struct lock_request r = { .by = name,
		.paths = turned ? (char *[]){ b_c, a_c, NULL }
				: (char *[]){ a_c, src, NULL } };
	struct lock_answer answer;

	for (int taken = 0; taken < ROUNDS;) {
		if (locks_take(store, &r, conflict, NULL, &answer) < 0)
			_exit(2);
		if (answer.result != LOCK_TAKEN) {
			(void)usleep(1000);
			continue;
		}
		if (number("SELECT count(DISTINCT locked_by)"
			   " FROM file_locks") != 1)
			_exit(3);
		if (locks_release(store, name, NULL, NULL) != 2)
			_exit(4);
		taken++;
	}
}

static void
test_processes(void **state)
{
	pid_t pids[PROCESSES];
	int status;

	store_close(store);
	for (int i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) {
			char name[16];

			(void)snprintf(name, sizeof(name), "p%d", i);
			open_again(STORE_WRITE);
			lock_and_look(name, i % 2 == 1);
			store_close(store);
			_exit(0);
		}
	}
	for (int i = 0; i < PROCESSES; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	open_again(STORE_WRITE);
	has_rows(0, "file_locks");
	has_rows((int64_t)PROCESSES * ROUNDS,
	    "events WHERE event_type = 'file_locked'");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_all_or_none, claims_setup),
		TEST(test_expired, claims_setup),
		TEST(test_turn, claims_setup),
		TEST(test_attempt, claims_setup),
		TEST(test_beside_attempt, claims_setup),
		TEST(test_late_end, claims_setup),
		TEST(test_renewed, claims_setup),
		TEST(test_force, claims_setup),
		TEST(test_force_what_was_shown, claims_setup),
		TEST(test_queue_edges, claims_setup),
		TEST(test_processes, claims_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
