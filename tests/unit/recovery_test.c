/* Repairs: of the dead everything, of the living nothing; databases that are
 * damaged or were replaced; clocks that jump. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "store/check.h"
#include "store/expiry.h"
#include "store/guard.h"
#include "store/health.h"
#include "store/recovery.h"
#include "store/statement.h"

struct fixture {
	char directory[64];
	struct store store;
	const char *alive; /* the one loop that lives; "" none */
	char said[1024];
	struct recovery_counts counts;
};

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

static void
execute(struct store *s, const char *sql)
{
	char *copy = strdup(sql), *rest = copy, *one;

	assert_non_null(copy);
	while ((one = strsep(&rest, ";")) != NULL)
		if (one[0] != '\0')
			assert_true(statement_run(s, one, "") >= 0);
	free(copy);
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	(void)snprintf(
	    f->directory, sizeof(f->directory), "/tmp/lk-recovery.XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	assert_int_equal(store_open(&f->store, f->directory, STORE_CREATE), 0);
	execute(&f->store, rows);
	f->alive = "";
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	store_close(&f->store);
	(void)snprintf(command, sizeof(command), "rm -rf %s", f->directory);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

static bool
is_alive(const char *loop_id, void *argument)
{
	const struct fixture *f = argument;

	return strcmp(loop_id, f->alive) == 0;
}

static void
say(const char *line, void *argument)
{
	struct fixture *f = argument;
	size_t len = strlen(f->said);

	(void)snprintf(f->said + len, sizeof(f->said) - len, "%s\n", line);
}

static struct recovery
recovery_of(struct fixture *f)
{
	f->said[0] = '\0';
	return (struct recovery){
		.is_alive = is_alive, .say = say, .argument = f, .by = "test"
	};
}

static int64_t
count(struct store *s, const char *what)
{
	char sql[512];
	int64_t result = -1;

	(void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", what);
	assert_int_equal(statement_int_of(s, &result, sql, ""), 1);
	return result;
}

static void
test_all_dead(void **state)
{
	struct fixture *f = *state;
	const struct recovery r = recovery_of(f);

	assert_int_equal(recovery_run(&f->store, &r, &f->counts), 0);
	assert_string_equal(f->said,
	    "reset 2 tests of dead loops: CP-1, INF-1\n"
	    "closed 2 interrupted attempts\n"
	    "removed 2 locks\n"
	    "removed 1 wait edge\n"
	    "closed 2 stale checkpoints\n");
	assert_int_equal(count(&f->store, "tests WHERE status = 'pending'"), 3);
	assert_int_equal(count(&f->store, "tests WHERE status = 'passed'"), 1);
	assert_int_equal(count(&f->store,
			     "attempts WHERE ended_at IS NOT NULL"
			     " AND outcome = 'interrupted'"),
	    2);
	assert_int_equal(
	    count(&f->store, "file_locks WHERE locked_by = 'somebody'"), 1);
	assert_int_equal(count(&f->store, "wait_graph"), 1);
	assert_int_equal(count(&f->store, "loops WHERE status = 'running'"), 0);
	assert_int_equal(count(&f->store,
			     "events WHERE event_type = 'recovery_done'"
			     " AND json_extract(payload, '$.tests') = 2"),
	    1);
	assert_int_equal(
	    count(&f->store, "events WHERE event_type = 'test_reset'"), 2);

	/* Once more finds nothing. */
	f->said[0] = '\0';
	assert_int_equal(recovery_run(&f->store, &r, &f->counts), 0);
	assert_string_equal(f->said, "");
}

static void
test_living_untouched(void **state)
{
	struct fixture *f = *state;
	const struct recovery r = recovery_of(f);

	f->alive = "loop-2";
	assert_int_equal(recovery_run(&f->store, &r, &f->counts), 0);
	assert_int_equal(count(&f->store,
			     "tests WHERE id = 'INF-1'"
			     " AND status = 'in_progress' AND reason IS NULL"),
	    1);
	assert_int_equal(count(&f->store,
			     "attempts WHERE id = 'a2' AND state = 'verifying'"
			     " AND ended_at IS NULL"),
	    1);
	assert_int_equal(
	    count(&f->store, "file_locks WHERE locked_by = 'loop-2'"), 1);
	assert_int_equal(count(&f->store,
			     "loops WHERE id = 'loop-2' AND pid = 22"
			     " AND status = 'running'"),
	    1);
	assert_int_equal(count(&f->store,
			     "checkpoints WHERE loop_id = 'loop-2'"
			     " AND deleted_at IS NULL"),
	    1);
	assert_int_equal(f->counts.tests, 1);
	assert_int_equal(f->counts.locks, 1);
}

/* The loop died, and another one has its test by now, with a higher fence. */
static void
test_newer_attempt(void **state)
{
	struct fixture *f = *state;
	const struct recovery r = recovery_of(f);

	execute(&f->store,
	    "INSERT INTO attempts (id, epoch, test_id, loop_id, fence, state)"
	    " SELECT 'a3', value, 'CP-1', 'loop-2', 2, 'running' FROM meta"
	    " WHERE key = 'epoch'");
	f->alive = "loop-2";
	assert_int_equal(
	    recovery_run_loop(&f->store, &r, "loop-1", &f->counts), 0);
	assert_int_equal(f->counts.tests, 0);
	assert_int_equal(f->counts.attempts, 1);
	assert_int_equal(count(&f->store,
			     "tests WHERE id = 'CP-1'"
			     " AND status = 'in_progress'"),
	    1);
	assert_int_equal(
	    count(&f->store, "attempts WHERE id = 'a3' AND ended_at IS NULL"),
	    1);
}

/* What another epoch began is void, whoever lives. */
static void
test_old_epoch(void **state)
{
	struct fixture *f = *state;
	const struct recovery r = recovery_of(f);

	f->alive = "loop-2";
	execute(&f->store, "UPDATE attempts SET epoch = 'old' WHERE id = 'a2'");
	assert_int_equal(recovery_run(&f->store, &r, &f->counts), 0);
	assert_int_equal(f->counts.attempts, 2);
	assert_int_equal(f->counts.tests, 2);
	/* Its lock stays until the loop has ended what it runs. */
	assert_int_equal(
	    count(&f->store, "file_locks WHERE locked_by = 'loop-2'"), 1);
}

static void
test_one_loop(void **state)
{
	struct fixture *f = *state;
	const struct recovery r = recovery_of(f);

	/* loop-2 is as dead, but isn't asked about. */
	assert_int_equal(
	    recovery_run_loop(&f->store, &r, "loop-1", &f->counts), 0);
	assert_int_equal(f->counts.tests, 1);
	assert_int_equal(
	    count(&f->store, "tests WHERE status = 'in_progress'"), 1);
	assert_int_equal(
	    count(&f->store, "file_locks WHERE locked_by = 'loop-2'"), 1);
	assert_int_equal(health_left_work(&f->store, "loop-1"), 0);
	assert_int_equal(health_left_work(&f->store, "loop-2"), 1);
	/* It was faster than we are, and lives again. */
	f->alive = "loop-2";
	assert_int_equal(
	    recovery_run_loop(&f->store, &r, "loop-2", &f->counts), 0);
	assert_int_equal(f->counts.tests, 0);
	assert_int_equal(
	    count(&f->store, "tests WHERE status = 'in_progress'"), 1);
}

static void
test_dry_run(void **state)
{
	struct fixture *f = *state;
	struct recovery r = recovery_of(f);

	r.dry_run = true;
	assert_int_equal(recovery_run(&f->store, &r, &f->counts), 0);
	assert_non_null(strstr(f->said, "reset 2 tests"));
	assert_int_equal(
	    count(&f->store, "tests WHERE status = 'in_progress'"), 2);
	assert_int_equal(count(&f->store, "file_locks"), 3);
	assert_int_equal(count(&f->store, "events"), 0);
}

/* Both formats of time; expired ones of the living that still work on it
 * stay. */
static void
test_expired_locks(void **state)
{
	struct fixture *f = *state;
	const struct recovery r = recovery_of(f);

	f->alive = "loop-2";
	execute(&f->store,
	    "UPDATE file_locks SET expires_at = datetime('now', '-1 minute')"
	    " WHERE locked_by = 'loop-2';"
	    "INSERT INTO file_locks (file_path, locked_by, expires_at) VALUES"
	    " ('x1', 'somebody', datetime('now', '-1 minute')),"
	    " ('x2', 'somebody', datetime('now', '+1 minute')),"
	    " ('x3', 'somebody', strftime('%Y-%m-%dT%H:%M:%fZ', 'now',"
	    " '-1 minute')),"
	    " ('x4', 'somebody', strftime('%Y-%m-%dT%H:%M:%fZ', 'now',"
	    " '+1 minute')),"
	    " ('x5', 'somebody', 'nonsense')");
	assert_int_equal(recovery_run(&f->store, &r, &f->counts), 0);
	assert_int_equal(count(&f->store,
			     "file_locks WHERE file_path IN"
			     " ('x2', 'x4', 'x5', 'src/b.c', 'src/c.c')"),
	    5);
	assert_int_equal(count(&f->store, "file_locks"), 5);
}

/* As if the clock had been set by a day since the offset was noted. */
static void
test_clock_jump(void **state)
{
	struct fixture *f = *state;
	int64_t jump_ms = 1, day_ms = 24 * 3600 * 1000, before, after;

	assert_int_equal(expiry_follow(&f->store, &jump_ms), 1);
	assert_int_equal(jump_ms, 0);
	assert_int_equal(expiry_follow(&f->store, &jump_ms), 0);
	execute(&f->store,
	    "UPDATE file_locks SET expires_at = '2026-01-07 02:14:00'"
	    " WHERE file_path = 'src/a.c';"
	    "UPDATE attempts SET lease_until = '2026-01-07T02:14:00.250Z';"
	    "UPDATE attempts SET ended_at = lease_until WHERE id = 'a1';"
	    "INSERT INTO decisions (id, requested_at) VALUES"
	    " ('DEC-1', '2026-01-07T02:14:00Z');"
	    "UPDATE meta SET value = CAST(value AS INTEGER) - 86400000"
	    " WHERE key = 'clock_offset_ms'");
	before = expiry_now_ms(&f->store);
	assert_in_range(clock_wall_ms() - before, day_ms - 5000, day_ms + 5000);
	assert_int_equal(expiry_follow(&f->store, &jump_ms), 1);
	assert_in_range(jump_ms, day_ms - 5000, day_ms + 5000);
	after = expiry_now_ms(&f->store);
	assert_in_range(after - before, day_ms - 5000, day_ms + 5000);
	assert_int_equal(count(&f->store,
			     "file_locks WHERE expires_at LIKE"
			     " '2026-01-08 02:1_:__'"),
	    1);
	assert_int_equal(count(&f->store,
			     "attempts WHERE id = 'a2' AND lease_until LIKE"
			     " '2026-01-08T02:1_:__.___Z'"),
	    1);
	assert_int_equal(count(&f->store,
			     "attempts WHERE id = 'a1' AND lease_until ="
			     " '2026-01-07T02:14:00.250Z'"),
	    1);
	assert_int_equal(
	    count(
		&f->store, "decisions WHERE requested_at LIKE '2026-01-08T%'"),
	    1);
}

static enum alive
known(const char *loop_id, void *argument)
{
	const struct fixture *f = argument;

	return strcmp(loop_id, f->alive) == 0 ? ALIVE_YES : ALIVE_NO;
}

static enum alive
knows_nobody(const char *loop_id, void *argument)
{
	(void)loop_id;
	(void)argument;
	return ALIVE_UNKNOWN;
}

static struct check
check_of(struct fixture *f)
{
	store_close(&f->store);
	f->said[0] = '\0';
	return (struct check){ .state_directory = f->directory,
		.lock_fd = -1,
		.known = known,
		.say = say,
		.argument = f,
		.by = "test" };
}

static void
overwrite(const struct fixture *f, off_t offset)
{
	char path[96], noise[512];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/coordination.db", f->directory);
	(void)memset(noise, 0xa5, sizeof(noise));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	for (int i = 0; i < 64; i++)
		assert_int_equal(pwrite(fd, noise, sizeof(noise),
				     offset + i * (off_t)sizeof(noise)),
		    sizeof(noise));
	(void)close(fd);
}

static int
set_aside(const struct fixture *f, const char *reason)
{
	struct dirent *entry;
	DIR *dir = opendir(f->directory);
	int n = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL)
		n += strstr(entry->d_name, reason) != NULL;
	(void)closedir(dir);
	return n;
}

static void
test_check_sound(void **state)
{
	struct fixture *f = *state;
	const struct check c = check_of(f);
	struct check_result result;

	f->alive = "loop-1";
	assert_int_equal(check_run(&c, &f->store, &result), 0);
	assert_false(result.damaged || result.created || result.replaced);
	assert_string_equal(f->said,
	    "reset 1 test of dead loops: INF-1\n"
	    "closed 1 interrupted attempt\n"
	    "removed 1 lock\n"
	    "removed 1 wait edge\n"
	    "closed 1 stale checkpoint\n");
}

static void
check_damage(struct fixture *f, off_t offset)
{
	const struct check c = check_of(f);
	struct check dry = c;
	struct check_result result;
	char epoch[UUID_SIZE];

	(void)memcpy(epoch, f->store.epoch, sizeof(epoch));
	overwrite(f, offset);
	dry.dry_run = true;
	assert_int_equal(check_run(&dry, &f->store, &result), -1);
	assert_int_equal(errno, EUCLEAN);
	assert_int_equal(set_aside(f, "damaged"), 0);
	f->said[0] = '\0';
	assert_int_equal(check_run(&c, &f->store, &result), 0);
	assert_true(result.damaged);
	assert_non_null(strstr(f->said, "DAMAGED"));
	assert_true(set_aside(f, "coordination.db.damaged-") >= 1);
	assert_int_equal(count(&f->store, "tests"), 0);
	assert_string_not_equal(f->store.epoch, epoch);
	assert_int_equal(
	    count(&f->store, "events WHERE event_type = 'database_damaged'"),
	    1);
}

static void
test_damaged_header(void **state)
{
	check_damage(*state, 0);
}

static void
test_damaged_page(void **state)
{
	check_damage(*state, 8192);
}

static void
test_check_makes(void **state)
{
	struct fixture *f = *state;
	struct check c = check_of(f);
	struct check_result result;
	char path[96];

	(void)snprintf(path, sizeof(path), "%s/coordination.db", f->directory);
	assert_int_equal(unlink(path), 0);
	c.dry_run = true;
	assert_int_equal(check_run(&c, &f->store, &result), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(access(path, F_OK), -1);
	c.dry_run = false;
	assert_int_equal(check_run(&c, &f->store, &result), 0);
	assert_true(result.created);
	assert_string_equal(f->said, "made a new database\n");
}

/* Released, written over in place with a stray -wal beside it, taken back. */
static void
test_check_takes_back(void **state)
{
	struct fixture *f = *state;
	const struct check c = check_of(f);
	struct check_result result;
	char epoch[UUID_SIZE], command[256];
	int fd;

	(void)memcpy(epoch, f->store.epoch, sizeof(epoch));
	fd = guard_take(f->directory);
	assert_true(fd >= 0);
	assert_int_equal(guard_release(fd, f->directory), 0);
	(void)close(fd);
	(void)snprintf(command, sizeof(command),
	    "cd %s && cp coordination.db b && cat b > coordination.db &&"
	    " echo stray > coordination.db-wal",
	    f->directory);
	assert_int_equal(system(command), 0);
	assert_int_equal(check_run(&c, &f->store, &result), 0);
	assert_true(result.replaced);
	assert_int_equal(set_aside(f, "coordination.db.stray-"), 1);
	assert_string_not_equal(f->store.epoch, epoch);
	/* Whatever was in progress there is void. */
	assert_int_equal(
	    count(&f->store, "tests WHERE status = 'in_progress'"), 0);
	store_close(&f->store);
	/* Once taken back it is as any other. */
	(void)memcpy(epoch, f->store.epoch, sizeof(epoch));
	assert_int_equal(store_open(&f->store, f->directory, STORE_WRITE), 0);
	assert_string_equal(f->store.epoch, epoch);
}

/* Somebody else's loop, known by its heartbeat alone, that moves. */
static void
test_foreign_heartbeat(void **state)
{
	struct fixture *f = *state;
	struct check c;
	struct check_result result;
	int status = -1;
	pid_t pid;

	execute(&f->store,
	    "INSERT INTO component_health (component, last_heartbeat) VALUES"
	    " ('loop-2', datetime('now', '-5 seconds')),"
	    " ('loop-1', datetime('now', '-1 hour'))");
	c = check_of(f);
	c.known = knows_nobody;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct store s;
		const struct timespec pause = { .tv_nsec = 300000000 };

		if (store_open(&s, f->directory, STORE_WRITE) < 0 ||
		    nanosleep(&pause, NULL) < 0 ||
		    health_set(
			&s, "loop-2", NULL, "2026-01-07 02:14:00", NULL) < 0)
			_exit(1);
		store_close(&s);
		_exit(0);
	}
	assert_int_equal(check_run(&c, &f->store, &result), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_string_equal(f->said,
	    "reset 1 test of dead loops: CP-1\n"
	    "closed 1 interrupted attempt\n"
	    "removed 1 lock\n"
	    "removed 1 wait edge\n"
	    "closed 1 stale checkpoint\n");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_all_dead),
		TEST(test_living_untouched),
		TEST(test_newer_attempt),
		TEST(test_old_epoch),
		TEST(test_one_loop),
		TEST(test_dry_run),
		TEST(test_expired_locks),
		TEST(test_clock_jump),
		TEST(test_check_sound),
		TEST(test_damaged_header),
		TEST(test_damaged_page),
		TEST(test_check_makes),
		TEST(test_check_takes_back),
		TEST(test_foreign_heartbeat),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
