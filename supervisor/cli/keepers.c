#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "base/io.h"
#include "base/path.h"
#include "cli/keepers.h"
#include "system/lock.h"
#include "system/pidfd.h"
#include "system/rundir.h"

static pid_t
holder(int dirfd, const char *path)
{
	pid_t pid = lock_holder(dirfd, path);

	return pid > 0 ? pid : 0;
}

static void
look(struct keeper_seen *ret, int rundir, const char *name)
{
	int dirfd = rundir_open_component(rundir, name);

	*ret = (struct keeper_seen){ .pid = 0 };
	(void)strlcpy(ret->name, name, sizeof(ret->name));
	if (dirfd < 0)
		return;
	ret->pid = holder(dirfd, "lock");
	ret->has_record = status_read(dirfd, &ret->record) == 0 &&
	    ret->record.blob_size == sizeof(ret->component);
	if (ret->has_record)
		(void)memcpy(
		    &ret->component, ret->record.blob, sizeof(ret->component));
	io_close(&dirfd);
}

void
keepers_look(
    struct keeper_seen *ret, const char *state_directory, const char *name)
{
	int rundir = rundir_open(state_directory);

	look(ret, rundir, name);
	io_close(&rundir);
}

static int
add(struct keepers *k, int rundir, const char *name)
{
	struct keeper_seen seen, *more;

	look(&seen, rundir, name);
	if (seen.pid == 0)
		return 0;
	more = reallocarray(k->items, k->n + 1, sizeof(*more));
	if (more == NULL)
		return -1;
	k->items = more;
	k->items[k->n++] = seen;
	return 0;
}

static int
read_components(struct keepers *k, int rundir)
{
	int result = 0,
	    fd = openat(rundir, "c", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	if (dir == NULL) {
		io_close(&fd);
		return 0;
	}
	while (result == 0 && (e = readdir(dir)) != NULL)
		if (text_is_name(e->d_name))
			result = add(k, rundir, e->d_name);
	(void)closedir(dir);
	return result;
}

int
keepers_read(struct keepers *k, const char *state_directory)
{
	int fd = open(state_directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int result = 0;

	*k = (struct keepers){ .n = 0 };
	if (fd < 0)
		return 0;
	k->guardian = holder(fd, LOCK_GUARDIAN);
	k->daemon = holder(fd, LOCK_DAEMON);
	io_close(&fd);
	fd = rundir_open(state_directory);
	if (fd >= 0)
		result = read_components(k, fd);
	io_close(&fd);
	if (result < 0)
		keepers_free(k);
	return result;
}

void
keepers_free(struct keepers *k)
{
	free(k->items);
	*k = (struct keepers){ .n = 0 };
}

bool
keepers_any(const struct keepers *k)
{
	return k->guardian != 0 || k->daemon != 0 || k->n > 0;
}

int
keepers_signal_lock(const char *state_directory, const char *path, int signal)
{
	int pidfd = -1, result = -1;
	int dirfd = open(state_directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	pid_t pid;

	if (dirfd < 0)
		return -1;
	pid = holder(dirfd, path);
	errno = ESRCH;
	if (pid != 0)
		pidfd = pidfd_get(pid);
	/* Only if it is the holder still, the descriptor holds the right one.
	 */
	if (pidfd >= 0 && holder(dirfd, path) == pid)
		result = pidfd_signal(pidfd, signal);
	io_close(&pidfd);
	io_close(&dirfd);
	return result;
}
