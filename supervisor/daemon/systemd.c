#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/daemon.h"
#include "daemon/systemd.h"
#include "system/notify_send.h"

static const char *const private_names[] = { "NOTIFY_SOCKET=", "WATCHDOG_USEC=",
	"WATCHDOG_PID=", "LISTEN_FDS=", "LISTEN_PID=", "LISTEN_FDNAMES=" };

static bool
is_private(const char *variable)
{
	for (size_t i = 0; i < sizeof(private_names) / sizeof(*private_names);
	     i++)
		if (strncmp(variable, private_names[i],
			strlen(private_names[i])) == 0)
			return true;
	return false;
}

int
systemd_init(struct daemon *d)
{
	size_t n = 0, kept = 0;

	d->notify_socket = getenv("NOTIFY_SOCKET");
	d->watchdog_ms = notify_watchdog_ms();
	while (environ[n] != NULL)
		n++;
	d->environment = calloc(n + 1, sizeof(*d->environment));
	if (d->environment == NULL)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (!is_private(environ[i]))
			d->environment[kept++] = environ[i];
	return 0;
}

static void
send_state(struct daemon *d, const char *first, const char *status)
{
	char text[512];

	(void)snprintf(text, sizeof(text), "%s\nSTATUS=%s", first, status);
	(void)notify_send_to(d->notify_socket, text);
}

/* Says it with the fleet in one line. */
static void
say(struct daemon *d, const char *before)
{
	char text[160];

	(void)snprintf(text, sizeof(text), "%sSTATUS=%zu components, mode %s",
	    before, d->roster.n, mode_name(d->mode));
	(void)notify_send_to(d->notify_socket, text);
}

void
systemd_ready(struct daemon *d)
{
	say(d, "READY=1\n");
}

void
systemd_status(struct daemon *d)
{
	say(d, "");
}

void
systemd_reloading(struct daemon *d)
{
	struct timespec now;
	char text[64];

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	(void)snprintf(text, sizeof(text),
	    "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
	    (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	send_state(d, text, "reading the configuration");
}

void
systemd_stopping(struct daemon *d)
{
	send_state(d, "STOPPING=1", "stopping the components");
}

void
systemd_watchdog(struct daemon *d, int64_t now_ms)
{
	if (d->watchdog_ms == 0 || now_ms < d->watchdog_due_ms)
		return;
	(void)notify_send_to(d->notify_socket, "WATCHDOG=1");
	d->watchdog_due_ms = now_ms + d->watchdog_ms;
}
