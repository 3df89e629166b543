/*
 * Down: every component in the reverse order of `after`, in parallel where the
 * order allows, then housekeeping, the recorder last of all; what it left in
 * the spool is put into the database by a helper. A daemon that dies on the
 * way is followed by one that goes on with it (the file `ending` in the run
 * directory says so).
 */
#ifndef LOOPKEEPER_DAEMON_ENDING_H
#define LOOPKEEPER_DAEMON_ENDING_H

#include <stdbool.h>

struct daemon;

/* From now on everything ends. Safe to repeat. */
void ending_begin(struct daemon *d);

/* Goes on as far as is possible now. */
void ending_step(struct daemon *d);

/* What an earlier fleet was at when it died is no concern of a new one. */
void ending_forget(struct daemon *d);

/* Whether an earlier daemon was at it. */
bool ending_was_begun(struct daemon *d);

#endif
