/*
 * The guardian: starts the daemon, starts it again when it dies (at once, then
 * after 100 ms ... 10 s, for ever), asks it every minute whether it still
 * answers, and reaps what falls to it. Nothing else: it knows no component.
 *
 * It is the subreaper above the daemon, so that whatever the daemon leaves
 * behind stays below it. It holds guardian.lock in the state directory.
 */
#ifndef LOOPKEEPER_DAEMON_GUARDIAN_H
#define LOOPKEEPER_DAEMON_GUARDIAN_H

/* Packets of one byte between guardian and daemon. */
#define GUARDIAN_ASKS 'a' /* answered by the same */
#define GUARDIAN_UP   'u' /* from the daemon: the fleet is up */

struct guardian_birth {
	const char *state_directory; /* absolute */
	const char *config_path;     /* absolute */
	/* What died, when this guardian was a daemon before it: it has keepers
	 * among its children and never gives up. NULL: a fresh start. */
	const char *successor_of;
};

/*
 * Becomes the guardian of the state directory; returns its exit status: 0 the
 * fleet was ended on purpose, 1 it could not be started at all (said on
 * stderr). A fresh start tells on stdout how it goes (report.h).
 */
int guardian_run(const struct guardian_birth *birth);

/*
 * In the daemon, when its guardian has died: executes itself as the new one.
 * Its children stay its children. Returns only on failure, -1 with errno.
 */
int guardian_succeed(const char *state_directory, const char *config_path);

#endif
