#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "cli/down.h"
#include "cli/follow.h"
#include "cli/keepers.h"
#include "cli/timeline.h"
#include "system/lock.h"
#include "system/pidfd.h"

#define LOOK_MS	      50
#define SUCCESSION_MS 3000 /* for a new guardian to show itself */

int
follow_begin(struct follow *f, struct cli *cli, bool print)
{
	sigset_t set;

	*f = (struct follow){ .cli = cli,
		.print = print,
		.launch = { .report_fd = -1 },
		.guardian_fd = -1 };
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 ||
	    (f->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
		return cli_error(CLI_FAILED, "signalfd: %s", strerror(errno));
	if (print)
		f->timeline = timeline_open(cli->state_directory, cli->colour);
	return CLI_DONE;
}

void
follow_end(struct follow *f)
{
	if (f->timeline != NULL)
		timeline_close(f->timeline);
	io_close(&f->launch.report_fd);
	io_close(&f->guardian_fd);
	io_close(&f->signal_fd);
}

static void
reap(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		continue;
}

static void
ask_for_down(struct follow *f)
{
	f->down_sent = true;
	(void)down_ask(f->cli->state_directory);
}

static void
take_signal(struct follow *f, const struct signalfd_siginfo *info)
{
	switch (info->ssi_signo) {
	case SIGCHLD: reap(); break;
	case SIGHUP:
		/* The kernel's comes from a terminal that was closed. */
		if (info->ssi_code == SI_KERNEL)
			f->detached = true;
		else
			(void)keepers_signal_lock(
			    f->cli->state_directory, LOCK_GUARDIAN, SIGHUP);
		break;
	case SIGINT:
		f->interrupts++;
		if (f->interrupts == 1 && f->print)
			(void)printf("stopping; Ctrl-C again stops at once\n");
		(void)fflush(stdout);
		/* FALLTHROUGH */
	default:
		/* During the start it waits for the fleet to be there. */
		if (f->launch.report_fd < 0 && !f->down_sent)
			ask_for_down(f);
		else if (info->ssi_signo != SIGINT && f->interrupts == 0)
			f->interrupts = 1;
	}
}

static void
take_signals(struct follow *f)
{
	struct signalfd_siginfo info;

	while (read(f->signal_fd, &info, sizeof(info)) == sizeof(info))
		take_signal(f, &info);
}

int
follow_turn(struct follow *f, int timeout_ms)
{
	int due_ms = f->timeline != NULL ? timeline_due_ms(f->timeline) : -1;
	struct pollfd fds[] = {
		{ .fd = f->signal_fd, .events = POLLIN },
		{ .fd = f->launch.report_fd, .events = POLLIN },
		{ .fd = f->guardian_fd, .events = POLLIN },
		{ .fd = f->timeline != NULL ? timeline_fd(f->timeline) : -1,
		    .events = POLLIN },
	};

	if (timeout_ms < 0 || (due_ms >= 0 && due_ms < timeout_ms))
		timeout_ms = due_ms;
	if (poll(fds, 4, timeout_ms) < 0 && errno != EINTR)
		return -1;
	take_signals(f);
	if ((fds[1].revents & (POLLIN | POLLHUP)) != 0)
		(void)launch_read(&f->launch);
	if (f->timeline != NULL && !f->detached &&
	    timeline_print_new(f->timeline, stdout) < 0)
		f->detached = f->print; /* nobody reads what we print */
	return 0;
}

int
follow_launch(struct follow *f)
{
	int code = launch_start(&f->launch, f->cli);

	if (code != CLI_DONE)
		return code;
	while (f->launch.report_fd >= 0)
		if (follow_turn(f, -1) < 0)
			return cli_error(
			    CLI_FAILED, "poll: %s", strerror(errno));
	code = launch_result(&f->launch, f->cli);
	if (code == CLI_DONE && f->interrupts > 0)
		ask_for_down(f);
	return code;
}

/* Who guards now. Returns false when nobody does and none is to come. */
static bool
find_guardian(struct follow *f)
{
	int64_t give_up_ms = clock_ms() + SUCCESSION_MS;
	pid_t guardian, daemon;

	io_close(&f->guardian_fd);
	do {
		(void)keepers_supervisor(
		    f->cli->state_directory, &guardian, &daemon);
		if (guardian != 0)
			f->guardian_fd = pidfd_get(guardian);
		if (f->guardian_fd >= 0)
			return true;
		if (daemon != 0) /* it is about to take its place */
			give_up_ms = clock_ms() + SUCCESSION_MS;
		else if (down_is_clean(f->cli->state_directory))
			return false;
		if (follow_turn(f, LOOK_MS) < 0)
			return false;
	} while (clock_ms() < give_up_ms);
	return false;
}

/* Nobody guards any more. Returns an exit code, or -1 to go on. */
static int
bereaved(struct follow *f)
{
	const char *state = f->cli->state_directory;
	struct keepers k;
	size_t n;

	if (down_is_clean(state))
		return CLI_DONE;
	if (keepers_read(&k, state) < 0)
		return cli_error(CLI_FAILED, "%s", strerror(errno));
	n = k.n;
	keepers_free(&k);
	if (n == 0)
		return cli_error(CLI_FAILED,
		    "the fleet has died; 'loopkeeper up' repairs and starts "
		    "it");
	(void)cli_error(CLI_FAILED,
	    "guardian and daemon died together; %zu keepers live: starting "
	    "a new daemon for them",
	    n);
	return follow_launch(f) == CLI_DONE ? -1 : CLI_FAILED;
}

int
follow_fleet(struct follow *f)
{
	int code = -1;

	while (code < 0) {
		if (f->guardian_fd < 0 || pidfd_is_over(f->guardian_fd)) {
			if (!find_guardian(f))
				code = bereaved(f);
			continue;
		}
		if (follow_turn(f, -1) < 0)
			return cli_error(
			    CLI_FAILED, "poll: %s", strerror(errno));
		if (f->detached && f->print)
			return CLI_DONE;
		if (f->interrupts > 1)
			return down_now(f->cli, true);
	}
	/* The last events are on their way still. */
	if (f->timeline != NULL && !f->detached)
		(void)timeline_print_new(f->timeline, stdout);
	return code;
}
