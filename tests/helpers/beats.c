/*
 * beats RATE [SECONDS FILE]: says READY, then sends RATE heartbeats a second,
 * for ever; or for SECONDS, then writes the number it sent to FILE, and waits
 * for its end. Sends block, as sd_notify(3)'s do, so that what is counted has
 * arrived.
 */
#include <err.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int
connect_notify(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	int fd;

	if (path == NULL || strlen(path) >= sizeof(to.sun_path))
		errx(1, "no notify socket");
	memcpy(to.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1 || connect(fd, (struct sockaddr *)&to, sizeof(to)) == -1)
		err(1, "%s", path);
	return fd;
}

static void
say(int fd, const char *text)
{
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) == -1)
		err(1, "send");
}

static void
report(const char *path, long sent)
{
	FILE *out = fopen(path, "we");

	if (out == NULL || fprintf(out, "%ld\n", sent) < 0 || fclose(out) != 0)
		err(1, "%s", path);
}

int
main(int argc, char **argv)
{
	long rate, sent, total, tick;
	struct timespec next;
	int fd;

	if (argc != 2 && argc != 4)
		errx(2, "usage: beats RATE [SECONDS FILE]");
	rate = atol(argv[1]);
	total = argc == 4 ? rate * atol(argv[2]) : LONG_MAX;
	/* A hundred bursts a second, or single ones of a slower rate. */
	tick = rate >= 100 ? 100 : rate;
	fd = connect_notify();
	say(fd, "READY=1");
	clock_gettime(CLOCK_MONOTONIC, &next);
	for (sent = 0; sent < total; sent++) {
		if (sent % (rate / tick) == 0) {
			clock_nanosleep(
			    CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
			next.tv_nsec += 1000000000L / tick;
			next.tv_sec += next.tv_nsec / 1000000000L;
			next.tv_nsec %= 1000000000L;
		}
		say(fd, "WATCHDOG=1");
	}
	report(argv[3], sent);
	for (;;)
		pause();
}
