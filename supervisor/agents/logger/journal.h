/*
 * What makes a chunk of output reach its log exactly once, at whatever moment
 * the logger is killed. Writing a chunk into the log and taking it out of the
 * pipe are two steps; the journal, run/logger, tells the next logger which of
 * them were done:
 *
 *   1. the head of the journal says what is about to be written, and where;
 *   2. the chunk is written into the log;
 *   3. its bytes are spliced from the pipe into the journal itself. The kernel
 *      takes out of the pipe as many as it appends, so the length of the file
 *      says how many are gone.
 *
 * A log that ends in the midst of the chunk is cut back (the pipe still has
 * all of it); of a chunk that is whole in the log, what is still in the pipe
 * is a debt, to be taken out and not written again. Comparing texts could not
 * tell a repeated line from a line written twice.
 *
 * When the journal can't be written (tmpfs full), output flows on without it;
 * a kill in just that moment may then repeat one chunk.
 */
#ifndef LOOPKEEPER_AGENTS_LOGGER_JOURNAL_H
#define LOOPKEEPER_AGENTS_LOGGER_JOURNAL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/text.h"
#include "system/process.h"

#define JOURNAL_DEBTS 16
#define JOURNAL_HEAD  4096 /* bytes kept for the head at the file's begin */

/* The one chunk on its way. */
struct journal_chunk {
	uint64_t pipe;	  /* inode of the pipe; 0: no chunk is on its way */
	uint64_t log;	  /* inode of the log; 0: it is there already */
	int64_t log_size; /* of the log before */
	uint64_t written; /* bytes that the log gets */
	uint64_t taken;	  /* bytes that the pipe gives */
	int64_t at;	  /* length of the journal before step 3 */
	char name[TEXT_NAME_MAX + 1]; /* of the component */
};

/* The first `bytes` bytes in that pipe are in the log already. */
struct journal_debt {
	uint64_t pipe;
	uint64_t bytes;
};

struct journal_head {
	uint32_t magic;
	char boot_id[PROCESS_BOOT_ID_SIZE]; /* inodes of pipes mean nothing
					       after a boot */
	struct journal_chunk chunk;
	struct journal_debt debts[JOURNAL_DEBTS];
};

struct journal {
	int fd;	      /* locked; owned */
	int null;     /* /dev/null, for bytes that the journal can't take */
	int64_t size; /* of the file */
	struct journal_head head; /* as the file has it */
};

/*
 * Opens rundir's journal, locks it, and turns what a dead logger left behind
 * into debts; a torn end of a log in logsdir is cut off. Returns 0, or -1
 * with errno: EAGAIN when another logger lives (lock_holder() names it).
 */
int journal_open(struct journal *j, int rundir, int logsdir);
void journal_close(struct journal *j);

/* Step 1. The chunk's .at is filled in here. */
void journal_begin(struct journal *j, const struct journal_chunk *chunk);

/* Step 3: takes `bytes` bytes out of the pipe fd, fewer if it has fewer. */
void journal_take(struct journal *j, int fd, uint64_t bytes);

/* Takes bytes out of the pipe for nothing. */
void journal_discard(const struct journal *j, int fd, uint64_t bytes);

/* Takes out of fd, whose inode is pipe, what earlier loggers owe. */
void journal_pay(struct journal *j, int fd, uint64_t pipe);

#endif
