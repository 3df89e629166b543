/* Repairs: of the dead everything, of the living nothing; databases that are
 * damaged or were replaced; clocks that jump. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/check.h"
#include "store/expiry.h"
#include "store/guard.h"
#include "store/health.h"
#include "store/recovery.h"
#include "store_fixture.h"

static const char *alive; /* the one loop that lives; "" none */
static struct recovery recovery;
static struct recovery_counts counts;
static struct check check;

/* Two loops with a test, an attempt and a lock each, edges between them, and
 * a lock of somebody else. */
static const char rows[] =
    "INSERT INTO loops (id, name, status, pid, current_test_id) VALUES"
    " ('loop-1', 'One', 'running', 11, 'CP-1'),"
    " ('loop-2', 'Two', 'running', 22, 'INF-1');"
    "INSERT INTO tests (id, loop_id, status) VALUES"
    " ('CP-1', 'loop-1', 'in_progress'), ('CP-2', 'loop-1', 'passed'),"
    " ('INF-1', 'loop-2', 'in_progress'), ('INF-2', 'loop-2', 'pending');"
    "INSERT INTO attempts (id, epoch, test_id, loop_id, fence, state)"
    " SELECT 'a1', value, 'CP-1', 'loop-1', 1, 'running' FROM meta"
    " WHERE key = 'epoch';"
    "INSERT INTO attempts (id, epoch, test_id, loop_id, fence, state)"
    " SELECT 'a2', value, 'INF-1', 'loop-2', 3, 'verifying' FROM meta"
    " WHERE key = 'epoch';"
    "INSERT INTO file_locks (file_path, locked_by, test_id) VALUES"
    " ('src/a.c', 'loop-1', 'CP-1'), ('src/b.c', 'loop-2', 'INF-1'),"
    " ('src/c.c', 'somebody', NULL);"
    "INSERT INTO wait_graph (waiter, holder, resource) VALUES"
    " ('loop-1', 'loop-2', 'src/b.c'), ('somebody', 'else', 'src/d.c');"
    "INSERT INTO checkpoints (loop_id, test_id, git_ref) VALUES"
    " ('loop-1', 'CP-1', 'refs/x'), ('loop-2', 'INF-1', 'refs/y');";

static bool
is_alive(const char *loop_id, void *argument)
{
	return strcmp(loop_id, alive) == 0;
}

static enum alive
known(const char *loop_id, void *argument)
{
	return is_alive(loop_id, argument) ? ALIVE_YES : ALIVE_NO;
}

static enum alive
knows_nobody(const char *loop_id, void *argument)
{
	return ALIVE_UNKNOWN;
}

static void
say(const char *line, void *argument)
{
	char finding[256];

	(void)snprintf(finding, sizeof(finding), "%s;", line);
	note_said(finding);
}

static int
setup(void **state)
{
	(void)fixture_open(state);
	sql(rows);
	alive = "";
	recovery =
	    (struct recovery){ .is_alive = is_alive, .say = say, .by = "test" };
	check = (struct check){ .state_directory = directory,
		.lock_fd = -1,
		.known = known,
		.say = say,
		.by = "test" };
	return 0;
}

static void
recovers(void)
{
	works(recovery_run(store, &recovery, NULL, &counts));
}

static void
recovers_one(const char *loop_id)
{
	works(recovery_run(store, &recovery, loop_id, &counts));
}

/* Each has its own row, also where the table is ours. */
static void
test_usage_of_all(void **state)
{
	sql("UPDATE attempts SET pid = 77, tokens = 10");
	recovers();
	has_rows(2, "usage WHERE tokens_estimated = 10");
	has_rows(2, "attempts WHERE outcome = 'interrupted'");
}

