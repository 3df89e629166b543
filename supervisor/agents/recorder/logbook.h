/*
 * What the recorder has to say itself: STATE/logs/recorder.log, small, with
 * one older file. The logger can't do it: it may be the one that is missing.
 * In a terminal it goes to stderr.
 */
#ifndef LOOPKEEPER_AGENTS_RECORDER_LOGBOOK_H
#define LOOPKEEPER_AGENTS_RECORDER_LOGBOOK_H

#include "base/log.h"
#include "base/path.h"

#define LOGBOOK_SIZE 262144

struct logbook {
	struct log log;
	char path[PATH_SIZE]; /* "": stderr is a terminal */
};

/* Points stdout and stderr to the file, or leaves them as they are when that
 * fails or somebody looks on. */
void logbook_open(struct logbook *l, const char *state_directory);

void logbook_say(struct logbook *l, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
