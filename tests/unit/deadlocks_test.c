/* Who waits for whom in a circle, who of them has to let go, and what is no
 * circle at all. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "claims_fixture.h"
#include "store/deadlocks.h"
#include "store/locks.h"

#define WORKERS 5
#define WAIT_US 20000
#define TRIES	500

static char a_c[] = "a.c", b_c[] = "b.c", c_c[] = "c.c";

/* As programs do it that know nothing but the tables. */
static void
locks(const char *name, const char *path)
{
	char text[256];

	(void)snprintf(text, sizeof(text),
	    "INSERT INTO file_locks (file_path, locked_by) VALUES ('%s', '%s')",
	    path, name);
	foreign(text);
}

static void
waits(const char *waiter, const char *path, const char *holder)
{
	char text[256];

	(void)snprintf(text, sizeof(text),
	    "INSERT INTO wait_graph (waiter, holder, resource)"
	    " VALUES ('%s', '%s', '%s')",
	    waiter, holder, path);
	foreign(text);
}

static int
say(const struct deadlock *d, void *argument)
{
	(void)argument;
	note_said(d->cycle);
	note_said(d->victim);
	if (d->test_id[0] != '\0')
		note_said(d->test_id);
	return 0;
}

static void
are(const char *expected)
{
	works(deadlocks_each(store, say, NULL));
	was_said(expected);
}

/* A loop whose worker is at a test of one file, for so many seconds. */
static struct attempt_key
works_on(const char *loop_id, int priority, const char *file, int seconds)
{
	const struct claim_request request = { .loop_id = loop_id,
		.max_attempts = 3 };
	struct attempt_key key;
	char text[512];

	assert_int_equal(
	    claims_begin(store, loop_id, loop_id, priority, "", &repairs), 0);
	(void)snprintf(text, sizeof(text),
	    "INSERT INTO tests (id, loop_id, files)"
	    " VALUES ('T-%s', '%s', '[\"%s\"]')",
	    loop_id, loop_id, file);
	sql(text);
	(void)snprintf(text, sizeof(text), "T-%s", loop_id);
	key = takes(&request, text);
	(void)snprintf(text, sizeof(text),
	    "UPDATE attempts SET state = 'running', pid = 7, started_at ="
	    " datetime('now', '-%d seconds') WHERE id = '%s'",
	    seconds, key.id);
	sql(text);
	return key;
}

static void
pass_over(const struct locks_conflict *c, void *argument)
{
	(void)c;
	(void)argument;
}

static void
wants(const struct attempt_key *key, char *path, enum lock_result expected)
{
	struct lock_request r = { .by = key->loop_id,
		.attempt_id = key->id,
		.paths = (char *[]){ path, NULL },
		.waits = true };
	struct lock_answer answer;

	works(locks_take(store, &r, pass_over, NULL, &answer));
	assert_int_equal(answer.result, expected);
	if (expected == LOCK_LOST)
		note_said(answer.why);
}

