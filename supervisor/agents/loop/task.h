/* What the worker is told: its files, what others hold, the last failure, and
 * the session that it goes on with. */
#ifndef LOOPKEEPER_AGENTS_LOOP_TASK_H
#define LOOPKEEPER_AGENTS_LOOP_TASK_H

#include "agents/loop/runner.h"

struct task_texts { /* owned; NULL for none */
	char *files;
	char *locks;
	char *failure;
};

/*
 * Which of the loop's workers is to do it: the second one from the time on that
 * two attempts in a row have failed alike, if there is one and its provider
 * isn't closed. A test's own worker stays.
 */
void task_choose_worker(struct runner *r);

/* The preset of the claimed test's worker; NULL: a plain command. */
const struct worker_preset *task_preset(const struct runner *r);

/* Fills task; its texts live until task_free(), the claim and the next
 * evidence. What can't be known now is left out. */
void task_fill(struct task *task, struct task_texts *texts, struct runner *r);
void task_free(struct task_texts *texts);

#endif
