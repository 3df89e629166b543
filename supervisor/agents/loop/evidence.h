/* What a failing command wrote last, for the one who is to do better: kept
 * beside the transcript for the next attempt, and as r->failure for this. */
#ifndef LOOPKEEPER_AGENTS_LOOP_EVIDENCE_H
#define LOOPKEEPER_AGENTS_LOOP_EVIDENCE_H

#include "agents/loop/runner.h"

/* The end of what the job wrote; title says what it is. */
void evidence_keep(struct runner *r, const char *title);
/* It says nothing of what was done. */
void evidence_forget(struct runner *r);
/* That of the attempt before, behind what is wrong with what had passed. */
void evidence_recall(struct runner *r);

#endif
