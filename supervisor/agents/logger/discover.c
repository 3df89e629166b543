#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "agents/logger/discover.h"
#include "base/io.h"
#include "base/path.h"
#include "base/text.h"

#define SCAN_MS 5000 /* without inotify */

/* Watches the directory dirfd, by the path that /proc has for it. */
static int
watch(const struct logger *l, int dirfd, uint32_t mask)
{
	char path[PATH_SIZE];

	if (path_format(path, "/proc/self/fd/%d", dirfd) < 0)
		return -1;
	return inotify_add_watch(l->inotify, path, mask);
}

int
discover_open(struct logger *l)
{
	l->components =
	    openat(l->rundir, "c", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (l->components < 0)
		return -1;
	l->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (l->inotify >= 0 &&
	    watch(l, l->components, IN_CREATE | IN_MOVED_TO | IN_DELETE) >= 0)
		l->inotify_key = loop_add(
		    &l->loop, l->inotify, EPOLLIN, KIND_DIRECTORY, NULL);
	if (l->inotify_key == 0) {
		io_close(&l->inotify);
		l->scan_ms = l->now_ms + SCAN_MS;
	}
	return 0;
}

static struct source *
find(const struct logger *l, const char *name)
{
	struct source *source;

	LIST_FOREACH (source, &l->sources, entry)
		if (strcmp(source->name, name) == 0)
			return source;
	return NULL;
}

static void
meet(struct logger *l, const char *name)
{
	if (!text_is_name(name) || strcmp(name, l->self) == 0 ||
	    find(l, name) != NULL)
		return;
	if (source_new(l, name) < 0)
		log_line(&l->log, "%s: no memory to log it", name);
}

void
discover_scan(struct logger *l)
{
	int fd = openat(l->components, ".", O_RDONLY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *d;

	if (l->scan_ms != 0)
		l->scan_ms = l->now_ms + SCAN_MS;
	if (dir == NULL) {
		io_close(&fd);
		return;
	}
	while ((d = readdir(dir)) != NULL)
		meet(l, d->d_name);
	(void)closedir(dir);
}

/* In run/c a component came or went; in its own directory a socket came. */
static void
heed(struct logger *l, const struct inotify_event *event)
{
	struct source *source;

	if ((event->mask & IN_Q_OVERFLOW) != 0) {
		discover_scan(l);
		return;
	}
	if (event->len == 0)
		return;
	if ((event->mask & IN_ISDIR) != 0) {
		source = find(l, event->name);
		if (source != NULL)
			source_retry(l, source);
		if ((event->mask & IN_DELETE) == 0)
			meet(l, event->name);
		return;
	}
	if (strcmp(event->name, "keeper") != 0)
		return;
	LIST_FOREACH (source, &l->sources, entry)
		if (source->watch == event->wd) {
			source->backoff_ms = 1; /* bound, but not yet heard */
			source_retry(l, source);
			return;
		}
}

void
discover_read(struct logger *l)
{
	_Alignas(struct inotify_event) char events[4096];
	ssize_t n;

	while ((n = read(l->inotify, events, sizeof(events))) > 0)
		for (const char *p = events; p < events + n;) {
			const void *at = p;
			const struct inotify_event *event = at;

			heed(l, event);
			p += sizeof(*event) + event->len;
		}
}

void
discover_watch(struct logger *l, struct source *source, int dirfd)
{
	if (l->inotify >= 0 && source->watch < 0)
		source->watch = watch(l, dirfd, IN_CREATE | IN_MOVED_TO);
}

void
discover_unwatch(struct logger *l, struct source *source)
{
	if (source->watch >= 0)
		(void)inotify_rm_watch(l->inotify, source->watch);
	source->watch = -1;
}