static void
test_two(void **state)
{
	struct attempt_key one = works_on("loop-1", 1, "a.c", 5);
	struct attempt_key two = works_on("loop-2", 2, "b.c", 60);

	wants(&two, a_c, LOCK_REFUSED);
	has_rows(1,
	    "wait_graph WHERE test_id = 'T-loop-2' AND"
	    " julianday(expires_at) < julianday('now', '+20 seconds')");
	/* In the very transaction in which the circle would be closed. */
	wants(&one, b_c, LOCK_REFUSED);
	has_rows(1,
	    "attempts WHERE loop_id = 'loop-2'"
	    " AND outcome = 'interrupted' AND state = 'parked'");
	has_rows(1,
	    "tests WHERE id = 'T-loop-2' AND status = 'pending'"
	    " AND attempts = 0");
	assert_string_equal(
	    text("SELECT group_concat(event_type || ' ' || ifnull(payload ->>"
		 " 'victim', loop_id), ', ') FROM (SELECT * FROM events WHERE"
		 " event_type LIKE '%e%lock_%e%' OR event_type ="
		 " 'force_release' ORDER BY rowid)"),
	    "deadlock_detected loop-2, force_release loop-2, "
	    "deadlock_resolved loop-2");
	has_rows(1,
	    "events WHERE event_type = 'deadlock_detected' AND"
	    " payload ->> 'cycle' ="
	    " 'loop-1 -(b.c)-> loop-2 -(a.c)-> loop-1'");
	are(""); /* though the loser still has its locks */
	has_rows(2, "file_locks");
	wants(&two, a_c, LOCK_LOST);
	was_said("the attempt at T-loop-2 isn't loop-2's any more: a deadlock, "
		 "loop-1 -(b.c)-> loop-2 -(a.c)-> loop-1 ");
	wants(&one, b_c, LOCK_REFUSED);
	ends(&two, OUTCOME_LOST_LEASE, true, RESULT_NOTHING);
	wants(&one, b_c, LOCK_TAKEN);
	has_rows(0, "wait_graph");
}

/* The last one waits for two; of equal priority the youngest lets go. */
static void
test_three(void **state)
{
	struct attempt_key one = works_on("loop-1", 3, "a.c", 50);
	struct attempt_key two = works_on("loop-2", 3, "b.c", 40);
	struct attempt_key three = works_on("loop-3", 3, "c.c", 60);

	wants(&one, b_c, LOCK_REFUSED);
	wants(&two, c_c, LOCK_REFUSED);
	are("");
	wants(&three, a_c, LOCK_REFUSED);
	has_rows(1, "attempts WHERE ended_at IS NOT NULL");
	has_rows(1,
	    "events WHERE event_type = 'deadlock_detected' AND"
	    " payload ->> 'victim' = 'loop-2' AND test_id = 'T-loop-2'"
	    " AND payload ->> 'cycle' = 'loop-1 -(b.c)-> loop-2"
	    " -(c.c)-> loop-3 -(a.c)-> loop-1'");
	ends(&two, OUTCOME_LOST_LEASE, true, RESULT_NOTHING);
	wants(&one, b_c, LOCK_TAKEN);
	wants(&three, a_c, LOCK_REFUSED);
}

static void
test_foreign(void **state)
{
	(void)works_on("loop-1", 9, "a.c", 1);
	for (int i = 1; i <= 5; i++) {
		char name[8], next[8], path[8];

		are("");
		(void)snprintf(name, sizeof(name), "p%d", i);
		(void)snprintf(next, sizeof(next), "p%d", i % 5 + 1);
		(void)snprintf(path, sizeof(path), "f%d", i);
		locks(name, path);
		(void)snprintf(path, sizeof(path), "f%d", i % 5 + 1);
		waits(name, path, next);
	}
	foreign("UPDATE wait_graph SET waiting_since = CASE waiter"
		" WHEN 'p4' THEN '2026-01-02 00:00:00'"
		" ELSE '2026-01-01 00:00:00' END");
	are("p1 -(f2)-> p2 -(f3)-> p3 -(f4)-> p4 -(f5)-> p5 -(f1)-> p1 p4 ");
	assert_int_equal(deadlocks_resolve(store, "pm"), 1);
	has_rows(0, "file_locks WHERE locked_by = 'p4'");
	has_rows(0, "wait_graph WHERE waiter = 'p4'");
	has_rows(1,
	    "events WHERE event_type = 'force_release'"
	    " AND component = 'p4' AND source = 'pm'");
	assert_int_equal(deadlocks_resolve(store, "pm"), 0);
	/* What is no loop ranks below the lowest of them. */
	locks("p9", "b.c");
	waits("p9", "a.c", "loop-1");
	waits("loop-1", "b.c", "p9");
	are("loop-1 -(b.c)-> p9 -(a.c)-> loop-1 p9 ");
}

