#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/io.h"
#include "base/path.h"
#include "system/cgroup.h"

#define MOUNTINFO_SIZE 32768
#define LIVES_MAX      8 /* directories of one component, at most */

/*
 * Finds the mount of cgroup2: its root within the hierarchy and where it is.
 * A line: "36 35 98:0 /root /mount/point rw - cgroup2 source options".
 */
static bool
parse_mount(char *line, const char **ret_root, const char **ret_point)
{
	char *words[6], *rest = line;

	if (strstr(line, " - cgroup2 ") == NULL)
		return false;
	for (size_t i = 0; i < 6; i++) {
		words[i] = strsep(&rest, " ");
		if (rest == NULL)
			return false;
	}
	*ret_root = words[3];
	*ret_point = words[4];
	return true;
}

/* The line of hierarchy 0 in /proc/PID/cgroup is "0::/path". Returns the
 * path within text, or NULL with errno. */
static const char *
path_of(pid_t pid, char *text, size_t size)
{
	char *line, *rest = text, file[PATH_SIZE];

	if (path_format(file, "/proc/%d/cgroup", (int)pid) < 0 ||
	    io_read_file(AT_FDCWD, file, text, size) < 0)
		return NULL;
	while ((line = strsep(&rest, "\n")) != NULL)
		if (strncmp(line, "0::/", 4) == 0)
			return line + 3;
	errno = ENOENT;
	return NULL;
}

/* What is left of path below root, or NULL when it lies outside. */
static const char *
below(const char *path, const char *root)
{
	size_t n = strlen(root);

	if (strcmp(root, "/") == 0)
		return path;
	if (strncmp(path, root, n) != 0 || (path[n] != '/' && path[n] != '\0'))
		return NULL;
	return path + n;
}

int
cgroup_open_of(pid_t pid)
{
	char mounts[MOUNTINFO_SIZE], text[PATH_SIZE], directory[PATH_SIZE];
	const char *path = path_of(pid, text, sizeof(text)), *rel, *root;
	const char *point;
	char *line, *rest = mounts;

	if (path == NULL ||
	    path_format(directory, "/proc/%d/mountinfo", (int)pid) < 0)
		return -1;
	if (io_read_file(AT_FDCWD, directory, mounts, sizeof(mounts)) < 0 &&
	    errno != EFBIG)
		return -1;
	while ((line = strsep(&rest, "\n")) != NULL) {
		if (!parse_mount(line, &root, &point) ||
		    (rel = below(path, root)) == NULL)
			continue;
		/* The mount is the process's, and may not be ours. */
		if (path_format(directory, "/proc/%d/root%s%s", (int)pid, point,
			rel) < 0)
			return -1;
		return open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	errno = ENOENT;
	return -1;
}

static int
write_text(int dirfd, const char *path, const char *text)
{
	int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC), result;

	if (fd < 0)
		return -1;
	result = io_write_all(fd, text, strlen(text));
	io_close(&fd);
	return result;
}

static void
kill_leftover(const struct cgroup *g)
{
	char path[CGROUP_NAME_SIZE + 16];

	(void)snprintf(path, sizeof(path), "%s/cgroup.kill", g->name);
	(void)write_text(g->parent_fd, path, "1");
}

/* The name of the i-th directory of a component. '~' is in no component's
 * name. Returns false when it is too long. */
static bool
name_life(char buf[static CGROUP_NAME_SIZE], const char *name, int i)
{
	int stem = (int)strcspn(name, "~");
	int n = i == 0
	    ? snprintf(buf, CGROUP_NAME_SIZE, "%.*s", stem, name)
	    : snprintf(buf, CGROUP_NAME_SIZE, "%.*s~%d", stem, name, i);

	return n >= 0 && n < CGROUP_NAME_SIZE;
}

/*
 * Makes a directory for the component. One that is there already is left of
 * an earlier life: ended and removed, and passed over while something in it
 * is still dying.
 */
static int
make_own(struct cgroup *g, const char *component)
{
	for (int i = 0; i < LIVES_MAX; i++) {
		if (!name_life(g->name, component, i)) {
			errno = ENAMETOOLONG;
			return -1;
		}
		if (i >= g->lives)
			g->lives = i + 1;
		if (mkdirat(g->parent_fd, g->name, 0755) == 0)
			return 0;
		if (errno != EEXIST)
			return -1;
		if (unlinkat(g->parent_fd, g->name, AT_REMOVEDIR) == 0 &&
		    mkdirat(g->parent_fd, g->name, 0755) == 0)
			return 0;
		kill_leftover(g);
	}
	errno = EBUSY;
	return -1;
}

