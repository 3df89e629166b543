/*
 * step LOG WHAT FILE: the least of a worker ("work": makes FILE) or a verify
 * (anything else: FILE must be there). Adds the line "WHAT BEGUN ENDED" to LOG,
 * in nanoseconds of the wall clock, from its first instruction to its last but
 * one.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static long long
now_ns(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_REALTIME, &now) < 0)
		err(1, "clock_gettime");
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int
main(int argc, char **argv)
{
	long long begun_ns = now_ns();
	char line[128];
	int fd, len, result = 0;

	if (argc != 4)
		errx(2, "usage: step LOG WHAT FILE");
	if (strcmp(argv[2], "work") == 0) {
		fd = open(argv[3], O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		if (fd < 0 || dprintf(fd, "done\n") < 0 || close(fd) < 0)
			err(1, "%s", argv[3]);
	} else if (access(argv[3], F_OK) < 0) {
		result = 1;
	}
	fd = open(argv[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	len = snprintf(
	    line, sizeof(line), "%s %lld %lld\n", argv[2], begun_ns, now_ns());
	if (fd < 0 || write(fd, line, (size_t)len) != len)
		err(1, "%s", argv[1]);
	return result;
}
