/* Opening: new files, other programs' databases, a newer schema, epochs,
 * files that are replaced under us, release. Real SQLite files. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "store/guard.h"
#include "store/schema.h"
#include "store/statement.h"
#include "store/store.h"
#include "system/wanted.h"

#define OPENERS 8

struct fixture {
	char directory[64];
	char database[96];
	struct store store;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	(void)snprintf(
	    f->directory, sizeof(f->directory), "/tmp/lk-store.XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	(void)snprintf(f->database, sizeof(f->database), "%s/coordination.db",
	    f->directory);
	f->store.lock_fd = -1;
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

/* As another program would: by SQLite alone. */
static void
foreign(const struct fixture *f, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(f->database, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static int64_t
number(struct store *s, const char *sql)
{
	int64_t result = -1;

	assert_int_equal(statement_int_of(s, &result, sql, ""), 1);
	return result;
}

static bool
exists(const struct fixture *f, const char *suffix)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s%s", f->database, suffix);
	return access(path, F_OK) == 0;
}

static void
copy_over(const struct fixture *f, const char *from, const char *to)
{
	char command[256];

	(void)snprintf(command, sizeof(command), "cp %s/%s %s/%s", f->directory,
	    from, f->directory, to);
	assert_int_equal(system(command), 0);
}

static void
test_new_database(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	(void)umask(0);
	assert_int_equal(store_open(&f->store, f->directory, STORE_WRITE), -1);
	assert_int_equal(errno, ENOENT);
	assert_non_null(strstr(store_error(&f->store), "no database yet"));
	assert_int_equal(store_open(&f->store, f->directory, STORE_CREATE), 0);
	assert_true(f->store.created);
	assert_int_equal(strlen(f->store.epoch), 36);
	assert_int_equal(stat(f->database, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(number(&f->store, "PRAGMA foreign_keys"), 1);
	assert_int_equal(
	    number(&f->store, "PRAGMA user_version"), SCHEMA_VERSION);
	assert_int_equal(
	    number(&f->store,
		"SELECT count(*) FROM sqlite_schema WHERE type = 'table'"
		" AND name IN ('loops', 'tests', 'events', 'subscriptions',"
		" 'file_locks', 'wait_graph', 'passing_tests', 'checkpoints',"
		" 'decisions', 'component_health', 'alerts', 'usage',"
		" 'attempts', 'meta')"),
	    14);
	store_close(&f->store);
	assert_false(exists(f, "-wal"));
	assert_false(exists(f, "-shm"));
}

static void
test_epoch_stays(void **state)
{
	struct fixture *f = *state;
	char epoch[UUID_SIZE];

	assert_int_equal(store_open(&f->store, f->directory, STORE_CREATE), 0);
	(void)memcpy(epoch, f->store.epoch, sizeof(epoch));
	store_close(&f->store);
	assert_int_equal(store_open(&f->store, f->directory, STORE_READ), 0);
	assert_string_equal(f->store.epoch, epoch);
	assert_int_equal(statement_run(&f->store, "DELETE FROM meta", ""), -1);
	store_close(&f->store);
	/* A reader that closes last leaves nothing beside it either. */
	assert_false(exists(f, "-wal"));
}

/* Everything that programs before loopkeeper made, and a column and a table
 * that it doesn't know. */
static const char old_schema[] =
    "CREATE TABLE loops (id TEXT PRIMARY KEY, name TEXT NOT NULL);"
    "CREATE TABLE tests (id TEXT PRIMARY KEY, loop_id TEXT REFERENCES"
    " loops(id), status TEXT DEFAULT 'pending', colour TEXT);"
    "CREATE TABLE events (id TEXT PRIMARY KEY, timestamp TEXT NOT NULL,"
    " source TEXT, event_type TEXT, payload TEXT, correlation_id TEXT,"
    " priority INTEGER DEFAULT 5, acknowledged INTEGER DEFAULT 0,"
    " acknowledged_by TEXT, acknowledged_at TEXT);"
    "CREATE TABLE horoscopes (id INTEGER PRIMARY KEY, text TEXT);"
    "INSERT INTO loops VALUES ('loop-1', 'Critical Path');"
    "INSERT INTO tests VALUES ('CP-1', 'loop-1', 'in_progress', 'blue');"
    "INSERT INTO events (id, timestamp, payload) VALUES"
    " ('e1', '2026-01-07 02:14:00', '{\"test_id\":\"CP-1\"}'),"
    " ('e2', '2026-01-07T02:13:00.5Z', 'no json'),"
    " ('e3', '2026-01-07T02:15:00Z', NULL);"
    "INSERT INTO horoscopes (text) VALUES ('good');";

static void
test_old_database(void **state)
{
	struct fixture *f = *state;
	char text[64];

	foreign(f, old_schema);
	assert_int_equal(store_open(&f->store, f->directory, STORE_READ), 0);
	assert_false(f->store.created);
	assert_int_equal(number(&f->store,
			     "SELECT count(*) FROM tests WHERE colour = 'blue'"
			     " AND max_attempts = 3 AND verify IS NULL"),
	    1);
	assert_int_equal(
	    number(&f->store, "SELECT count(*) FROM horoscopes"), 1);
	assert_int_equal(statement_text_of(&f->store, text, sizeof(text),
			     "SELECT group_concat(id, ' ') FROM (SELECT id"
			     " FROM events ORDER BY " SCHEMA_EVENT_TIME ")",
			     ""),
	    1);
	assert_string_equal(text, "e2 e1 e3");
	assert_int_equal(
	    statement_text_of(&f->store, text, sizeof(text),
		"SELECT id FROM events WHERE test_id = 'CP-1'", ""),
	    1);
	assert_string_equal(text, "e1");
	store_close(&f->store);
	/* Once more: nothing is left to do. */
	assert_int_equal(store_open(&f->store, f->directory, STORE_WRITE), 0);
	assert_int_equal(schema_extend(&f->store), 0);
}

/* A number in user_version that another program meant otherwise. */
static void
test_foreign_version(void **state)
{
	struct fixture *f = *state;

	foreign(f,
	    "CREATE TABLE tests (id TEXT PRIMARY KEY, status TEXT);"
	    "PRAGMA user_version = 1");
	assert_int_equal(store_open(&f->store, f->directory, STORE_WRITE), 0);
	assert_int_equal(
	    number(&f->store, "SELECT count(sort_order) FROM tests"), 0);
}

static void
test_newer_version(void **state)
{
	struct fixture *f = *state;

	foreign(f, "PRAGMA user_version = 99");
	assert_int_equal(store_open(&f->store, f->directory, STORE_WRITE), -1);
	assert_int_equal(errno, EPROTO);
	assert_non_null(strstr(store_error(&f->store), "newer loopkeeper"));
}

static void
test_other_table(void **state)
{
	struct fixture *f = *state;

	foreign(f, "CREATE TABLE tests (subject TEXT, mark INTEGER)");
	assert_int_equal(store_open(&f->store, f->directory, STORE_WRITE), -1);
	assert_int_equal(errno, EUCLEAN);
	assert_non_null(strstr(store_error(&f->store), "table tests"));
}

static void
test_no_database_at_all(void **state)
{
	struct fixture *f = *state;
	FILE *file = fopen(f->database, "w");

	assert_non_null(file);
	for (int i = 0; i < 1000; i++)
		assert_true(fputs("This is no database. ", file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(store_open(&f->store, f->directory, STORE_WRITE), -1);
	assert_int_equal(errno, EUCLEAN);
}

/* Payloads of others may be anything; keys may be left out. */
static void
test_foreign_rows(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(store_open(&f->store, f->directory, STORE_CREATE), 0);
	foreign(f,
	    "INSERT INTO events (id, payload) VALUES ('a', '{'), ('b', '');"
	    "INSERT INTO alerts (message) VALUES ('one'), ('two');"
	    "INSERT INTO alerts (id, message) VALUES (7, 'three');"
	    "INSERT INTO usage (loop_id) VALUES ('loop-1');");
	assert_int_equal(number(&f->store,
			     "SELECT count(DISTINCT id) FROM alerts"
			     " WHERE id IS NOT NULL AND created_at LIKE '%T%'"),
	    3);
	assert_int_equal(number(&f->store,
			     "SELECT count(*) FROM events"
			     " WHERE timestamp LIKE '____-__-__T%Z'"),
	    2);
}

/* Several processes make it at once: one database, one epoch. */
static void
test_openers_at_once(void **state)
{
	struct fixture *f = *state;
	char epochs[OPENERS][UUID_SIZE];
	int pipes[2];

	assert_int_equal(pipe(pipes), 0);
	for (int i = 0; i < OPENERS; i++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0) {
			if (store_open(&f->store, f->directory, STORE_CREATE) <
				0 ||
			    write(pipes[1], f->store.epoch, UUID_SIZE) !=
				UUID_SIZE)
				_exit(1);
			store_close(&f->store);
			_exit(0);
		}
	}
	for (int i = 0; i < OPENERS; i++) {
		int status = -1;

		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	for (int i = 0; i < OPENERS; i++) {
		assert_int_equal(
		    read(pipes[0], epochs[i], UUID_SIZE), UUID_SIZE);
		assert_string_equal(epochs[i], epochs[0]);
	}
	(void)close(pipes[0]);
	(void)close(pipes[1]);
}

static void
test_rename_under_us(void **state)
{
	struct fixture *f = *state;
	char epoch[UUID_SIZE], aside[128];

	assert_int_equal(store_open(&f->store, f->directory, STORE_CREATE), 0);
	(void)memcpy(epoch, f->store.epoch, sizeof(epoch));
	assert_int_equal(store_begin(&f->store), 0);
	assert_int_equal(store_set_meta(&f->store, "mark", "old"), 0);
	assert_int_equal(store_commit(&f->store), 0);
	(void)snprintf(aside, sizeof(aside), "%s.aside", f->database);
	assert_int_equal(rename(f->database, aside), 0);
	/* Gone, and perhaps being replaced: none is made. */
	assert_int_equal(store_begin(&f->store), -1);
	assert_int_equal(errno, ENOENT);
	assert_null(f->store.db);

	assert_int_equal(store_open(&f->store, f->directory, STORE_CREATE), 0);
	assert_true(f->store.replaced);
	assert_string_not_equal(f->store.epoch, epoch);
	assert_int_equal(
	    number(&f->store, "SELECT count(*) FROM meta WHERE key = 'mark'"),
	    0);
}

/* Another file is put in place of ours: 1 tells, and what was in the stray
 * -wal is not in it. */
static void
test_replaced_under_us(void **state)
{
	struct fixture *f = *state;
	char epoch[UUID_SIZE], path[128];

	assert_int_equal(store_open(&f->store, f->directory, STORE_CREATE), 0);
	(void)memcpy(epoch, f->store.epoch, sizeof(epoch));
	assert_int_equal(store_checkpoint(&f->store), 0);
	copy_over(f, "coordination.db", "backup.db");
	assert_int_equal(store_begin(&f->store), 0);
	assert_int_equal(store_set_meta(&f->store, "mark", "after"), 0);
	assert_int_equal(store_commit(&f->store), 0);
	assert_true(exists(f, "-wal"));
	(void)snprintf(path, sizeof(path), "%s/backup.db", f->directory);
	assert_int_equal(rename(path, f->database), 0);

	assert_int_equal(store_begin(&f->store), 1);
	assert_string_not_equal(f->store.epoch, epoch);
	(void)memcpy(epoch, f->store.epoch, sizeof(epoch));
	assert_int_equal(store_begin(&f->store), 0);
	assert_int_equal(
	    number(&f->store, "SELECT count(*) FROM meta WHERE key = 'mark'"),
	    0);
	assert_string_equal(f->store.epoch, epoch);
	store_rollback(&f->store);
}

/* Somebody else gave it a new epoch: 1 once, then it is ours too. */
static void
test_epoch_changes(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(store_open(&f->store, f->directory, STORE_CREATE), 0);
	foreign(f, "UPDATE meta SET value = 'other' WHERE key = 'epoch'");
	assert_int_equal(store_begin(&f->store), 1);
	assert_string_equal(f->store.epoch, "other");
	assert_int_equal(store_begin(&f->store), 0);
	store_rollback(&f->store);
}

static void
want_release(const struct fixture *f, bool released)
{
	const struct wanted_entry change = { .state = released ? WANTED_RELEASED
							       : WANTED_RUN,
		.name = WANTED_DATABASE,
		.by = "olaf",
		.why = "" };

	assert_int_equal(wanted_write(f->directory, &change, 1), 0);
}

static void
test_release(void **state)
{
	struct fixture *f = *state;
	bool released;
	int fd;

	assert_int_equal(store_open(&f->store, f->directory, STORE_CREATE), 0);
	fd = guard_take(f->directory);
	assert_int_equal(fd, -1);
	assert_int_equal(errno, EAGAIN);
	store_close(&f->store);

	want_release(f, true);
	assert_int_equal(store_open(&f->store, f->directory, STORE_READ), -1);
	assert_int_equal(errno, ESHUTDOWN);
	assert_non_null(strstr(store_error(&f->store),
	    "paused: the database is released (since "));
	assert_non_null(
	    strstr(store_error(&f->store), ", by olaf); resume first"));

	fd = guard_take(f->directory);
	assert_true(fd >= 0);
	assert_int_equal(guard_release(fd, f->directory), 0);
	assert_int_equal(guard_check(fd, f->directory, &released), 0);
	assert_true(released);
	/* Written over in place, as cp does: same inode. */
	copy_over(f, "coordination.db", "backup.db");
	foreign(f, "CREATE TABLE news (id)");
	copy_over(f, "backup.db", "coordination.db");
	assert_int_equal(guard_check(fd, f->directory, &released), 1);
	assert_int_equal(store_open_held(&f->store, f->directory, fd), 0);
}

/* What was released and not taken back is not opened behind the recorder's
 * back. */
static void
test_not_back_yet(void **state)
{
	struct fixture *f = *state;
	int fd;

	assert_int_equal(store_open(&f->store, f->directory, STORE_CREATE), 0);
	store_close(&f->store);
	fd = guard_take(f->directory);
	assert_true(fd >= 0);
	assert_int_equal(guard_release(fd, f->directory), 0);
	(void)close(fd);
	assert_int_equal(store_open(&f->store, f->directory, STORE_READ), -1);
	assert_int_equal(errno, ESHUTDOWN);
	assert_non_null(strstr(store_error(&f->store), "not back in use"));
}

static void
test_busy(void **state)
{
	struct fixture *f = *state;
	sqlite3 *db;

	assert_int_equal(store_open(&f->store, f->directory, STORE_CREATE), 0);
	assert_int_equal(sqlite3_open(f->database, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	store_set_busy(&f->store, 20);
	assert_int_equal(store_begin(&f->store), -1);
	assert_int_equal(errno, EBUSY);
	assert_non_null(strstr(store_error(&f->store), "locked"));
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_int_equal(store_begin(&f->store), 0);
	store_rollback(&f->store);
}

static void
test_statements(void **state)
{
	struct fixture *f = *state;
	struct sqlite3_stmt *q;
	struct store *s = &f->store;

	assert_int_equal(store_open(s, f->directory, STORE_CREATE), 0);
	assert_int_equal(
	    statement_run(s, "INSERT INTO loops (id, name) VALUES (?1, ?2)",
		"tt", "loop-1", NULL),
	    1);
	assert_int_equal(statement_run(s, "PRAGMA cache_size", ""), 0);
	assert_int_equal(
	    statement_run(s, "INSERT INTO tests (id, loop_id) VALUES (?1, ?2)",
		"tt", "CP-1", "no such loop"),
	    -1);
	assert_int_equal(errno, EEXIST);
	assert_null(statement_query(s, "SELECT nonsense", ""));
	assert_int_equal(errno, EINVAL);
	assert_int_equal(statement_step(s, NULL), -1);
	q = statement_query(
	    s, "SELECT id, name, ?1, ?2 FROM loops", "id", (int64_t)7, 0.5);
	assert_int_equal(statement_step(s, q), 1);
	assert_string_equal(statement_text(q, 0), "loop-1");
	assert_string_equal(statement_text(q, 1), "");
	assert_true(statement_is_null(q, 1));
	assert_int_equal(statement_int(q, 2), 7);
	assert_true(statement_double(q, 3) > 0.4);
	assert_int_equal(statement_bind(s, q, "id", (int64_t)8, 1.0), 0);
	assert_int_equal(statement_step(s, q), 1);
	assert_int_equal(statement_int(q, 2), 8);
	assert_int_equal(statement_step(s, q), 0);
	statement_end(q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_new_database, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_epoch_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_old_database, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_foreign_version, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_newer_version, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_other_table, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_no_database_at_all, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_foreign_rows, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_openers_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_rename_under_us, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_replaced_under_us, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_epoch_changes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_release, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_not_back_yet, setup, teardown),
		cmocka_unit_test_setup_teardown(test_busy, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_statements, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
