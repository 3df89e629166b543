#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/io.h"
#include "daemon/births.h"
#include "daemon/daemon.h"

#define FORK_AGAIN_MS 1000

/* In the child. What it shares with us stays shared: little is written. */
static _Noreturn void
become_keeper(struct daemon *d, const struct link *l, int fd)
{
	struct keeper_birth *birth = &d->birth_of_keeper;

	birth->daemon_fd = fd;
	(void)memcpy(birth->name, l->name, sizeof(birth->name));
	environ = d->environment;
	keeper_run(birth);
}

static int
fork_keeper(struct daemon *d, struct link *l)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		0, pair) < 0)
		return -1;
	pid = fork();
	if (pid == 0)
		become_keeper(d, l, pair[1]);
	io_close(&pair[1]);
	if (pid < 0) {
		io_close(&pair[0]);
		return -1;
	}
	l->pid = pid;
	l->ours = true;
	l->fd = pair[0];
	if (link_watch(d, l) < 0) {
		int saved = errno;

		/* It has not heard of its component yet: nothing is lost. */
		(void)kill(pid, SIGKILL);
		link_forget_keeper(d, l);
		errno = saved;
		return -1;
	}
	return 0;
}

static bool
name_is_leaving(const struct daemon *d, const char *name)
{
	const struct link *l;

	TAILQ_FOREACH (l, &d->leaving, entry)
		if (strcmp(l->name, name) == 0)
			return true;
	return false;
}

bool
births_may(const struct daemon *d, const struct link *l)
{
	if (d->phase != PHASE_UP || name_is_leaving(d, l->name))
		return false;
	return !l->bereaved || (d->clear_ms == 0 && !d->clear_due);
}

void
births_fork(struct daemon *d, struct link *l, int64_t now_ms)
{
	l->born_ms = now_ms;
	l->bereaved = false;
	if (fork_keeper(d, l) < 0) {
		log_line(&d->log,
		    "can't fork a keeper for %s: %s; trying "
		    "again in 1 s",
		    l->name, strerror(errno));
		l->fork_ms = now_ms + FORK_AGAIN_MS;
		d->order_due = true;
		return;
	}
	l->fork_ms = 0;
	d->forked++;
	link_tell_all(d, l);
}
