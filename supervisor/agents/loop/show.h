/* For whoever looks on: prompt, output and diff of the one attempt, on stdout;
 * nothing where all tests are worked through. */
#ifndef LOOPKEEPER_AGENTS_LOOP_SHOW_H
#define LOOPKEEPER_AGENTS_LOOP_SHOW_H

#include "agents/loop/runner.h"

void show_prompt(const struct runner *r);
void show_more(struct runner *r);
void show_diff(struct runner *r);

#endif
