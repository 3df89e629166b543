#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/io.h"
#include "base/point.h"
#include "system/spawn.h"

/* What the child knows besides the spawn itself. */
struct child {
	const struct spawn *s;
	pid_t parent;
	bool in_cgroup; /* it was born in it */
};

void
spawn_init(struct spawn *s)
{
	*s = (struct spawn){ .stdin_fd = -1,
		.stdout_fd = -1,
		.stderr_fd = -1,
		.cgroup_fd = -1 };
}

/* Digits of n, with a NUL, into buf; snprintf isn't async-signal-safe. */
static size_t
format_number(char buf[static 12], int n)
{
	unsigned rest = n < 0 ? 0U - (unsigned)n : (unsigned)n;
	char digits[12];
	size_t ndigits = 0, len = 0;

	do
		digits[ndigits++] = (char)('0' + rest % 10);
	while ((rest /= 10) > 0);
	if (n < 0)
		buf[len++] = '-';
	while (ndigits > 0)
		buf[len++] = digits[--ndigits];
	buf[len] = '\0';
	return len;
}

static int
write_number(int dirfd, const char *path, int n)
{
	char text[12];
	size_t len = format_number(text, n);
	int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC), result;

	if (fd < 0)
		return -1;
	result = io_write_all(fd, text, len);
	io_close(&fd);
	return result;
}

static int
enter_cgroup(const struct child *c)
{
	if (c->s->cgroup_fd < 0 || c->in_cgroup)
		return 0;
	return write_number(c->s->cgroup_fd, "cgroup.procs", 0);
}

static int
begin_session(const struct child *c)
{
	return c->s->session && setsid() < 0 ? -1 : 0;
}

static int
reset_signals(const struct child *c)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t none;

	/* KILL, STOP and the two that libc keeps for itself say EINVAL. */
	for (int i = 1; i < NSIG && !c->s->default_signals; i++)
		(void)sigaction(i, &action, NULL);
	(void)sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL);
}

static int
put_at(int fd, int number)
{
	if (fd < 0)
		return 0;
	if (fd == number)
		return fcntl(fd, F_SETFD, 0);
	return dup2(fd, number) < 0 ? -1 : 0;
}

static int
connect_output(const struct child *c)
{
	if (put_at(c->s->stdin_fd, STDIN_FILENO) < 0 ||
	    put_at(c->s->stdout_fd, STDOUT_FILENO) < 0)
		return -1;
	return put_at(c->s->stderr_fd, STDERR_FILENO);
}

static int
set_oom(const struct child *c)
{
	if (!c->s->has_oom ||
	    write_number(
		AT_FDCWD, "/proc/self/oom_score_adj", c->s->oom_score_adj) == 0)
		return 0;
	/* Without privilege it can only be raised: then it stays as it is. */
	return errno == EACCES || errno == EPERM ? 0 : -1;
}

static int
set_nice(const struct child *c)
{
	if (c->s->nice == 0)
		return 0;
	return setpriority(PRIO_PROCESS, 0, c->s->nice);
}

static int
set_limits(const struct child *c)
{
	for (size_t i = 0; i < c->s->nlimits; i++) {
		const struct spawn_limit *l = &c->s->limits[i];
		struct rlimit r = { .rlim_cur = l->soft, .rlim_max = l->hard };
		struct rlimit old;

		if (l->hard == SPAWN_KEEP_HARD) {
			if (getrlimit(l->resource, &old) < 0)
				return -1;
			r.rlim_max = old.rlim_max;
		}
		if (setrlimit(l->resource, &r) < 0)
			return -1;
	}
	if (c->s->has_umask)
		(void)umask(c->s->umask);
	return 0;
}

static int
become_user(const struct child *c)
{
	const struct spawn *s = c->s;

	if (!s->has_user ||
	    (s->uid == geteuid() && s->gid == getegid() && s->uid != 0))
		return 0;
	if (setgroups(s->ngroups, s->groups) < 0 ||
	    setresgid(s->gid, s->gid, s->gid) < 0)
		return -1;
	return setresuid(s->uid, s->uid, s->uid);
}

static int
give_up_privileges(const struct child *c)
{
	return c->s->no_new_privs ? prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) : 0;
}

static int
change_directory(const struct child *c)
{
	if (c->s->directory == NULL || c->s->directory[0] == '\0')
		return 0;
	return chdir(c->s->directory);
}

