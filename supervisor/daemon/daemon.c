#include <bsd/unistd.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/point.h"
#include "daemon/circuits.h"
#include "daemon/daemon.h"
#include "daemon/ending.h"
#include "daemon/guardian.h"
#include "daemon/memory.h"
#include "daemon/modes.h"
#include "daemon/prepare.h"
#include "daemon/reload.h"
#include "daemon/requests.h"
#include "daemon/start.h"
#include "daemon/strangers.h"
#include "daemon/systemd.h"
#include "daemon/turns.h"
#include "system/pidfd.h"

#define ASK_EVERY_MS  point_ms("LOOPKEEPER_ASK_EVERY_MS", 300000)
#define OTHER_SOURCES (CONTROL_CLIENTS + 16)

void
daemon_sooner(int64_t *next_ms, int64_t at_ms)
{
	if (at_ms != 0 && (*next_ms == 0 || at_ms < *next_ms))
		*next_ms = at_ms;
}

void
daemon_begin_event(struct daemon *d, const char *type, const char *component)
{
	event_begin(&d->event, "supervisor", type, NULL);
	if (component != NULL)
		event_text(&d->event, "component", component);
}

void
daemon_tell(struct daemon *d)
{
	if (spool_add(&d->spool, &d->event) < 0)
		log_line(&d->log, "can't write an event: %s: %s",
		    strerror(errno), d->event.data);
}

static void
watch_link(struct daemon *d, struct link *l, int64_t unused)
{
	(void)unused;
	if (link_watch(d, l) < 0)
		log_line(&d->log, "can't watch the keeper of %s: %s", l->name,
		    strerror(errno));
}

static int
watch_all(struct daemon *d)
{
	d->guardian_key = d->guardian_end_key = d->listen_key = 0;
	if (d->guardian_fd >= 0)
		d->guardian_key = loop_add(
		    &d->loop, d->guardian_fd, EPOLLIN, SOURCE_GUARDIAN, d);
	if (d->guardian_pidfd >= 0)
		d->guardian_end_key = loop_add(&d->loop, d->guardian_pidfd,
		    EPOLLIN, SOURCE_GUARDIAN_END, d);
	if (d->phase >= PHASE_UP)
		d->listen_key = loop_add(
		    &d->loop, d->server.listen_fd, EPOLLIN, SOURCE_LISTEN, d);
	links_each(d, watch_link, 0);
	server_watch(&d->server);
	return helper_watch(&d->reader, &d->loop, SOURCE_HELPER) < 0 ||
		helper_watch(&d->checker, &d->loop, SOURCE_HELPER) < 0
	    ? -1
	    : 0;
}

int
daemon_open_loop(struct daemon *d, size_t nlinks)
{
	uint32_t n = (uint32_t)(2 * nlinks + OTHER_SOURCES);
	struct loop_source *sources;
	struct loop loop;
	sigset_t signals;

	if (d->sources != NULL && d->loop.nsources >= n)
		return 0;
	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGCHLD);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	(void)sigaddset(&signals, SIGHUP);
	sources = memory_new(n, sizeof(*sources));
	if (sources == NULL)
		return -1;
	if (loop_open(&loop, sources, n, &signals) < 0) {
		memory_free(sources);
		return -1;
	}
	if (d->sources != NULL)
		loop_close(&d->loop);
	memory_free(d->sources);
	d->loop = loop;
	d->sources = sources;
	return watch_all(d);
}

/* Everything that ended and is ours: keepers, helpers, strangers. */
static void
reap(struct daemon *d)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct link *l = links_by_pid(d, pid);

		if (l != NULL)
			link_ended(d, l, status);
		else if (pid == d->reader.pid)
			helper_reaped(&d->reader, status);
		else if (pid == d->checker.pid)
			helper_reaped(&d->checker, status);
	}
	d->clear_due = d->clear_due || d->clear_ms != 0;
}

static void
take_signals(struct daemon *d)
{
	uint64_t taken = loop_signals(&d->loop);

	if ((taken & (loop_signal_bit(SIGTERM) | loop_signal_bit(SIGINT))) != 0)
		ending_begin(d);
	if ((taken & loop_signal_bit(SIGCHLD)) != 0)
		reap(d);
	if ((taken & loop_signal_bit(SIGHUP)) != 0)
		reload_begin(d, NULL);
}

static void
answer_guardian(struct daemon *d)
{
	char c;

	while (recv(d->guardian_fd, &c, 1, 0) == 1)
		if (c == GUARDIAN_ASKS)
			(void)send(d->guardian_fd, &c, 1, MSG_NOSIGNAL);
}

/* Our guardian is dead: we become it, and what was a daemon begins anew below
 * us. Our children stay; our lock goes with its descriptor. */
static void
succeed_guardian(struct daemon *d)
{
	log_line(&d->log, "the guardian died: taking its place");
	(void)guardian_succeed(
	    d->birth->state_directory, d->birth->config_path);
	log_line(&d->log,
	    "can't become the guardian: %s; going on without "
	    "one",
	    strerror(errno));
	loop_remove(&d->loop, &d->guardian_end_key);
	loop_remove(&d->loop, &d->guardian_key);
	io_close(&d->guardian_pidfd);
	io_close(&d->guardian_fd);
}

