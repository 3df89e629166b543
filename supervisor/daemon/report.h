/*
 * How a start goes, told on stdout to the `up` that waits for it: one line for
 * each thing found or done, beginning with a letter. stdout is a pipe; when
 * nobody reads it, nothing is lost that isn't an event as well.
 */
#ifndef LOOPKEEPER_DAEMON_REPORT_H
#define LOOPKEEPER_DAEMON_REPORT_H

#include "base/log.h"

#define REPORT_FOUND   'i' /* something that was found or done */
#define REPORT_FAILED  'e' /* why the fleet can't be started */
#define REPORT_TROUBLE 't' /* something that failed; the start goes on */
#define REPORT_UP      'u' /* the fleet is up; nothing follows */

/* One line. Never waits; an error is nobody's to hear. */
void report(char kind, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Each line of text, which is cut up. What isn't REPORT_FOUND is also logged.
 */
void report_lines(const struct log *log, char kind, char *text);

/* REPORT_FAILED, which is also logged. */
void report_refusal(const struct log *log, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * The start is over: stdout becomes /dev/null, and what is logged from now on
 * goes to supervisor.log in the run directory, for nothing may wait for a
 * disk. It begins anew when it has grown large.
 */
void report_end(const char *state_directory);

#endif
