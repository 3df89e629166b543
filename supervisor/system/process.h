/*
 * What /proc says about a process. Nothing here is atomic: a process may be
 * gone a moment later, and whoever wants to signal one by pid must hold a
 * pidfd and look again.
 */
#ifndef LOOPKEEPER_SYSTEM_PROCESS_H
#define LOOPKEEPER_SYSTEM_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

#define PROCESS_WAIT_CHANNEL_SIZE 32
#define PROCESS_BOOT_ID_SIZE	  37

struct process {
	pid_t pid;
	pid_t ppid;
	char state;	 /* R, S, D, T, Z, ... */
	char comm[32];	 /* cleaned */
	uint64_t start;	 /* clock ticks after boot: field 22 of stat */
	uint64_t cpu_ms; /* user and system time of itself and reaped children
			  */
	int64_t rss;	 /* bytes */
	int threads;
	int exit_code; /* wait status, of a zombie that is ours to read */
};

/* Returns 0, or -1 with errno: ESRCH when there is no such process. */
int process_read(pid_t pid, struct process *ret);

/*
 * Field 22 of stat of a process that begins now. Who asks before and after a
 * fork and gets the same answer knows that of the child without /proc.
 */
uint64_t process_start_now(void);

/* Whether pid is alive (no zombie) and began at start. */
bool process_is(pid_t pid, uint64_t start);

/* The kernel function it sleeps in; "" when it doesn't or can't be read. */
void
process_wait_channel(pid_t pid, char buf[static PROCESS_WAIT_CHANNEL_SIZE]);

/* Its command line, blanks between the words, cleaned, cut at size. */
void process_command(pid_t pid, char *buf, size_t size);

/* Id of this boot. Returns 0, or -1 with errno. */
int process_boot_id(char buf[static PROCESS_BOOT_ID_SIZE]);

/* Calls visit for every process there is, until it says false. Returns 0, or
 * -1 with errno when /proc can't be read. */
int process_each(
    bool (*visit)(void *context, const struct process *p), void *context);

/* Whether the kernel lists children by itself (CONFIG_PROC_CHILDREN). */
bool process_lists_children(void);

/*
 * The children of parent, zombies too, at most size of them. Returns how many
 * there are, or -1 with errno. Reads all of /proc where the kernel doesn't
 * list them.
 */
ssize_t process_children(pid_t parent, pid_t *ret, size_t size);

/* Whether pid is ancestor, or a descendant of it. */
bool process_descends(pid_t pid, pid_t ancestor);

#endif
