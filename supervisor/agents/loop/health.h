/* DIRECTORY/specs/health.json: how the loop is, for programs that know only
 * this file, and for `status` while the database can't be had; and STATUS=.
 * progress_ms there is when the job at hand gave its last sign of life, on the
 * clock of this boot: that alone can be compared with what it was before. */
#ifndef LOOPKEEPER_AGENTS_LOOP_HEALTH_H
#define LOOPKEEPER_AGENTS_LOOP_HEALTH_H

#include "agents/loop/runner.h"

/* Tells the world, when it is due or, with `now`, at once. The file is replaced
 * atomically. */
void health_publish(struct runner *r, bool now);
void health_stopped(const struct runner *r);

#endif
