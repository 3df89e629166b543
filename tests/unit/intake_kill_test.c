/*
 * The recorder's work killed at each of its steps: this program's own write,
 * unlink and sync stand in for the C library's, also in SQLite, and the n-th
 * one kills the process. For every n, whoever comes next completes the work:
 * each event is in the database, once, and nothing is left in the spool.
 */
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
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/intake.h"
#include "store/statement.h"
#include "system/spool.h"

#define FILES	  3
#define EVENTS	  20 /* in each file */
#define STEPS_MAX 1000

static int steps_left; /* the one that reaches 0 kills; 0: none does */

static void
step(void)
{
	if (steps_left > 0 && --steps_left == 0)
		(void)kill(getpid(), SIGKILL);
}

/* The C library's own parameters have names that are reserved for it. */
/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */

ssize_t
write(int fd, const void *bytes, size_t n)
{
	step();
	return syscall(SYS_write, fd, bytes, n);
}

ssize_t
pwrite(int fd, const void *bytes, size_t n, off_t offset)
{
	step();
	return syscall(SYS_pwrite64, fd, bytes, n, offset);
}

ssize_t
pwrite64(int fd, const void *bytes, size_t n, off64_t offset)
{
	step();
	return syscall(SYS_pwrite64, fd, bytes, n, offset);
}

int
unlink(const char *path)
{
	step();
	return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int
fsync(int fd)
{
	(void)fd;
	step(); /* a killed process loses nothing of what isn't on disk yet */
	return 0;
}

int
fdatasync(int fd)
{
	(void)fd;
	step();
	return 0;
}

/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */

/* Several files whose writers are gone. */
static void
fill_spool(const char *directory)
{
	char run[128], name[24];
	struct spool spool;
	struct event e;

	(void)snprintf(run, sizeof(run), "%s/run/spool", directory);
	assert_int_equal(path_make(run, 0700), 0);
	for (int file = 0; file < FILES; file++) {
		(void)snprintf(name, sizeof(name), "w%d", file);
		assert_int_equal(spool_open(&spool, run, name), 0);
		for (int n = 0; n < EVENTS; n++) {
			event_begin(&e, name, "component_late", NULL);
			event_int(&e, "n", n);
			assert_int_equal(spool_add(&spool, &e), 0);
		}
		spool_close(&spool);
	}
}

/* One life of a recorder: it keeps, then commits. */
static int
live(const char *directory, bool keeps)
{
	struct intake_counts counts = { 0 };
	struct intake intake;
	struct store store;
	int result = 0;

	if (store_open(&store, directory, STORE_WRITE) < 0)
		return 1;
	if (intake_open(&intake, directory) < 0 ||
	    (keeps && intake_keep(&intake, &counts) < 0) ||
	    intake_run(&intake, &store, &counts) != 0)
		result = 1;
	intake_close(&intake);
	store_close(&store);
	return result;
}

/* Whether it was killed at that step; else it has come to its end. */
static bool
dies_at(const char *directory, int n, bool keeps)
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		steps_left = n;
		_exit(live(directory, keeps));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		return true;
	assert_int_equal(WEXITSTATUS(status), 0);
	return false;
}

static int
left_in(const char *directory, const char *folder)
{
	char path[128];
	struct dirent *entry;
	int n = 0;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "%s/%s", directory, folder);
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL)
		n += strstr(entry->d_name, ".jsonl") != NULL;
	(void)closedir(dir);
	return n;
}

static void
is_complete(const char *directory)
{
	struct store store;
	int64_t rows = 0, kinds = 0;

	assert_int_equal(store_open(&store, directory, STORE_READ), 0);
	assert_int_equal(
	    statement_int_of(&store, &rows, "SELECT count(*) FROM events", ""),
	    1);
	assert_int_equal(statement_int_of(&store, &kinds,
			     "SELECT count(DISTINCT source ||"
			     " json_extract(payload, '$.n')) FROM events",
			     ""),
	    1);
	store_close(&store);
	assert_int_equal(rows, FILES * EVENTS);
	assert_int_equal(kinds, FILES * EVENTS);
	assert_int_equal(left_in(directory, "run/spool"), 0);
	assert_int_equal(left_in(directory, "spool"), 0);
}

/* One death at step n; false when it needed fewer steps. */
static bool
try_step(int n, bool keeps)
{
	char directory[] = "/tmp/lk-kill.XXXXXX", command[64];
	struct store store;
	bool died;

	assert_non_null(mkdtemp(directory));
	assert_int_equal(store_open(&store, directory, STORE_CREATE), 0);
	store_close(&store);
	fill_spool(directory);
	died = dies_at(directory, n, keeps);
	assert_int_equal(live(directory, false), 0);
	is_complete(directory);
	(void)snprintf(command, sizeof(command), "rm -rf %s", directory);
	assert_int_equal(system(command), 0);
	return died;
}

static void
try_all_steps(bool keeps)
{
	int n = 1;

	while (n < STEPS_MAX && try_step(n, keeps))
		n++;
	/* Fewer would mean that the stand-ins are not what is called. */
	assert_in_range(n, FILES + 5, STEPS_MAX - 1);
}

static void
test_commit(void **state)
{
	(void)state;
	try_all_steps(false);
}

static void
test_keep_and_commit(void **state)
{
	(void)state;
	try_all_steps(true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commit),
		cmocka_unit_test(test_keep_and_commit),
	};

	/* As the recorder does: see intake.h. */
	if (signal(SIGIO, SIG_IGN) == SIG_ERR)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
