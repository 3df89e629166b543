#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "daemon/crew.h"
#include "daemon/daemon.h"
#include "daemon/ending.h"
#include "daemon/systemd.h"
#include "daemon/turns.h"
#include "system/cgroup.h"
#include "system/sweep.h"

#define MARK "ending" /* in the run directory */

void
ending_forget(struct daemon *d)
{
	(void)unlinkat(d->rundir, MARK, 0);
}

bool
ending_was_begun(struct daemon *d)
{
	return faccessat(d->rundir, MARK, F_OK, 0) == 0;
}

void
ending_begin(struct daemon *d)
{
	int fd;

	d->down_asked = true;
	/* The start goes on to where there is something to end. */
	if (d->phase != PHASE_UP)
		return;
	fd = openat(d->rundir, MARK, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		log_line(&d->log, "%s/%s: %s", d->run_directory, MARK,
		    strerror(errno));
	io_close(&fd);
	d->phase = PHASE_ENDING;
	d->order_due = true;
	links_ask_soon(d);
	systemd_stopping(d);
}

/* Dismisses the housekeeping: the recorder, or all others. Returns how many
 * of them still live. */
static size_t
stop_housekeeping(struct daemon *d, bool recorder)
{
	size_t alive = 0;

	for (size_t i = 0; i < d->roster.n; i++) {
		struct link *l = d->links[i];

		if (!d->roster.components[i]->housekeeping ||
		    crew_is_recorder(d, i) != recorder)
			continue;
		alive += l->pid != 0;
		if (!l->dismissed)
			link_dismiss(d, l);
	}
	return alive;
}

static void
tell_end(struct daemon *d)
{
	daemon_begin_event(d, "supervisor_stopped", NULL);
	event_int(&d->event, "pid", getpid());
	event_int(&d->event, "components", (int64_t)d->roster.n);
	daemon_tell(d);
}

/* Events that came when the recorder was on its way out already. */
static void
start_draining(struct daemon *d)
{
	char name[] = "loopkeeper-recorder", option[] = "--drain";
	char state[PATH_SIZE];
	char *argv[] = { name, option, state, NULL };

	(void)snprintf(state, sizeof(state), "%s", d->birth->state_directory);
	helper_finish(&d->checker, &d->loop);
	spool_close(&d->spool);
	d->phase = PHASE_DRAINING;
	if (helper_start(
		&d->checker, &d->loop, SOURCE_HELPER, argv, d->environment) < 0)
		log_line(&d->log, "%s", d->checker.errors);
}

static void
finish(struct daemon *d)
{
	int cgroup;

	if (helper_is_done(&d->checker) && !helper_is_good(&d->checker))
		log_line(&d->log, "the last events stay in the spool: %s",
		    d->checker.errors);
	helper_finish(&d->checker, &d->loop);
	server_close(&d->server);
	cgroup = cgroup_open_of(getpid());
	if (sweep_rundir(d->birth->state_directory, cgroup) < 0)
		log_line(&d->log, "%s/run: %s", d->birth->state_directory,
		    strerror(errno));
	io_close(&cgroup);
	d->phase = PHASE_OVER;
}

void
ending_step(struct daemon *d)
{
	if (d->phase == PHASE_ENDING && turns_stop(d) == 0 &&
	    TAILQ_EMPTY(&d->leaving))
		d->phase = PHASE_LAST;
	if (d->phase == PHASE_LAST && stop_housekeeping(d, false) == 0) {
		tell_end(d);
		d->clear_due = true;
		d->phase = PHASE_RECORDER;
	}
	if (d->phase == PHASE_RECORDER && stop_housekeeping(d, true) == 0 &&
	    d->clear_ms == 0 && !d->clear_due)
		start_draining(d);
	if (d->phase == PHASE_DRAINING &&
	    (!helper_is_busy(&d->checker) || helper_is_done(&d->checker)))
		finish(d);
}
