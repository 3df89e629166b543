/* `summary --json`: all of it. Fields are added, never renamed. */
#include "base/clock.h"
#include "cli/print.h"
#include "cli/summary.h"

static json_t *
time_json(int64_t wall_ms)
{
	char text[CLOCK_ISO_SIZE];

	if (wall_ms == 0)
		return json_null();
	clock_format_iso(text, wall_ms);
	return json_string(text);
}

static json_t *
cost_json(const struct budget_sum *sum)
{
	return json_pack("{s:o,s:I,s:o}", "usd",
	    sum->known == 0 && sum->unknown > 0
		? json_null()
		: json_real((double)sum->micros / 1e6),
	    "unknown", (json_int_t)sum->unknown, "tokens",
	    sum->tokens < 0 ? json_null() : json_integer(sum->tokens));
}

static json_t *
lost_json(const struct summary_loop *loop)
{
	static const char *const keys[LOST_CAUSES] = {
		[LOST_STUCK] = "stuck_ms",
		[LOST_PAUSED] = "paused_ms",
		[LOST_STOPPED] = "stopped_ms",
		[LOST_EMPTY] = "queue_empty_ms",
		[LOST_LIMIT] = "rate_limit_ms",
		[LOST_UNAVAILABLE] = "unavailable_ms",
		[LOST_DEGRADED] = "degraded_ms",
	};
	json_t *lost = json_object();

	for (int cause = 0; cause < LOST_CAUSES; cause++)
		(void)json_object_set_new(
		    lost, keys[cause], json_integer(loop->lost_ms[cause]));
	return lost;
}

static json_t *
loop_json(const struct summary_loop *loop, int64_t done_ms)
{
	return json_pack("{s:o,s:I,s:I,s:I,s:I,s:o,s:o,s:o,s:o}", "loop_id",
	    print_json_set(loop->id), "passed", (json_int_t)loop->passed,
	    "failed", (json_int_t)loop->failed, "blocked",
	    (json_int_t)loop->blocked, "left", (json_int_t)loop->left,
	    "done_by", time_json(done_ms), "spent", cost_json(&loop->spent),
	    "on_what_failed", cost_json(&loop->wasted), "lost",
	    lost_json(loop));
}

int
report_print_json(const struct report *r)
{
	json_t *loops = json_array();

	for (size_t i = 0; i < r->sum.n; i++)
		(void)json_array_append_new(loops,
		    loop_json(&r->sum.loops[i],
			summary_done_ms(&r->sum, &r->sum.loops[i])));
	return print_json(
	    json_pack("{s:o,s:o,s:s,s:b,s:I,s:o,s:o,s:O,s:O,s:O,s:O,s:O}",
		"since", time_json(r->sum.since_ms), "until",
		time_json(r->sum.until_ms), "verdict", r->verdict, "well",
		r->is_well, "needs", (json_int_t)r->needs, "all",
		loop_json(&r->all, r->done_ms), "loops", loops, "commits",
		r->commits, "decided", r->decided, "broken", r->broken,
		"waiting", r->waiting, "next", r->next),
	    CLI_DONE);
}
