/*
 * A helper: a program of ours that does for the daemon what takes time (reads
 * the configuration, looks at the database), while the daemon's loop goes on.
 * What it writes is collected; it is done when its output has ended and it has
 * been reaped.
 */
#ifndef LOOPKEEPER_DAEMON_HELPER_H
#define LOOPKEEPER_DAEMON_HELPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "system/loop.h"

struct helper {
	pid_t pid;  /* 0: none runs */
	int out_fd; /* -1: closed */
	int err_fd;
	int start_fd; /* tells whether the exec failed */
	uint64_t out_key, err_key, start_key;
	char *out; /* what came on stdout; grows */
	size_t out_len, out_size;
	char errors[8192]; /* the head of what came on stderr; text */
	size_t errors_len;
	int status; /* of waitpid(2), when it is done */
	bool reaped;
	bool failed; /* could not be started, or not be read: see errors */
};

/* Before anything else. */
void helper_init(struct helper *h);

/*
 * Starts argv (argv[0]: a name beside this program) with that environment.
 * Its events come with kind and h as owner. Returns 0, or -1 with the reason
 * in h->errors.
 */
int helper_start(struct helper *h, struct loop *loop, int kind,
    char *const *argv, char *const *environment);

/* Watches what is open of it, in a new loop. Returns 0, or -1 with errno. */
int helper_watch(struct helper *h, struct loop *loop, int kind);

/* One of its descriptors is readable. */
void helper_read(struct helper *h, struct loop *loop, int fd);

/* Its process was reaped. */
void helper_reaped(struct helper *h, int status);

/* Whether it runs, or has ended and wasn't finished yet. */
bool helper_is_busy(const struct helper *h);

/* Whether it has ended and all it wrote is here. */
bool helper_is_done(const struct helper *h);

/* Whether a done one did what it should: exit 0. */
bool helper_is_good(const struct helper *h);

/* What a done one wrote on stdout, as text that may be cut up. */
char *helper_text(struct helper *h);

/* Gives its output back and makes it ready for the next use. A process that
 * still lives is killed. */
void helper_finish(struct helper *h, struct loop *loop);

#endif
