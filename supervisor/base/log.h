/*
 * Lines for people on stderr: "NAME: text". Only floor 3 logs; the floors
 * below return errors. Long-lived programs stamp their lines with the time.
 */
#ifndef LOOPKEEPER_BASE_LOG_H
#define LOOPKEEPER_BASE_LOG_H

#include <stdbool.h>

struct log {
	const char *name; /* in front of every line; the caller's */
	bool stamped;	  /* the time comes first */
};

/* One line, the newline is added. Written with one write(2); an error in
 * writing is nobody's to hear and is ignored. */
void log_line(const struct log *log, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
