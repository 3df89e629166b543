/* From the spool into the database with real writers, readers that are
 * killed at any moment, and databases that can't be had. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bsd/stdlib.h>
#include <cmocka.h>
#include <sqlite3.h>

#include "base/io.h"
#include "base/uuid.h"
#include "store/intake.h"
#include "store/statement.h"
#include "system/spool.h"

#define EVENTS	6000 /* of one writer; more than a megabyte, it rotates */
#define WRITERS 3

struct fixture {
	char directory[64];
	char run[96];  /* run/spool */
	char disk[96]; /* spool */
	struct store store;
	struct intake intake;
	struct intake_counts counts;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	/* As the recorder does: see intake.h. */
	assert_true(signal(SIGIO, SIG_IGN) != SIG_ERR);
	(void)snprintf(
	    f->directory, sizeof(f->directory), "/tmp/lk-intake.XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	(void)snprintf(f->run, sizeof(f->run), "%s/run/spool", f->directory);
	(void)snprintf(f->disk, sizeof(f->disk), "%s/spool", f->directory);
	assert_int_equal(path_make(f->run, 0700), 0);
	assert_int_equal(store_open(&f->store, f->directory, STORE_CREATE), 0);
	assert_int_equal(intake_open(&f->intake, f->directory), 0);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	intake_close(&f->intake);
	store_close(&f->store);
	(void)snprintf(command, sizeof(command), "rm -rf %s", f->directory);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

static int
files_in(const char *path)
{
	struct dirent *entry;
	DIR *dir = opendir(path);
	int n = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL)
		n += strstr(entry->d_name, ".jsonl") != NULL;
	(void)closedir(dir);
	return n;
}

static int64_t
number(struct store *s, const char *sql)
{
	int64_t result = -1;

	assert_int_equal(statement_int_of(s, &result, sql, ""), 1);
	return result;
}

static void
add(struct spool *spool, const char *type, int64_t n)
{
	struct event e;

	event_begin(&e, spool->writer, type, NULL);
	event_text(&e, "component", spool->writer);
	event_text(&e, "padding",
	    "a few words so that a file is full before the test is over, and "
	    "that a block of the reader ends in the midst of a line");
	event_int(&e, "n", n);
	assert_int_equal(spool_add(spool, &e), 0);
}

static void
append(const char *directory, const char *name, const char *text)
{
	char path[160];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(io_write_all(fd, text, strlen(text)), 0);
	(void)close(fd);
}

static void
run(struct fixture *f)
{
	f->counts = (struct intake_counts){ 0 };
	assert_int_equal(intake_run(&f->intake, &f->store, &f->counts), 0);
}

static void
test_one_event(void **state)
{
	struct fixture *f = *state;
	struct spool spool;
	char text[128];

	run(f);
	assert_int_equal(f->counts.events, 0);
	assert_int_equal(spool_open(&spool, f->run, "daemon"), 0);
	add(&spool, "supervisor_started", 1);
	run(f);
	assert_int_equal(f->counts.events, 1);
	/* Its writer lives: the file stays, and is read once only. */
	assert_int_equal(files_in(f->run), 1);
	run(f);
	assert_int_equal(f->counts.events + f->counts.repeats, 0);
	add(&spool, "supervisor_stopped", 2);
	spool_close(&spool);
	run(f);
	assert_int_equal(f->counts.events, 1);
	assert_int_equal(f->counts.unlinked, 1);
	assert_int_equal(files_in(f->run), 0);
	assert_int_equal(statement_text_of(&f->store, text, sizeof(text),
			     "SELECT group_concat(event_type || source ||"
			     " component || json_extract(payload, '$.n'))"
			     " FROM events",
			     ""),
	    1);
	assert_string_equal(text,
	    "supervisor_starteddaemondaemon1,"
	    "supervisor_stoppeddaemondaemon2");
	assert_int_equal(number(&f->store,
			     "SELECT count(*) FROM meta"
			     " WHERE key LIKE 'spool:%'"),
	    0);
}

static void
test_torn_lines(void **state)
{
	struct fixture *f = *state;
	char path[160], text[256];

	append(f->run, "a-1.jsonl",
	    "{\"id\":\"1\",\"event_type\":\"x\",\"payload\":{}}\n"
	    "{\"id\":\"2\",\"event_t{\"id\":\"3\"}\n"
	    "\n"
	    "[1,2]\n"
	    "{\"id\":7,\"event_type\":\"x\"}\n"
	    "{\"id\":\"4\",\"event_type\":\"y\"}\n"
	    "{\"id\":\"5\",\"event_ty");
	run(f);
	assert_int_equal(f->counts.events, 2);
	assert_int_equal(f->counts.torn, 4);
	assert_int_equal(files_in(f->run), 0);
	assert_int_equal(number(&f->store,
			     "SELECT value FROM meta WHERE key = 'torn_lines'"),
	    4);
	(void)snprintf(path, sizeof(path), "%s/torn.txt", f->disk);
	assert_true(io_read_file(AT_FDCWD, path, text, sizeof(text)) > 0);
	assert_non_null(strstr(text, "{\"id\":\"5\",\"event_ty\n"));
	/* Again, as after a death between commit and unlink. */
	append(f->run, "a-1.jsonl", "{\"id\":\"4\",\"event_type\":\"y\"}\n");
	run(f);
	assert_int_equal(f->counts.events, 0);
	assert_int_equal(f->counts.repeats, 1);
}

/* A line that isn't whole yet is left until it is. */
static void
test_half_line(void **state)
{
	struct fixture *f = *state;
	char path[160];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/b-1.jsonl", f->run);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(io_write_all(fd, "{\"id\":\"1\",\"event", 16), 0);
	run(f);
	assert_int_equal(f->counts.events + f->counts.torn, 0);
	assert_int_equal(io_write_all(fd, "_type\":\"z\"}\n", 12), 0);
	run(f);
	assert_int_equal(f->counts.events, 1);
	/* No lock is held, but somebody has it open. */
	assert_int_equal(files_in(f->run), 1);
	(void)close(fd);
	run(f);
	assert_int_equal(files_in(f->run), 0);
}

