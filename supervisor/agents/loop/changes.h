/* What a worker changed: which files, and which of them are tests'. */
#ifndef LOOPKEEPER_AGENTS_LOOP_CHANGES_H
#define LOOPKEEPER_AGENTS_LOOP_CHANGES_H

#include <stddef.h>

#include "agents/loop/runner.h"
#include "base/texts.h"

struct changes {
	/* The files, as they are in the commits; but those that match
	 * test_files and are new, which are left out of the work. */
	struct texts paths;
	struct texts added_tests;
	int ndeleted; /* moved ones are among them */
	/* Files of tests that were changed or deleted; the first of them. */
	size_t ngamed;
	char gamed[128];
	char gamed_status;
};

/* Compares r->base and r->snapshot, and sets r->changed_json. Returns 0, or -1
 * with git's error. */
int changes_read(struct changes *c, struct runner *r);
void changes_free(struct changes *c);

/* Sets r->changed_json to what the candidate changes of r->onto. Returns 0, or
 * -1 with git's error. */
int changes_note(struct runner *r);

#endif
