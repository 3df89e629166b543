#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/io.h"
#include "daemon/adopt.h"
#include "daemon/check.h"
#include "daemon/crew.h"
#include "daemon/daemon.h"
#include "daemon/ending.h"
#include "daemon/guardian.h"
#include "daemon/modes.h"
#include "daemon/report.h"
#include "daemon/start.h"
#include "daemon/systemd.h"
#include "daemon/turns.h"

int
start_read_config(struct daemon *d)
{
	char name[] = "loopkeeper", command[] = "check-config",
	     option[] = "--flat", path[PATH_SIZE];
	char *argv[] = { name, command, option, path, NULL };

	(void)snprintf(path, sizeof(path), "%s", d->birth->config_path);
	return helper_start(
	    &d->reader, &d->loop, SOURCE_HELPER, argv, d->environment);
}

void
start_begin(struct daemon *d)
{
	if (d->birth->first)
		ending_forget(d);
	d->down_asked = ending_was_begun(d);
	d->phase = PHASE_READING;
	if (start_read_config(d) < 0)
		d->reader.failed = true;
}

static void
give_up(struct daemon *d, int status)
{
	d->exit_status = status;
	d->phase = PHASE_OVER;
}

static int
read_roster(struct daemon *d, struct roster *ret)
{
	if (helper_is_good(&d->reader) &&
	    roster_read(ret, d->reader.out, d->reader.out_len) == 0) {
		crew_save_config(d, d->reader.out, d->reader.out_len);
		return 0;
	}
	report_lines(&d->log, REPORT_FAILED, d->reader.errors);
	if (!d->birth->first && roster_read_file(ret, d->rundir) == 0) {
		log_line(&d->log,
		    "the configuration can't be read: going on "
		    "with the last one that could");
		return 0;
	}
	report_refusal(&d->log, "%s can't be used", d->birth->config_path);
	return -1;
}

static void
config_is_read(struct daemon *d)
{
	struct roster roster;

	if (read_roster(d, &roster) < 0) {
		give_up(d, d->birth->first ? DAEMON_REFUSED : 1);
		return;
	}
	helper_finish(&d->reader, &d->loop);
	if (crew_take(d, &roster, NULL) < 0 || adopt_all(d) < 0) {
		report_refusal(
		    &d->log, "can't make the fleet: %s", strerror(errno));
		give_up(d, 1);
		return;
	}
	report(REPORT_FOUND, "configuration: %zu components", d->roster.n);
	if (d->adopted > 0)
		report(REPORT_FOUND, "adopted %zu keepers of an earlier daemon",
		    d->adopted);
	d->clear_due = true;
	d->phase = PHASE_CLEARING;
}

static void
tell_start(struct daemon *d)
{
	bool again = d->birth->reason[0] != '\0';

	if (d->adopted > 0) {
		daemon_begin_event(d, "supervisor_adopted", NULL);
		event_int(&d->event, "adopted", (int64_t)d->adopted);
		event_int(&d->event, "dismissed", (int64_t)d->surplus);
		event_int(
		    &d->event, "missing", (int64_t)(d->roster.n - d->adopted));
		daemon_tell(d);
	}
	daemon_begin_event(
	    d, again ? "daemon_restarted" : "supervisor_started", NULL);
	event_int(&d->event, "pid", getpid());
	event_int(&d->event, "components", (int64_t)d->roster.n);
	event_int(&d->event, "adopted", (int64_t)d->adopted);
	event_int(&d->event, "leftovers_ended", (int64_t)d->cleared);
	if (again)
		event_text(&d->event, "cause", d->birth->reason);
	daemon_tell(d);
}

static void
go_up(struct daemon *d, int64_t now_ms)
{
	const char c = GUARDIAN_UP;

	d->phase = PHASE_UP;
	if (d->cleared > 0)
		report(REPORT_FOUND, "ended %zu processes left behind",
		    d->cleared);
	tell_start(d);
	if (d->down_asked) {
		ending_begin(d);
	} else {
		links_each(d, link_care, now_ms);
		turns_start(d);
		modes_update(d, now_ms);
		report(REPORT_FOUND, "started %zu keepers", d->forked);
	}
	d->listen_key =
	    loop_add(&d->loop, d->server.listen_fd, EPOLLIN, SOURCE_LISTEN, d);
	if (d->guardian_fd >= 0)
		(void)send(d->guardian_fd, &c, 1, MSG_NOSIGNAL);
	systemd_ready(d);
	report(REPORT_UP, "%d", (int)getpid());
	report_end(d->birth->state_directory);
}

void
start_step(struct daemon *d, int64_t now_ms)
{
	if (d->phase == PHASE_READING &&
	    (d->reader.failed || helper_is_done(&d->reader)))
		config_is_read(d);
	/* What survives SIGKILL holds up its own component only. */
	if (d->phase == PHASE_CLEARING && !d->clear_due &&
	    (d->clear_ms == 0 || d->unkillable_told)) {
		d->phase = PHASE_CHECKING;
		check_begin(d, now_ms);
	}
	if (d->phase <= PHASE_UP)
		check_step(d);
	if (d->phase != PHASE_CHECKING || check_holds_up(d, now_ms))
		return;
	go_up(d, now_ms);
}
