#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/io.h"
#include "base/path.h"
#include "base/text.h"
#include "system/process.h"
#include "system/rundir.h"

#define LINGER_DIRECTORY "/var/lib/systemd/linger"
#define BACKLOG		 128

static int
open_directory(int dirfd, const char *path, int flags)
{
	return openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags);
}

int
rundir_open(const char *state_directory)
{
	char path[PATH_SIZE];

	if (path_format(path, "%s/run", state_directory) < 0)
		return -1;
	return open_directory(AT_FDCWD, path, 0);
}

int
rundir_open_component(int rundir, const char *name)
{
	char path[TEXT_NAME_MAX + 3];

	if (!text_is_name(name)) {
		errno = EINVAL;
		return -1;
	}
	(void)snprintf(path, sizeof(path), "c/%s", name);
	return open_directory(rundir, path, O_NOFOLLOW);
}

/* Ours, a real directory, and nobody else may write to it. */
static bool
is_safe(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) &&
	    st.st_uid == geteuid() && (st.st_mode & 022) == 0;
}

static bool
is_tmpfs(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 &&
	    (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC);
}

/* Root's may be passed through by the users of its components. */
static mode_t
directory_mode(void)
{
	return geteuid() == 0 ? 0755 : 0700;
}

/* Makes path unless it is there, and opens it if it is safe. -1 with errno. */
static int
enter(const char *path)
{
	int fd;

	if (mkdir(path, directory_mode()) < 0 && errno != EEXIST)
		return -1;
	fd = open_directory(AT_FDCWD, path, O_NOFOLLOW);
	if (fd >= 0 && !is_safe(fd)) {
		io_close(&fd);
		errno = EPERM;
	}
	return fd;
}

/* logind removes a user's runtime directory at logout, unless he lingers. */
static bool
user_lingers(void)
{
	const char *user = getenv("USER");
	char path[PATH_SIZE];

	return user != NULL && strchr(user, '/') == NULL &&
	    path_format(path, LINGER_DIRECTORY "/%s", user) == 0 &&
	    access(path, F_OK) == 0;
}

static int
enter_below(const char *base, const char *id, char ret_path[static PATH_SIZE],
    bool tmpfs_only)
{
	int fd = open_directory(AT_FDCWD, base, 0);
	bool good = fd >= 0 && (!tmpfs_only || is_tmpfs(fd));

	io_close(&fd);
	if (!good) {
		errno = ENOENT;
		return -1;
	}
	if (path_format(ret_path, "%s/%s", base, id) < 0)
		return -1;
	return enter(ret_path);
}

/* The first place that will do, opened, with its path. -1 with errno. */
static int
pick(const char *state_directory, char ret_path[static PATH_SIZE])
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	uint64_t hash =
	    hash_bytes(HASH_INIT, state_directory, strlen(state_directory));
	char id[40], shared[64];
	int fd = -1;

	(void)snprintf(id, sizeof(id), "loopkeeper-%08" PRIx32,
	    (uint32_t)(hash ^ hash >> 32));
	if (runtime != NULL && runtime[0] == '/' && user_lingers())
		fd = enter_below(runtime, id, ret_path, true);
	if (fd < 0)
		fd = enter_below("/run", id, ret_path, true);
	if (fd >= 0)
		return fd;
	(void)snprintf(shared, sizeof(shared), "/dev/shm/loopkeeper-%u",
	    (unsigned)geteuid());
	fd = enter(shared);
	if (fd >= 0) {
		io_close(&fd);
		fd = enter_below(
		    shared, id + strlen("loopkeeper-"), ret_path, true);
	}
	if (fd >= 0)
		return fd;
	return enter_below(state_directory, "rundir", ret_path, false);
}

/* What state/run points to, if it can be used again: keepers may live there,
 * whatever the environment says today. -1 if not. */
static int
reuse(const char *link, char ret_path[static PATH_SIZE])
{
	ssize_t n = readlink(link, ret_path, PATH_SIZE - 1);
	int fd;

	if (n < 0)
		return -1;
	ret_path[n] = '\0';
	fd = open_directory(AT_FDCWD, ret_path, O_NOFOLLOW);
	if (fd >= 0 && (ret_path[0] != '/' || !is_safe(fd)))
		io_close(&fd);
	return fd;
}

