#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <time.h>

#include "base/clock.h"
#include "base/io.h"
#include "daemon/births.h"
#include "daemon/daemon.h"
#include "daemon/prepare.h"
#include "daemon/report.h"
#include "system/lock.h"
#include "system/rundir.h"

#define LOCK_WAIT_MS 5000 /* for the one before us to be gone */

/* Locks and renames don't mean on these what they must. */
static int
check_filesystem(struct daemon *d, const char *directory)
{
	const char *name;
	struct statfs fs;

	if (statfs(directory, &fs) < 0) {
		report_refusal(&d->log, "%s: %s", directory, strerror(errno));
		return -1;
	}
	name = lock_distrusted(fs.f_type);
	if (name != NULL) {
		report_refusal(&d->log,
		    "%s lies on %s, where locks can't be relied on: "
		    "choose a local state_directory",
		    directory, name);
		return -1;
	}
	return 0;
}

/* A predecessor that was killed may take a moment to be gone. Nothing is
 * supervised yet: this is the one place where the daemon waits. */
static int
take_lock(struct daemon *d, int dirfd)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	int64_t end_ms = clock_ms() + LOCK_WAIT_MS;

	while ((d->lock_fd = lock_take(dirfd, LOCK_DAEMON)) < 0 &&
	    errno == EAGAIN && clock_ms() < end_ms)
		(void)nanosleep(&pause, NULL);
	if (d->lock_fd >= 0)
		return 0;
	if (errno == EAGAIN)
		report_refusal(&d->log,
		    "%s is in use: another supervisor runs, pid %d",
		    d->birth->state_directory,
		    (int)lock_holder(dirfd, LOCK_DAEMON));
	else
		report_refusal(&d->log, "can't lock %s/%s: %s",
		    d->birth->state_directory, LOCK_DAEMON, strerror(errno));
	return -1;
}

/* For itself only: keepers give their components back what it was. */
static void
raise_file_limit(struct daemon *d)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	d->nofile_soft = limit.rlim_cur;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		log_line(&d->log, "can't raise the limit of open files: %s",
		    strerror(errno));
}

static int
make_rundir(struct daemon *d)
{
	char spool[PATH_SIZE];

	if (rundir_make(d->birth->state_directory, d->run_directory,
		sizeof(d->run_directory), &d->on_tmpfs) < 0 ||
	    (d->rundir = rundir_open(d->birth->state_directory)) < 0) {
		report_refusal(
		    &d->log, "can't make a run directory: %s", strerror(errno));
		return -1;
	}
	if (path_format(spool, "%s/spool", d->run_directory) < 0 ||
	    spool_open(&d->spool, spool, "daemon") < 0) {
		report_refusal(
		    &d->log, "can't open %s: %s", spool, strerror(errno));
		return -1;
	}
	if (!d->on_tmpfs)
		report(REPORT_FOUND,
		    "no tmpfs for the run directory: it is %s, "
		    "on disk",
		    d->run_directory);
	return 0;
}

int
prepare(struct daemon *d)
{
	const char *directory = d->birth->state_directory;
	int dirfd, result;

	if (check_filesystem(d, directory) < 0)
		return -1;
	dirfd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0) {
		report_refusal(&d->log, "%s: %s", directory, strerror(errno));
		return -1;
	}
	result = take_lock(d, dirfd);
	io_close(&dirfd);
	if (result < 0 || make_rundir(d) < 0)
		return -1;
	raise_file_limit(d);
	if (births_prepare(d) < 0 || daemon_open_loop(d, 0) < 0 ||
	    server_open(&d->server, &d->loop, d->rundir, SOURCE_CLIENT) < 0) {
		report_refusal(&d->log, "can't begin in %s: %s",
		    d->run_directory, strerror(errno));
		return -1;
	}
	return 0;
}
