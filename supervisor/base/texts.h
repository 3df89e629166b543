/* A list of texts that grows: of paths, arguments, variables. */
#ifndef LOOPKEEPER_BASE_TEXTS_H
#define LOOPKEEPER_BASE_TEXTS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Zeroed it is empty. What runs out of memory leaves out what was to be added
 * and is remembered in `failed`, so that one check at the end is enough.
 */
struct texts {
	char **items; /* owned, as the texts; NULL-ended, NULL while empty */
	size_t n;
	bool failed;
};

/* Adds a copy, and returns it: the list's, and where it is for good. NULL when
 * there is no memory. */
const char *texts_add(struct texts *t, const char *text);
void texts_addf(struct texts *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Adds text itself, to be freed with the list; NULL counts as no memory. */
const char *texts_own(struct texts *t, char *text);

/* Empties t and hands the list over, NULL-ended also where nothing is in it;
 * to be freed by texts_free(). NULL with ENOMEM when it has failed. */
char **texts_take(struct texts *t);

/* Frees a list with its texts; NULL is none. */
void texts_free(char **list);

/* How many are in a NULL-ended list; NULL is none. */
size_t texts_count(char *const *list);

#endif
