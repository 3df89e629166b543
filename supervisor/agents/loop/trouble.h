/* Why a loop claims nothing: said once, as an alert that goes by itself. */
#ifndef LOOPKEEPER_AGENTS_LOOP_TROUBLE_H
#define LOOPKEEPER_AGENTS_LOOP_TROUBLE_H

#include "agents/loop/runner.h"

/* Nothing can be claimed for now: one alert per cause, told once, gone when the
 * next claim succeeds, or sooner by trouble_clear_gates(). cause is a word. */
void trouble_note(struct runner *r, int64_t now_ms, const char *cause,
    const char *format, ...) __attribute__((format(printf, 4, 5)));
void trouble_clear(struct runner *r);
/* The same, if it was what the gate asks for: room on the machine, and few
 * failures. There is room now, or nothing that needs it. */
void trouble_clear_gates(struct runner *r);

/* Who tries one test by hand isn't left to wait: he is told why it can't be
 * taken, and it is over. Returns whether it was by hand. */
bool trouble_refuse_one(struct runner *r, const char *why);

#endif
