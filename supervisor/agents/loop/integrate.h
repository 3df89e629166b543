/*
 * The way of a verified candidate into the integration branch. One loop at a
 * time merges; when the branch has moved on since, the candidate is put on its
 * tip and verified again, beside tests that passed before, the turn being kept.
 * What is merged is exactly what was verified, and it is merged within the
 * transaction that says so: before it the intent is written, by which recovery
 * tells what became of it. Without the database nothing is merged; the
 * candidate waits, and if this process ends, the next attempt of the test goes
 * on with it.
 */
#ifndef LOOPKEEPER_AGENTS_LOOP_INTEGRATE_H
#define LOOPKEEPER_AGENTS_LOOP_INTEGRATE_H

#include "agents/loop/runner.h"

/* The candidate is verified. */
void integrate_begin(struct runner *r, int64_t now_ms);
/* It waits for its turn. */
void integrate_step(struct runner *r, int64_t now_ms);

#endif
