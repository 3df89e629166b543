/*
 * Which loop gets which directory of a report: all tests of one directory go
 * to one loop, so that two loops seldom change the same files, and each loop
 * gets about as many as the others. A directory that a loop has already stays
 * with it.
 */
#ifndef LOOPKEEPER_CLI_JUNIT_SPREAD_H
#define LOOPKEEPER_CLI_JUNIT_SPREAD_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#define SPREAD_NOWHERE SIZE_MAX

struct spread_group {
	size_t ntests;
	size_t loop; /* its index; SPREAD_NOWHERE: not yet known */
};

/* One that is zeroed is empty. */
struct spread {
	struct spread_group *groups;
	size_t n;
	json_t *by_name; /* directory -> index in groups */
};

/*
 * One more test of a directory, which is with that loop or, if it is new here,
 * not known to be with any. Returns the index of its group, or SPREAD_NOWHERE
 * with ENOMEM.
 */
size_t spread_add(struct spread *s, const char *directory, size_t loop);

/*
 * Gives each group that has no loop to one of them, the largest first, each to
 * the loop that has least to do. loads is how much each has, and is brought up
 * to date. Returns 0, or -1 with ENOMEM.
 */
int spread_settle(struct spread *s, int64_t *loads, size_t nloops);

void spread_free(struct spread *s);

#endif
