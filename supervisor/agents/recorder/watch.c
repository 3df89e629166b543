#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "agents/recorder/watch.h"
#include "base/clock.h"
#include "base/io.h"

#define SETTLE_MS  50	/* of one burst of events, one transaction */
#define BURST_MS   500	/* the longest that one is waited for */
#define BURST_NEWS 64	/* in SETTLE_MS: it goes on */
#define POLL_MS	   1000 /* where inotify isn't to be had */
#define MISSING_MS 5000 /* a spool directory that isn't there yet */

#define SPOOL_EVENTS \
	(IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_ONLYDIR)
#define STATE_EVENTS (IN_MOVED_TO | IN_CREATE | IN_ONLYDIR)

/* A timer at the end of days, cancelled whenever the wall clock is set. */
static int
arm_clock(int fd)
{
	const struct itimerspec never = { .it_value.tv_sec = INT_MAX };

	return timerfd_settime(
	    fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL);
}

static int
open_clock(struct recorder *r)
{
	r->clock_fd =
	    timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (r->clock_fd < 0 || arm_clock(r->clock_fd) < 0)
		return -1;
	return loop_add(&r->loop, r->clock_fd, EPOLLIN, WATCH_CLOCK, NULL) == 0
	    ? -1
	    : 0;
}

int
watch_open(struct recorder *r)
{
	r->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (r->inotify_fd >= 0) {
		r->inotify_key = loop_add(
		    &r->loop, r->inotify_fd, EPOLLIN, WATCH_FILES, NULL);
		if (r->inotify_key == 0)
			return -1;
		r->state_watch = inotify_add_watch(
		    r->inotify_fd, r->state_directory, STATE_EVENTS);
	}
	/* Without it a jump is noticed at the next event. */
	(void)open_clock(r);
	watch_due(r);
	return 0;
}

void
watch_close(struct recorder *r)
{
	io_close(&r->inotify_fd);
	io_close(&r->clock_fd);
}

/* Folders of components that run as other users. */
static void
watch_folders(const struct recorder *r, const char *path)
{
	struct dirent *entry;
	char folder[PATH_SIZE];
	DIR *dir = opendir(path);

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.' || entry->d_type != DT_DIR ||
		    path_format(folder, "%s/%s", path, entry->d_name) < 0)
			continue;
		/* One that can't be watched is read with the others. */
		(void)inotify_add_watch(r->inotify_fd, folder, SPOOL_EVENTS);
	}
	if (dir != NULL)
		(void)closedir(dir);
}

void
watch_due(struct recorder *r)
{
	r->watch_ms = 0;
	if (r->inotify_fd < 0) {
		recorder_due(&r->watch_ms, POLL_MS);
		recorder_due(&r->intake_ms, 0);
		recorder_due(&r->open_ms, 0);
		return;
	}
	r->run_watched = inotify_add_watch(r->inotify_fd, r->intake.run_path,
			     SPOOL_EVENTS) >= 0;
	r->disk_watched = inotify_add_watch(r->inotify_fd, r->intake.disk_path,
			      SPOOL_EVENTS) >= 0;
	if (r->run_watched)
		watch_folders(r, r->intake.run_path);
	if (r->run_watched && r->disk_watched && r->state_watch >= 0)
		return;
	/* Out of watches, or no run directory yet. */
	recorder_due(&r->watch_ms, errno == ENOENT ? MISSING_MS : POLL_MS);
	recorder_due(&r->intake_ms, 0);
	if (r->state_watch < 0)
		recorder_due(&r->open_ms, 0);
}

static void
take_event(struct recorder *r, const struct inotify_event *e)
{
	if (e->wd == r->state_watch && e->wd >= 0) {
		if (e->len > 0 && strcmp(e->name, "wanted") == 0)
			recorder_due(&r->open_ms, 0);
		if (e->len > 0 && strcmp(e->name, "run") == 0)
			recorder_due(&r->watch_ms, 0);
		return;
	}
	if ((e->mask & (IN_ISDIR | IN_IGNORED | IN_Q_OVERFLOW)) != 0)
		recorder_due(&r->watch_ms, 0);
	if (r->news++ == 0)
		r->news_ms = clock_ms();
	recorder_due(&r->intake_ms, SETTLE_MS);
}

static void
read_files(struct recorder *r)
{
	_Alignas(struct inotify_event) char buf[16384];
	ssize_t n;

	while ((n = read(r->inotify_fd, buf, sizeof(buf))) > 0) {
		const char *p = buf;

		while (p < buf + n) {
			const struct inotify_event *e = (const void *)p;

			take_event(r, e);
			p += sizeof(*e) + e->len;
		}
	}
}

void
watch_serve(struct recorder *r, const struct loop_event *e)
{
	uint64_t ticks;

	if (e->kind == WATCH_CLOCK) {
		/* ECANCELED is the news; it is armed anew by being set. */
		if (read(r->clock_fd, &ticks, sizeof(ticks)) < 0 &&
		    errno == ECANCELED)
			recorder_due(&r->intake_ms, 0);
		(void)arm_clock(r->clock_fd);
		return;
	}
	read_files(r);
	/* The rest of the burst is noted by the kernel meanwhile. */
	if (r->intake_ms != 0)
		(void)loop_change(&r->loop, r->inotify_key, 0);
}

bool
watch_bursts(struct recorder *r)
{
	size_t before = r->news;

	if (r->inotify_fd < 0)
		return false;
	read_files(r);
	if (before == 0 || r->news < before + BURST_NEWS ||
	    clock_ms() - r->news_ms >= BURST_MS)
		return false;
	r->intake_ms = 0;
	recorder_due(&r->intake_ms, SETTLE_MS);
	return true;
}

void
watch_listen(struct recorder *r)
{
	if (r->inotify_fd < 0)
		return;
	read_files(r);
	r->news = 0;
	(void)loop_change(&r->loop, r->inotify_key, EPOLLIN);
}
