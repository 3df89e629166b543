#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bsd/string.h>

#include "base/clock.h"
#include "base/duration.h"
#include "base/io.h"
#include "base/text.h"
#include "base/texts.h"
#include "git/environment.h"
#include "git/git.h"
#include "system/pidfd.h"
#include "system/spawn.h"

#define TICK_MS	 100
#define GRACE_MS 2000 /* between TERM and KILL */

/* Before every command: nothing of ours wakes what the operator has set up to
 * happen in his own checkout. */
static const char *const options[] = { "git", "-c", "gc.auto=0", "-c",
	"maintenance.auto=0", "-c", "core.fsmonitor=false", "-c",
	"core.hooksPath=/dev/null", "-c", "commit.gpgSign=false", "-c",
	"core.quotePath=false", "-c", "core.sparseCheckout=false", "-c",
	"advice.detachedHead=false", "-c", "submodule.recurse=false",
	/* Whether a file has changed is told by all that lstat(2) says. */
	"-c", "core.trustctime=true", "-c", "core.checkStat=default", "-c",
	"core.ignoreStat=false", "-c", "core.splitIndex=false", "-c",
	"core.untrackedCache=false",
	/* And a commit is what its hash says. */
	"-c", "core.useReplaceRefs=false" };
#define NOPTIONS      (sizeof(options) / sizeof(options[0]))
#define ARGUMENTS_MAX 80

/* One run on its way. */
struct run {
	struct git *g;
	pid_t pid;
	int pidfd;
	int error_fd; /* of the exec */
	int out_fd;   /* -1 once it has ended, as err_fd */
	int err_fd;
	char *out; /* owned */
	size_t out_len;
	size_t out_size;
	char err[GIT_ERROR_SIZE]; /* the beginning of stderr */
	size_t err_len;
	int64_t begun_ms;
	int64_t limit_ms;
	int64_t kill_ms; /* 0: nobody wants it to end */
	int error;	 /* why it was ended; 0: it wasn't */
};

int
git_fail(struct git *g, int error, const char *format, ...)
{
	char text[GIT_ERROR_SIZE]; /* what is told may be g->error itself */
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	text_clean(text);
	(void)strlcpy(g->error, text, sizeof(g->error));
	errno = error;
	return -1;
}

/* A descriptor to read the input from, or -1. */
static int
input_open(const struct git_call *call)
{
	int fd;

	if (call->input == NULL)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	fd = memfd_create("git-input", MFD_CLOEXEC);
	if (fd >= 0 &&
	    (io_write_all(fd, call->input, call->input_len) < 0 ||
		lseek(fd, 0, SEEK_SET) < 0))
		io_close(&fd);
	return fd;
}

static int
make_pipe(int fds[2])
{
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	return fcntl(fds[0], F_SETFL, O_NONBLOCK);
}

/* Forks. fds[0..2] are its standard descriptors. */
static int
start(struct run *r, const struct git_call *call, char *const *argv,
    const int fds[3])
{
	struct spawn_failure failure = { 0 };
	char **made = NULL;
	struct spawn s;

	if (call->envp == NULL) {
		made = environment_make(r->g, call);
		if (made == NULL)
			return -1;
	}
	spawn_init(&s);
	s.argv = argv;
	s.envp = made != NULL ? made : call->envp;
	s.directory = call->work_tree != NULL ? call->work_tree : r->g->top;
	s.stdin_fd = fds[0];
	s.stdout_fd = fds[1];
	s.stderr_fd = fds[2];
	s.session = true;
	s.death_signal = SIGKILL;
	r->pid = spawn_start(&s, &r->error_fd, &failure);
	texts_free(made);
	if (r->pid < 0)
		errno = failure.error;
	return r->pid < 0 ? -1 : 0;
}

static int
begin(struct run *r, const struct git_call *call, char *const *argv)
{
	int out[2] = { -1, -1 }, err[2] = { -1, -1 };
	int in = input_open(call), result = -1;

	if (in >= 0 && make_pipe(out) == 0 && make_pipe(err) == 0) {
		const int fds[3] = { in,
			call->output_fd > 0 ? call->output_fd : out[1],
			err[1] };

		result = start(r, call, argv, fds);
	}
	io_close(&in);
	io_close(&out[1]);
	io_close(&err[1]);
	r->out_fd = out[0];
	r->err_fd = err[0];
	if (result == 0)
		r->pidfd = pidfd_get(r->pid);
	return result;
}