/* Another program's loop: its test goes back, and its locks at once. */
static void
test_foreign_loop(void **state)
{
	sql("INSERT INTO loops (id, priority) VALUES ('py', 7);"
	    "INSERT INTO tests (id, loop_id, status)"
	    " VALUES ('P', 'py', 'in_progress')");
	(void)works_on("loop-1", 1, "a.c", 1);
	locks("py", "b.c");
	waits("py", "a.c", "loop-1");
	waits("loop-1", "b.c", "py");
	assert_int_equal(deadlocks_resolve(store, "pm"), 1);
	has_rows(1, "tests WHERE id = 'P' AND status = 'pending'");
	has_rows(0, "file_locks WHERE locked_by = 'py'");
	has_rows(1, "attempts WHERE ended_at IS NULL");
}

/* Two circles, with one that is in both. */
static void
test_several(void **state)
{
	locks("a", "1");
	locks("b", "2");
	locks("c", "3");
	locks("d", "4");
	locks("e", "5");
	waits("a", "2", "b");
	waits("b", "1", "a");
	waits("b", "3", "c");
	waits("c", "2", "b");
	waits("d", "5", "e");
	waits("e", "4", "d");
	sql("INSERT INTO loops (id, priority) VALUES ('a', 1), ('b', 5),"
	    " ('c', 1), ('d', 5), ('e', 1)");
	are("a -(2)-> b -(1)-> a b d -(5)-> e -(4)-> d d ");
	assert_int_equal(deadlocks_resolve(store, "pm"), 2);
	has_rows(3, "file_locks");
}

static void
test_no_circle(void **state)
{
	struct attempt_key one = works_on("loop-1", 1, "a.c", 1);

	locks("x", "b.c");
	waits("x", "a.c", "loop-1");
	waits("loop-1", "b.c", "x");
	are("loop-1 -(b.c)-> x -(a.c)-> loop-1 x ");
	/* Who waits for himself, for what isn't locked, or not any more. */
	waits("x", "b.c", "x");
	sql("UPDATE wait_graph SET resource = 'c.c' WHERE waiter = 'loop-1'");
	are("");
	sql("UPDATE wait_graph SET resource = 'b.c' WHERE waiter = 'loop-1';"
	    "UPDATE file_locks SET expires_at = datetime('now', '-1 minute')"
	    " WHERE locked_by = 'x'");
	are("");
	sql("UPDATE file_locks SET expires_at = NULL;"
	    "UPDATE wait_graph SET expires_at = datetime('now', '-1 second')"
	    " WHERE waiter = 'x'");
	are("");
	sql("UPDATE wait_graph SET expires_at = datetime('now', '+1 minute')");
	are("loop-1 -(b.c)-> x -(a.c)-> loop-1 x ");
	/* A loop that looks for other tests holds up nobody, nor does one
	 * whose worker has ended. */
	sql("UPDATE wait_graph SET test_id = 'other' WHERE waiter = 'loop-1'");
	are("");
	sql("UPDATE wait_graph SET test_id = 'T-loop-1'"
	    " WHERE waiter = 'loop-1'");
	are("loop-1 -(b.c)-> x -(a.c)-> loop-1 x ");
	sql("UPDATE attempts SET state = 'verifying'");
	are("");
	sql("UPDATE attempts SET state = 'running'");
	assert_int_equal(claims_reset(store, "T-loop-1", "olaf", NULL), 1);
	are("");
	ends(&one, OUTCOME_LOST_LEASE, true, RESULT_NOTHING);
	has_rows(0, "wait_graph WHERE waiter = 'loop-1'");
}

/* Where there is none to be broken nobody who writes is waited for. */
static void
test_nothing_is_locked(void **state)
{
	struct store other;

	locks("one", a_c);
	waits("two", a_c, "one");
	assert_int_equal(store_open(&other, directory, STORE_WRITE), 0);
	assert_int_equal(store_begin(&other), 0);
	store_set_busy(store, 0);
	assert_int_equal(deadlocks_resolve(store, "pm"), 0);
	store_rollback(&other);
	store_close(&other);
}

