/*
 * loopkeeper-logger [STATE_DIRECTORY]: writes what every component prints into
 * STATE/logs/NAME.log, stamped. Without an argument the directory is
 * $LOOPKEEPER_STATE_DIRECTORY. On a terminal it says what it has to say there;
 * else in STATE/logs/logger.log, which is small and moved aside once.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agents/logger/logfile.h"
#include "agents/logger/logger.h"
#include "base/io.h"

#define OWN_LOG_MAX (256 * 1024)

static struct logger logger;

/* Points stderr and stdout at our own log: our keeper's pipes are read by
 * nobody. On a failure they stay what they are. */
static void
open_own_log(const char *state)
{
	char path[PATH_SIZE];
	struct stat st;
	int dirfd, fd;

	if (isatty(STDERR_FILENO) || path_format(path, "%s/logs", state) < 0 ||
	    path_make(path, 0700) < 0)
		return;
	dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd >= 0 && fstatat(dirfd, "logger.log", &st, 0) == 0 &&
	    st.st_size > OWN_LOG_MAX)
		(void)logfile_rotate(dirfd, "logger", 1);
	fd = openat(dirfd, "logger.log",
	    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0) {
		(void)dup2(fd, STDERR_FILENO);
		(void)dup2(fd, STDOUT_FILENO);
	}
	io_close(&fd);
	io_close(&dirfd);
}

/* Three descriptors for each component may be more than the soft limit. */
static void
raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

int
main(int argc, char **argv)
{
	const char *state =
	    argc > 1 ? argv[1] : getenv("LOOPKEEPER_STATE_DIRECTORY");
	const char *self = getenv("LOOPKEEPER_COMPONENT");

	if (argc > 2 || state == NULL || state[0] == '-') {
		(void)fprintf(stderr,
		    "usage: loopkeeper-logger STATE_DIRECTORY\n"
		    "or, as a component: $LOOPKEEPER_STATE_DIRECTORY\n");
		return 2;
	}
	logger.log = (struct log){ .name = "logger", .stamped = true };
	open_own_log(state);
	raise_file_limit();
	if (logger_open(&logger, state, self == NULL ? "" : self) < 0)
		return 1;
	logger_run(&logger);
	logger_close(&logger);
	return 0;
}