static bool
make_room(struct run *r)
{
	size_t size = r->out_size > 0 ? r->out_size * 2 : 16384;
	char *more;

	if (r->out_len + 1 < r->out_size)
		return true;
	more = size > GIT_OUTPUT_MAX ? NULL : realloc(r->out, size);
	if (more == NULL) {
		r->error = size > GIT_OUTPUT_MAX ? EFBIG : ENOMEM;
		return false;
	}
	r->out = more;
	r->out_size = size;
	return true;
}

static void
read_out(struct run *r)
{
	ssize_t n;

	do {
		if (!make_room(r)) {
			io_close(&r->out_fd);
			return;
		}
		n = read(r->out_fd, r->out + r->out_len,
		    r->out_size - r->out_len - 1);
		if (n > 0)
			r->out_len += (size_t)n;
	} while (n > 0);
	r->out[r->out_len] = '\0';
	if (n == 0 || errno != EAGAIN)
		io_close(&r->out_fd);
}

/* All of it, so that git never waits for us; the beginning is kept. */
static void
read_err(struct run *r)
{
	char bytes[4096];
	ssize_t n;

	while ((n = read(r->err_fd, bytes, sizeof(bytes))) > 0) {
		size_t room = sizeof(r->err) - 1 - r->err_len;
		size_t kept = (size_t)n < room ? (size_t)n : room;

		(void)memcpy(r->err + r->err_len, bytes, kept);
		r->err_len += kept;
	}
	r->err[r->err_len] = '\0';
	if (n == 0 || errno != EAGAIN)
		io_close(&r->err_fd);
}

int
git_tick(const struct git *g)
{
	if (g->tick == NULL || g->tick(g->argument))
		return 0;
	errno = ECANCELED;
	return -1;
}

/* Ends what is to be ended: TERM to its session first. */
static void
look_after(struct run *r)
{
	int64_t now_ms = clock_ms();

	if (r->error == 0 && now_ms - r->begun_ms > r->limit_ms)
		r->error = ETIMEDOUT;
	if (r->error == 0 && git_tick(r->g) < 0)
		r->error = ECANCELED;
	if (r->error == 0)
		return;
	if (r->kill_ms == 0) {
		(void)kill(-r->pid, SIGTERM);
		r->kill_ms = now_ms + GRACE_MS;
	} else if (now_ms >= r->kill_ms) {
		(void)kill(-r->pid, SIGKILL);
	}
}

/* Reaps git, its output being read to the end or until it has ended. Returns
 * its wait status. */
static int
attend(struct run *r)
{
	for (;;) {
		struct pollfd fds[3] = {
			{ .fd = r->out_fd, .events = POLLIN },
			{ .fd = r->err_fd, .events = POLLIN },
			{ .fd = r->pidfd, .events = POLLIN },
		};
		int status;
		pid_t pid;

		(void)poll(fds, 3, TICK_MS);
		pid = waitpid(r->pid, &status, WNOHANG);
		if (r->out_fd >= 0)
			read_out(r);
		if (r->err_fd >= 0)
			read_err(r);
		if (pid == r->pid)
			return status;
		if (pid < 0 && errno != EINTR)
			return -1;
		look_after(r);
	}
}

/* The line of its stderr that says why: the first that is an error, else the
 * last. */
static const char *
pick_line(char *text)
{
	const char *best = "";
	char *line;

	while ((line = strsep(&text, "\n")) != NULL) {
		if (strncmp(line, "fatal: ", 7) == 0 ||
		    strncmp(line, "error: ", 7) == 0)
			return line + 7;
		if (line[0] != '\0')
			best = line;
	}
	return best;
}

