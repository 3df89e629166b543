#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/path.h"
#include "base/text.h"
#include "cli/launch.h"
#include "system/spawn.h"

/* Where the guardian and all below it write what nobody else hears. */
static int
open_log(const struct cli *cli)
{
	char path[PATH_SIZE];

	if (path_format(path, "%s/logs", cli->state_directory) < 0 ||
	    path_make(path, 0700) < 0 ||
	    path_format(path, "%s/logs/supervisor.log", cli->state_directory) <
		0)
		return -1;
	return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* The program with its descriptors. Returns 0, or -1 with errno. */
static int
spawn(struct launch *l, const struct cli *cli, const char *program,
    const int fds[static 3])
{
	char path[PATH_SIZE], state[PATH_SIZE], config[PATH_SIZE];
	char option[] = "--guardian";
	char *argv[] = { path, option, state, config, NULL };
	struct spawn_failure failure;
	struct spawn s;
	int start_fd, result;

	if (path_format(path, "%s", program) < 0 ||
	    path_format(state, "%s", cli->state_directory) < 0 ||
	    path_format(config, "%s", cli->config_path) < 0)
		return -1;
	spawn_init(&s);
	s.argv = argv;
	s.envp = environ;
	s.stdin_fd = fds[0];
	s.stdout_fd = fds[1];
	s.stderr_fd = fds[2];
	s.session = true;
	l->guardian = spawn_start(&s, &start_fd, &failure);
	if (l->guardian < 0) {
		errno = failure.error;
		return -1;
	}
	/* Here one may wait: the pipe ends with the exec. */
	(void)fcntl(start_fd, F_SETFL, 0);
	result = spawn_result(start_fd, &failure);
	io_close(&start_fd);
	errno = failure.error;
	return result < 0 ? -1 : 0;
}

/* A watchdog that is meant for this process is meant for the daemon. */
static void
pass_watchdog_on(void)
{
	const char *pid = getenv("WATCHDOG_PID");
	int64_t value;

	if (pid != NULL && text_parse_int(pid, 1, INT32_MAX, &value) == 0 &&
	    value == getpid())
		(void)unsetenv("WATCHDOG_PID");
}

int
launch_start(struct launch *l, const struct cli *cli)
{
	char program[PATH_SIZE];
	int pipe_fds[2] = { -1, -1 }, fds[3] = { -1, -1, -1 }, result = -1;

	*l = (struct launch){ .report_fd = -1 };
	if (cli_program(program, "loopkeeperd") < 0)
		return cli_error(CLI_FAILED,
		    "loopkeeperd is neither beside this program nor where "
		    "'make install' puts it");
	if (path_make(cli->state_directory, 0700) < 0 ||
	    (fds[2] = open_log(cli)) < 0)
		return cli_error(CLI_FAILED, "can't write to %s: %s",
		    cli->state_directory, strerror(errno));
	pass_watchdog_on();
	fds[0] = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fds[0] >= 0 && pipe2(pipe_fds, O_CLOEXEC) == 0) {
		fds[1] = pipe_fds[1];
		result = spawn(l, cli, program, fds);
	}
	for (size_t i = 0; i < 3; i++)
		io_close(&fds[i]);
	l->report_fd = pipe_fds[0];
	if (result < 0) {
		io_close(&l->report_fd);
		return cli_error(
		    CLI_FAILED, "can't start %s: %s", program, strerror(errno));
	}
	return CLI_DONE;
}

/* The first letter says what it is: daemon/report.h. */
static void
print_line(struct launch *l, char *line)
{
	text_clean(line);
	switch (line[0]) {
	case 'i': (void)printf("%s\n", line + 1); break;
	case 'u': l->up = true; break;
	default: (void)cli_error(CLI_FAILED, "%s", line + 1);
	}
}

static void
print_lines(struct launch *l)
{
	char *line = l->line, *end;

	while ((end = memchr(line, '\n', l->len)) != NULL) {
		*end = '\0';
		l->len -= (size_t)(end + 1 - line);
		print_line(l, line);
		line = end + 1;
	}
	(void)memmove(l->line, line, l->len);
}

bool
launch_read(struct launch *l)
{
	ssize_t n;

	if (l->len == sizeof(l->line))
		l->len = 0; /* no line of ours is so long */
	n = read(l->report_fd, l->line + l->len, sizeof(l->line) - l->len);
	if (n < 0 && errno == EINTR)
		return true;
	if (n > 0) {
		l->len += (size_t)n;
		print_lines(l);
	}
	if (n <= 0 || l->up)
		io_close(&l->report_fd);
	(void)fflush(stdout);
	return l->report_fd >= 0;
}

int
launch_result(const struct launch *l, const struct cli *cli)
{
	if (l->up)
		return CLI_DONE;
	return cli_error(CLI_FAILED,
	    "the fleet did not start; %s/logs/supervisor.log may say more",
	    cli->state_directory);
}