static int
open_at(int parent, const char *name)
{
	return openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void
name_fleet(char buf[static CGROUP_NAME_SIZE], const char *run_directory)
{
	(void)snprintf(buf, CGROUP_NAME_SIZE, "loopkeeper-%08" PRIx32,
	    (uint32_t)hash_bytes(
		HASH_INIT, run_directory, strlen(run_directory)));
}

int
cgroup_open(struct cgroup *g, const char *run_directory, const char *name)
{
	*g = (struct cgroup){ .own_fd = -1, .parent_fd = -1, .fd = -1 };
	name_fleet(g->fleet, run_directory);
	g->own_fd = cgroup_open_of(getpid());
	if (g->own_fd < 0)
		return -1;
	if (mkdirat(g->own_fd, g->fleet, 0755) < 0 && errno != EEXIST)
		goto fail;
	g->parent_fd = open_at(g->own_fd, g->fleet);
	if (g->parent_fd < 0 || make_own(g, name) < 0)
		goto fail;
	g->fd = open_at(g->parent_fd, g->name);
	/* A cgroup that can't be killed is of no use. */
	if (g->fd >= 0 && faccessat(g->fd, "cgroup.kill", W_OK, 0) == 0)
		return 0;
fail:
	cgroup_close(g);
	return -1;
}

int
cgroup_renew(struct cgroup *g)
{
	char name[CGROUP_NAME_SIZE];

	if (g->fd < 0 || !g->killed)
		return 0;
	(void)memcpy(name, g->name, sizeof(name));
	(void)unlinkat(g->parent_fd, g->name, AT_REMOVEDIR);
	io_close(&g->fd);
	g->killed = false;
	if (make_own(g, name) < 0)
		return -1;
	g->fd = open_at(g->parent_fd, g->name);
	return g->fd < 0 ? -1 : 1;
}

static int
write_limit(const struct cgroup *g, const char *controller, const char *path,
    int64_t value)
{
	char text[32];

	if (value < 0) {
		/* Lifts an earlier one; where there is none, all is well. */
		(void)write_text(g->fd, path, "max");
		return 0;
	}
	(void)snprintf(text, sizeof(text), "+%s", controller);
	/* May be on already, or may not be for us to turn on: what counts is
	 * whether the limit can be written. */
	(void)write_text(g->own_fd, "cgroup.subtree_control", text);
	(void)write_text(g->parent_fd, "cgroup.subtree_control", text);
	(void)snprintf(text, sizeof(text), "%" PRId64, value);
	return write_text(g->fd, path, text);
}

int
cgroup_limit(const struct cgroup *g, int64_t memory, int64_t pids)
{
	int first = write_limit(g, "memory", "memory.max", memory);

	return write_limit(g, "pids", "pids.max", pids) < 0 ? -1 : first;
}

int
cgroup_kill(struct cgroup *g)
{
	g->killed = true;
	return write_text(g->fd, "cgroup.kill", "1");
}

bool
cgroup_is_empty(const struct cgroup *g)
{
	char text[128];

	return io_read_file(g->fd, "cgroup.events", text, sizeof(text)) >= 0 &&
	    strstr(text, "populated 0") != NULL;
}

void
cgroup_close(struct cgroup *g)
{
	char name[CGROUP_NAME_SIZE];

	/* All fail where something is still in them. Earlier lives may have
	 * left some, and the fleet's own goes with its last component. */
	for (int i = 0; g->fd >= 0 && i < g->lives; i++)
		if (name_life(name, g->name, i))
			(void)unlinkat(g->parent_fd, name, AT_REMOVEDIR);
	if (g->parent_fd >= 0)
		(void)unlinkat(g->own_fd, g->fleet, AT_REMOVEDIR);
	io_close(&g->fd);
	io_close(&g->parent_fd);
	io_close(&g->own_fd);
}

void
cgroup_sweep(int parent, const char *run_directory)
{
	char fleet[CGROUP_NAME_SIZE];
	const struct dirent *entry;
	DIR *dir;
	int fd;

	name_fleet(fleet, run_directory);
	fd = open_at(parent, fleet);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (dir == NULL) {
		io_close(&fd);
		return;
	}
	while ((entry = readdir(dir)) != NULL)
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			(void)unlinkat(fd, entry->d_name, AT_REMOVEDIR);
	(void)closedir(dir);
	(void)unlinkat(parent, fleet, AT_REMOVEDIR);
}