/* What became of it, as git_run() says it. */
static int
judge(struct run *r, int status, const char *command)
{
	struct spawn_failure failure;
	int started = spawn_result(r->error_fd, &failure);
	struct git *g = r->g;
	char limit[DURATION_SIZE];
	const char *said;

	if (started < 0)
		return git_fail(g, failure.error, "git: %s: %s",
		    spawn_stage_name(failure.stage), strerror(failure.error));
	if (r->error == ETIMEDOUT) {
		duration_format(limit, r->limit_ms);
		return git_fail(g, ETIMEDOUT,
		    "git %s: it didn't end within %s and was killed", command,
		    limit);
	}
	if (r->error != 0)
		return git_fail(
		    g, r->error, "git %s: %s", command, strerror(r->error));
	if (status < 0)
		return git_fail(
		    g, EPROTO, "git %s: nobody knows how it ended", command);
	said = pick_line(r->err);
	if (WIFEXITED(status) && WEXITSTATUS(status) < 128) {
		(void)strlcpy(g->error, said, sizeof(g->error));
		text_clean(g->error);
		return WEXITSTATUS(status);
	}
	return git_fail(g, EPROTO, "git %s: %s", command,
	    said[0] != '\0' ? said : "it was killed");
}

/* Options and arguments as one list, borrowed. Returns false where there are
 * too many. */
static bool
fill_arguments(const char **argv, const char *const *arguments)
{
	size_t n = 0, i;

	for (i = 0; i < NOPTIONS; i++)
		argv[n++] = options[i];
	for (i = 0; arguments[i] != NULL; i++) {
		if (n + 1 >= ARGUMENTS_MAX)
			return false;
		argv[n++] = arguments[i];
	}
	argv[n] = NULL;
	return true;
}

int
git_run(
    struct git *g, const struct git_call *call, const char *const *arguments)
{
	struct run r = { .g = g,
		.pidfd = -1,
		.error_fd = -1,
		.out_fd = -1,
		.err_fd = -1,
		.begun_ms = clock_ms(),
		.limit_ms = g->limit_ms > 0 ? g->limit_ms : GIT_LIMIT_MS };
	const char *argv[ARGUMENTS_MAX];
	char program[PATH_SIZE];
	int result = -1;

	if (!fill_arguments(argv, arguments))
		return git_fail(
		    g, E2BIG, "git %s: too many arguments", arguments[0]);
	if (environment_find_git(program) < 0)
		return git_fail(g, ENOENT,
		    "there is no git on PATH: install it (apt-get install "
		    "git)");
	argv[0] = program;
	if (begin(&r, call, (char *const *)(uintptr_t)argv) < 0)
		(void)git_fail(
		    g, errno, "git %s: %s", arguments[0], strerror(errno));
	else
		result = judge(&r, attend(&r), arguments[0]);
	io_close(&r.pidfd);
	io_close(&r.error_fd);
	io_close(&r.out_fd);
	io_close(&r.err_fd);
	if (result >= 0 && call->ret_output != NULL) {
		*call->ret_output = r.out;
		if (call->ret_len != NULL)
			*call->ret_len = r.out_len;
	} else {
		free(r.out);
	}
	return result;
}

/* A status that is an error, in git's words. */
static int
refuse(struct git *g, const char *command, int status)
{
	char said[GIT_ERROR_SIZE];

	(void)strlcpy(said, g->error, sizeof(said));
	return said[0] != '\0'
	    ? git_fail(g, EPROTO, "git %s: %s", command, said)
	    : git_fail(g, EPROTO, "git %s: exit %d", command, status);
}

int
git_must(
    struct git *g, const struct git_call *call, const char *const *arguments)
{
	int status = git_run(g, call, arguments);

	return status <= 0 ? status : refuse(g, arguments[0], status);
}

int
git_line(struct git *g, const struct git_call *call,
    const char *const *arguments, char *ret, size_t size)
{
	struct git_call c = *call;
	char *output = NULL;
	int status;

	c.ret_output = &output;
	status = git_run(g, &c, arguments);
	if (status == 0 && output != NULL) {
		output[strcspn(output, "\n")] = '\0';
		if (strlcpy(ret, output, size) >= size)
			status = git_fail(
			    g, EFBIG, "git %s: too long a line", arguments[0]);
		else
			status = 1;
	} else if (status == 1) {
		status = 0;
	} else if (status > 1) {
		status = refuse(g, arguments[0], status);
	}
	free(output);
	return status;
}

int
git_must_line(struct git *g, const struct git_call *call,
    const char *const *arguments, char *ret, size_t size)
{
	int status = git_line(g, call, arguments, ret, size);

	return status == 1 ? 0 : status == 0 ? refuse(g, arguments[0], 1) : -1;
}
