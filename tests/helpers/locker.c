/*
 * locker FILE: holds a POSIX lock on it, says "locked", and stays until it is
 * ended.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd;

	if (argc != 2)
		errx(2, "usage: locker FILE");
	fd = open(argv[1], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || fcntl(fd, F_SETLK, &lock) < 0)
		err(1, "%s", argv[1]);
	printf("locked\n");
	(void)fflush(stdout);
	for (;;)
		(void)pause();
}
