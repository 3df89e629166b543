/* Opening: new files, a newer schema, epochs, files that are replaced under us,
 * release. Real SQLite files. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "store/guard.h"
#include "store/schema.h"
#include "store/statement.h"
#include "store_fixture.h"
#include "system/wanted.h"

#define OPENERS 8

static bool
exists(const char *name)
{
	return access(path_of(name), F_OK) == 0;
}

static void
refuses(enum store_mode mode, int error, const char *why)
{
	assert_int_equal(store_open(store, directory, mode), -1);
	assert_int_equal(errno, error);
	if (strstr(store_error(store), why) == NULL)
		fail_msg("not \"%s\": %s", why, store_error(store));
}

static void
set_mark(const char *value)
{
	works(store_begin(store));
	works(store_set_meta(store, "mark", value));
	works(store_commit(store));
}

static void
test_new_database(void **state)
{
	struct stat st;

	(void)umask(0);
	refuses(STORE_WRITE, ENOENT, "there is no database");
	open_again(STORE_CREATE);
	assert_true(store->created);
	assert_int_equal(strlen(store->epoch), 36);
	assert_int_equal(stat(database, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(number("PRAGMA foreign_keys"), 1);
	assert_int_equal(number("PRAGMA user_version"), SCHEMA_VERSION);
	has_rows(14,
	    "sqlite_schema WHERE type = 'table' AND name IN ('loops',"
	    " 'tests', 'events', 'subscriptions', 'file_locks', 'wait_graph',"
	    " 'passing_tests', 'checkpoints', 'decisions',"
	    " 'component_health', 'alerts', 'usage', 'attempts', 'meta')");
	store_close(store);
	assert_false(exists("coordination.db-wal"));
	assert_false(exists("coordination.db-shm"));
}

static void
test_epoch_stays(void **state)
{
	keep_epoch();
	store_close(store);
	open_again(STORE_READ);
	epoch_is(true);
	assert_int_equal(statement_run(store, "DELETE FROM meta", ""), -1);
	store_close(store);
	/* A reader that closes last leaves nothing beside it either. */
	assert_false(exists("coordination.db-wal"));
}

static void
test_newer_version(void **state)
{
	foreign("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT);"
		"INSERT INTO meta VALUES ('schema', '99')");
	refuses(STORE_WRITE, EPROTO, "newer loopkeeper");
}

static void
test_other_table(void **state)
{
	foreign("CREATE TABLE tests (subject TEXT, mark INTEGER)");
	refuses(STORE_WRITE, EUCLEAN, "table tests");
}

static void
test_no_database_at_all(void **state)
{
	shell("yes 'This is no database.' | head -1000 > coordination.db");
	refuses(STORE_WRITE, EUCLEAN, "not a database");
}

/* Several processes make it at once: one database, one epoch. */
static void
test_openers_at_once(void **state)
{
	char epochs[OPENERS][UUID_SIZE];
	int pipes[2], status;

	assert_int_equal(pipe(pipes), 0);
	for (int i = 0; i < OPENERS; i++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0) {
			if (store_open(store, directory, STORE_CREATE) < 0 ||
			    write(pipes[1], store->epoch, UUID_SIZE) < 0)
				_exit(1);
			store_close(store);
			_exit(0);
		}
	}
	for (int i = 0; i < OPENERS; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	(void)close(pipes[1]);
	assert_int_equal(
	    read(pipes[0], epochs, sizeof(epochs)), sizeof(epochs));
	for (int i = 0; i < OPENERS; i++)
		assert_string_equal(epochs[i], epochs[0]);
	(void)close(pipes[0]);
}

static void
test_rename_under_us(void **state)
{
	keep_epoch();
	set_mark("old");
	shell("mv coordination.db aside");
	/* Gone, and perhaps being replaced: none is made. */
	assert_int_equal(store_begin(store), -1);
	assert_int_equal(errno, ENOENT);
	assert_null(store->db);

	open_again(STORE_CREATE);
	assert_true(store->replaced);
	epoch_is(false);
	has_rows(0, "meta WHERE key = 'mark'");
}

/* Another file is put in place of ours: 1 tells, and what was in the stray
 * -wal is not in it. */
static void
test_replaced_under_us(void **state)
{
	keep_epoch();
	works(store_checkpoint(store));
	shell("cp coordination.db backup.db");
	set_mark("after");
	assert_true(exists("coordination.db-wal"));
	shell("mv backup.db coordination.db");

	assert_int_equal(store_begin(store), 1);
	epoch_is(false);
	keep_epoch();
	works(store_begin(store));
	has_rows(0, "meta WHERE key = 'mark'");
	epoch_is(true);
	store_rollback(store);
}

