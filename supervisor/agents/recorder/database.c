#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agents/recorder/database.h"
#include "agents/recorder/tell.h"
#include "base/clock.h"
#include "base/io.h"
#include "control/control.h"
#include "store/check.h"
#include "store/guard.h"
#include "system/notify_send.h"

#define RETRY_MS    1000
#define RELEASE_MS  50	  /* others are asked so often whether they closed */
#define PATIENCE_MS 10000 /* after that they are waited for at leisure */
#define LEISURE_MS  1000
#define AWAY_MS	    15000 /* FLEET_MISSING_MS */

void
database_changed(struct recorder *r)
{
	intake_forget(&r->intake);
	views_untell(&r->views);
	r->mode[0] = '\0';
	recorder_due(&r->intake_ms, 0);
	recorder_due(&r->truth_ms, 0);
	recorder_due(&r->beats_ms, 0);
}

/* Without a daemon there is no mode. */
static void
tell_daemon(const struct recorder *r, const char *word)
{
	const char *words[] = { "database", word };
	char reply[256];

	(void)control_request(
	    r->state_directory, words, 2, reply, sizeof(reply));
}

/* What lasts as long as a component may be missing is a reason for the mode;
 * told again in time, and to a new daemon. */
static void
tell_away(struct recorder *r)
{
	int64_t now_ms = clock_ms();

	if (now_ms - r->failing_ms < AWAY_MS ||
	    (r->away_ms != 0 && now_ms - r->away_ms < CONTROL_DATABASE_MS / 3))
		return;
	r->away_ms = now_ms;
	tell_daemon(r, "away");
}

static void
tell_back(struct recorder *r)
{
	if (r->away_ms != 0)
		tell_daemon(r, "back");
	r->away_ms = 0;
}

void
database_works(struct recorder *r)
{
	r->retry_ms = 0;
	if (!r->failing)
		return;
	r->failing = false;
	tell_back(r);
	logbook_say(&r->log, "the database works again");
	(void)notify_send("STATUS=");
}

void
database_failed(struct recorder *r, const char *what)
{
	char status[STORE_ERROR_SIZE + 64];
	int error = errno;

	if (!r->failing) {
		logbook_say(&r->log, "%s: %s; events are kept in %s", what,
		    store_error(&r->store), r->intake.disk_path);
		(void)snprintf(status, sizeof(status),
		    "STATUS=keeps events on disk: %s", store_error(&r->store));
		(void)notify_send(status);
		if (error == EUCLEAN)
			tell_damaged(r);
		r->failing_ms = clock_ms();
	}
	tell_away(r);
	r->failing = true;
	recorder_due(&r->retry_ms, RETRY_MS);
	/* A lock of others passes; of everything else the file is to blame,
	 * and may be another one next time. */
	if (error == EBUSY && r->store.db != NULL)
		return;
	store_close(&r->store);
	intake_forget(&r->intake);
	if (r->database == DATABASE_OPEN)
		r->database = DATABASE_CLOSED;
	recorder_due(&r->open_ms, RETRY_MS);
}

int
database_probe(struct recorder *r)
{
	int begun = store_begin(&r->store);

	if (begun < 0) {
		database_failed(r, "cannot write to the database");
		return -1;
	}
	if (begun == 0)
		store_rollback(&r->store);
	else
		database_changed(r);
	return 0;
}

static void
is_open(struct recorder *r)
{
	store_set_busy(&r->store, RECORDER_BUSY_MS);
	r->database = DATABASE_OPEN;
	r->opened_once = true;
	database_changed(r);
}

static enum alive
known(const char *loop_id, void *argument)
{
	const struct recorder *r = argument;

	return alive_by_record(r->state_directory, loop_id);
}

/* The whole check, for a database that was released; fd is taken over. */
static int
take_back(struct recorder *r, int fd)
{
	const struct check c = { .state_directory = r->state_directory,
		.lock_fd = fd,
		.known = known,
		.say = recorder_say,
		.argument = r,
		.by = "recorder" };

	if (check_run(&c, &r->store) < 0)
		return -1;
	logbook_say(&r->log, "took the database back");
	return 0;
}

