/* The worker's own part of an attempt: what it is given, and its start. */
#ifndef LOOPKEEPER_AGENTS_LOOP_WORK_H
#define LOOPKEEPER_AGENTS_LOOP_WORK_H

#include "agents/loop/runner.h"

/* Starts the worker of the claimed test; else the attempt is closed. */
void work_start(struct runner *r, int64_t now_ms);

#endif
