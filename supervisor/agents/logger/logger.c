#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/logger/discover.h"
#include "agents/logger/logger.h"
#include "base/clock.h"
#include "base/io.h"
#include "system/lock.h"
#include "system/notify_send.h"
#include "system/rundir.h"

#define TURNS_MAX 64   /* streams served between two looks around */
#define DRAIN_MS  5000 /* at most, at the end */

static int
fail(struct logger *l, const char *what)
{
	log_line(
	    &l->log, "cannot %s of %s: %s", what, l->state, strerror(errno));
	logger_close(l);
	return -1;
}

static int
open_loop(struct logger *l)
{
	sigset_t signals;

	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
		return -1;
	l->slots = calloc(LOGGER_SOURCES, sizeof(*l->slots));
	if (l->slots == NULL)
		return -1;
	return loop_open(&l->loop, l->slots, LOGGER_SOURCES, &signals);
}

static int
open_desk(struct logger *l)
{
	if (desk_open(&l->desk, l->rundir, l->state) == 0)
		return 0;
	if (errno == EAGAIN) {
		log_line(&l->log,
		    "another logger (pid %d) writes the logs "
		    "of %s",
		    (int)lock_holder(l->rundir, "logger"), l->state);
		logger_close(l);
		return -1;
	}
	return fail(l, "open logs/ or run/logger");
}

int
logger_open(struct logger *l, const char *state, const char *self)
{
	l->self = self;
	l->rundir = l->components = l->inotify = -1;
	LIST_INIT(&l->sources);
	TAILQ_INIT(&l->turns);
	TAILQ_INIT(&l->partial);
	TAILQ_INIT(&l->stalled);
	l->now_ms = clock_ms();
	l->watchdog_ms = notify_watchdog_ms();
	if (path_format(l->state, "%s", state) < 0 || open_loop(l) < 0)
		return fail(l, "prepare the logger");
	l->rundir = rundir_open(l->state);
	if (l->rundir < 0)
		return fail(l, "open run/ (is the fleet up?)");
	if (open_desk(l) < 0)
		return -1;
	if (discover_open(l) < 0)
		return fail(l, "look through run/c");
	discover_scan(l);
	return 0;
}

void
logger_close(struct logger *l)
{
	while (!LIST_EMPTY(&l->sources))
		source_free(l, LIST_FIRST(&l->sources));
	loop_remove(&l->loop, &l->inotify_key);
	io_close(&l->inotify);
	io_close(&l->components);
	desk_close(&l->desk);
	io_close(&l->rundir);
	if (l->slots != NULL)
		loop_close(&l->loop);
	free(l->slots);
	l->slots = NULL;
}

static struct stream_list *
list_of(struct logger *l, enum stream_wait wait)
{
	switch (wait) {
	case WAIT_TURN: return &l->turns;
	case WAIT_PARTIAL: return &l->partial;
	case WAIT_SPACE: return &l->stalled;
	case WAIT_EVENT:
	case WAIT_NOTHING: break;
	}
	return NULL;
}

/* Most come in the order of their time already. */
static void
insert_partial(struct logger *l, struct stream *s)
{
	struct stream *before = TAILQ_LAST(&l->partial, stream_list);

	while (before != NULL && before->partial_ms > s->partial_ms)
		before = TAILQ_PREV(before, stream_list, entry);
	if (before == NULL)
		TAILQ_INSERT_HEAD(&l->partial, s, entry);
	else
		TAILQ_INSERT_AFTER(&l->partial, before, s, entry);
}

void
logger_wait(struct logger *l, struct stream *s, enum stream_wait wait)
{
	struct stream_list *from = list_of(l, s->wait), *to = list_of(l, wait);

	if (wait == s->wait)
		return;
	if (from != NULL)
		TAILQ_REMOVE(from, s, entry);
	s->wait = wait;
	if (wait == WAIT_PARTIAL)
		insert_partial(l, s);
	else if (to != NULL)
		TAILQ_INSERT_TAIL(to, s, entry);
}

static void
serve(struct logger *l, struct stream *s)
{
	struct source *source = s->source;

	switch (
	    stream_turn(s, &l->desk, source->name, &source->log, l->now_ms)) {
	case STREAM_MORE:
		logger_wait(l, s, WAIT_EVENT);
		logger_wait(l, s, WAIT_TURN); /* behind all others */
		logger_recover(l, s);
		break;
	case STREAM_EMPTY: logger_wait(l, s, WAIT_EVENT); break;
	case STREAM_PARTIAL: logger_wait(l, s, WAIT_PARTIAL); break;
	case STREAM_STALLED: logger_stall(l, s, errno); break;
	case STREAM_END: source_end_stream(l, s); break;
	}
}

