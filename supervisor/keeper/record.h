/* What the world is told: the status record, events, the daemon. */
#ifndef LOOPKEEPER_KEEPER_RECORD_H
#define LOOPKEEPER_KEEPER_RECORD_H

#include "keeper/self.h"

/* Keeps an event of that type for record_flush(). reason may be NULL. Both
 * are to be literals. */
void record_note(struct keeper *k, const char *type, const char *reason);

/* Writes all that is due: status, message, events, black box. */
void record_flush(struct keeper *k);

/* Reads what the keeper before this one left, into k->old. */
void record_inherit(struct keeper *k);

/* The last record: nobody is to go on from it. */
void record_end(struct keeper *k);

/* What is wrong with our own book, as an event and on stderr. */
void record_broken(struct keeper *k, const char *what);

#endif
