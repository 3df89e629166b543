#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "keeper/evidence.h"
#include "keeper/hear.h"
#include "keeper/reap.h"
#include "keeper/start.h"
#include "keeper/step.h"
#include "system/pidfd.h"
#include "system/process.h"
#include "system/tree.h"

#define HEAR_MAX     4096 /* far more than a socket's queue holds */
#define UNKNOWN_EXIT 255  /* of a process that another reaped */

void
reap_forget(struct keeper *k)
{
	loop_remove(&k->loop, &k->main_key);
	io_close(&k->main_fd);
	k->pid = 0;
	k->pid_start = 0;
}

int
reap_watch(struct keeper *k, pid_t pid)
{
	struct process p;
	int fd = -1;

	if (process_read(pid, &p) < 0)
		return -1;
	/* A child of ours tells by SIGCHLD. */
	if (p.ppid != k->self) {
		fd = pidfd_get_checked(pid, p.start);
		if (fd < 0)
			return -1;
	}
	reap_forget(k);
	k->pid = pid;
	k->main_fd = fd;
	if (fd >= 0)
		k->main_key =
		    loop_add(&k->loop, fd, EPOLLIN, SOURCE_MAIN, NULL);
	return 0;
}

static void
die(struct keeper *k, const struct component_death *death)
{
	evidence_keep(k);
	reap_forget(k);
	step_event(k, EVENT_EXIT, death);
}

/* A start that failed is not an exit, whatever the status says. */
static struct component_death
death_of(const struct keeper *k, const struct tree_exit *e)
{
	if (k->failure.stage != SPAWN_NONE)
		return (struct component_death){ .cause = CAUSE_START_FAILED,
			.stage = k->failure.stage,
			.error = k->failure.error };
	return (struct component_death){ .cause = e->signalled ? CAUSE_SIGNAL
							       : CAUSE_EXIT,
		.code = e->code };
}

void
reap_all(struct keeper *k)
{
	struct tree_exit e, last = { .pid = 0 };
	int result;

	hear_drain(k, HEAR_MAX);
	while ((result = tree_reap(&e)) == 0 && e.pid != 0) {
		if (e.pid == k->child) {
			start_look(k);
			k->child = 0;
		}
		if (e.pid == k->pid)
			last = e;
	}
	k->childless = result < 0;
	if (last.pid != 0) {
		struct component_death death = death_of(k, &last);

		die(k, &death);
	}
	if (k->c.state != COMPONENT_STOPPING)
		return;
	if (k->childless)
		step_event(k, EVENT_EMPTY, NULL);
	else if (k->c.killed && last.pid == 0)
		step_kill(k);
}

void
reap_main(struct keeper *k)
{
	struct component_death death = { .cause = CAUSE_EXIT,
		.code = UNKNOWN_EXIT };
	struct process p;

	if (k->main_fd < 0 || !pidfd_is_over(k->main_fd))
		return;
	if (process_read(k->pid, &p) == 0) {
		if (p.ppid == k->self) { /* fell to us: SIGCHLD tells more */
			loop_remove(&k->loop, &k->main_key);
			return;
		}
		if (WIFSIGNALED(p.exit_code))
			death = (struct component_death){ .cause = CAUSE_SIGNAL,
				.code = WTERMSIG(p.exit_code) };
		else
			death.code = WEXITSTATUS(p.exit_code);
	}
	die(k, &death);
}
