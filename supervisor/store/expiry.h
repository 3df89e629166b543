/*
 * What has an end in the database (locks, leases, back-offs, gates, decisions)
 * ends after a stretch of time, not when the wall clock says so: the clock may
 * be set. Stored ends are compared with expiry_now_ms(), which doesn't jump;
 * when the recorder notices that the wall clock did, it moves them all in the
 * same transaction in which expiry_now_ms() begins to follow the new clock.
 */
#ifndef LOOPKEEPER_STORE_EXPIRY_H
#define LOOPKEEPER_STORE_EXPIRY_H

#include <stdint.h>

#include "base/clock.h"
#include "store/store.h"

/* The wall clock, in ms since 1970, as it was before any jump that hasn't
 * been dealt with. It stands still while the machine sleeps. */
int64_t expiry_now_ms(struct store *s);

/* The same, in_ms from now, as it is stored. */
void
expiry_format(struct store *s, char buf[static CLOCK_ISO_SIZE], int64_t in_ms);

/*
 * Compares wall and monotonic clock with what they were, and moves everything
 * stored by the difference. After a boot it only takes the difference down.
 * Returns 1 when it moved anything or began to follow another clock, with the
 * jump in *ret_jump_ms (0 after a boot), 0 when there was none, -1 with errno
 * of store.h.
 */
int expiry_follow(struct store *s, int64_t *ret_jump_ms);

#endif
