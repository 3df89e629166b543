/*
 * The recorder's work killed at each of its steps: this program's own write,
 * unlink and sync stand in for the C library's, also in SQLite, and the n-th
 * one kills the process. For every n, whoever comes next completes the work:
 * each event is in the database, once, and nothing is left in the spool.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/intake.h"
#include "store_fixture.h"
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
fill_spool(void)
{
	char run[96], name[24];
	struct spool spool;
	struct event e;

	(void)snprintf(run, sizeof(run), "%s/run/spool", directory);
	works(path_make(run, 0700));
	for (int file = 0; file < FILES; file++) {
		(void)snprintf(name, sizeof(name), "w%d", file);
		works(spool_open(&spool, run, name));
		for (int n = 0; n < EVENTS; n++) {
			event_begin(&e, name, "component_late", NULL);
			event_int(&e, "n", n);
			works(spool_add(&spool, &e));
		}
		spool_close(&spool);
	}
}

/* One life of a recorder: it keeps, then commits. */
static int
live(bool keeps)
{
	struct intake_counts counts = { 0 };
	struct intake intake;
	int result = 0;

	if (store_open(store, directory, STORE_WRITE) < 0)
		return 1;
	if (intake_open(&intake, directory) < 0 ||
	    (keeps && intake_keep(&intake) < 0) ||
	    intake_run(&intake, store, &counts) != 0)
		result = 1;
	intake_close(&intake);
	store_close(store);
	return result;
}

/* Whether it was killed at that step; else it has come to its end. */
static bool
dies_at(int n, bool keeps)
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		steps_left = n;
		_exit(live(keeps));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		return true;
	assert_int_equal(WEXITSTATUS(status), 0);
	return false;
}

/* One death at step n; false when it needed fewer steps. */
static bool
try_step(int n, bool keeps)
{
	bool died;

	(void)fixture_open(NULL);
	store_close(store);
	fill_spool();
	died = dies_at(n, keeps);
	assert_int_equal(live(false), 0);
	open_again(STORE_READ);
	has_rows(FILES * EVENTS, "events");
	has_rows(FILES * EVENTS,
	    "(SELECT DISTINCT source, json_extract(payload, '$.n')"
	    " FROM events)");
	assert_int_equal(files_with("run/spool", ".jsonl"), 0);
	assert_int_equal(files_with("spool", ".jsonl"), 0);
	(void)fixture_remove(NULL);
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
	try_all_steps(false);
}

static void
test_keep_and_commit(void **state)
{
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
