/* What tests of conflicts share: two loops that are in an attempt each. */
#ifndef LOOPKEEPER_TESTS_CONFLICTS_FIXTURE_H
#define LOOPKEEPER_TESTS_CONFLICTS_FIXTURE_H

#include "claims_fixture.h"
#include "store/conflicts.h"

extern char *const conflict_files[]; /* that both have changed */
extern struct attempt_key one, two;  /* of loop-1 and loop-2 */
extern struct conflict found;	     /* as it was read last */

/* For cmocka: as claims_setup(), with the loops and three tests. */
int conflicts_setup(void **state);

/* What is open; it is this. */
void conflict_is(const char *status);
void none_is_open(void);

/* Between the two: it is told, and then the second is paused. */
void conflict_opens(void);
void conflict_pauses(void);

#endif
