#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/recorder/beats.h"
#include "agents/recorder/database.h"
#include "agents/recorder/leases.h"
#include "agents/recorder/recorder.h"
#include "agents/recorder/tell.h"
#include "agents/recorder/watch.h"
#include "base/clock.h"
#include "base/io.h"
#include "store/expiry.h"
#include "system/notify_send.h"

#define TRUTH_MS 300 /* after an event: the record it tells of is written */
#define KEPT_MS	 1000

static bool
is_due(int64_t moment)
{
	return moment != 0 && moment <= clock_ms();
}

void
recorder_due(int64_t *moment, int64_t in_ms)
{
	int64_t at_ms = clock_ms() + in_ms;

	if (*moment == 0 || at_ms < *moment)
		*moment = at_ms;
}

void
recorder_say(const char *line, void *recorder)
{
	struct recorder *r = recorder;

	logbook_say(&r->log, "%s", line);
}

struct conf *
recorder_conf(const char *path)
{
	FILE *errors = fopen("/dev/null", "we");
	struct conf *conf = NULL;

	if (path == NULL)
		path = getenv("LOOPKEEPER_CONFIG");
	if (path != NULL && errors != NULL)
		conf = conf_load(path, errors);
	if (errors != NULL)
		(void)fclose(errors);
	return conf;
}

static int
open_signals(sigset_t *signals)
{
	static const int ours[] = { SIGTERM, SIGINT, SIGHUP };

	(void)sigemptyset(signals);
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		(void)sigaddset(signals, ours[i]);
	if (sigprocmask(SIG_BLOCK, signals, NULL) < 0)
		return -1;
	/* intake.h: a lease may be broken in the moment that we hold it. */
	return signal(SIGIO, SIG_IGN) == SIG_ERR ||
		signal(SIGPIPE, SIG_IGN) == SIG_ERR
	    ? -1
	    : 0;
}

int
recorder_open(struct recorder *r, const char *state_directory)
{
	sigset_t signals;

	*r = (struct recorder){ .guard_fd = -1,
		.inotify_fd = -1,
		.clock_fd = -1,
		.state_watch = -1,
		.store.lock_fd = -1 };
	logbook_open(&r->log, state_directory);
	if (path_format(r->state_directory, "%s", state_directory) < 0 ||
	    open_signals(&signals) < 0 ||
	    loop_open(&r->loop, r->sources, RECORDER_SOURCES, &signals) < 0) {
		logbook_say(&r->log, "cannot begin: %s", strerror(errno));
		return -1;
	}
	if (intake_open(&r->intake, state_directory) < 0 || watch_open(r) < 0) {
		logbook_say(
		    &r->log, "%s/spool: %s", state_directory, strerror(errno));
		recorder_close(r);
		return -1;
	}
	r->watchdog_every_ms = notify_watchdog_ms();
	if (r->watchdog_every_ms > 0)
		recorder_due(&r->watchdog_ms, r->watchdog_every_ms);
	recorder_due(&r->open_ms, 0);
	recorder_due(&r->leases_ms, 0);
	return 0;
}

void
recorder_close(struct recorder *r)
{
	store_close(&r->store);
	io_close(&r->guard_fd);
	watch_close(r);
	views_free(&r->views);
	intake_close(&r->intake);
	loop_close(&r->loop);
}

static void
keep(struct recorder *r)
{
	bool kept = intake_keep(&r->intake) == 0;

	if (!kept && !r->unkept)
		logbook_say(&r->log, "cannot keep events in %s: %s",
		    r->intake.disk_path, strerror(errno));
	r->unkept = !kept;
	if (!kept)
		recorder_due(&r->intake_ms, KEPT_MS);
}

static void
follow_clock(struct recorder *r)
{
	int64_t jump_ms = 0;
	int moved = expiry_follow(&r->store, &jump_ms);

	if (moved < 0)
		database_failed(r, "cannot follow the clock");
	else if (moved == 1 && jump_ms != 0)
		logbook_say(&r->log,
		    "the wall clock was set by %" PRId64
		    " s: everything that expires was moved with it",
		    jump_ms / 1000);
}

