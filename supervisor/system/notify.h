/*
 * The receiving side of sd_notify(3): the socket of one component. Messages
 * come from anybody who can reach it, so all of it is checked; a bad one is
 * as good as none. Whether its sender may speak is for the caller to judge.
 */
#ifndef LOOPKEEPER_SYSTEM_NOTIFY_H
#define LOOPKEEPER_SYSTEM_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define NOTIFY_TEXT_SIZE    4096 /* of one message; longer ones are ignored */
#define NOTIFY_STATUS_SIZE  128
#define NOTIFY_BATCH	    16 /* messages per system call, under load */
#define NOTIFY_CONTROL_SIZE 1152
#define NOTIFY_PATH_SIZE    108

enum notify_key { /* bits of notify_message.keys */
	NOTIFY_READY = 1 << 0,
	NOTIFY_RELOADING = 1 << 1,
	NOTIFY_STOPPING = 1 << 2,
	NOTIFY_STATUS = 1 << 3,
	NOTIFY_ERRNO = 1 << 4,
	NOTIFY_MAINPID = 1 << 5,
	NOTIFY_WATCHDOG = 1 << 6,
	NOTIFY_TRIGGER = 1 << 7, /* WATCHDOG=trigger */
	NOTIFY_WATCHDOG_USEC = 1 << 8,
	NOTIFY_EXTEND = 1 << 9, /* EXTEND_TIMEOUT_USEC */
	NOTIFY_RESET = 1 << 10, /* RESTART_RESET=1 */
	NOTIFY_BARRIER = 1 << 11,
};

struct notify_message {
	unsigned keys; /* what it says; the fields below where named there */
	pid_t pid;     /* of the sender, by the kernel */
	uid_t uid;
	pid_t main_pid;
	int error;	       /* ERRNO= */
	int64_t watchdog_usec; /* 0: its heart is no longer watched */
	int64_t extend_usec;
	char status[NOTIFY_STATUS_SIZE]; /* cleaned, one line, maybe cut */
};

struct notify {
	int fd;	      /* owned */
	uint64_t bad; /* messages that were ignored as malformed */
	char path[NOTIFY_PATH_SIZE]; /* what $NOTIFY_SOCKET is to say */
	struct notify_space *space;  /* the caller's */
};

/* Where a batch is read to; holds nothing between two calls. Only what
 * messages fill is ever touched: one that says little costs one page. */
struct notify_space {
	struct {
		_Alignas(16) char control[NOTIFY_CONTROL_SIZE];
		char text[NOTIFY_TEXT_SIZE];
	} messages[NOTIFY_BATCH];
};

/*
 * n->space must be set. Binds directory/"notify" for the caller's own user
 * (0600). dirfd is the same directory. A path too long for an address becomes
 * an abstract one with a random name. Returns 0, or -1 with errno.
 */
int notify_open(struct notify *n, int dirfd, const char *directory);

/* Lets uid speak: gives it the socket's file. Returns 0, or -1 with errno. */
int notify_give(const struct notify *n, int dirfd, uid_t uid, gid_t gid);

/*
 * Reads all that waits, at most max messages, and calls hear() for each good
 * one in order. A BARRIER is answered (its descriptor closed) when those
 * before it were heard. Returns how many were read; max means that there may
 * be more.
 */
size_t notify_drain(struct notify *n, size_t max,
    void (*hear)(void *context, const struct notify_message *m), void *context);

void notify_close(struct notify *n);

/*
 * Reads the n bytes of one message into *ret (its pid and uid untouched).
 * Returns false for one that is to be ignored: empty, or with a NUL in it.
 * Unknown keys are skipped.
 */
bool notify_parse(const char *bytes, size_t n, struct notify_message *ret);

#endif
