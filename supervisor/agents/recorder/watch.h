/* What wakes the recorder: the spool directories, `wanted`, the wall clock. */
#ifndef LOOPKEEPER_AGENTS_RECORDER_WATCH_H
#define LOOPKEEPER_AGENTS_RECORDER_WATCH_H

#include "agents/recorder/recorder.h"

enum watch_kind { WATCH_FILES, WATCH_CLOCK };

/* Opens what can be had; what can't is looked at by time. Returns 0, or -1
 * with errno. */
int watch_open(struct recorder *r);
void watch_close(struct recorder *r);

/* Watches spool directories that weren't there yet. Sets r->watch_ms. */
void watch_due(struct recorder *r);

/* The event loop reports one of them. */
void watch_serve(struct recorder *r, const struct loop_event *e);

/* Whether so much has come since the last look into the spool that the next
 * one had better wait a little: it has been put off then, but never for long.
 */
bool watch_bursts(struct recorder *r);

/* Files may wake us again: called when the spool is about to be read, since
 * until then they have only been noted. */
void watch_listen(struct recorder *r);

#endif
