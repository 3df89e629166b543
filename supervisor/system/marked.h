/*
 * Processes that are known by a variable of their environment. Whoever starts
 * others under a value that nobody else uses finds by it, when he comes again,
 * what he left when he died, wherever it has gone.
 */
#ifndef LOOPKEEPER_SYSTEM_MARKED_H
#define LOOPKEEPER_SYSTEM_MARKED_H

#include <stdbool.h>
#include <sys/types.h>

/* The directory of a loop, or of whoever else runs what a loop does: nobody
 * else on the machine has it. */
#define MARKED_LOOP_DIRECTORY "LOOPKEEPER_LOOP_DIRECTORY"
/* The same for one attempt: its id. */
#define MARKED_ATTEMPT "LOOPKEEPER_ATTEMPT_ID"

struct marked {
	const char *variable; /* the name */
	const char *value;
	/* Called before one is killed, and again, with stays, when it can't
	 * be. */
	void (*tell)(void *context, pid_t pid, const char *command, bool stays);
	void *context;
};

/*
 * Kills them and waits until they are gone; where the caller bears the mark
 * himself, nobody. Returns 0, or -1 when one may be there still.
 */
int marked_end(const struct marked *m);

#endif