static void
test_all_dead(void **state)
{
	recovers();
	was_said("reset 2 tests of dead loops: CP-1, INF-1;"
		 " closed 2 interrupted attempts; removed 2 locks;"
		 " removed 1 wait edge; closed 2 stale checkpoints; ");
	has_rows(3, "tests WHERE status = 'pending'");
	has_rows(1, "tests WHERE status = 'passed'");
	has_rows(2,
	    "attempts WHERE ended_at IS NOT NULL AND outcome = 'interrupted'");
	has_rows(1, "file_locks WHERE locked_by = 'somebody'");
	has_rows(1, "wait_graph");
	has_rows(0, "loops WHERE status = 'running'");
	has_rows(1,
	    "events WHERE event_type = 'recovery_done' AND"
	    " json_extract(payload, '$.tests') = 2");
	has_rows(2, "events WHERE event_type = 'test_reset'");

	/* Once more finds nothing. */
	recovers();
	was_said("");
}

static void
test_living_untouched(void **state)
{
	alive = "loop-2";
	recovers();
	has_rows(1,
	    "tests WHERE id = 'INF-1' AND status = 'in_progress' AND reason"
	    " IS NULL");
	has_rows(1,
	    "attempts WHERE id = 'a2' AND state = 'verifying' AND ended_at IS"
	    " NULL");
	has_rows(1, "file_locks WHERE locked_by = 'loop-2'");
	has_rows(
	    1, "loops WHERE id = 'loop-2' AND pid = 22 AND status = 'running'");
	has_rows(
	    1, "checkpoints WHERE loop_id = 'loop-2' AND deleted_at IS NULL");
	assert_int_equal(counts.tests, 1);
	assert_int_equal(counts.locks, 1);
}

/* The loop died, and another one has its test by now, with a higher fence. */
static void
test_newer_attempt(void **state)
{
	sql("INSERT INTO attempts (id, epoch, test_id, loop_id, fence, state)"
	    " SELECT 'a3', value, 'CP-1', 'loop-2', 2, 'running' FROM meta"
	    " WHERE key = 'epoch'");
	alive = "loop-2";
	recovers_one("loop-1");
	assert_int_equal(counts.tests, 0);
	assert_int_equal(counts.attempts, 1);
	has_rows(1, "tests WHERE id = 'CP-1' AND status = 'in_progress'");
	has_rows(1, "attempts WHERE id = 'a3' AND ended_at IS NULL");
}

/* What another epoch began is void, whoever lives. */
static void
test_old_epoch(void **state)
{
	alive = "loop-2";
	sql("UPDATE attempts SET epoch = 'old' WHERE id = 'a2'");
	recovers();
	assert_int_equal(counts.attempts, 2);
	assert_int_equal(counts.tests, 2);
	/* Its lock stays until the loop has ended what it runs. */
	has_rows(1, "file_locks WHERE locked_by = 'loop-2'");
}

static void
test_one_loop(void **state)
{
	/* loop-2 is as dead, but isn't asked about. */
	recovers_one("loop-1");
	assert_int_equal(counts.tests, 1);
	has_rows(1, "tests WHERE status = 'in_progress'");
	has_rows(1, "file_locks WHERE locked_by = 'loop-2'");
	assert_int_equal(health_left_work(store, "loop-1"), 0);
	assert_int_equal(health_left_work(store, "loop-2"), 1);
	/* It was faster than we are, and lives again. */
	alive = "loop-2";
	recovers_one("loop-2");
	assert_int_equal(counts.tests, 0);
	has_rows(1, "tests WHERE status = 'in_progress'");
}

static void
test_dry_run(void **state)
{
	recovery.dry_run = true;
	recovers();
	assert_non_null(strstr(said, "reset 2 tests"));
	has_rows(2, "tests WHERE status = 'in_progress'");
	has_rows(3, "file_locks");
	has_rows(0, "events");
}

/* Both formats of time; expired ones of the living that still work on it
 * stay. */
