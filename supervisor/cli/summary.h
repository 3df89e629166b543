/*
 * summary: what a window of time brought, and what to do next. It is read once
 * into a struct report, which has three faces: 24 lines for a person, Markdown
 * to pass on, JSON with all of it.
 *
 * Lists are JSON arrays of paste_item(): what else is in these objects is for
 * programs.
 */
#ifndef LOOPKEEPER_CLI_SUMMARY_H
#define LOOPKEEPER_CLI_SUMMARY_H

#include <jansson.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "cli/overview.h"
#include "store/summary.h"

#define SUMMARY_LINES	 24
#define SUMMARY_COLUMNS	 100
#define SUMMARY_NEXT	 3
#define REPORT_DONE_SIZE 16
#define SUMMARY_COMMAND	 (PATH_SIZE + 512) /* bytes of one */

struct report {
	const struct cli *cli;
	struct store *store;
	bool whole; /* lists have everything, not only what people are shown */
	struct overview o;
	struct summary sum;
	struct summary_loop all; /* the sums over all loops */
	int64_t done_ms;	 /* when the last one is; 0 unknown */

	json_t *commits;   /* that wait to be merged, by repository */
	json_t *decided;   /* in somebody's absence */
	json_t *broken;	   /* regressions and rollbacks */
	json_t *waiting;   /* for somebody */
	int64_t nunlisted; /* that wait as well: blocked tests */
	int64_t nasked;	   /* blocked tests that a decision is about */
	int64_t nasking;   /* open regressions that no decision is about */
	int64_t needs;	   /* all of these */
	json_t *next;
	char verdict[256];
	bool is_well;
};

/* summary_past.c: fills decided and broken; summary_waiting.c: waiting. Return
 * 0, or -1 with errno of store.h. */
int report_read_past(struct report *r);
int report_read_waiting(struct report *r);

/* summary_commits.c: fills commits. What git can't tell soon is told as that.
 */
void report_read_commits(struct report *r);

/* summary_verdict.c: sums, verdict and what is next, from all that was read. */
void report_conclude(struct report *r);

/* The commands of loopkeeper: "loopkeeper [-c FILE] VERB WORD"; word may be
 * NULL. Returns buf. */
const char *report_command(const struct report *r,
    char buf[static SUMMARY_COMMAND], const char *verb, const char *word);

/* summary_print.c, summary_markdown.c, summary_json.c: the three faces. Return
 * an exit code. */
int report_print(const struct report *r);
int report_print_markdown(const struct report *r);
int report_print_json(const struct report *r);

/* Adds one loop's counts, cost and lost time to those of several. */
void report_add_loop(struct summary_loop *all, const struct summary_loop *one);

/* What two of them say alike: "04:10", "Tue 04:10", "09 Dec"; "" for 0. */
void report_format_done(char buf[static REPORT_DONE_SIZE], int64_t done_ms);
/* "12.40 USD, 3.1M tokens; per passed test ...; on what failed ...". */
void report_add_cost(struct buf *b, const struct report *r);
/* "6.5h of 48.0h: rate limit 3.0h, ..."; "nothing". */
void report_add_lost(struct buf *b, const struct report *r);

#endif
