/*
 * client [hang]: a service as one is written against libsystemd, unchanged.
 * Says READY and STATUS, waits at a barrier until that was read, and pings at
 * half of the watchdog's time, as sd_watchdog_enabled(3) says. With "hang" it
 * stops pinging after the first. Exits 0 on SIGTERM, after STOPPING.
 */
#include <err.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>

int
main(int argc, char **argv)
{
	uint64_t watchdog_us;
	struct timespec pause_time;
	sigset_t term;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	if (sd_watchdog_enabled(0, &watchdog_us) <= 0)
		errx(1, "no watchdog");
	if (sd_notify(0, "READY=1\nSTATUS=serving") <= 0)
		errx(1, "no notify socket");
	if (sd_notify_barrier(0, 5000000) < 0)
		errx(1, "nobody answers the barrier");
	printf("ready, watchdog %lu us\n", (unsigned long)watchdog_us);
	fflush(stdout);
	pause_time.tv_sec = (time_t)(watchdog_us / 2 / 1000000);
	pause_time.tv_nsec = (long)(watchdog_us / 2 % 1000000) * 1000;
	do {
		sd_notify(0, "WATCHDOG=1");
		if (argc > 1 && strcmp(argv[1], "hang") == 0)
			pause_time.tv_sec = 3600;
	} while (sigtimedwait(&term, NULL, &pause_time) == -1);
	sd_notify(0, "STOPPING=1\nSTATUS=going");
	return 0;
}