static void
test_expired_locks(void **state)
{
	alive = "loop-2";
	sql("UPDATE file_locks SET expires_at = datetime('now', '-1 minute')"
	    " WHERE locked_by = 'loop-2';"
	    "INSERT INTO file_locks (file_path, locked_by, expires_at) VALUES"
	    " ('x1', 'somebody', datetime('now', '-1 minute')),"
	    " ('x2', 'somebody', datetime('now', '+1 minute')),"
	    " ('x3', 'somebody', strftime('%Y-%m-%dT%H:%M:%fZ', 'now',"
	    " '-1 minute')),"
	    " ('x4', 'somebody', strftime('%Y-%m-%dT%H:%M:%fZ', 'now',"
	    " '+1 minute')),"
	    " ('x5', 'somebody', 'nonsense')");
	recovers();
	has_rows(5,
	    "file_locks WHERE file_path IN ('x2', 'x4', 'x5', 'src/b.c',"
	    " 'src/c.c')");
	has_rows(5, "file_locks");
}

/* As if the clock had been set by a day since the offset was noted. */
static void
test_clock_jump(void **state)
{
	int64_t jump_ms = 1, day_ms = 24 * 3600 * 1000, before, after;

	assert_int_equal(expiry_follow(store, &jump_ms), 1);
	assert_int_equal(jump_ms, 0);
	assert_int_equal(expiry_follow(store, &jump_ms), 0);
	sql("UPDATE file_locks SET expires_at = '2026-01-07 02:14:00',"
	    " locked_at = '2026-01-06T02:14:00.000Z'"
	    " WHERE file_path = 'src/a.c';"
	    "UPDATE wait_graph SET waiting_since = '2026-01-06 02:14:00';"
	    "UPDATE attempts SET lease_until = '2026-01-07T02:14:00.250Z';"
	    "UPDATE attempts SET ended_at = lease_until WHERE id = 'a1';"
	    "INSERT INTO decisions (id, requested_at) VALUES"
	    " ('DEC-1', '2026-01-07T02:14:00Z');"
	    "INSERT INTO tests (id, retry_at, verified_at) VALUES"
	    " ('R', '2026-01-07T02:14:00Z', '2026-01-07T02:13:00.000Z');"
	    "INSERT INTO regressions (test_id, detected_at) VALUES"
	    " ('R', '2026-01-07T02:14:00.000Z');"
	    "UPDATE meta SET value = CAST(value AS INTEGER) - 86400000"
	    " WHERE key = 'clock_offset_ms'");
	before = expiry_now_ms(store);
	assert_in_range(clock_wall_ms() - before, day_ms - 5000, day_ms + 5000);
	assert_int_equal(expiry_follow(store, &jump_ms), 1);
	assert_in_range(jump_ms, day_ms - 5000, day_ms + 5000);
	after = expiry_now_ms(store);
	assert_in_range(after - before, day_ms - 5000, day_ms + 5000);
	has_rows(1,
	    "file_locks WHERE expires_at LIKE '2026-01-08 02:1_:__'"
	    " AND locked_at LIKE '2026-01-07T02:1_:__.___Z'");
	has_rows(
	    0, "wait_graph WHERE waiting_since NOT LIKE '2026-01-07 02:%'");
	has_rows(1,
	    "attempts WHERE id = 'a2' AND lease_until LIKE"
	    " '2026-01-08T02:1_:__.___Z'");
	has_rows(1,
	    "attempts WHERE id = 'a1' AND lease_until ="
	    " '2026-01-07T02:14:00.250Z'");
	has_rows(1, "decisions WHERE requested_at LIKE '2026-01-08T%'");
	has_rows(1, "tests WHERE retry_at LIKE '2026-01-08T02:1%'");
	has_rows(1,
	    "tests JOIN regressions ON test_id = tests.id"
	    " WHERE verified_at LIKE '2026-01-08T02:%'"
	    " AND detected_at LIKE '2026-01-08T02:%'"
	    " AND verified_at < detected_at");
}

/* What is said when only one of the two loops is dead. */
#define REPAIRED(test)                                     \
	"reset 1 test of dead loops: " test                \
	"; closed 1 interrupted attempt; removed 1 lock; " \
	"removed 1 wait edge; closed 1 stale checkpoint; "

