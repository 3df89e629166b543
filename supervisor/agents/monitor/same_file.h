/*
 * Loops that change the same file at the same time: whether what they have done
 * so far goes together is tried without either of them knowing. Two attempts
 * are looked at again only when such a file has changed since.
 */
#ifndef LOOPKEEPER_AGENTS_MONITOR_SAME_FILE_H
#define LOOPKEEPER_AGENTS_MONITOR_SAME_FILE_H

#include "agents/common/agent.h"
#include "agents/monitor/changed.h"
#include "base/texts.h"
#include "store/progress.h"

struct same_file_side { /* of this look */
	struct changed *changed;
	char test_id[ATTEMPT_TEST_SIZE];
	char base_commit[GIT_HASH_SIZE];
	bool is_scoped;	    /* these are read */
	bool allows_tests;  /* to be changed */
	struct texts tests; /* patterns of the test's files */
};

struct same_file_pair {
	char attempts[2][UUID_SIZE];
	uint64_t looked; /* at the files as they were then; 0: not yet */
	bool is_there;	 /* as of this look */
};

struct same_file {
	struct agent *agent;
	struct same_file_side *sides; /* owned */
	size_t nsides;
	size_t sides_room;
	struct same_file_pair *pairs; /* owned */
	size_t npairs;
	size_t pairs_room;
};

/* What the loop's attempt has changed; changed lives until same_file_look(). */
void same_file_add(struct same_file *w, struct changed *changed,
    const struct progress *attempt);

/* Looks at all that were added since the last look; what was found is in the
 * database then. */
void same_file_look(struct same_file *w);

void same_file_finish(struct same_file *w);

#endif
