/* Running verify in the checkout that no worker has access to. */
#ifndef LOOPKEEPER_AGENTS_LOOP_VERIFY_H
#define LOOPKEEPER_AGENTS_LOOP_VERIFY_H

#include "agents/loop/runner.h"

/* Begins check, verify or recheck in its checkout, made clean, at commit; setup
 * comes before where it depends on what differs. */
void verify_begin(
    struct runner *r, enum phase phase, const char *commit, int64_t now_ms);
/* Its setup has ended. */
void verify_set_up(struct runner *r, int64_t now_ms);
/* Runs one command there. Returns false when the attempt had to be closed. */
bool verify_run(struct runner *r, enum phase phase, const char *command,
    const char *what, int64_t now_ms);
/* It has ended. */
void verify_next(struct runner *r, int64_t now_ms);
/* Whichever it was, it was killed, and has said nothing of any test. */
void verify_killed(struct runner *r, int64_t now_ms);

/* How the present job's verify ended: "verify: exit 1". */
void verify_describe(const struct runner *r, char *buf, size_t size);
bool verify_passed(const struct runner *r);

#endif
