/*
 * The fleet's members and their links, which follow the roster: made at the
 * start, and changed by a reload to what the new configuration says. A
 * component that both know keeps its link, and with it its keeper.
 */
#ifndef LOOPKEEPER_DAEMON_CREW_H
#define LOOPKEEPER_DAEMON_CREW_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct daemon;
struct roster;

/* What a new roster changed. */
struct crew_change {
	size_t added, removed, restarted, in_place, unchanged;
	struct buf *lines; /* one for each change; NULL: not wanted */
};

/*
 * Makes *roster the fleet's, taking it over. New members get links without a
 * keeper, wanted running; members that changed are told; those that are gone
 * are dismissed. ret may be NULL. Returns 0, or -1 with errno; then nothing
 * has changed and the roster is still the caller's.
 */
int crew_take(struct daemon *d, struct roster *roster, struct crew_change *ret);

/* Whether member i is the recorder: the housekeeping without which the fleet
 * lives from files. */
bool crew_is_recorder(const struct daemon *d, size_t i);

/* Keeps what the configuration helper wrote in the run directory, for a
 * daemon that finds the file faulty, and for those who want to compare. */
void crew_save_config(struct daemon *d, const char *bytes, size_t size);

#endif
