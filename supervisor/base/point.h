/*
 * Points at which programs that are built for tests (LOOPKEEPER_TEST) wait for
 * as long as the environment says, so that a test can hit them there, or need
 * not wait for them. In all others the durations are what the code says.
 */
#ifndef LOOPKEEPER_BASE_POINT_H
#define LOOPKEEPER_BASE_POINT_H

#include <stdint.h>
#ifdef LOOPKEEPER_TEST
#include <stdlib.h>
#include <time.h>

#include "base/text.h"
#endif

/* The ms in the variable, or those given. Allocates nothing. */
static inline int64_t
point_ms(const char *variable, int64_t ms)
{
#ifdef LOOPKEEPER_TEST
	const char *text = getenv(variable);

	if (text != NULL)
		(void)text_parse_int(text, 0, 3600000, &ms);
#else
	(void)variable;
#endif
	return ms;
}

/* Waits so long here; not at all where the variable isn't set. */
static inline void
point_wait(const char *variable)
{
#ifdef LOOPKEEPER_TEST
	int64_t ms = point_ms(variable, 0);

	(void)nanosleep(&(struct timespec){ .tv_sec = ms / 1000,
			    .tv_nsec = ms % 1000 * 1000000 },
	    NULL);
#else
	(void)variable;
#endif
}

#endif