/* Opens it as everybody does, or with the whole check when it was released
 * while no recorder lived to take it back. */
static int
open_it(struct recorder *r)
{
	int fd = guard_take(r->state_directory);
	bool released = false;

	if (fd >= 0 && guard_check(fd, r->state_directory, &released) >= 0 &&
	    released)
		return take_back(r, fd);
	io_close(&fd);
	/* One that vanished while we ran is being replaced: not made anew. */
	return store_open(&r->store, r->state_directory,
	    r->opened_once ? STORE_WRITE : STORE_CREATE);
}

static void
open_now(struct recorder *r)
{
	if (open_it(r) < 0) {
		database_failed(r, "cannot open the database");
		return;
	}
	is_open(r);
	database_works(r);
}

/* Drains the spool, empties the -wal, closes. */
static void
begin_release(struct recorder *r)
{
	struct intake_counts counts = { 0 };

	if (r->database == DATABASE_OPEN) {
		if (intake_run(&r->intake, &r->store, &counts) < 0)
			logbook_say(&r->log,
			    "the spool could not be drained: %s",
			    store_error(&r->store));
		/* Others may still read; the last one to close empties it. */
		(void)store_checkpoint(&r->store);
		store_close(&r->store);
		intake_forget(&r->intake);
	}
	r->failing = false;
	tell_back(r);
	r->retry_ms = 0;
	r->database = DATABASE_RELEASING;
	r->releasing_ms = clock_ms();
}

static bool
has_companions(const struct recorder *r)
{
	static const char *const suffixes[] = { "-wal", "-shm" };
	char path[PATH_SIZE];

	for (size_t i = 0; i < 2; i++) {
		if (path_format(path, "%s/coordination.db%s",
			r->state_directory, suffixes[i]) == 0 &&
		    access(path, F_OK) == 0)
			return true;
	}
	return false;
}

/* What somebody left beside it goes when the last connection is closed. */
static void
close_last(struct recorder *r, int fd)
{
	struct store s;
	int copy = dup(fd);

	if (copy < 0 || store_open_held(&s, r->state_directory, copy) < 0)
		return;
	store_set_busy(&s, RECORDER_BUSY_MS);
	(void)store_checkpoint(&s);
	store_close(&s);
}

static void
go_on_releasing(struct recorder *r)
{
	bool patient = clock_ms() - r->releasing_ms < PATIENCE_MS;
	int fd = guard_take(r->state_directory);

	if (fd >= 0 && has_companions(r))
		close_last(r, fd);
	if (fd < 0 || has_companions(r) ||
	    guard_release(fd, r->state_directory) < 0) {
		io_close(&fd);
		recorder_due(&r->open_ms, patient ? RELEASE_MS : LEISURE_MS);
		return;
	}
	r->guard_fd = fd;
	r->database = DATABASE_RELEASED;
	logbook_say(&r->log, "the database is released");
	(void)notify_send("STATUS=the database is released");
}

static void
end_release(struct recorder *r)
{
	int fd = r->guard_fd;

	r->guard_fd = -1;
	r->database = DATABASE_CLOSED;
	(void)notify_send("STATUS=");
	if (fd < 0) {
		open_now(r);
		return;
	}
	if (take_back(r, fd) < 0) {
		database_failed(r, "cannot take the database back");
		return;
	}
	is_open(r);
}

void
database_due(struct recorder *r)
{
	char text[STORE_ERROR_SIZE];
	int released =
	    guard_is_wanted_released(r->state_directory, text, sizeof(text));
	bool release = released > 0;

	r->open_ms = 0;
	if (released < 0) /* unreadable: nothing changes for it */
		release = r->database >= DATABASE_RELEASING;
	if (release && r->database < DATABASE_RELEASING)
		begin_release(r);
	if (release && r->database == DATABASE_RELEASING)
		go_on_releasing(r);
	else if (!release && r->database >= DATABASE_RELEASING)
		end_release(r);
	else if (!release && r->database == DATABASE_CLOSED)
		open_now(r);
}
