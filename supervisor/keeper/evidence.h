/*
 * The black box of the last death: what `why` prints. All of it lies in
 * run/c/NAME/ and is replaced at the next death.
 *
 *   death        lines KEY=VALUE, as below
 *   tail.stdout  what was still in the pipe of standard output
 *   tail.stderr  the same for standard error
 *   proc         one line per process of the tree, taken before a stuck one
 *                is aborted, else of what was left after its main process
 *
 * death:
 *   component=NAME
 *   cause=exit|signal|start-failed|...    (component_cause_name)
 *   text=exit 3                           for people
 *   code=N           exit status or signal
 *   stage=chdir      where a start failed; absent otherwise
 *   errno=N          of that stage, or what the component said by ERRNO=
 *   pid=N            of the main process
 *   command=fallback where the fallback ran; absent otherwise
 *   started_ms=N     monotonic
 *   died_ms=N        monotonic
 *   started_at=ISO   wall clock
 *   died_at=ISO
 *   state=backoff    what it is since the decision
 *   decision=waits 8s (level 4)
 *   restarts=N
 *   level=N
 *   circuit=closed|open|half-open
 *   deaths_in_window=N
 *   max_restarts=N
 *   window_ms=N
 *   next_ms=N        monotonic, of the restart or the next try; 0: none
 *   status=TEXT      the last STATUS= of the component
 */
#ifndef LOOPKEEPER_KEEPER_EVIDENCE_H
#define LOOPKEEPER_KEEPER_EVIDENCE_H

#include "keeper/self.h"

/* The process that is there now is about to be forgotten: keeps what is known
 * of it, and a copy of its last output. Cheap; no file is written. */
void evidence_keep(struct keeper *k);

/* The tree as /proc shows it, into the file `proc`. */
void evidence_snapshot(struct keeper *k);

/* As component_describe_death(), with the step at which a start failed. */
void
evidence_describe(char *buf, size_t size, const struct component_death *death);

/* Writes death and tails, once it is known what has been decided. */
void evidence_write(struct keeper *k);

#endif