static void
serve_turns(struct logger *l)
{
	struct stream *s;

	for (int i = 0; i < TURNS_MAX; i++) {
		s = TAILQ_FIRST(&l->turns);
		if (s == NULL)
			return;
		serve(l, s);
	}
}

static void
collect(struct logger *l)
{
	struct loop_event event;
	struct stream *s;

	while (loop_next(&l->loop, &event))
		switch (event.kind) {
		case KIND_KEEPER: source_receive(l, event.owner); break;
		case KIND_DIRECTORY: discover_read(l); break;
		case KIND_STREAM:
			s = event.owner;
			if (s->wait != WAIT_SPACE)
				logger_wait(l, s, WAIT_TURN);
			break;
		}
}

static void
sooner(int64_t *deadline_ms, int64_t at_ms)
{
	if (at_ms != 0 && (*deadline_ms == 0 || at_ms < *deadline_ms))
		*deadline_ms = at_ms;
}

static void
retry_sources(struct logger *l)
{
	struct source *source, *next;

	l->retry_ms = 0;
	for (source = LIST_FIRST(&l->sources); source != NULL; source = next) {
		next = LIST_NEXT(source, entry);
		if (source->retry_ms != 0 && source->retry_ms <= l->now_ms)
			source_retry(l, source);
		else
			sooner(&l->retry_ms, source->retry_ms);
	}
}

void
logger_retry(struct logger *l, struct source *source, int64_t at_ms)
{
	source->retry_ms = at_ms;
	sooner(&l->retry_ms, at_ms);
}

static void
due(struct logger *l)
{
	struct stream *s;

	while ((s = TAILQ_FIRST(&l->partial)) != NULL &&
	    s->partial_ms <= l->now_ms)
		logger_wait(l, s, WAIT_TURN);
	if (l->stalled_retry_ms != 0 && l->stalled_retry_ms <= l->now_ms) {
		l->stalled_retry_ms = 0;
		while ((s = TAILQ_FIRST(&l->stalled)) != NULL)
			logger_wait(l, s, WAIT_TURN);
	}
	if (l->retry_ms != 0 && l->retry_ms <= l->now_ms)
		retry_sources(l);
	if (l->scan_ms != 0 && l->scan_ms <= l->now_ms)
		discover_scan(l);
	if (l->watchdog_ms != 0 && l->next_watchdog_ms <= l->now_ms) {
		l->next_watchdog_ms = l->now_ms + l->watchdog_ms;
		(void)notify_send("WATCHDOG=1");
	}
}

/* When the loop has to go on by itself; 0: never. */
static int64_t
next_ms(const struct logger *l)
{
	int64_t deadline_ms = 0;

	if (!TAILQ_EMPTY(&l->turns))
		return 1; /* in the past: does not wait */
	if (!TAILQ_EMPTY(&l->partial))
		sooner(&deadline_ms, TAILQ_FIRST(&l->partial)->partial_ms);
	sooner(&deadline_ms, l->stalled_retry_ms);
	sooner(&deadline_ms, l->scan_ms);
	if (l->watchdog_ms != 0)
		sooner(&deadline_ms, l->next_watchdog_ms);
	sooner(&deadline_ms, l->retry_ms);
	return deadline_ms;
}

/* One turn of the loop. */
static void
turn(struct logger *l, int64_t deadline_ms)
{
	(void)loop_wait(&l->loop, deadline_ms);
	l->now_ms = clock_ms();
	collect(l);
	due(l);
	serve_turns(l);
}

/* What is in the pipes now is written; the beginnings of lines stay in the
 * pipes of those who live, for the next logger. */
static void
drain(struct logger *l)
{
	int64_t limit_ms = l->now_ms + DRAIN_MS;
	struct source *source;

	LIST_FOREACH (source, &l->sources, entry)
		for (int i = 0; i < 2; i++)
			if (source->streams[i].fd >= 0)
				logger_wait(l, &source->streams[i], WAIT_TURN);
	do
		turn(l, 1);
	while (!TAILQ_EMPTY(&l->turns) && l->now_ms < limit_ms);
}

void
logger_run(struct logger *l)
{
	l->next_watchdog_ms = l->now_ms;
	(void)notify_send("READY=1");
	while (loop_signals(&l->loop) == 0)
		turn(l, next_ms(l));
	(void)notify_send("STOPPING=1");
	drain(l);
}
