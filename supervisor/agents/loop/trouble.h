/* Why a loop claims nothing: said once, as an alert that goes by itself. */
#ifndef LOOPKEEPER_AGENTS_LOOP_TROUBLE_H
#define LOOPKEEPER_AGENTS_LOOP_TROUBLE_H

#include "agents/loop/runner.h"

/* Nothing can be claimed for now: one alert per cause, told once, gone when the
 * next claim succeeds. cause is a word. */
void trouble_note(struct runner *r, int64_t now_ms, const char *cause,
    const char *format, ...) __attribute__((format(printf, 4, 5)));
void trouble_clear(struct runner *r);

#endif
