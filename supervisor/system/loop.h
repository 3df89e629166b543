/*
 * The event loop: epoll, one timerfd (CLOCK_MONOTONIC, absolute) and one
 * signalfd. It knows nobody: each source has a kind and a pointer of its
 * owner, which come back with its events.
 *
 * A source is known by a key that is never used twice, so that an event that
 * was fetched for a source which has been removed since is thrown away, also
 * when its descriptor's number has a new owner.
 */
#ifndef LOOPKEEPER_SYSTEM_LOOP_H
#define LOOPKEEPER_SYSTEM_LOOP_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#define LOOP_BATCH 32 /* events fetched by one system call */

struct loop_source {
	void *owner;
	int fd;		     /* not owned; -1: the slot is free */
	int kind;	     /* the owner's */
	uint32_t generation; /* of the slot; counts its uses */
};

struct loop_event {
	int kind;
	uint32_t events; /* EPOLLIN, ... */
	void *owner;
	int fd;
};

struct loop {
	int epoll_fd;
	int timer_fd;
	int signal_fd;
	bool signal_due;	     /* signals wait to be taken */
	int64_t armed_ms;	     /* what the timer is set to; 0: unset */
	int64_t late_ms;	     /* how late the last wake-up was */
	struct loop_source *sources; /* the caller's */
	uint32_t nsources;
	uint32_t hint; /* where to look for a free source first */
	struct epoll_event batch[LOOP_BATCH];
	int nbatch;
	int next;
};

/*
 * sources is memory for nsources sources, kept by the caller as long as the
 * loop. The signals must already be blocked; they are read from now on by
 * loop_signals(). Returns 0, or -1 with errno; then nothing is open.
 */
int loop_open(struct loop *l, struct loop_source *sources, uint32_t nsources,
    const sigset_t *signals);

/* Closes its own descriptors, not those of the sources. */
void loop_close(struct loop *l);

/*
 * Watches fd for events (EPOLLIN, EPOLLOUT, EPOLLET, ...). Returns a key, or 0
 * with errno: ENOSPC no free source, or epoll_ctl(2)'s.
 */
uint64_t
loop_add(struct loop *l, int fd, uint32_t events, int kind, void *owner);

/* Changes what key is watched for. Returns 0, or -1 with errno. */
int loop_change(struct loop *l, uint64_t key, uint32_t events);

/* Forgets *key (nothing if 0) and sets it to 0. To be called before its fd is
 * closed. */
void loop_remove(struct loop *l, uint64_t *key);

/*
 * Waits until something happens or the monotonic clock says deadline_ms (0:
 * none; in the past: not at all), and fetches a batch of events. Afterwards
 * late_ms says how late it woke up after the deadline, 0 if in time or before.
 * Returns 0, or -1 with errno (never EINTR).
 */
int loop_wait(struct loop *l, int64_t deadline_ms);

/* The next event of the batch, if it is still valid. False: no more. */
bool loop_next(struct loop *l, struct loop_event *ret);

/* Whether signals wake it; they stay pending meanwhile. Returns 0, or -1 with
 * epoll_ctl(2)'s errno. */
int loop_hear_signals(struct loop *l, bool hear);

/* All signals that are pending, taken: bit 1 << (number - 1) for each. */
uint64_t loop_signals(struct loop *l);

/* The bit of a signal in what loop_signals() returns. */
static inline uint64_t
loop_signal_bit(int signal)
{
	return UINT64_C(1) << (signal - 1);
}

#endif