/* The spool into the database; what can't be goes to disk. */
static void
commit(struct recorder *r)
{
	struct intake_counts counts = { 0 };
	int result;

	/* Without events to write nothing else shows that it works again. */
	if (r->failing && database_probe(r) < 0) {
		keep(r);
		return;
	}
	result = intake_run(&r->intake, &r->store, &counts);
	if (counts.torn > 0)
		logbook_say(&r->log,
		    "%" PRId64 " torn lines were set aside in %s/torn.txt",
		    counts.torn, r->intake.disk_path);
	if (counts.events > 0)
		recorder_due(&r->truth_ms, TRUTH_MS);
	if (result < 0) {
		database_failed(r, "cannot commit events");
		keep(r);
	} else if (result > 0) {
		logbook_say(&r->log, "another database lies there now");
		database_changed(r);
	} else {
		database_works(r);
	}
}

static void
take_in(struct recorder *r)
{
	bool again = is_due(r->retry_ms);

	/* A fleet that is being restarted needs the machine more. */
	if (!again && watch_bursts(r))
		return;
	watch_listen(r);
	r->intake_ms = 0;
	if (again)
		r->retry_ms = 0;
	if (r->database != DATABASE_OPEN || (r->failing && !again)) {
		keep(r);
		return;
	}
	if (!r->failing)
		follow_clock(r);
	if (r->database == DATABASE_OPEN)
		commit(r);
}

static int64_t
next_ms(const struct recorder *r)
{
	const int64_t moments[] = { r->intake_ms, r->retry_ms, r->open_ms,
		r->truth_ms, r->beats_ms, r->leases_ms, r->watch_ms,
		r->watchdog_ms };
	int64_t next = 0;

	for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++)
		if (moments[i] != 0 && (next == 0 || moments[i] < next))
			next = moments[i];
	return next;
}

static void
due(struct recorder *r)
{
	if (is_due(r->watchdog_ms)) {
		r->watchdog_ms = 0;
		recorder_due(&r->watchdog_ms, r->watchdog_every_ms);
		(void)notify_send("WATCHDOG=1");
		if (r->database == DATABASE_OPEN && !r->failing)
			(void)database_probe(r);
	}
	if (is_due(r->watch_ms))
		watch_due(r);
	if (is_due(r->open_ms))
		database_due(r);
	if (is_due(r->intake_ms) || is_due(r->retry_ms))
		take_in(r);
	if (is_due(r->truth_ms)) {
		tell_truth(r);
		/* What a burst of events took, the machine gets back. */
		store_rest(&r->store);
		(void)malloc_trim(0);
	}
	if (is_due(r->beats_ms))
		beats_look(r);
	if (is_due(r->leases_ms))
		leases_look(r);
}

/* A terminal that closes is no reason to end; TERM and INT are. */
static void
hear_signals(struct recorder *r)
{
	uint64_t signals = loop_signals(&r->loop);

	if ((signals & (loop_signal_bit(SIGTERM) | loop_signal_bit(SIGINT))) !=
	    0)
		r->stopping = true;
}

static void
drain(struct recorder *r)
{
	(void)notify_send("STOPPING=1");
	watch_listen(r);
	if (r->database == DATABASE_OPEN) {
		tell_truth(r);
		if (r->database == DATABASE_OPEN)
			commit(r);
	}
	if (r->database != DATABASE_OPEN)
		keep(r);
}

int
recorder_run(struct recorder *r)
{
	struct loop_event e;

	database_due(r);
	/* Also without a database: the spool is kept then. */
	(void)notify_send("READY=1");
	while (!r->stopping) {
		if (loop_wait(&r->loop, next_ms(r)) < 0) {
			logbook_say(
			    &r->log, "cannot wait: %s", strerror(errno));
			return -1;
		}
		while (loop_next(&r->loop, &e))
			watch_serve(r, &e);
		if (r->loop.signal_due)
			hear_signals(r);
		due(r);
	}
	drain(r);
	return 0;
}