static void
test_folders_of_users(void **state)
{
	struct fixture *f = *state;
	struct spool spool;
	char path[160];

	(void)snprintf(path, sizeof(path), "%s/telegram", f->run);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(spool_open(&spool, path, "telegram"), 0);
	add(&spool, "human_message", 1);
	spool_close(&spool);
	append(f->run, "readme.txt", "nothing\n");
	run(f);
	assert_int_equal(f->counts.events, 1);
	assert_int_equal(files_in(path), 0);
}

static void
write_events(const struct fixture *f, int writer)
{
	char name[24];
	struct spool spool;

	(void)snprintf(name, sizeof(name), "writer-%d", writer);
	if (spool_open(&spool, f->run, name) < 0)
		_exit(1);
	for (int n = 0; n < EVENTS; n++)
		add(&spool, "component_late", n);
	_exit(spool.dropped > 0);
}

static pid_t
start_writer(const struct fixture *f, int writer)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		write_events(f, writer);
	return pid;
}

/* Until nothing is left, as the recorder would; never comes back. */
static void
read_events(struct fixture *f)
{
	struct intake_counts counts = { 0 };

	/* A connection isn't carried across a fork. */
	if (store_open(&f->store, f->directory, STORE_WRITE) < 0 ||
	    intake_open(&f->intake, f->directory) < 0)
		_exit(1);
	for (;;) {
		if (intake_run(&f->intake, &f->store, &counts) < 0 &&
		    errno != EBUSY)
			_exit(1);
		if (arc4random_uniform(4) == 0 &&
		    intake_keep(&f->intake, &counts) < 0)
			_exit(1);
	}
}

