/* The sums, the verdict in one line, and what to do first. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cli/money.h"
#include "cli/paste.h"
#include "cli/print.h"
#include "cli/summary.h"

#define DAY_MS (24 * 60 * 60 * INT64_C(1000))

/* ---- sums ---- */

static void
add_sum(struct budget_sum *all, const struct budget_sum *one)
{
	all->micros += one->micros;
	all->known += one->known;
	all->unknown += one->unknown;
	if (one->tokens >= 0)
		all->tokens = (all->tokens < 0 ? 0 : all->tokens) + one->tokens;
}

void
report_add_loop(struct summary_loop *all, const struct summary_loop *one)
{
	all->passed += one->passed;
	all->failed += one->failed;
	all->blocked += one->blocked;
	all->left += one->left;
	add_sum(&all->spent, &one->spent);
	add_sum(&all->wasted, &one->wasted);
	for (int cause = 0; cause < LOST_CAUSES; cause++)
		all->lost_ms[cause] += one->lost_ms[cause];
}

/* The fleet is done with its last loop, if all of them will be. */
static void
add_up(struct report *r)
{
	bool unknown = false;

	r->all.spent.tokens = r->all.wasted.tokens = -1;
	for (size_t i = 0; i < r->sum.n; i++) {
		const struct summary_loop *loop = &r->sum.loops[i];
		int64_t done_ms = summary_done_ms(&r->sum, loop);

		report_add_loop(&r->all, loop);
		unknown |= loop->left > 0 && done_ms == 0;
		if (done_ms > r->done_ms)
			r->done_ms = done_ms;
	}
	if (unknown)
		r->done_ms = 0;
}

/* People are shown some of many blocked tests, but told of all. */
static void
count_needs(struct report *r)
{
	int64_t blocked = 0;
	json_t *item;
	size_t i;

	json_array_foreach(r->waiting, i, item)
	{
		blocked += strcmp(print_json_get(item, "kind"), "blocked") == 0;
	}
	if (!r->whole && r->all.blocked - r->nasked > blocked)
		r->nunlisted = r->all.blocked - r->nasked - blocked;
	r->needs =
	    (int64_t)json_array_size(r->waiting) + r->nunlisted + r->nasking;
}

/* ---- verdict ---- */

void
report_format_done(char buf[static REPORT_DONE_SIZE], int64_t done_ms)
{
	int64_t in_ms = done_ms - clock_wall_ms();
	time_t done = (time_t)(done_ms / 1000);
	struct tm tm;

	buf[0] = '\0';
	if (done_ms == 0 || localtime_r(&done, &tm) == NULL)
		return;
	(void)strftime(buf, REPORT_DONE_SIZE,
	    in_ms < DAY_MS	       ? "%H:%M"
		: in_ms < 6 * DAY_MS   ? "%a %H:%M"
		: in_ms < 300 * DAY_MS ? "%d %b"
				       : "%Y-%m",
	    &tm);
}

static bool
is_held_up(const struct report *r)
{
	for (size_t i = 0; i < r->sum.n; i++)
		if (r->sum.loops[i].left > 0 && !r->sum.loops[i].is_paused &&
		    !r->sum.loops[i].is_stopped)
			return false;
	return r->all.left > 0;
}

static void
judge(struct report *r)
{
	char done[REPORT_DONE_SIZE];
	struct buf b;

	buf_init(&b, r->verdict, sizeof(r->verdict));
	r->is_well = r->needs == 0 && !is_held_up(r);
	if (r->needs > 0)
		buf_addf(&b, "%lld thing%s you", (long long)r->needs,
		    r->needs == 1 ? " needs" : "s need");
	else
		buf_add(&b, r->is_well ? "all well" : "nobody works");
	buf_addf(&b, ": %lld passed, ", (long long)r->all.passed);
	if (r->all.left == 0) {
		buf_add(&b, "nothing left");
		return;
	}
	buf_addf(&b, "%lld left", (long long)r->all.left);
	report_format_done(done, r->done_ms);
	if (done[0] != '\0')
		buf_addf(&b, ", done by ~%s", done);
}

/* ---- what to do ---- */

static bool
has_command(const json_t *list, const char *command)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		if (strcmp(print_json_get(item, "command"), command) == 0)
			return true;
	}
	return false;
}

