#include <bsd/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "base/point.h"
#include "daemon/daemon.h"
#include "daemon/guardian.h"
#include "daemon/report.h"
#include "system/lock.h"

#define ASK_EVERY_MS   60000
#define ANSWER_MS      30000
#define BACKOFF_MS     100 /* after the second death in a row */
#define BACKOFF_MAX_MS 10000
#define GOOD_AFTER_MS  60000 /* a daemon that lived so long counts anew */
#define LATE_MS	       1000  /* we ourselves were stopped, or starved */
#define ENDING_DEATHS  10    /* then no daemon will end the fleet in order */

struct guardian {
	const struct guardian_birth *birth;
	struct log log;
	int lock_fd;
	int signal_fd;
	int daemon_fd;	   /* our end of the pair to it; -1: none lives */
	pid_t daemon;	   /* 0: none lives */
	bool up;	   /* some daemon has said that the fleet is up */
	bool ending;	   /* TERM or INT has come */
	int deaths;	   /* in a row */
	int ending_deaths; /* since ending */
	int64_t started_ms;
	int64_t fork_ms; /* no daemon: fork is tried again then; 0: one lives */
	int64_t ask_ms;	 /* next question; 0: one is open */
	int64_t answer_ms; /* its answer is due; 0: no question is open */
	char reason[64];   /* why the last one died; "" for the first */
};

static const struct log guardian_log = { .name = "loopkeeper guardian",
	.stamped = true };

static int
open_signals(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_SETMASK, &set, NULL) < 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int
take_lock(struct guardian *g)
{
	const char *directory = g->birth->state_directory;
	int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0) {
		report(REPORT_FAILED, "%s: %s", directory, strerror(errno));
		return -1;
	}
	g->lock_fd = lock_take(fd, LOCK_GUARDIAN);
	if (g->lock_fd < 0 && errno == EAGAIN)
		report(REPORT_FAILED, "already running: pid %d guards %s",
		    (int)lock_holder(fd, LOCK_GUARDIAN), directory);
	else if (g->lock_fd < 0)
		report(REPORT_FAILED, "can't lock %s/%s: %s", directory,
		    LOCK_GUARDIAN, strerror(errno));
	io_close(&fd);
	return g->lock_fd < 0 ? -1 : 0;
}

/* In the child: becomes the daemon, after delay_ms. */
static _Noreturn void
become_daemon(struct guardian *g, int fd, pid_t guardian, int delay_ms)
{
	struct daemon_birth birth = {
		.state_directory = g->birth->state_directory,
		.config_path = g->birth->config_path,
		.guardian = guardian,
		.guardian_fd = fd,
		.first = !g->up && g->birth->successor_of == NULL,
		.delay_ms = delay_ms,
		.reason = g->reason,
	};

	io_close(&g->lock_fd);
	io_close(&g->signal_fd);
	_exit(daemon_run(&birth));
}

/* How long the next one is to wait, by how many have died in a row. */
static int
delay_ms(const struct guardian *g)
{
	int delay = BACKOFF_MS;

	if (g->deaths == 0)
		return 0;
	if (g->deaths == 1)
		return (int)point_ms("LOOPKEEPER_DAEMON_DELAY_MS", 0);
	/* What it kept goes on without it; an order to end doesn't wait. */
	for (int i = 2; i < g->deaths && !g->ending; i++)
		if (delay < BACKOFF_MAX_MS)
			delay *= 2;
	return delay < BACKOFF_MAX_MS ? delay : BACKOFF_MAX_MS;
}

/* Forks the daemon at once, and lets it do the waiting: so there is always
 * somebody who takes our place if we die. */
static void
start_daemon(struct guardian *g)
{
	const pid_t self = getpid();
	int pair[2], delay = delay_ms(g);
	pid_t pid = -1;

	g->started_ms = clock_ms() + delay;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		0, pair) == 0) {
		pid = fork();
		if (pid == 0) {
			io_close(&pair[0]);
			become_daemon(g, pair[1], self, delay);
		}
		io_close(&pair[1]);
		if (pid < 0)
			io_close(&pair[0]);
	}
	if (pid < 0) {
		log_line(&g->log, "can't fork the daemon: %s; trying again",
		    strerror(errno));
		g->fork_ms = clock_ms() + BACKOFF_MS;
		return;
	}
	g->fork_ms = 0;
	g->daemon = pid;
	g->daemon_fd = pair[0];
	g->ask_ms = g->started_ms + ASK_EVERY_MS;
	g->answer_ms = 0;
	if (g->ending)
		(void)kill(pid, SIGTERM);
}

