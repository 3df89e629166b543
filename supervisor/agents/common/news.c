#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "agents/common/news.h"
#include "base/clock.h"
#include "base/io.h"

#define SETTLE_MS 20	/* of one commit, one look */
#define BUSY_MS	  250	/* not sooner after the last one */
#define AGAIN_MS  1000	/* the last look again after a change is so late */
#define RARE_MS	  30000 /* without any sign */
#define POLL_MS	  1000	/* the same without inotify */

#define EVENTS (IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_ONLYDIR)

void
news_open(struct news *n, struct loop *loop, const char *state_directory,
    const char *run_directory)
{
	*n = (struct news){ .fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK) };
	if (n->fd < 0)
		return;
	n->key = loop_add(loop, n->fd, EPOLLIN, 0, n);
	if (n->key == 0 ||
	    inotify_add_watch(n->fd, state_directory, EVENTS) < 0)
		news_close(n);
	else if (run_directory != NULL)
		(void)inotify_add_watch(n->fd, run_directory, EVENTS);
}

void
news_close(struct news *n)
{
	io_close(&n->fd);
	n->key = 0;
}

static bool
is_news(const struct inotify_event *e)
{
	static const char *const names[] = { "coordination.db-wal",
		"coordination.db", "wanted", "mode" };

	if ((e->mask & IN_Q_OVERFLOW) != 0)
		return true;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (e->len > 0 && strcmp(e->name, names[i]) == 0)
			return true;
	return false;
}

/* Reads all; whether one of them is of our concern. */
static bool
read_events(struct news *n)
{
	_Alignas(struct inotify_event) char buf[4096];
	bool found = false;
	ssize_t len;

	while ((len = read(n->fd, buf, sizeof(buf))) > 0) {
		const char *p = buf;

		while (p < buf + len) {
			const struct inotify_event *e = (const void *)p;

			found |= is_news(e);
			p += sizeof(*e) + e->len;
		}
	}
	return found;
}

void
news_hear(struct news *n, struct loop *loop)
{
	int64_t now_ms = clock_ms(), at_ms = now_ms + SETTLE_MS;

	if (!read_events(n))
		return;
	if (at_ms < n->looked_ms + BUSY_MS)
		at_ms = n->looked_ms + BUSY_MS;
	if (n->look_ms == 0 || at_ms < n->look_ms)
		n->look_ms = at_ms;
	/* A commit shows in the database only when it is on disk, which may
	 * take a moment after the last write that we are told of. */
	n->again_ms = BUSY_MS;
	(void)loop_change(loop, n->key, 0);
}

bool
news_due(struct news *n, struct loop *loop, int64_t now_ms)
{
	if (n->look_ms == 0 || now_ms < n->look_ms)
		return false;
	n->looked_ms = now_ms;
	n->look_ms = n->again_ms != 0 ? now_ms + n->again_ms : 0;
	n->again_ms = n->again_ms < AGAIN_MS ? 2 * n->again_ms : 0;
	(void)loop_change(loop, n->key, EPOLLIN);
	return true;
}

int64_t
news_rarely_ms(const struct news *n, int64_t now_ms)
{
	return now_ms + (n->fd >= 0 ? RARE_MS : POLL_MS);
}
