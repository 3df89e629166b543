#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "daemon/daemon.h"
#include "daemon/strangers.h"
#include "system/pidfd.h"
#include "system/process.h"

#define LOOK_AGAIN_MS 5 /* the guardian's children make no SIGCHLD here */
#define LOOK_LATER_MS 200
#define UNKILLABLE_MS 5000

static bool
is_known(struct daemon *d, pid_t pid)
{
	return pid == getpid() || links_by_pid(d, pid) != NULL ||
	    pid == d->reader.pid || pid == d->checker.pid;
}

/* Kills pid if it (still) is a living child of parent. Returns whether it
 * was. */
static bool
end_child(pid_t parent, pid_t pid, struct process *ret)
{
	int fd = pidfd_get(pid);
	bool alive;

	if (fd < 0)
		return false;
	alive = process_read(pid, ret) == 0 && ret->ppid == parent &&
	    ret->state != 'Z' && ret->state != 'X';
	if (alive)
		(void)pidfd_signal(fd, SIGKILL);
	io_close(&fd);
	return alive;
}

static void
tell_unkillable(struct daemon *d, const struct process *p)
{
	char channel[PROCESS_WAIT_CHANNEL_SIZE];

	process_wait_channel(p->pid, channel);
	daemon_begin_event(d, "component_unkillable", NULL);
	event_int(&d->event, "pid", p->pid);
	event_text(&d->event, "command", p->comm);
	event_text(&d->event, "wait_channel", channel);
	daemon_tell(d);
	log_line(&d->log,
	    "process %d (%s) survives SIGKILL in %s: no keeper "
	    "is forked until it is gone",
	    (int)p->pid, p->comm, channel);
}

/* Returns how many strangers lived among the children of parent. */
static size_t
end_children(struct daemon *d, pid_t parent, bool tell)
{
	struct process p;
	size_t found = 0;
	ssize_t n = process_children(parent, d->children, d->children_size);

	for (ssize_t i = 0; i < n && (size_t)i < d->children_size; i++) {
		if (is_known(d, d->children[i]) ||
		    !end_child(parent, d->children[i], &p))
			continue;
		found++;
		if (tell) {
			tell_unkillable(d, &p);
			tell = false;
		}
	}
	return found;
}

void
strangers_end(struct daemon *d, int64_t now_ms)
{
	bool tell;
	size_t found;

	d->clear_due = false;
	if (d->clear_since_ms == 0)
		d->clear_since_ms = now_ms;
	tell =
	    now_ms - d->clear_since_ms >= UNKILLABLE_MS && !d->unkillable_told;
	found = end_children(d, getpid(), tell);
	if (d->guardian_pidfd >= 0)
		found += end_children(d, d->birth->guardian, tell);
	d->unkillable_told = found > 0 && (tell || d->unkillable_told);
	d->cleared += found;
	if (found == 0) {
		d->clear_since_ms = 0;
		d->clear_ms = 0;
	} else {
		d->clear_ms = now_ms +
		    (now_ms - d->clear_since_ms < 1000 ? LOOK_AGAIN_MS
						       : LOOK_LATER_MS);
	}
}
