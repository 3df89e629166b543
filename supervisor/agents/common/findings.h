/* What one look at the work has found, and the alerts that follow from it. */
#ifndef LOOPKEEPER_AGENTS_COMMON_FINDINGS_H
#define LOOPKEEPER_AGENTS_COMMON_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "store/attempts.h"

struct finding {
	char cause[192];
	const char *type; /* of the alert; NULL: only one that stands already
			     goes on standing */
	const char *severity; /* NULL: "warning" */
	const char *event;    /* told with it; NULL: none */
	char message[768];
	char loop_id[TEXT_NAME_MAX + 1];
	char test_id[ATTEMPT_TEST_SIZE];
};

struct findings {
	struct finding *list;
	size_t n;
	size_t room;
	const char *prefix; /* of all causes that are looked for here; NULL:
			       whatever the source raises is */
	bool failed;	    /* not everything could be looked at or kept */
};

/* Room for one more, zeroed; NULL when there is no memory. */
struct finding *findings_add(struct findings *f);

/* Raises what is new and clears what is gone: f must be whole. Returns 0, or
 * -1 with errno of store.h. */
int findings_publish(struct findings *f, struct store *s, const char *source);

void findings_finish(struct findings *f);

#endif
