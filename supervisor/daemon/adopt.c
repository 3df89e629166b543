#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/text.h"
#include "daemon/adopt.h"
#include "daemon/daemon.h"
#include "daemon/modes.h"
#include "system/lock.h"
#include "system/rundir.h"
#include "system/sweep.h"
#include "system/wanted.h"

/* A keeper without a component in the configuration: it is to go. */
static int
adopt_surplus(struct daemon *d, const char *name, pid_t pid)
{
	struct link *l = link_new(d, name, -1, 0);

	if (l == NULL)
		return -1;
	l->dismissed = true;
	if (link_adopt(d, l, pid) < 0) {
		link_free(d, l);
		return 0;
	}
	TAILQ_INSERT_TAIL(&d->leaving, l, entry);
	d->surplus++;
	link_tell(d, l, MESSAGE_DISMISS);
	return 0;
}

static int
consider(struct daemon *d, const char *name)
{
	int fd = rundir_open_component(d->rundir, name);
	size_t i = roster_find(&d->roster, name);
	int result = 0;
	pid_t pid;

	if (fd < 0)
		return 0;
	pid = lock_holder(fd, "lock");
	/* A fresh start of the fleet is a fresh start for each: what an
	 * earlier one counted is history. */
	if (pid == 0 && d->birth->first && i < d->roster.n)
		(void)unlinkat(fd, "status", 0);
	else if (pid == 0)
		links_tell_missed(d, name, fd);
	if (pid < 0)
		log_line(&d->log, "the lock of %s: %s", name, strerror(errno));
	if (pid <= 0 && i == d->roster.n)
		(void)sweep_component(d->rundir, name);
	else if (pid > 0 && i == d->roster.n)
		result = adopt_surplus(d, name, pid);
	else if (pid > 0 && link_adopt(d, d->links[i], pid) == 0)
		d->adopted++;
	else if (pid > 0) /* it has ended just now */
		links_tell_missed(d, name, fd);
	io_close(&fd);
	return result;
}

static enum component_want
want_of(const struct daemon *d, const struct wanted_entry *e)
{
	if (e == NULL)
		return WANT_RUN;
	if (e->state == WANTED_STOPPED)
		return WANT_STOP;
	/* One that is at its last test goes on with it. */
	return e->state == WANTED_DRAINING && !d->birth->first ? WANT_RUN
							       : WANT_PAUSE;
}

/* Before the keepers are looked for: so that they are told the right thing. */
static int
read_wishes(struct daemon *d)
{
	int64_t now_ms = clock_ms();
	struct wanted wanted;

	if (wanted_read(d->birth->state_directory, &wanted) < 0)
		return -1;
	for (size_t i = 0; i < d->roster.n; i++) {
		struct link *l = d->links[i];

		l->want = want_of(d, wanted_find(&wanted, l->name));
		component_init(&d->members[i].component, l->want, now_ms);
		fleet_note(&d->members[i], now_ms);
	}
	wanted_free(&wanted);
	return 0;
}

int
adopt_all(struct daemon *d)
{
	int result,
	    fd = openat(d->rundir, "c", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct dirent *e;
	DIR *dir;

	if (fd < 0 || (dir = fdopendir(fd)) == NULL) {
		io_close(&fd);
		return -1;
	}
	result = read_wishes(d);
	while (result == 0 && (e = readdir(dir)) != NULL)
		if (text_is_name(e->d_name))
			result = consider(d, e->d_name);
	(void)closedir(dir);
	if (d->adopted > 0)
		modes_inherit(d);
	return result;
}
