/*
 * The configuration in flat form: as it comes from the helper that has read
 * the files, as it lies in the run directory (ROSTER_FILE, what the fleet runs
 * by), and as the daemon holds it. It is made whole before it takes the place
 * of an older one. Components that are not enabled are left out: for the fleet
 * they don't exist.
 */
#ifndef LOOPKEEPER_CONTROL_ROSTER_H
#define LOOPKEEPER_CONTROL_ROSTER_H

#include <stdbool.h>
#include <stddef.h>

#include "model/config.h"
#include "model/order.h"

#define ROSTER_FILE "config" /* in the run directory */

struct roster {
	struct fleet_config fleet;
	struct component_config **components;
	size_t n;
	struct order order; /* by their indices */
	char *memory;	    /* what components point into */
};

/*
 * Reads size bytes that the configuration helper wrote. Returns 0, or -1 with
 * errno: EPROTO for anything but a whole configuration of this version, or
 * malloc(3)'s. The caller ends it with roster_free().
 */
int roster_read(struct roster *ret, const char *bytes, size_t size);

/* The same from a directory's ROSTER_FILE. -1 also with the errno of open(2)
 * or read(2). */
int roster_read_file(struct roster *ret, int rundir);

void roster_free(struct roster *r);

/* The index of name, or r->n. */
size_t roster_find(const struct roster *r, const char *name);

#endif
