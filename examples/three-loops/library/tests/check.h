/* A check that doesn't hold is printed, with errno's text, and ends the test
 * with 1. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pocket.h"

#define CHECK(condition)                                                       \
	do {                                                                   \
		errno = 0;                                                     \
		if (!(condition)) {                                            \
			fprintf(stderr, "%s:%d: not so: %s (%s)\n", __FILE__,  \
			    __LINE__, #condition, strerror(errno));            \
			exit(1);                                               \
		}                                                              \
	} while (0)