static void
handle(struct daemon *d, const struct loop_event *e)
{
	switch ((enum daemon_source)e->kind) {
	case SOURCE_GUARDIAN: answer_guardian(d); break;
	case SOURCE_GUARDIAN_END: succeed_guardian(d); break;
	case SOURCE_KEEPER: link_hear(d, e->owner); break;
	case SOURCE_KEEPER_END: link_over(d, e->owner); break;
	case SOURCE_HELPER: helper_read(e->owner, &d->loop, e->fd); break;
	case SOURCE_LISTEN: server_accept(&d->server); break;
	case SOURCE_CLIENT:
		if (server_event(&d->server, e->owner, e->events))
			requests_serve(d, e->owner);
		break;
	}
}

static void
judge_link(struct daemon *d, struct link *l, int64_t now_ms)
{
	daemon_sooner(&d->answer_ms, link_judge(d, l, now_ms, d->loop.late_ms));
}

static bool
is_due(int64_t at_ms, int64_t now_ms)
{
	return at_ms != 0 && at_ms <= now_ms;
}

/* Looks at the clock for what concerns the keepers. */
static void
care(struct daemon *d, int64_t now_ms)
{
	if (d->clear_due || is_due(d->clear_ms, now_ms)) {
		strangers_end(d, now_ms);
		if (d->clear_ms == 0)
			d->care_ms = now_ms;
	}
	if (is_due(d->care_ms, now_ms)) {
		d->care_ms = 0;
		links_each(d, link_care, now_ms);
	}
	if (is_due(d->ask_ms, now_ms)) {
		d->ask_ms = now_ms + ASK_EVERY_MS;
		links_each(d, link_ask, now_ms);
	}
	if (is_due(d->answer_ms, now_ms)) {
		d->answer_ms = 0;
		links_each(d, judge_link, now_ms);
	}
}

/* And for what concerns the fleet. */
static void
decide(struct daemon *d, int64_t now_ms)
{
	start_step(d, now_ms);
	reload_step(d);
	if (d->phase == PHASE_UP) {
		if (is_due(d->circuits_ms, now_ms))
			circuits_judge(d, now_ms);
		if (d->order_due)
			turns_start(d);
		if (d->mode_due || is_due(d->mode_ms, now_ms))
			modes_update(d, now_ms);
		d->order_due = false;
	}
	ending_step(d);
	systemd_watchdog(d, now_ms);
	server_expire(&d->server, now_ms);
}

static int64_t
next_ms(const struct daemon *d)
{
	int64_t next = d->clear_ms;

	daemon_sooner(&next, d->care_ms);
	daemon_sooner(&next, d->ask_ms);
	daemon_sooner(&next, d->answer_ms);
	daemon_sooner(&next, d->check_ms);
	daemon_sooner(&next, d->watchdog_due_ms);
	daemon_sooner(&next, server_next_ms(&d->server));
	if (d->phase == PHASE_UP) {
		daemon_sooner(&next, d->circuits_ms);
		daemon_sooner(&next, d->mode_ms);
	}
	return next;
}

static int
live(struct daemon *d)
{
	struct loop_event e;

	while (d->phase != PHASE_OVER) {
		if (loop_wait(&d->loop, next_ms(d)) < 0) {
			log_line(&d->log, "epoll: %s", strerror(errno));
			return 1;
		}
		/* Pidfds and messages lie in one batch with the signals; what
		 * an operator says comes after what has happened. */
		while (loop_next(&d->loop, &e))
			handle(d, &e);
		take_signals(d);
		care(d, clock_ms());
		decide(d, clock_ms());
	}
	return d->exit_status;
}

/* The back-off after the deaths of others like us, cut short by a word of the
 * guardian, or by its death. */
static void
wait_for_turn(const struct daemon *d)
{
	struct pollfd fds[] = {
		{ .fd = d->guardian_fd, .events = POLLIN },
		{ .fd = d->guardian_pidfd, .events = POLLIN },
	};

	(void)poll(fds, 2, d->birth->delay_ms);
}

int
daemon_run(const struct daemon_birth *birth)
{
	struct daemon *d = memory_new(1, sizeof(*d));

	setproctitle("-loopkeeper: daemon");
	if (d == NULL || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return 1;
	d->birth = birth;
	d->log = (struct log){ .name = "loopkeeperd", .stamped = true };
	d->guardian_fd = birth->guardian_fd;
	d->lock_fd = d->rundir = d->spool.dirfd = d->spool.fd = -1;
	TAILQ_INIT(&d->leaving);
	TAILQ_INIT(&d->spare_links);
	helper_init(&d->reader);
	helper_init(&d->checker);
	d->guardian_pidfd = pidfd_get(birth->guardian);
	wait_for_turn(d);
	if (getppid() != birth->guardian) {
		/* It died while we were born, or waited. */
		(void)guardian_succeed(
		    birth->state_directory, birth->config_path);
		return 1;
	}
	d->ask_ms = clock_ms() + ASK_EVERY_MS;
	d->watchdog_due_ms = 0;
	if (systemd_init(d) < 0 || prepare(d) < 0)
		return DAEMON_REFUSED;
	start_begin(d);
	return live(d);
}