static int
point(const char *link, const char *target)
{
	char temporary[PATH_SIZE];

	if (path_format(temporary, "%s.new", link) < 0)
		return -1;
	(void)unlink(temporary);
	if (symlink(target, temporary) < 0)
		return -1;
	return rename(temporary, link);
}

static int
make_inside(int fd)
{
	if (mkdirat(fd, "c", directory_mode()) < 0 && errno != EEXIST)
		return -1;
	return mkdirat(fd, "spool", directory_mode()) < 0 && errno != EEXIST
	    ? -1
	    : 0;
}

/*
 * On a disk the directory outlives the boot. Status records don't: their
 * times and pids mean nothing any more, while the spool is still good.
 */
static void
forget_last_boot(int fd)
{
	char boot[PROCESS_BOOT_ID_SIZE], last[PROCESS_BOOT_ID_SIZE];
	char path[PATH_SIZE];
	const struct dirent *entry;
	DIR *dir;
	int c;

	if (process_boot_id(boot) < 0 ||
	    (io_read_file(fd, "boot", last, sizeof(last)) >= 0 &&
		strcmp(boot, last) == 0))
		return;
	c = open_directory(fd, "c", O_NOFOLLOW);
	dir = c < 0 ? NULL : fdopendir(c);
	if (dir == NULL) {
		io_close(&c);
		return;
	}
	while ((entry = readdir(dir)) != NULL)
		if (path_format(path, "%s/status", entry->d_name) == 0)
			(void)unlinkat(c, path, 0);
	(void)closedir(dir);
	(void)io_replace_file(fd, "boot", boot, strlen(boot), 0);
}

int
rundir_make(
    const char *state_directory, char *ret_path, size_t size, bool *ret_tmpfs)
{
	char link[PATH_SIZE], path[PATH_SIZE];
	int fd;

	if (path_format(link, "%s/run", state_directory) < 0)
		return -1;
	fd = reuse(link, path);
	if (fd < 0)
		fd = pick(state_directory, path);
	if (fd < 0)
		return -1;
	if (strlen(path) >= size) {
		errno = ENAMETOOLONG;
		goto fail;
	}
	if (make_inside(fd) < 0 || point(link, path) < 0)
		goto fail;
	(void)memcpy(ret_path, path, strlen(path) + 1);
	*ret_tmpfs = is_tmpfs(fd);
	if (!*ret_tmpfs)
		forget_last_boot(fd);
	io_close(&fd);
	return 0;
fail:
	io_close(&fd);
	return -1;
}

/* The address of dirfd/name by way of /proc, whose paths are always short. */
static int
address_of(int dirfd, const char *name, struct sockaddr_un *ret)
{
	int n;

	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	n = snprintf(ret->sun_path, sizeof(ret->sun_path),
	    "/proc/self/fd/%d/%s", dirfd, name);
	if (n < 0 || (size_t)n >= sizeof(ret->sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return 0;
}

int
rundir_connect(int dirfd, const char *name, int type)
{
	struct sockaddr_un address;
	int fd;

	if (address_of(dirfd, name, &address) < 0)
		return -1;
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		io_close(&fd);
	return fd;
}

int
rundir_listen(int dirfd, const char *name, int type, mode_t mode)
{
	struct sockaddr_un address;
	mode_t old;
	int fd, result;

	if (address_of(dirfd, name, &address) < 0)
		return -1;
	if (unlinkat(dirfd, name, 0) < 0 && errno != ENOENT)
		return -1;
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	/* The mode is that of the file from its first moment on. */
	old = umask(0777 & ~mode);
	result = bind(fd, (const struct sockaddr *)&address, sizeof(address));
	(void)umask(old);
	if (result < 0 ||
	    ((type & 0xf) != SOCK_DGRAM && listen(fd, BACKLOG) < 0))
		io_close(&fd);
	return fd;
}
