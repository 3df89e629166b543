/*
 * rollback: what a loop has merged is undone by new commits, and its tests go
 * back into the queue. What there is to undo is told by the trailers of the
 * commits on the integration branch; the plan is made once and, when the
 * branch moves meanwhile, carried out on top of what came.
 */
#ifndef LOOPKEEPER_CLI_ROLLBACK_H
#define LOOPKEEPER_CLI_ROLLBACK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/texts.h"
#include "cli/cli.h"
#include "conf/conf.h"
#include "git/repository.h"
#include "store/attempts.h"
#include "store/checkpoints.h"
#include "store/rollbacks.h"

/* A commit of the loop. */
struct rollback_commit {
	char hash[GIT_HASH_SIZE];     /* for undo that of its rollback */
	char test[ATTEMPT_TEST_SIZE]; /* "" for none */
	const char *subject;	      /* one of subjects */
	bool reverted;		      /* already, by the branch */
	bool left; /* reverted, but its row of passing_tests is there yet; for
		      undo: isn't */
	bool passed_since; /* a later commit of its test stands, and stays */
};

struct rolling {
	struct cli *cli;
	const struct conf *conf;
	const struct loop_config *config; /* of the loop */
	struct store *store;
	struct git git;
	char ref[GIT_REF_SIZE]; /* of the integration branch */

	char since[GIT_HASH_SIZE];    /* of the checkpoint; "" for none: all */
	char only[ATTEMPT_TEST_SIZE]; /* the last commit of this test; "" */
	char commit[GIT_HASH_SIZE];   /* this one; "": not one alone */
	char undo[GIT_HASH_SIZE];     /* this one was rolled back, and is to be
					 again what it was; "" */
	bool force;

	char tip[GIT_HASH_SIZE];	 /* on which the reverts are made, */
	char new[GIT_HASH_SIZE];	 /* and the last of them */
	struct rollback_commit *commits; /* newest first; owned */
	struct texts subjects;
	size_t ncommits;
	size_t nreverts; /* of them to be reverted */
	size_t nleft;
};

/* rollback_plan.c: fills commits from r->tip back to r->since, or with the one
 * that is wanted alone; for undo with the rollback that is reverted itself.
 * Returns CLI_DONE, or CLI_FAILED after an error. */
int rollback_plan(struct rolling *r);
void rollback_forget(struct rolling *r);
void rollback_print(const struct rolling *r);
/* Makes the reverts on r->tip. Returns as above: a conflict is an error. */
int rollback_make(struct rolling *r);
/* Moves the branch to r->new, if it is still at r->tip (or r->new is r->tip),
 * and writes the rows of all that is reverted then. Returns the number of tests
 * that were reset; or -1, ESTALE when the branch has moved, else after an
 * error, with errno of store.h where it was the database's. */
int rollback_write(struct rolling *r);

/* rollback_verify.c: whether what still passes passes with the reverts, in a
 * worktree that is gone afterwards. Returns CLI_DONE, or another code
 * after an error. */
int rollback_verify(struct rolling *r);

#endif
