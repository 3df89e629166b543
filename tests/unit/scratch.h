/* A directory for one test, that goes with all that is in it. Whatever goes
 * wrong in here fails the test. */
#ifndef LOOPKEEPER_TESTS_SCRATCH_H
#define LOOPKEEPER_TESTS_SCRATCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct scratch {
	char path[64];
	int dir; /* the same, open */
};

/* Makes it below parent. */
void scratch_make(struct scratch *s, const char *parent);

void scratch_remove(struct scratch *s);

#endif
