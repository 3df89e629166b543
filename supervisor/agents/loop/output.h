/*
 * What a worker says of itself: read from the transcript while it is written,
 * and understood by the rules of its preset. Only what is typed is believed:
 * a field of a JSON line, a pattern that was written for this program. Of a
 * plain command nothing is known.
 *
 * What it says are claims. Whether a test passes is verify's to say.
 */
#ifndef LOOPKEEPER_AGENTS_LOOP_OUTPUT_H
#define LOOPKEEPER_AGENTS_LOOP_OUTPUT_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "conf/preset.h"

#define OUTPUT_LINE_MAX	    (1024 * 1024)     /* a longer one is skipped */
#define OUTPUT_LEFT_MAX	    (8 * 1024 * 1024) /* that is read at the end */
#define OUTPUT_SESSION_SIZE 128
#define OUTPUT_ERROR_SIZE   256
#define OUTPUT_RECENT	    8

/* Tokens and money, one of them or both; -1: unknown, which isn't 0. */
struct output_usage {
	int64_t tokens;
	int64_t cost; /* in millionths of a USD */
};

/* A message that may be told again, with other numbers. */
struct output_message {
	uint64_t id; /* its hash */
	struct output_usage usage;
};

struct output {
	/* What is known so far. */
	struct output_usage usage;
	char session_id[OUTPUT_SESSION_SIZE]; /* "": unknown */
	bool answered;	  /* its provider did: something was good, or cost */
	bool ended;	  /* the mark of the end was seen ... */
	int64_t ended_ms; /* ... then, on the clock of output_read() */
	enum preset_verdict verdict;   /* the last word, yet; never GOOD */
	int64_t reset_wall_ms;	       /* when the limit ends; -1: unknown */
	char error[OUTPUT_ERROR_SIZE]; /* the last one, one line; "" none */

	/* The rest is its own. */
	const struct worker_preset *preset;
	int fd;	      /* not owned */
	off_t offset; /* of the first byte that was not read */
	char *line;   /* owned; the head of a line without its end */
	size_t len;
	size_t room;
	bool skipping;	  /* the line is too long */
	regex_t *regexes; /* owned; one per rule that has a pattern */
	size_t nregexes;
	struct output_usage sum;   /* of lines that tell their own */
	struct output_usage total; /* of those that tell the whole */
	struct output_message recent[OUTPUT_RECENT];
	bool reset_exact; /* to the second */
	size_t nrecent; /* that were ever there: the next one's place in turn */
};

/*
 * Begins with what will stand in the file fd (opened for reading, not taken
 * over) from offset on. preset is NULL for a plain command; it must live as
 * long as o. Returns 0, or -1 with ENOMEM; then o is as output_end() leaves
 * it.
 */
int output_begin(
    struct output *o, int fd, off_t offset, const struct worker_preset *preset);
void output_end(struct output *o);

/*
 * Reads what is new, a bounded part of it. now_ms is clock_ms(). Returns 1
 * when there may be more, 0 when all was read, -1 with the errno of pread(2).
 */
int output_read(struct output *o, int64_t now_ms);

/* The worker is gone: reads what is left, a last line without its end too; of
 * more than OUTPUT_LEFT_MAX only the end: the loop does nothing else meanwhile.
 * To be called before a line of ours is added. As output_read(), but never 1,
 * and also with the errno of fstat(2). */
int output_finish(struct output *o, int64_t now_ms);

/*
 * What is to be thought of a worker that ended by itself: of what it said,
 * and of its exit code (signalled: it died of a signal, and code is that).
 * Never GOOD: where nothing speaks against it, NOTHING.
 */
enum preset_verdict
output_classify(const struct output *o, bool signalled, int code);

/* Whether the preset knows how an answer of the provider looks. */
bool output_tells_answer(const struct worker_preset *preset);

/* output_line.c: one line of it, without its end. */
void output_line(struct output *o, const char *line, int64_t now_ms);

#endif