/* After the change of user, which clears it. */
static int
set_death_signal(const struct child *c)
{
	/* For tests that kill the keeper meanwhile. */
	point_wait("LOOPKEEPER_DELAY_BEFORE_EXEC_MS");
	if (c->s->death_signal == 0)
		return 0;
	return prctl(PR_SET_PDEATHSIG, c->s->death_signal, 0, 0, 0);
}

/* A parent that died before the death signal was set sends none. */
static int
check_parent(const struct child *c)
{
	if (c->s->death_signal == 0 || getppid() == c->parent)
		return 0;
	errno = ESRCH;
	return -1;
}

static int
execute(const struct child *c)
{
	if (c->s->pid_text != NULL) {
		char text[12];
		size_t len = format_number(text, getpid());

		(void)memcpy(c->s->pid_text, text, len + 1);
	}
	return execve(c->s->argv[0], c->s->argv, c->s->envp);
}

static const struct {
	const char *name;
	int (*run)(const struct child *c); /* in the child */
} stages[SPAWN_STAGES] = {
	[SPAWN_NONE] = { "?", NULL },
	[SPAWN_LIMITS_REQUIRED] = { "limits.required", NULL },
	[SPAWN_ARGUMENTS] = { "arguments", NULL },
	[SPAWN_PIPE] = { "pipe", NULL },
	[SPAWN_FORK] = { "fork", NULL },
	[SPAWN_CGROUP] = { "cgroup", enter_cgroup },
	[SPAWN_SETSID] = { "setsid", begin_session },
	[SPAWN_SIGNALS] = { "signals", reset_signals },
	[SPAWN_OUTPUT] = { "output", connect_output },
	[SPAWN_OOM] = { "oom_score_adj", set_oom },
	[SPAWN_NICE] = { "nice", set_nice },
	[SPAWN_LIMITS] = { "limits", set_limits },
	[SPAWN_USER] = { "user", become_user },
	[SPAWN_PRIVILEGES] = { "no_new_privs", give_up_privileges },
	[SPAWN_CHDIR] = { "chdir", change_directory },
	[SPAWN_DEATH_SIGNAL] = { "death signal", set_death_signal },
	[SPAWN_PARENT] = { "parent", check_parent },
	[SPAWN_EXEC] = { "exec", execute },
};

const char *
spawn_stage_name(int stage)
{
	return stage > 0 && stage < SPAWN_STAGES ? stages[stage].name : "?";
}

static _Noreturn void
run_child(const struct child *c, int error_fd)
{
	for (int i = 0; i < SPAWN_STAGES; i++) {
		if (stages[i].run != NULL && stages[i].run(c) < 0) {
			struct spawn_failure f = { .stage = i, .error = errno };

			(void)io_write_all(error_fd, &f, sizeof(f));
			break;
		}
	}
	_exit(127);
}

/*
 * Forks, into the cgroup where the kernel can do that: a child that moves
 * there by itself would wait for a grace period of the kernel.
 */
static pid_t
fork_into(struct child *c)
{
	struct clone_args args = { .flags = CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD };

	if (c->s->cgroup_fd >= 0) {
		pid_t pid;

		args.cgroup = (unsigned)c->s->cgroup_fd;
		c->in_cgroup = true;
		pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
		if (pid >= 0 || (errno != ENOSYS && errno != E2BIG))
			return pid;
		c->in_cgroup = false;
	}
	/* Without the handlers of fork(3), which write to libc's pages. */
	return _Fork();
}

pid_t
spawn_start(
    const struct spawn *s, int *ret_fd, struct spawn_failure *ret_failure)
{
	struct child c = { .s = s, .parent = getpid() };
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0) {
		*ret_failure = (struct spawn_failure){ .stage = SPAWN_PIPE,
			.error = errno };
		return -1;
	}
	pid = fork_into(&c);
	if (pid == 0)
		run_child(&c, fds[1]);
	if (pid < 0) {
		*ret_failure = (struct spawn_failure){ .stage = SPAWN_FORK,
			.error = errno };
		io_close(&fds[0]);
	}
	io_close(&fds[1]);
	if (pid > 0)
		*ret_fd = fds[0];
	return pid;
}

int
spawn_result(int fd, struct spawn_failure *ret)
{
	struct spawn_failure f;
	ssize_t n;

	do
		n = read(fd, &f, sizeof(f));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return 0;
	if (n != sizeof(f))
		return 1;
	*ret = f;
	return -1;
}
