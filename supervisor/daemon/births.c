#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/io.h"
#include "daemon/births.h"
#include "daemon/daemon.h"
#include "daemon/report.h"

#define FORK_AGAIN_MS 1000

int
births_prepare(struct daemon *d)
{
	/* Whole pages, which the keeper gives back when it has read them. */
	struct keeper_birth *birth = mmap(NULL, sizeof(*birth),
	    PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (birth == MAP_FAILED)
		return -1;
	birth->nofile_soft = d->nofile_soft;
	birth->environment = d->environment;
	birth->forget = birth;
	birth->forget_size = sizeof(*birth);
	(void)snprintf(birth->run_directory, PATH_SIZE, "%s", d->run_directory);
	(void)snprintf(
	    birth->state_directory, PATH_SIZE, "%s", d->birth->state_directory);
	(void)snprintf(
	    birth->config_path, PATH_SIZE, "%s", d->birth->config_path);
	d->keeper_birth = birth;
	return 0;
}

static int
fork_keeper(struct daemon *d, struct link *l)
{
	struct keeper_birth *birth = d->keeper_birth;
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		0, pair) < 0)
		return -1;
	birth->daemon_fd = pair[1];
	(void)memcpy(birth->name, l->name, sizeof(birth->name));
	/* What is in memory.h, d too, is not there in the child. */
	pid = _Fork();
	if (pid == 0)
		keeper_run(birth);
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

/* What the keeper before this one left in its pipes is still to be logged. */
static void
hand_on_pipes(const struct link *l)
{
	const struct message m = message_new(MESSAGE_PIPES);

	if (l->pipes[0] >= 0)
		(void)message_send_descriptors(
		    l->fd, &m, l->pipes, MESSAGE_DESCRIPTORS);
}

bool
births_may(const struct daemon *d, const struct link *l)
{
	if (d->phase != PHASE_UP || name_is_leaving(d, l->name))
		return false;
	return !l->bereaved || (d->clear_ms == 0 && !d->clear_due);
}

/* To the `up` that waits, too, if there is one. */
static void
tell_unborn(struct daemon *d, const struct link *l)
{
	char text[256];

	(void)snprintf(text, sizeof(text),
	    "can't fork a keeper for %s: %s; trying again every second",
	    l->name, strerror(errno));
	report_lines(&d->log, REPORT_TROUBLE, text);
}

void
births_fork(struct daemon *d, struct link *l, int64_t now_ms)
{
	l->born_ms = now_ms;
	l->bereaved = false;
	if (fork_keeper(d, l) < 0) {
		if (!l->unborn) /* said once, however long it lasts */
			tell_unborn(d, l);
		l->unborn = true;
		l->fork_ms = now_ms + FORK_AGAIN_MS;
		d->order_due = true;
		return;
	}
	l->unborn = false;
	l->fork_ms = 0;
	d->forked++;
	hand_on_pipes(l);
	link_tell_all(d, l);
}
