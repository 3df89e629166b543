#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "daemon/daemon.h"
#include "daemon/modes.h"
#include "daemon/systemd.h"

/* Replaced atomically, and readable to components with a user of their own. */
static int
write_file(const struct daemon *d, enum mode mode)
{
	char line[32];
	int n = snprintf(line, sizeof(line), "%s\n", mode_name(mode));
	int fd = openat(d->rundir, "mode.new",
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int result = -1;

	if (fd < 0)
		return -1;
	if (fchmod(fd, 0644) == 0 && io_write_all(fd, line, (size_t)n) == 0)
		result = renameat(d->rundir, "mode.new", d->rundir, "mode");
	io_close(&fd);
	return result;
}

static void
tell(struct daemon *d, enum mode mode, size_t reason)
{
	const char *name =
	    reason < d->roster.n ? d->roster.components[reason]->name : NULL;

	daemon_begin_event(d, "mode_changed", name);
	event_text(&d->event, "mode", mode_name(mode));
	event_text(&d->event, "before", mode_name(d->mode));
	if (name != NULL)
		event_text(&d->event, "reason",
		    d->members[reason].component.state == COMPONENT_FAILED
			? "failed"
			: "missing");
	else if (d->checking)
		event_text(&d->event, "reason", "the database is checked");
	else if (mode == MODE_FILE_BASED)
		event_text(
		    &d->event, "reason", "the database can't be written");
	daemon_tell(d);
}

void
modes_inherit(struct daemon *d)
{
	char word[32];
	enum mode mode;

	if (io_read_file(d->rundir, "mode", word, sizeof(word)) < 0)
		return;
	word[strcspn(word, "\n")] = '\0';
	if (!mode_parse(word, &mode))
		return;
	d->mode = mode;
	for (size_t i = 0; i < d->roster.n; i++) {
		struct fleet_member *m = &d->members[i];

		if (d->links[i]->pid != 0 && m->absent_ms != 0 &&
		    m->config->mode_when_down == mode)
			m->absent_ms = 1; /* nobody knows since when */
	}
}

void
modes_database(struct daemon *d, bool away, int64_t now_ms)
{
	d->away_until_ms = away ? now_ms + CONTROL_DATABASE_MS : 0;
	d->mode_due = true;
}

void
modes_update(struct daemon *d, int64_t now_ms)
{
	size_t reason;
	enum mode mode =
	    fleet_mode(d->members, d->roster.n, now_ms, &reason, &d->mode_ms);

	d->mode_due = false;
	if (d->away_until_ms > now_ms)
		daemon_sooner(&d->mode_ms, d->away_until_ms);
	if ((d->checking || d->away_until_ms > now_ms) &&
	    mode < MODE_FILE_BASED) {
		mode = MODE_FILE_BASED;
		reason = d->roster.n;
	}
	if (d->mode_written && mode == d->mode)
		return;
	if (write_file(d, mode) < 0) {
		log_line(
		    &d->log, "%s/mode: %s", d->run_directory, strerror(errno));
		daemon_sooner(&d->mode_ms, now_ms + 1000);
		return;
	}
	d->mode_written = true;
	if (mode == d->mode)
		return;
	tell(d, mode, reason);
	d->mode = mode;
	systemd_status(d);
}
