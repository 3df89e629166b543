#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <bsd/string.h>

#include "base/io.h"
#include "base/path.h"
#include "cli/cli.h"
#include "cli/keepers.h"
#include "cli/names.h"
#include "system/lock.h"
#include "system/pidfd.h"
#include "system/process.h"
#include "system/rundir.h"

static pid_t
holder(int dirfd, const char *path)
{
	pid_t pid = lock_holder(dirfd, path);

	return pid > 0 ? pid : 0;
}

void
keepers_look_in(struct keeper_seen *ret, int rundir, const char *name)
{
	int dirfd = rundir_open_component(rundir, name);

	*ret = (struct keeper_seen){ .pid = 0 };
	(void)strlcpy(ret->name, name, sizeof(ret->name));
	if (dirfd < 0)
		return;
	ret->pid = lock_holder(dirfd, "lock");
	ret->has_record = status_read(dirfd, &ret->record) == 0 &&
	    ret->record.blob_size == sizeof(ret->component);
	if (ret->has_record)
		(void)memcpy(
		    &ret->component, ret->record.blob, sizeof(ret->component));
	/* The lock is its owner's to open; the record is everybody's. */
	if (ret->pid < 0)
		ret->pid = ret->has_record &&
			process_is(
			    ret->record.keeper_pid, ret->record.keeper_start)
		    ? ret->record.keeper_pid
		    : 0;
	io_close(&dirfd);
}

void
keepers_look(
    struct keeper_seen *ret, const char *state_directory, const char *name)
{
	int rundir = rundir_open(state_directory);

	keepers_look_in(ret, rundir, name);
	io_close(&rundir);
}

/* Who listens on the control socket, where the lock may not be opened; 0 for
 * nobody. Ends the program where that can't be seen either. */
static pid_t
listener(const char *state_directory)
{
	struct ucred peer = { .pid = 0 };
	socklen_t size = sizeof(peer);
	int rundir = rundir_open(state_directory);
	int fd =
	    rundir < 0 ? -1 : rundir_connect(rundir, "control", SOCK_STREAM);

	if (fd < 0 && errno == EACCES)
		cli_fail(CLI_FAILED,
		    "%s/run: %s; its owner must let us pass through, else "
		    "nothing of the fleet can be seen",
		    state_directory, strerror(errno));
	if (fd >= 0 &&
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		peer.pid = 0;
	io_close(&fd);
	io_close(&rundir);
	return peer.pid;
}

bool
keepers_supervisor(
    const char *state_directory, pid_t *ret_guardian, pid_t *ret_daemon)
{
	int fd = open(state_directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool secret = fd < 0 && errno == EACCES;

	*ret_guardian = *ret_daemon = 0;
	if (fd >= 0) {
		*ret_guardian = holder(fd, LOCK_GUARDIAN);
		*ret_daemon = lock_holder(fd, LOCK_DAEMON);
		secret = *ret_daemon < 0 && errno == EACCES;
		io_close(&fd);
	}
	if (secret)
		*ret_daemon = listener(state_directory);
	else if (*ret_daemon < 0)
		*ret_daemon = 0;
	return *ret_guardian != 0 || *ret_daemon != 0;
}

bool
keepers_running(const char *state_directory)
{
	pid_t guardian, daemon;

	return keepers_supervisor(state_directory, &guardian, &daemon);
}

int
keepers_read(struct keepers *k, const char *state_directory)
{
	int rundir = rundir_open(state_directory);
	struct names names;
	int result = names_read(&names, state_directory, NULL);

	*k = (struct keepers){ .n = 0 };
	(void)keepers_supervisor(state_directory, &k->guardian, &k->daemon);
	if (result == 0)
		k->items = calloc(names.n + 1, sizeof(*k->items));
	if (k->items == NULL)
		result = -1;
	for (size_t i = 0; result == 0 && i < names.n; i++) {
		keepers_look_in(&k->items[k->n], rundir, names.items[i]);
		k->n += k->items[k->n].pid != 0;
	}
	names_free(&names);
	io_close(&rundir);
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