/* Somebody without an attempt is told that he was made to let go. */
static void
test_passer_by(void **state)
{
	struct attempt_key one = works_on("loop-1", 1, "a.c", 1);
	struct lock_request r = { .by = "olaf",
		.paths = (char *[]){ b_c, NULL } };
	struct lock_answer answer;

	works(locks_take(store, &r, pass_over, NULL, &answer));
	assert_int_equal(answer.result, LOCK_TAKEN);
	r.paths = (char *[]){ a_c, NULL };
	r.waits = true;
	works(locks_take(store, &r, pass_over, NULL, &answer));
	assert_int_equal(answer.result, LOCK_REFUSED);
	wants(&one, b_c, LOCK_REFUSED);
	r.has_waited = true;
	r.mark = answer.mark;
	works(locks_take(store, &r, pass_over, NULL, &answer));
	assert_int_equal(answer.result, LOCK_LOST);
	assert_string_equal(
	    answer.why, "a deadlock, loop-1 -(b.c)-> olaf -(a.c)-> loop-1");
	wants(&one, b_c, LOCK_TAKEN);
	/* That was then. */
	r.has_waited = false;
	works(locks_take(store, &r, pass_over, NULL, &answer));
	assert_int_equal(answer.result, LOCK_REFUSED);
}

/* A loop with its worker: holds its own file, and wants the next one's, until
 * it has it or is made to let go; then it ends its attempt. */
static void
work(const struct attempt_key *key, char *path)
{
	struct lock_request r = { .by = key->loop_id,
		.attempt_id = key->id,
		.paths = (char *[]){ path, NULL },
		.waits = true };
	struct attempt_end end = { .outcome = OUTCOME_PASSED,
		.max_attempts = 3 };
	struct lock_answer answer = { .result = LOCK_REFUSED };
	enum attempt_result result;

	for (int i = 0; answer.result == LOCK_REFUSED && i < TRIES; i++) {
		if (i > 0)
			(void)usleep(WAIT_US);
		if (locks_take(store, &r, pass_over, NULL, &answer) < 0)
			_exit(2);
	}
	if (answer.result == LOCK_REFUSED ||
	    attempts_end(store, key, &end, &result) < 0)
		_exit(3);
	_exit(result == RESULT_PASSED ? 0 : 1);
}

static void
test_processes(void **state)
{
	struct attempt_key keys[WORKERS];
	char paths[WORKERS][8];
	pid_t pids[WORKERS];
	int status, victims = 0;

	for (int i = 0; i < WORKERS; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "loop-%d", i);
		(void)snprintf(paths[i], sizeof(paths[i]), "f%d", i);
		keys[i] = works_on(name, i + 1, paths[i], 1);
	}
	store_close(store);
	for (int i = 0; i < WORKERS; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) {
			open_again(STORE_WRITE);
			work(&keys[i], paths[(i + 1) % WORKERS]);
		}
	}
	for (int i = 0; i < WORKERS; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
		victims += WEXITSTATUS(status);
	}
	assert_int_equal(victims, 1);
	open_again(STORE_WRITE);
	has_rows(4, "tests WHERE status = 'passed'");
	has_rows(1, "tests WHERE status = 'pending' AND id = 'T-loop-4'");
	has_rows(0, "file_locks");
	has_rows(0, "wait_graph");
	has_rows(1, "events WHERE event_type = 'deadlock_resolved'");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_two, claims_setup),
		TEST(test_three, claims_setup),
		TEST(test_foreign, claims_setup),
		TEST(test_foreign_loop, claims_setup),
		TEST(test_several, claims_setup),
		TEST(test_no_circle, claims_setup),
		TEST(test_nothing_is_locked, claims_setup),
		TEST(test_passer_by, claims_setup),
		TEST(test_processes, fixture_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
