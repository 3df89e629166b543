/*
 * probe [FILE INDEX]: what the bench has supervised. Its first act is to read
 * the monotonic clock; the moment and its pid go to FILE at INDEX, then it
 * says that it is ready, by whatever way its supervisor offers, and waits.
 * Without arguments it is a `run` file of the daemontools family: FILE is
 * ../.stamps and INDEX the name of the directory it runs in. Linked
 * statically, so that the loader's time isn't measured.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

struct stamp {
	int64_t started_ns;
	int64_t pid;
};

static int
leave_stamp(const char *path, long at, const struct stamp *stamp)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd == -1)
		return -1;
	if (pwrite(fd, stamp, sizeof(*stamp), at * (off_t)sizeof(*stamp)) !=
	    sizeof(*stamp))
		return -1;
	return close(fd);
}

static void
tell_ready(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(to.sun_path))
		return;
	memcpy(to.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd != -1)
		(void)sendto(fd, "READY=1", 7, MSG_NOSIGNAL,
		    (struct sockaddr *)&to, sizeof(to));
	(void)close(fd);
}

int
main(int argc, char **argv)
{
	struct timespec now;
	struct stamp stamp;
	char directory[4096];
	const char *socket_path = getenv("NOTIFY_SOCKET");
	const char *name;

	clock_gettime(CLOCK_MONOTONIC, &now);
	stamp.started_ns = now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
	stamp.pid = getpid();
	if (argc == 3) {
		if (leave_stamp(argv[1], atol(argv[2]), &stamp) == -1)
			return 1;
	} else {
		if (getcwd(directory, sizeof(directory)) == NULL ||
		    (name = strrchr(directory, '/')) == NULL ||
		    leave_stamp("../.stamps", atol(name + 1), &stamp) == -1)
			return 1;
	}
	if (socket_path != NULL)
		tell_ready(socket_path);
	else if (argc != 3 && access("notification-fd", F_OK) == 0)
		(void)!write(3, "\n", 1);
	for (;;)
		pause();
}
