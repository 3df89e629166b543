/*
 * The files STATE/logs/NAME.log, NAME.log.1 (the one before) and so on. A log
 * is opened for each append: so nothing is held for a thousand silent
 * components, and a file that somebody moved or removed is made anew.
 */
#ifndef LOOPKEEPER_AGENTS_LOGGER_LOGFILE_H
#define LOOPKEEPER_AGENTS_LOGGER_LOGFILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "model/config.h"

struct logfile {
	int fd; /* owned; -1: closed */
	uint64_t inode;
	int64_t size; /* before the append */
};

/*
 * Opens (makes, 0600) NAME.log in logsdir for an append of n bytes; rotates
 * first when that would make it larger than log->size. Returns 0, or -1 with
 * the errno of openat(2), renameat(2) or fstat(2).
 */
int logfile_open(struct logfile *f, int logsdir, const char *name,
    const struct config_log *log, size_t n);

/*
 * Appends all n bytes or nothing: after an error the file is cut back to what
 * it was. Returns 0, or -1 with write(2)'s errno.
 */
int logfile_append(const struct logfile *f, const char *bytes, size_t n);

/* NULL-safe only in fd: a closed one may be closed again. */
void logfile_close(struct logfile *f);

/*
 * Moves NAME.log to NAME.log.1, that to .2 and so on; those beyond keep are
 * removed. A death in its midst leaves a gap in the numbers and loses nothing.
 * Returns 0, or -1 with renameat(2)'s errno.
 */
int logfile_rotate(int logsdir, const char *name, int keep);

#endif
