#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/path.h"
#include "base/text.h"
#include "system/cgroup.h"
#include "system/rundir.h"
#include "system/sweep.h"

/* Calls sweep() for each entry of the directory fd, which is closed. */
static void
each_entry(int fd, void (*sweep)(int dirfd, const char *name))
{
	DIR *dir = fdopendir(fd);
	const struct dirent *e;

	if (dir == NULL) {
		io_close(&fd);
		return;
	}
	while ((e = readdir(dir)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			sweep(dirfd(dir), e->d_name);
	(void)closedir(dir);
}

static int
open_directory(int dirfd, const char *name)
{
	return openat(
	    dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* What is no plain file stays, and with it the directory. */
static void
sweep_file(int dirfd, const char *name)
{
	(void)unlinkat(dirfd, name, 0);
}

static void
sweep_directory(int dirfd, const char *name)
{
	int fd = open_directory(dirfd, name);

	if (fd < 0)
		return;
	each_entry(fd, sweep_file);
	(void)unlinkat(dirfd, name, AT_REMOVEDIR);
}

/* Folders of writers; those that hold events are not empty, and stay. */
static void
sweep_empty(int dirfd, const char *name)
{
	(void)unlinkat(dirfd, name, AT_REMOVEDIR);
}

int
sweep_component(int rundir, const char *name)
{
	char path[TEXT_NAME_MAX + 3];
	int fd = rundir_open_component(rundir, name);

	if (fd < 0)
		return -1;
	each_entry(fd, sweep_file);
	(void)snprintf(path, sizeof(path), "c/%s", name);
	return unlinkat(rundir, path, AT_REMOVEDIR);
}

int
sweep_rundir(const char *state_directory, int cgroup)
{
	char link[PATH_SIZE], path[PATH_SIZE];
	int rundir = rundir_open(state_directory), fd;

	if (path_format(link, "%s/run", state_directory) < 0)
		return -1;
	if (rundir < 0 || realpath(link, path) == NULL) {
		io_close(&rundir);
		return unlink(link);
	}
	if (cgroup >= 0)
		cgroup_sweep(cgroup, path);
	fd = open_directory(rundir, "c");
	if (fd >= 0)
		each_entry(fd, sweep_directory);
	(void)unlinkat(rundir, "c", AT_REMOVEDIR);
	fd = open_directory(rundir, "spool");
	if (fd >= 0)
		each_entry(fd, sweep_empty);
	(void)unlinkat(rundir, "spool", AT_REMOVEDIR);
	each_entry(rundir, sweep_file);
	if (unlink(link) < 0)
		return -1;
	(void)rmdir(path);
	return 0;
}
