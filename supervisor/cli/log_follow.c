#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/io.h"
#include "base/path.h"
#include "cli/log_follow.h"

#define POLL_MS 250 /* where the machine has no inotify instance left */

bool
log_follow_name(const char *file, char ret[static TEXT_NAME_MAX + 1])
{
	size_t n = strlen(file);

	if (n <= 4 || n - 4 > TEXT_NAME_MAX ||
	    strcmp(file + n - 4, ".log") != 0)
		return false;
	(void)memcpy(ret, file, n - 4);
	ret[n - 4] = '\0';
	return text_is_name(ret);
}

/* A descriptor that tells of changes in the directory, or -1. */
static int
open_watch(int logsdir)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	char path[PATH_SIZE];

	if (fd < 0 || path_format(path, "/proc/self/fd/%d", logsdir) < 0 ||
	    inotify_add_watch(fd, path, IN_MODIFY | IN_CREATE | IN_MOVED_TO) <
		0)
		io_close(&fd);
	return fd;
}

static int
heed(struct log_merge *m, int logsdir, bool all, const char *file)
{
	static const struct log_begin from_start = { .lines = -1 };
	char name[TEXT_NAME_MAX + 1];
	int index;

	if (!log_follow_name(file, name))
		return 0;
	index = log_merge_find(m, name);
	if (index >= 0)
		log_merge_refresh(m, index);
	else if (all)
		return log_merge_add(m, logsdir, name, &from_start);
	return 0;
}

/* Reads what changed. Returns 0, or -1 with errno. */
static int
read_watch(struct log_merge *m, int fd, int logsdir, bool all)
{
	_Alignas(struct inotify_event) char events[16384];
	ssize_t n;

	while ((n = read(fd, events, sizeof(events))) > 0)
		for (const char *p = events; p < events + n;) {
			const void *at = p;
			const struct inotify_event *event = at;

			if ((event->mask & IN_Q_OVERFLOW) != 0)
				log_merge_refresh(m, -1);
			if (event->len > 0 &&
			    heed(m, logsdir, all, event->name) < 0)
				return -1;
			p += sizeof(*event) + event->len;
		}
	return n < 0 && errno != EAGAIN && errno != EINTR ? -1 : 0;
}

static int
print_new(struct log_merge *m, const struct log_style *style)
{
	struct line line;
	size_t index;
	int got;

	while ((got = log_merge_next(m, &line, &index)) > 0)
		log_print(
		    stdout, style, m->heads[index].reader.name, index, &line);
	if (fflush(stdout) == EOF)
		return -1;
	return got;
}

int
log_follow(
    struct log_merge *m, int logsdir, bool all, const struct log_style *style)
{
	struct pollfd fds[2] = { { .fd = STDOUT_FILENO },
		{ .fd = open_watch(logsdir), .events = POLLIN } };
	int result;

	/* What came between the end of the files and the watch. */
	log_merge_refresh(m, -1);
	for (;;) {
		result = print_new(m, style);
		if (result < 0)
			break;
		result = poll(fds, 2, fds[1].fd < 0 ? POLL_MS : -1);
		if (result < 0 && errno != EINTR)
			break;
		result = 0;
		if ((fds[0].revents & (POLLERR | POLLHUP)) != 0)
			break;
		if (fds[1].fd < 0)
			log_merge_refresh(m, -1);
		else if (read_watch(m, fds[1].fd, logsdir, all) < 0) {
			result = -1;
			break;
		}
	}
	io_close(&fds[1].fd);
	return result;
}
