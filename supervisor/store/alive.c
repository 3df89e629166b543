#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bsd/string.h>

#include "base/clock.h"
#include "base/io.h"
#include "model/component.h"
#include "store/alive.h"
#include "store/health.h"
#include "store/statement.h"
#include "system/lock.h"
#include "system/process.h"
#include "system/rundir.h"
#include "system/status.h"

#define POLL_NS 200000000L

/* Whether something of a component in this state may run. */
static bool
state_runs(const struct status_record *r)
{
	struct component c;

	if (r->blob_size != sizeof(c))
		return true;
	(void)memcpy(&c, r->blob, sizeof(c));
	return c.state == COMPONENT_STARTING || c.state == COMPONENT_RUNNING ||
	    c.state == COMPONENT_STOPPING;
}

static int
lock_path(
    char ret[static PATH_SIZE], const char *state_directory, const char *name)
{
	return path_format(ret, "%s/locks/%s", state_directory, name);
}

int
alive_lock(const char *state_directory, const char *name)
{
	char path[PATH_SIZE];

	return path_format(path, "%s/locks", state_directory) < 0 ||
		path_make(path, 0700) < 0 ||
		lock_path(path, state_directory, name) < 0
	    ? -1
	    : lock_take(AT_FDCWD, path);
}

pid_t
alive_holder(const char *state_directory, const char *name)
{
	char path[PATH_SIZE];

	return lock_path(path, state_directory, name) < 0
	    ? -1
	    : lock_holder(AT_FDCWD, path);
}

enum alive
alive_by_record(const char *state_directory, const char *name)
{
	enum alive result = ALIVE_UNKNOWN;
	struct status_record r;
	int run, dir;

	/* Also where no keeper knows of it: in a terminal, by run-one. */
	if (alive_holder(state_directory, name) > 0)
		return ALIVE_YES;
	run = rundir_open(state_directory);
	dir = run < 0 ? -1 : rundir_open_component(run, name);
	if (dir >= 0 && status_read(dir, &r) == 0) {
		bool lives = lock_holder(dir, "lock") > 0
		    ? state_runs(&r)
		    : r.pid > 0 && process_is(r.pid, r.pid_start);

		result = lives ? ALIVE_YES : ALIVE_NO;
	}
	io_close(&dir);
	io_close(&run);
	return result;
}

bool
alive_left_outcome(const char *state_directory, const char *loop_id)
{
	char path[PATH_SIZE];

	return path_format(path, "%s/spool/%s.outcome", state_directory,
		   loop_id) == 0 &&
	    access(path, F_OK) == 0;
}

static int
add(struct alive_watch *w, const char *loop_id, const char *value)
{
	struct alive_beat *beats =
			      reallocarray(w->beats, w->n + 1, sizeof(*beats)),
			  *b;

	if (beats == NULL)
		return -1;
	w->beats = beats;
	b = &beats[w->n++];
	*b = (struct alive_beat){ 0 };
	(void)strlcpy(b->loop_id, loop_id, sizeof(b->loop_id));
	(void)strlcpy(b->value, value, sizeof(b->value));
	return 0;
}

/* Rows that our recorder writes tell nothing new about who lives. */
static int
find(struct store *s, enum alive (*known)(const char *, void *), void *argument,
    struct alive_watch *w)
{
	struct sqlite3_stmt *q = statement_query(s,
	    "SELECT component, last_heartbeat FROM component_health"
	    " WHERE (component IN (SELECT loop_id FROM tests"
	    " WHERE status = 'in_progress')"
	    " OR component IN (SELECT loop_id FROM attempts"
	    " WHERE ended_at IS NULL)"
	    " OR component IN (SELECT locked_by FROM file_locks))"
	    " AND julianday(last_heartbeat) > julianday('now') - 600 / 86400.0"
	    " AND NOT ifnull(json_valid(metadata)"
	    " AND json_extract(metadata, '$.by') = 'loopkeeper', 0)",
	    "");
	const char *loop_id, *value;
	int more;

	while ((more = statement_row(s, q, "tt", &loop_id, &value)) == 1) {
		if (known(loop_id, argument) == ALIVE_UNKNOWN &&
		    add(w, loop_id, value) < 0) {
			more = store_refuse(s, ENOMEM, "out of memory");
			break;
		}
	}
	statement_end(q);
	return more;
}

/* Looks once. Returns how many have not moved yet, or -1. */
static int
look(struct store *s, struct alive_watch *w)
{
	int still = 0;

	for (size_t n = 0; n < w->n; n++) {
		struct alive_beat *b = &w->beats[n];
		char now[sizeof(b->value)] = "";

		if (b->moved)
			continue;
		if (health_heartbeat(s, b->loop_id, now, sizeof(now)) < 0)
			return -1;
		b->moved = strcmp(now, b->value) != 0;
		still += !b->moved;
	}
	return still;
}

int
alive_watch(struct store *s, enum alive (*known)(const char *, void *),
    void *argument, int64_t wait_ms, struct alive_watch *ret)
{
	int64_t until_ms = clock_ms() + wait_ms;
	int still = 0;

	*ret = (struct alive_watch){ 0 };
	if (find(s, known, argument, ret) < 0)
		still = -1;
	while (
	    still >= 0 && (still = look(s, ret)) > 0 && clock_ms() < until_ms)
		(void)nanosleep(&(struct timespec){ .tv_nsec = POLL_NS }, NULL);
	if (still < 0) {
		alive_watch_free(ret);
		return -1;
	}
	return 0;
}

bool
alive_watch_moved(const struct alive_watch *w, const char *loop_id)
{
	for (size_t n = 0; n < w->n; n++)
		if (strcmp(w->beats[n].loop_id, loop_id) == 0)
			return w->beats[n].moved;
	return false;
}

void
alive_watch_free(struct alive_watch *w)
{
	free(w->beats);
	*w = (struct alive_watch){ 0 };
}