static void
add_next(struct report *r, const char *command, const char *why)
{
	if (command[0] != '\0' && json_array_size(r->next) < SUMMARY_NEXT &&
	    !has_command(r->next, command))
		(void)json_array_append_new(
		    r->next, paste_item(command, "%s", why));
}

/* One blocked test stands for all of them: else nothing else would be there. */
static void
add_waiting(struct report *r)
{
	bool has_blocked = false;
	json_t *item;
	size_t i;

	json_array_foreach(r->waiting, i, item)
	{
		bool blocked =
		    strcmp(print_json_get(item, "kind"), "blocked") == 0;

		if (!blocked || !has_blocked)
			add_next(r, print_json_get(item, "command"),
			    print_json_get(item, "text"));
		has_blocked |= blocked;
	}
}

static void
add_others(struct report *r)
{
	char command[SUMMARY_COMMAND];
	json_t *item;
	size_t i;

	json_array_foreach(r->broken, i, item)
	{
		if (strcmp(print_json_get(item, "status"), "open") == 0)
			add_next(r, print_json_get(item, "command"),
			    print_json_get(item, "text"));
	}
	json_array_foreach(r->commits, i, item)
	{
		add_next(r, print_json_get(item, "command"), "review");
		add_next(r, print_json_get(item, "merge"), "merge");
	}
	for (size_t n = 0; n < r->sum.n; n++) {
		const struct summary_loop *loop = &r->sum.loops[n];

		if (loop->is_paused && loop->left > 0)
			add_next(r,
			    report_command(r, command, "resume", loop->id),
			    "it is paused, and has tests left");
	}
	if (r->all.left == 0)
		add_next(r, report_command(r, command, "help import", NULL),
		    "nothing is left to do");
}

void
report_conclude(struct report *r)
{
	add_up(r);
	count_needs(r);
	judge(r);
	add_waiting(r);
	add_others(r);
}

/* ---- what two faces say alike ---- */

static void
add_spent(struct buf *b, const struct budget_sum *sum, const char *unit)
{
	char usd[MONEY_SIZE], tokens[MONEY_SIZE];

	money_format(usd, sum);
	buf_addf(b, "%s USD", usd);
	if (sum->tokens < 0)
		return;
	money_format_tokens(tokens, sum->tokens);
	buf_addf(b, ", %s%s", tokens, unit);
}

void
report_add_cost(struct buf *b, const struct report *r)
{
	const struct budget_sum *spent = &r->all.spent;
	const struct budget_sum *wasted = &r->all.wasted;
	int64_t passed = r->all.passed;

	if (spent->known + spent->unknown == 0) {
		buf_add(b, "nothing was spent");
		return;
	}
	add_spent(b, spent, " tokens");
	if (passed > 0 && spent->known > 0) {
		buf_addf(b, "; per passed test %s",
		    spent->unknown > 0 ? "at least " : "");
		add_spent(b,
		    &(struct budget_sum){ .micros = spent->micros / passed,
			.known = 1,
			.tokens =
			    spent->tokens < 0 ? -1 : spent->tokens / passed },
		    "");
	}
	if (wasted->known + wasted->unknown > 0) {
		buf_add(b, "; on what failed ");
		add_spent(b, wasted, "");
	}
}

/* Hours, or minutes below one. */
static void
add_time(struct buf *b, int64_t ms)
{
	int64_t minutes = (ms + 30000) / 60000;

	if (minutes < 60)
		buf_addf(b, "%lldm", (long long)minutes);
	else
		buf_addf(b, "%.1fh", (double)ms / 3600000);
}

void
report_add_lost(struct buf *b, const struct report *r)
{
	int64_t all_ms =
	    (r->sum.until_ms - r->sum.since_ms) * (int64_t)r->sum.n;
	int64_t lost_ms = 0;
	int named = 0;

	for (int cause = 0; cause < LOST_CAUSES; cause++)
		lost_ms += r->all.lost_ms[cause];
	if (lost_ms < 60000) {
		buf_add(b, "nothing");
		return;
	}
	add_time(b, lost_ms);
	buf_add(b, " of ");
	add_time(b, all_ms);
	for (int cause = 0; cause < LOST_CAUSES; cause++) {
		if (r->all.lost_ms[cause] < 60000)
			continue;
		buf_addf(b, "%s%s ", named++ == 0 ? ": " : ", ",
		    summary_cause_name((enum summary_cause)cause));
		add_time(b, r->all.lost_ms[cause]);
	}
}