static void
describe(char *buf, size_t size, int status)
{
	if (WIFSIGNALED(status))
		(void)snprintf(buf, size, "signal %d (%s)", WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	else
		(void)snprintf(buf, size, "exit %d", WEXITSTATUS(status));
}

/* Returns the guardian's own exit status, or -1 to go on. */
static int
daemon_ended(struct guardian *g, int status)
{
	g->daemon = 0;
	io_close(&g->daemon_fd);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (!g->up && g->birth->successor_of == NULL && WIFEXITED(status) &&
	    WEXITSTATUS(status) == DAEMON_REFUSED)
		return 1;
	describe(g->reason, sizeof(g->reason), status);
	if (g->ending && ++g->ending_deaths == ENDING_DEATHS) {
		log_line(&g->log,
		    "no daemon lives long enough to end the fleet, the last "
		    "died: %s; 'loopkeeper down' ends what is left",
		    g->reason);
		return 1;
	}
	if (clock_ms() - g->started_ms >= GOOD_AFTER_MS)
		g->deaths = 0;
	g->deaths++;
	log_line(&g->log, "the daemon died: %s; starting it again in %d ms",
	    g->reason, delay_ms(g));
	start_daemon(g);
	return -1;
}

static int
reap(struct guardian *g)
{
	int status, result = -1;
	pid_t pid;

	while (result < 0 && (pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == g->daemon)
			result = daemon_ended(g, status);
	return result;
}

/* Passes a signal on, and ends its wait if it hasn't come up yet. */
static void
hurry(const struct guardian *g, int signal)
{
	const char c = GUARDIAN_ASKS;

	(void)kill(g->daemon, signal);
	(void)send(g->daemon_fd, &c, 1, MSG_NOSIGNAL);
}

static int
take_signals(struct guardian *g)
{
	struct signalfd_siginfo info;
	bool child = false;

	while (read(g->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGCHLD: child = true; break;
		case SIGTERM:
		case SIGINT:
			g->ending = true;
			if (g->daemon > 0)
				hurry(g, SIGTERM);
			break;
		default:
			if (g->daemon > 0)
				(void)kill(g->daemon, (int)info.ssi_signo);
		}
	}
	return child ? reap(g) : -1;
}

/* The daemon says that the fleet is up, or answers a question. */
static void
take_messages(struct guardian *g)
{
	char c;

	while (g->daemon_fd >= 0 && recv(g->daemon_fd, &c, 1, 0) == 1) {
		/* It can come up, so it is worth a quick try again. */
		if (c == GUARDIAN_UP && g->deaths > 1)
			g->deaths = 1;
		if (c == GUARDIAN_UP && !g->up) {
			g->up = true;
			report_end(g->birth->state_directory);
		}
		g->answer_ms = 0;
		g->ask_ms = clock_ms() + ASK_EVERY_MS;
	}
}

static void
ask(struct guardian *g, int64_t now_ms)
{
	const char c = GUARDIAN_ASKS;

	g->ask_ms = 0;
	g->answer_ms = now_ms + ANSWER_MS;
	if (send(g->daemon_fd, &c, 1, MSG_NOSIGNAL) < 0 && errno != EAGAIN)
		log_line(&g->log, "asking the daemon: %s", strerror(errno));
}

static void
look_at_clock(struct guardian *g, int64_t now_ms, int64_t due_ms)
{
	if (g->fork_ms != 0 && now_ms >= g->fork_ms)
		start_daemon(g);
	if (g->daemon == 0)
		return;
	if (g->ask_ms != 0 && now_ms >= g->ask_ms)
		ask(g, now_ms);
	if (g->answer_ms == 0 || now_ms < g->answer_ms)
		return;
	/* Whoever was stopped himself can't blame the other for silence. */
	if (now_ms - due_ms > LATE_MS) {
		g->answer_ms = now_ms + ANSWER_MS;
		return;
	}
	log_line(&g->log,
	    "the daemon (pid %d) hasn't answered for 30 s: "
	    "killing it; the components go on",
	    (int)g->daemon);
	(void)kill(g->daemon, SIGKILL);
	g->answer_ms = now_ms + ANSWER_MS;
}

static int64_t
next_ms(const struct guardian *g)
{
	if (g->daemon == 0)
		return g->fork_ms;
	return g->answer_ms != 0 ? g->answer_ms : g->ask_ms;
}

static int
guard(struct guardian *g)
{
	int result = -1;

	start_daemon(g);
	while (result < 0) {
		struct pollfd fds[] = {
			{ .fd = g->signal_fd, .events = POLLIN },
			{ .fd = g->daemon_fd, .events = POLLIN },
		};
		int64_t due_ms = next_ms(g), now_ms = clock_ms();

		(void)poll(
		    fds, 2, due_ms > now_ms ? (int)(due_ms - now_ms) : 0);
		take_messages(g);
		result = take_signals(g);
		if (result < 0)
			look_at_clock(g, clock_ms(), due_ms);
	}
	return result;
}

int
guardian_run(const struct guardian_birth *birth)
{
	struct guardian g = { .birth = birth,
		.log = guardian_log,
		.lock_fd = -1,
		.daemon_fd = -1 };

	setproctitle("-loopkeeper: guardian");
	/* Whoever started us may have had more open than he knew. */
	(void)close_range(3, ~0U, 0);
	(void)setsid(); /* fails where it leads a session already: as good */
	g.signal_fd = open_signals();
	if (g.signal_fd < 0 || chdir("/") < 0 ||
	    prctl(PR_SET_CHILD_SUBREAPER, 1) < 0) {
		report(REPORT_FAILED, "can't become the guardian: %s",
		    strerror(errno));
		return 1;
	}
	if (take_lock(&g) < 0)
		return 1;
	if (birth->successor_of != NULL) {
		g.up = true;
		(void)snprintf(
		    g.reason, sizeof(g.reason), "%s", birth->successor_of);
	}
	return guard(&g);
}

int
guardian_succeed(const char *state_directory, const char *config_path)
{
	char path[] = "/proc/self/exe", name[] = "loopkeeperd",
	     option[] = "--succeed";
	char state[PATH_SIZE], config[PATH_SIZE];
	char *argv[] = { name, option, state, config, NULL };

	if (path_format(state, "%s", state_directory) < 0 ||
	    path_format(config, "%s", config_path) < 0)
		return -1;
	(void)execv(path, argv);
	return -1;
}
