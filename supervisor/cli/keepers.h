/*
 * Who of a fleet lives, by the locks that are held: guardian, daemon and
 * keepers, with the status record of each keeper. Wakes nobody, reads no
 * configuration.
 */
#ifndef LOOPKEEPER_CLI_KEEPERS_H
#define LOOPKEEPER_CLI_KEEPERS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/text.h"
#include "model/component.h"
#include "system/status.h"

struct keeper_seen {
	char name[TEXT_NAME_MAX + 1];
	pid_t pid; /* of the keeper; 0: none lives, only its record */
	bool has_record;
	struct status_record record;
	struct component component; /* of the record */
};

struct keepers {
	pid_t guardian; /* 0: none lives */
	pid_t daemon;
	struct keeper_seen *items; /* those that live */
	size_t n;
};

/* Returns 0, or -1 with malloc(3)'s errno. Free with keepers_free(). */
int keepers_read(struct keepers *k, const char *state_directory);
void keepers_free(struct keepers *k);

/* Whether anything of the supervisor lives. */
bool keepers_any(const struct keepers *k);

/*
 * Only guardian and daemon, 0 for none. Returns whether one of them lives. Of
 * another user's fleet, whose locks can't be opened, the daemon is known by its
 * control socket and the guardian not at all; ends the program where even that
 * can't be seen.
 */
bool keepers_supervisor(
    const char *state_directory, pid_t *ret_guardian, pid_t *ret_daemon);
bool keepers_running(const char *state_directory);

/* One component, living or not; has_record and pid say what was found. Or the
 * same in a run directory that is open, or not there (-1). */
void keepers_look(
    struct keeper_seen *ret, const char *state_directory, const char *name);
void keepers_look_in(struct keeper_seen *ret, int rundir, const char *name);

/* Sends signal to whoever holds the lock state_directory/path, through a
 * pidfd. Returns 0, or -1 with errno: ESRCH nobody does. */
int
keepers_signal_lock(const char *state_directory, const char *path, int signal);

#endif
