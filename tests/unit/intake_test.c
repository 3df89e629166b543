/* From the spool into the database with real writers, readers that are
 * killed at any moment, and databases that can't be had. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bsd/stdlib.h>
#include <sqlite3.h>

#include "base/io.h"
#include "store/intake.h"
#include "store_fixture.h"
#include "system/spool.h"

#define EVENTS	6000 /* of one writer; more than a megabyte, it rotates */
#define WRITERS 3

static char spool_path[96]; /* run/spool */
static struct intake intake;
static struct intake_counts counts;

static int
setup(void **state)
{
	(void)fixture_open(state);
	/* As the recorder does: see intake.h. */
	assert_true(signal(SIGIO, SIG_IGN) != SIG_ERR);
	(void)snprintf(
	    spool_path, sizeof(spool_path), "%s/run/spool", directory);
	works(path_make(spool_path, 0700));
	works(intake_open(&intake, directory));
	return 0;
}

static int
teardown(void **state)
{
	intake_close(&intake);
	return fixture_remove(state);
}

/* Spool files that are left. */
static int
in_run(void)
{
	return files_with("run/spool", ".jsonl");
}

static int
on_disk(void)
{
	return files_with("spool", ".jsonl");
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
	works(spool_add(spool, &e));
}

/* Adds text to a spool file that nobody has open afterwards. */
static void
append(const char *name, const char *text)
{
	FILE *file = fopen(path_of(name), "a");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* Brings so many events into the database. */
static void
brings(int64_t events)
{
	counts = (struct intake_counts){ 0 };
	works(intake_run(&intake, store, &counts));
	assert_int_equal(counts.events, events);
}

static void
test_one_event(void **state)
{
	struct spool spool;

	brings(0);
	works(spool_open(&spool, spool_path, "daemon"));
	add(&spool, "supervisor_started", 1);
	brings(1);
	/* Its writer lives: the file stays, and is read once only. */
	assert_int_equal(in_run(), 1);
	brings(0);
	add(&spool, "supervisor_stopped", 2);
	spool_close(&spool);
	brings(1);
	assert_int_equal(in_run(), 0);
	assert_string_equal(
	    text("SELECT group_concat(event_type || source ||"
		 " component || json_extract(payload, '$.n')) FROM events"),
	    "supervisor_starteddaemondaemon1,"
	    "supervisor_stoppeddaemondaemon2");
	has_rows(0, "meta WHERE key LIKE 'spool:%'");
}

static void
test_torn_lines(void **state)
{
	append("run/spool/a-1.jsonl",
	    "{\"id\":\"1\",\"event_type\":\"x\",\"payload\":{}}\n"
	    "{\"id\":\"2\",\"event_t{\"id\":\"3\"}\n"
	    "\n"
	    "[1,2]\n"
	    "{\"id\":7,\"event_type\":\"x\"}\n"
	    "{\"id\":\"4\",\"event_type\":\"y\"}\n"
	    "{\"id\":\"5\",\"event_ty");
	brings(2);
	assert_int_equal(counts.torn, 4);
	assert_int_equal(in_run(), 0);
	assert_int_equal(
	    number("SELECT value FROM meta WHERE key = 'torn_lines'"), 4);
	shell("grep -qx '{\"id\":\"5\",\"event_ty' spool/torn.txt");
	/* Again, as after a death between commit and unlink. */
	append("run/spool/a-1.jsonl", "{\"id\":\"4\",\"event_type\":\"y\"}\n");
	brings(0);
}

/* A line that isn't whole yet is left until it is. */
static void
test_half_line(void **state)
{
	int fd = open(path_of("run/spool/b-1.jsonl"),
	    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(io_write_all(fd, "{\"id\":\"1\",\"event", 16), 0);
	brings(0);
	assert_int_equal(counts.torn, 0);
	assert_int_equal(io_write_all(fd, "_type\":\"z\"}\n", 12), 0);
	brings(1);
	/* No lock is held, but somebody has it open. */
	assert_int_equal(in_run(), 1);
	(void)close(fd);
	brings(0);
	assert_int_equal(in_run(), 0);
}

static void
test_folders_of_users(void **state)
{
	struct spool spool;

	shell("mkdir run/spool/telegram");
	works(spool_open(&spool, path_of("run/spool/telegram"), "telegram"));
	add(&spool, "human_message", 1);
	spool_close(&spool);
	append("run/spool/readme.txt", "nothing\n");
	brings(1);
	assert_int_equal(files_with("run/spool/telegram", ".jsonl"), 0);
}

static void
write_events(int writer)
{
	char name[24];
	struct spool spool;

	(void)snprintf(name, sizeof(name), "writer-%d", writer);
	if (spool_open(&spool, spool_path, name) < 0)
		_exit(1);
	for (int n = 0; n < EVENTS; n++)
		add(&spool, "component_late", n);
	_exit(spool.dropped > 0);
}

static pid_t
start_writer(int writer)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		write_events(writer);
	return pid;
}

/* Until nothing is left, as the recorder would; never comes back. */
static void
read_events(void)
{
	/* A connection isn't carried across a fork. */
	if (store_open(store, directory, STORE_WRITE) < 0 ||
	    intake_open(&intake, directory) < 0)
		_exit(1);
	for (;;) {
		if (intake_run(&intake, store, &counts) < 0 && errno != EBUSY)
			_exit(1);
		if (arc4random_uniform(4) == 0 && intake_keep(&intake) < 0)
			_exit(1);
	}
}

/* A reader that is killed after up to 40 ms. */
static void
read_and_die(void)
{
	const struct timespec life = { .tv_nsec = (long)arc4random_uniform(40) *
		    1000000 };
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		read_events();
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
	int writing = WRITERS, status;

	store_close(store);
	intake_close(&intake);
	for (int i = 0; i < WRITERS; i++)
		(void)start_writer(i);
	for (int n = 0; n < 60 || writing > 0; n++) {
		read_and_die();
		while (writing > 0 && waitpid(-1, &status, WNOHANG) > 0) {
			assert_int_equal(status, 0);
			writing--;
		}
	}
	open_again(STORE_WRITE);
	works(intake_open(&intake, directory));
	(void)intake_run(&intake, store, &counts);
	has_rows(EVENTS * WRITERS, "events");
	has_rows(EVENTS * WRITERS,
	    "(SELECT DISTINCT source, json_extract(payload, '$.n')"
	    " FROM events)");
	assert_int_equal(in_run() + on_disk(), 0);
}

/* Reading while it rotates: nothing is torn, nothing is left. */
static void
test_rotation(void **state)
{
	int64_t total = 0;
	int status = -1;
	bool over = false;
	pid_t pid;

	pid = start_writer(0);
	while (!over) {
		over = waitpid(pid, &status, WNOHANG) == pid;
		counts = (struct intake_counts){ 0 };
		works(intake_run(&intake, store, &counts));
		assert_int_equal(counts.torn, 0);
		total += counts.events;
	}
	assert_int_equal(status, 0);
	assert_int_equal(total, EVENTS);
	assert_int_equal(in_run(), 0);
}

static void
test_keep_while_locked(void **state)
{
	struct spool spool;
	sqlite3 *db;

	works(spool_open(&spool, spool_path, "loop-1"));
	add(&spool, "test_started", 1);
	brings(1);
	assert_int_equal(sqlite3_open(database, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
	store_set_busy(store, 10);
	add(&spool, "test_passed", 2);
	assert_int_equal(intake_run(&intake, store, &counts), -1);
	assert_int_equal(errno, EBUSY);
	works(intake_keep(&intake));
	assert_int_equal(on_disk(), 1);
	assert_int_equal(in_run(), 1);
	/* Twice copies nothing twice. */
	shell("cp spool/kept-* once");
	works(intake_keep(&intake));
	shell("cmp spool/kept-* once");
	add(&spool, "merged", 3);
	spool_close(&spool);
	works(intake_keep(&intake));
	assert_int_equal(in_run(), 0);

	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	brings(2);
	assert_int_equal(counts.torn, 0);
	assert_int_equal(on_disk(), 0);
	has_rows(3, "events");
}

/* Another database is put in place: what is still in the spool goes to the
 * new one, from the beginning of each file. */
static void
test_another_database(void **state)
{
	struct spool spool;

	works(spool_open(&spool, spool_path, "daemon"));
	add(&spool, "paused", 1);
	brings(1);
	shell("mv coordination.db aside");
	assert_int_equal(intake_run(&intake, store, &counts), -1);
	assert_int_equal(errno, ENOENT);
	open_again(STORE_CREATE);
	intake_forget(&intake);
	add(&spool, "resumed", 2);
	brings(2);
	spool_close(&spool);
}

/* 50,000 small lines: not for speed, but that no transaction is endless. */
static void
test_many(void **state)
{
	shell("seq 50000 | sed 's/.*/{\"id\":\"&\",\"event_type\":\"x\"}/'"
	      " > run/spool/many-1.jsonl");
	brings(50000);
	assert_int_equal(in_run(), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_one_event),
		CASE(test_torn_lines),
		CASE(test_half_line),
		CASE(test_folders_of_users),
		CASE(test_keep_while_locked),
		CASE(test_another_database),
		CASE(test_many),
		CASE(test_rotation),
		CASE(test_killed_readers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
