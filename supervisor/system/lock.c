#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <unistd.h>

#include "base/io.h"
#include "system/lock.h"

int
lock_take(int dirfd, const char *path)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = openat(dirfd, path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return -1;
	if (fcntl(fd, F_SETLK, &lock) < 0) {
		if (errno == EACCES)
			errno = EAGAIN;
		io_close(&fd);
		return -1;
	}
	return fd;
}

pid_t
lock_holder(int dirfd, const char *path)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = openat(dirfd, path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	if (fcntl(fd, F_GETLK, &lock) < 0) {
		io_close(&fd);
		return -1;
	}
	io_close(&fd);
	return lock.l_type == F_UNLCK ? 0 : lock.l_pid;
}

const char *
lock_distrusted(int64_t f_type)
{
	switch ((uint32_t)f_type) {
	case NFS_SUPER_MAGIC: return "NFS";
	case V9FS_MAGIC: return "9p";
	case SMB_SUPER_MAGIC:
	case SMB2_SUPER_MAGIC:
	case CIFS_SUPER_MAGIC: return "SMB";
	default: return NULL;
	}
}