static void
checks(void)
{
	store_close(store);
	if (check_run(&check, store) < 0)
		fail_msg("%s", store_error(store));
}

/* Only looks at what it can't repair without changing it. */
static void
looks_only(int error)
{
	store_close(store);
	check.dry_run = true;
	assert_int_equal(check_run(&check, store), -1);
	assert_int_equal(errno, error);
	check.dry_run = false;
	said[0] = '\0';
}

static void
test_check_sound(void **state)
{
	alive = "loop-1";
	checks();
	was_said(REPAIRED("INF-1"));
}

static void
damages(const char *where)
{
	char command[128];

	keep_epoch();
	store_close(store);
	(void)snprintf(command, sizeof(command),
	    "yes '~' | head -c 32768 |"
	    " dd of=coordination.db conv=notrunc status=none %s",
	    where);
	shell(command);
	looks_only(EUCLEAN);
	assert_int_equal(files_with("", "damaged"), 0);
	checks();
	assert_non_null(strstr(said, "DAMAGED"));
	assert_true(files_with("", "coordination.db.damaged-") >= 1);
	has_rows(0, "tests");
	epoch_is(false);
	has_rows(1, "events WHERE event_type = 'database_damaged'");
}

static void
test_damaged_header(void **state)
{
	damages("");
}

static void
test_damaged_page(void **state)
{
	damages("oflag=seek_bytes seek=8192");
}

static void
test_check_makes(void **state)
{
	store_close(store);
	assert_int_equal(unlink(database), 0);
	looks_only(ENOENT);
	assert_int_equal(access(database, F_OK), -1);
	checks();
	was_said("made a new database; ");
}

/* Released, written over in place with a stray -wal beside it, taken back. */
static void
test_check_takes_back(void **state)
{
	int fd;

	keep_epoch();
	store_close(store);
	fd = guard_take(directory);
	assert_true(fd >= 0);
	works(guard_release(fd, directory));
	(void)close(fd);
	shell("cp coordination.db b && cat b > coordination.db &&"
	      " echo stray > coordination.db-wal");
	checks();
	assert_non_null(strstr(said, "the database file was replaced"));
	assert_int_equal(files_with("", "coordination.db.stray-"), 1);
	epoch_is(false);
	/* Whatever was in progress there is void. */
	has_rows(0, "tests WHERE status = 'in_progress'");
	store_close(store);
	/* Once taken back it is as any other. */
	keep_epoch();
	open_again(STORE_WRITE);
	epoch_is(true);
}

/* Somebody else's loop, known by its heartbeat alone, that moves. */
static void
test_foreign_heartbeat(void **state)
{
	int status = -1;
	pid_t pid;

	sql("INSERT INTO component_health (component, last_heartbeat) VALUES"
	    " ('loop-2', datetime('now', '-5 seconds')),"
	    " ('loop-1', datetime('now', '-1 hour'))");
	store_close(store);
	check.known = knows_nobody;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		const struct timespec pause = { .tv_nsec = 300000000 };

		if (store_open(store, directory, STORE_WRITE) < 0 ||
		    nanosleep(&pause, NULL) < 0 ||
		    health_set(
			store, "loop-2", NULL, "2026-01-07 02:14:00", NULL) < 0)
			_exit(1);
		store_close(store);
		_exit(0);
	}
	checks();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	was_said(REPAIRED("CP-1"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_usage_of_all, setup),
		TEST(test_all_dead, setup),
		TEST(test_living_untouched, setup),
		TEST(test_newer_attempt, setup),
		TEST(test_old_epoch, setup),
		TEST(test_one_loop, setup),
		TEST(test_dry_run, setup),
		TEST(test_expired_locks, setup),
		TEST(test_clock_jump, setup),
		TEST(test_check_sound, setup),
		TEST(test_damaged_header, setup),
		TEST(test_damaged_page, setup),
		TEST(test_check_makes, setup),
		TEST(test_check_takes_back, setup),
		TEST(test_foreign_heartbeat, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
