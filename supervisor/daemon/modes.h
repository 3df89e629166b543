/*
 * The fleet's mode, as the word in the file `mode` of the run directory. What
 * it is follows from the members (model/fleet.h); it is at least file-based
 * while the database is being checked, or can't be written.
 */
#ifndef LOOPKEEPER_DAEMON_MODES_H
#define LOOPKEEPER_DAEMON_MODES_H

#include <stdbool.h>
#include <stdint.h>

struct daemon;

/*
 * Goes on from the mode that an earlier daemon has left, keepers having been
 * adopted: a living component that may be the reason for it is missing until
 * its keeper says otherwise.
 */
void modes_inherit(struct daemon *d);

/* Whether the recorder, which says so every CONTROL_DATABASE_MS / 3 while that
 * lasts, can't write to the database. */
void modes_database(struct daemon *d, bool away, int64_t now_ms);

/* Judges anew and, when it changed, writes the file and tells. */
void modes_update(struct daemon *d, int64_t now_ms);

#endif