/* Somebody else gave it a new epoch: 1 once, then it is ours too. */
static void
test_epoch_changes(void **state)
{
	foreign("UPDATE meta SET value = 'other' WHERE key = 'epoch'");
	assert_int_equal(store_begin(store), 1);
	assert_string_equal(store->epoch, "other");
	works(store_begin(store));
	store_rollback(store);
}

static void
test_release(void **state)
{
	const struct wanted_entry wanted = { .state = WANTED_RELEASED,
		.name = WANTED_DATABASE,
		.by = "olaf",
		.why = "" };
	bool released;
	int fd;

	assert_int_equal(guard_take(directory), -1);
	assert_int_equal(errno, EAGAIN);
	store_close(store);

	works(wanted_write(directory, &wanted, 1));
	refuses(
	    STORE_READ, ESHUTDOWN, "paused: the database is released (since ");
	assert_non_null(strstr(store_error(store), ", by olaf); resume first"));

	fd = guard_take(directory);
	assert_true(fd >= 0);
	works(guard_release(fd, directory));
	assert_int_equal(guard_check(fd, directory, &released), 0);
	assert_true(released);
	/* Written over in place, as cp does: same inode. */
	shell("cp coordination.db backup.db");
	foreign("CREATE TABLE news (id)");
	shell("cp backup.db coordination.db");
	assert_int_equal(guard_check(fd, directory, &released), 1);
	works(store_open_held(store, directory, fd));
}

/* What was released and not taken back is not opened behind the recorder's
 * back. */
static void
test_not_back_yet(void **state)
{
	int fd;

	store_close(store);
	fd = guard_take(directory);
	assert_true(fd >= 0);
	works(guard_release(fd, directory));
	(void)close(fd);
	refuses(STORE_READ, ESHUTDOWN, "not back in use");
}

static void
test_busy(void **state)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(database, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	store_set_busy(store, 20);
	assert_int_equal(store_begin(store), -1);
	assert_int_equal(errno, EBUSY);
	assert_non_null(strstr(store_error(store), "locked"));
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	works(store_begin(store));
	store_rollback(store);
}

static void
test_statements(void **state)
{
	struct sqlite3_stmt *q;
	const char *kept;
	char cut[4], *copy;
	int64_t number;
	bool is_so;
	double half;
	int n = 5;

	assert_int_equal(
	    statement_change(
		store, "INSERT INTO loops (id) VALUES (?1)", "t", "loop-1"),
	    1);
	assert_int_equal(statement_change(store, "PRAGMA cache_size", ""), 0);
	assert_int_equal(statement_run(store,
			     "INSERT INTO tests (id, loop_id) VALUES (?1, ?2)",
			     "tt", "CP-1", "no such loop"),
	    -1);
	assert_int_equal(errno, EEXIST);
	assert_null(statement_query(store, "SELECT nonsense", ""));
	assert_int_equal(errno, EINVAL);
	assert_int_equal(statement_row(store, NULL, ""), -1);
	assert_int_equal(
	    statement_get(store, "SELECT 1 FROM tests", ">n", &n), 0);
	assert_int_equal(n, 5);
	q = statement_query(store,
	    "SELECT id, name, id, id, ?1, ?2, ?1 FROM loops", "id", (int64_t)7,
	    0.5);
	assert_int_equal(statement_row(store, q, "ttsmidb", &kept, &kept, cut,
			     sizeof(cut), &copy, &number, &half, &is_so),
	    1);
	assert_string_equal(kept, "");
	assert_string_equal(cut, "loo");
	assert_string_equal(copy, "loop-1");
	assert_true(number == 7 && half > 0.4 && is_so);
	free(copy);
	works(statement_bind(store, q, "id", (int64_t)8, 1.0));
	assert_int_equal(
	    statement_row(store, q, "ttttn", &kept, &kept, &kept, &kept, &n),
	    1);
	assert_int_equal(n, 8);
	assert_int_equal(statement_row(store, q, ""), 0);
	statement_end(q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_new_database, fixture_empty),
		TEST(test_epoch_stays, fixture_open),
		TEST(test_newer_version, fixture_empty),
		TEST(test_other_table, fixture_empty),
		TEST(test_no_database_at_all, fixture_empty),
		TEST(test_openers_at_once, fixture_empty),
		TEST(test_rename_under_us, fixture_open),
		TEST(test_replaced_under_us, fixture_open),
		TEST(test_epoch_changes, fixture_open),
		TEST(test_release, fixture_open),
		TEST(test_not_back_yet, fixture_open),
		TEST(test_busy, fixture_open),
		TEST(test_statements, fixture_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
