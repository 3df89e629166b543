/*
 * numbered FILE [PAUSE_MS]: writes the lines "line 1", "line 2", ... to
 * standard output, one per write, for ever. The number of the last line that
 * was written is kept in FILE, which outlives a kill: whoever runs this again
 * on the same FILE goes on from there, so that over all lives no number is
 * ever left out, and at most one per death comes twice.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	volatile unsigned long *last;
	struct timespec pause_time = { 0, 0 };
	char line[64];
	int fd, len;

	if (argc < 2)
		errx(2, "usage: numbered FILE [PAUSE_MS]");
	if (argc > 2)
		pause_time.tv_nsec = atol(argv[2]) * 1000000L;
	fd = open(argv[1], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd == -1 || ftruncate(fd, sizeof(*last)) == -1)
		err(1, "%s", argv[1]);
	last = mmap(
	    NULL, sizeof(*last), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (last == MAP_FAILED)
		err(1, "%s", argv[1]);
	for (;;) {
		len = snprintf(line, sizeof(line), "line %lu\n", *last + 1);
		if (write(STDOUT_FILENO, line, (size_t)len) != len)
			err(1, "write");
		*last = *last + 1;
		nanosleep(&pause_time, NULL);
	}
}
