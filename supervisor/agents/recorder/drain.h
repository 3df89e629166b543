/* `loopkeeper-recorder --drain`: what came into the spool when the recorder
 * was on its way out already, at the end of a fleet. */
#ifndef LOOPKEEPER_AGENTS_RECORDER_DRAIN_H
#define LOOPKEEPER_AGENTS_RECORDER_DRAIN_H

/*
 * Brings the spool into the database or, where that can't be had, to
 * STATE/spool. Returns 0, or 1 after saying on stderr what stays where it is.
 */
int drain_run(const char *state_directory);

#endif