/* A reader that is killed after up to 40 ms. */
static void
read_and_die(struct fixture *f)
{
	const struct timespec life = { .tv_nsec = (long)arc4random_uniform(40) *
		    1000000 };
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		read_events(f);
	assert_int_equal(nanosleep(&life, NULL), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

/* Writers go on and rotate, readers are killed at any moment, in between the
 * spool is kept on disk: afterwards each event is there once. */
static void
test_killed_readers(void **state)
{
	struct fixture *f = *state;
	int writing = WRITERS, status;

	store_close(&f->store);
	intake_close(&f->intake);
	for (int i = 0; i < WRITERS; i++)
		(void)start_writer(f, i);
	for (int n = 0; n < 60 || writing > 0; n++) {
		read_and_die(f);
		while (writing > 0 && waitpid(-1, &status, WNOHANG) > 0) {
			assert_int_equal(status, 0);
			writing--;
		}
	}
	assert_int_equal(store_open(&f->store, f->directory, STORE_WRITE), 0);
	assert_int_equal(intake_open(&f->intake, f->directory), 0);
	run(f);
	assert_int_equal(
	    number(&f->store, "SELECT count(*) FROM events"), EVENTS * WRITERS);
	assert_int_equal(number(&f->store,
			     "SELECT count(DISTINCT source ||"
			     " json_extract(payload, '$.n')) FROM events"),
	    EVENTS * WRITERS);
	assert_int_equal(files_in(f->run) + files_in(f->disk), 0);
}

/* Reading while it rotates: nothing is torn, nothing is left. */
static void
test_rotation(void **state)
{
	struct fixture *f = *state;
	int64_t total = 0;
	int status = -1;
	bool over = false;
	pid_t pid;

	pid = start_writer(f, 0);
	while (!over) {
		over = waitpid(pid, &status, WNOHANG) == pid;
		run(f);
		assert_int_equal(f->counts.torn + f->counts.repeats, 0);
		total += f->counts.events;
	}
	assert_int_equal(status, 0);
	assert_int_equal(total, EVENTS);
	assert_int_equal(files_in(f->run), 0);
}

static void
test_keep_while_locked(void **state)
{
	struct fixture *f = *state;
	struct spool spool;
	char path[96];
	sqlite3 *db;

	assert_int_equal(spool_open(&spool, f->run, "loop-1"), 0);
	add(&spool, "test_started", 1);
	run(f);
	(void)snprintf(path, sizeof(path), "%s/coordination.db", f->directory);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
	store_set_busy(&f->store, 10);
	add(&spool, "test_passed", 2);
	assert_int_equal(intake_run(&f->intake, &f->store, &f->counts), -1);
	assert_int_equal(errno, EBUSY);
	assert_int_equal(intake_keep(&f->intake, &f->counts), 0);
	assert_int_equal(files_in(f->disk), 1);
	assert_int_equal(files_in(f->run), 1);
	/* Twice copies nothing twice. */
	f->counts.kept = 0;
	assert_int_equal(intake_keep(&f->intake, &f->counts), 0);
	assert_int_equal(f->counts.kept, 0);
	add(&spool, "merged", 3);
	spool_close(&spool);
	assert_int_equal(intake_keep(&f->intake, &f->counts), 0);
	assert_int_equal(files_in(f->run), 0);

	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	run(f);
	assert_int_equal(f->counts.events, 2);
	assert_int_equal(f->counts.torn, 0);
	assert_int_equal(files_in(f->disk), 0);
	assert_int_equal(number(&f->store, "SELECT count(*) FROM events"), 3);
}

/* Another database is put in place: what is still in the spool goes to the
 * new one, from the beginning of each file. */
static void
test_another_database(void **state)
{
	struct fixture *f = *state;
	struct spool spool;
	char path[96], aside[112];

	assert_int_equal(spool_open(&spool, f->run, "daemon"), 0);
	add(&spool, "paused", 1);
	run(f);
	(void)snprintf(path, sizeof(path), "%s/coordination.db", f->directory);
	(void)snprintf(aside, sizeof(aside), "%s.aside", path);
	assert_int_equal(rename(path, aside), 0);
	assert_int_equal(intake_run(&f->intake, &f->store, &f->counts), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(store_open(&f->store, f->directory, STORE_CREATE), 0);
	intake_forget(&f->intake);
	add(&spool, "resumed", 2);
	run(f);
	assert_int_equal(f->counts.events, 2);
	spool_close(&spool);
}

/* 50,000 small lines: not for speed, but that no transaction is endless. */
static void
test_many(void **state)
{
	struct fixture *f = *state;
	char line[128], path[160];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/many-1.jsonl", f->run);
	file = fopen(path, "w");
	assert_non_null(file);
	for (int i = 0; i < 50000; i++) {
		(void)snprintf(line, sizeof(line),
		    "{\"id\":\"%d\",\"event_type\":\"x\",\"payload\":{}}\n", i);
		assert_true(fputs(line, file) >= 0);
	}
	assert_int_equal(fclose(file), 0);
	run(f);
	assert_int_equal(f->counts.events, 50000);
	assert_int_equal(files_in(f->run), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_one_event, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_torn_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_half_line, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_folders_of_users, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_keep_while_locked, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_another_database, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rotation, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_killed_readers, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
