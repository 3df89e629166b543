#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "store/alerts.h"
#include "store/expiry.h"
#include "store/gates.h"
#include "store/note.h"
#include "store/statement.h"

/* A time farther away was misread. */
#define FARTHEST_MS (31LL * 24 * 60 * 60 * 1000)

#define CAUSE_SIZE (TEXT_NAME_MAX + 8)

#define GATE                                                        \
	"SELECT provider, reason, closed_at, open_at,"              \
	" CASE WHEN probe_until > ?1 THEN probe_by END, failures, " \
	"message, login FROM gates"

static const char *const names[] = {
	[GATE_UNAVAILABLE] = "unavailable",
	[GATE_RATE_LIMITED] = "rate_limited",
	[GATE_AUTH] = "auth",
};

static enum gate_reason
parse_reason(const char *name)
{
	if (strcmp(name, names[GATE_AUTH]) == 0)
		return GATE_AUTH;
	return strcmp(name, names[GATE_UNAVAILABLE]) == 0 ? GATE_UNAVAILABLE
							  : GATE_RATE_LIMITED;
}

static void
format_cause(char buf[static CAUSE_SIZE], const char *provider)
{
	(void)snprintf(buf, CAUSE_SIZE, "gate:%s", provider);
}

/* What the clocks say differs by a millisecond or two; an end at 05:00 would
 * be told as 04:59 then. */
static int64_t
round_to_second(int64_t ms)
{
	return (ms + 500) / 1000 * 1000;
}

/* The next row of a query that begins with GATE: 1, 0 no more, -1. */
static int
next_gate(struct store *s, struct sqlite3_stmt *q, struct gate *ret)
{
	int64_t now_ms = expiry_now_ms(s), open_ms;
	char reason[16], open_at[CLOCK_ISO_SIZE];
	struct gate g = { 0 };
	int found = statement_row(s, q, "sssssnss", g.provider,
	    sizeof(g.provider), reason, sizeof(reason), g.closed_at,
	    sizeof(g.closed_at), open_at, sizeof(open_at), g.probe_by,
	    sizeof(g.probe_by), &g.failures, g.message, sizeof(g.message),
	    g.login, sizeof(g.login));

	if (found <= 0)
		return found;
	g.reason = parse_reason(reason);
	if (clock_parse_iso(open_at, &open_ms) < 0)
		open_ms = now_ms; /* somebody edited it */
	g.until_ms = round_to_second(clock_wall_ms() + open_ms - now_ms);
	g.due = open_ms <= now_ms;
	*ret = g;
	return 1;
}

/* 1 it is closed, 0 it is open, -1. */
static int
read_gate(struct store *s, const char *provider, struct gate *ret)
{
	char now[CLOCK_ISO_SIZE];
	struct sqlite3_stmt *q;
	int found;

	expiry_format(s, now, 0);
	q = statement_query(
	    s, GATE " WHERE provider = ?2", "tt", now, provider);
	found = next_gate(s, q, ret);
	statement_end(q);
	return found;
}

static int64_t
backoff_ms(int failures)
{
	int64_t ms = GATE_BACKOFF_MS;

	while (--failures > 0 && ms < GATE_BACKOFF_MAX_MS)
		ms *= 2;
	return ms < GATE_BACKOFF_MAX_MS ? ms : GATE_BACKOFF_MAX_MS;
}

/* How long from now the news says that it lasts; 0: it doesn't. */
static int64_t
named_ms(const struct gate_news *news)
{
	int64_t ms = news->reset_wall_ms - clock_wall_ms();

	if (news->reset_wall_ms <= 0 || ms <= 0)
		return 0;
	return ms < FARTHEST_MS ? ms : FARTHEST_MS;
}

/* What another loop tells of a gate that is closed already. Returns whether
 * anything is to be written. */
static bool
prolong(struct gate *g, const struct gate_news *news, int64_t *in_ms)
{
	int64_t left_ms = g->until_ms - clock_wall_ms();
	bool worse = news->reason > g->reason;

	*in_ms = named_ms(news);
	/* A limit beside a missing login changes nothing about that; nor does
	 * an outage about either. */
	if (!worse && (*in_ms <= left_ms || g->reason != news->reason))
		return false;
	if (*in_ms < left_ms)
		*in_ms = left_ms;
	g->reason = news->reason;
	return true;
}

/* It was tried, or never closed. */
static void
fail(struct gate *g, const struct gate_news *news, int64_t *in_ms)
{
	g->failures++;
	g->reason = news->reason;
	g->probe_by[0] = '\0';
	*in_ms = named_ms(news);
	if (*in_ms == 0)
		*in_ms = backoff_ms(g->failures);
	/* A named time that proved wrong isn't taken at its word again. */
	else if (g->failures > 1 && *in_ms < backoff_ms(g->failures - 1))
		*in_ms = backoff_ms(g->failures - 1);
}

static int
write_gate(struct store *s, const struct gate *g, const struct gate_news *news,
    int64_t in_ms)
{
	char open_at[CLOCK_ISO_SIZE];

	expiry_format(s, open_at, in_ms);
	return statement_run(s,
	    "INSERT INTO gates (provider, reason, closed_at, open_at, failures,"
	    " message, login) VALUES (?1, ?2, " NOTE_NOW ", ?3, ?4, ?5, ?6)"
	    " ON CONFLICT (provider) DO UPDATE SET reason = excluded.reason,"
	    " open_at = excluded.open_at, failures = excluded.failures,"
	    " message = ifnull(excluded.message, message),"
	    " login = ifnull(excluded.login, login),"
	    " probe_by = nullif(?7, ''),"
	    " probe_until = CASE ?7 WHEN '' THEN NULL ELSE probe_until END",
	    "tttittt", news->provider, names[g->reason], open_at,
	    (int64_t)g->failures, news->message, news->login, g->probe_by);
}

static void
format_message(char *buf, size_t size, const struct gate_news *news)
{
	const char *said = news->message != NULL ? news->message : "";

	if (news->reason == GATE_AUTH)
		(void)snprintf(buf, size,
		    "%s wants a login%s%s; no loop uses it: run '%s', then "
		    "loopkeeper gates --open %s",
		    news->provider, said[0] != '\0' ? ": " : "", said,
		    news->login != NULL ? news->login : news->provider,
		    news->provider);
	else
		(void)snprintf(buf, size,
		    "%s is %s%s%s; no loop uses it until it answers again "
		    "('loopkeeper gates' says when it is tried)",
		    news->provider,
		    news->reason == GATE_RATE_LIMITED
			? "rate limited"
			: "unavailable, or out of reach",
		    said[0] != '\0' ? ": " : "", said);
}

/* One alert, and one event, until the gate opens or is closed for another
 * reason. */
static int
tell(struct store *s, const struct gate_news *news, bool other, int64_t in_ms)
{
	char cause[CAUSE_SIZE], message[768], until[CLOCK_ISO_SIZE];
	struct alert alert = { .cause = cause,
		.severity = news->reason == GATE_AUTH ? "critical" : "warning",
		.type = names[news->reason],
		.source = news->by,
		.message = message };
	int raised;

	format_cause(cause, news->provider);
	format_message(message, sizeof(message), news);
	if (other && alerts_clear_within(s, news->by, cause) < 0)
		return -1;
	raised = alerts_raise_within(s, &alert, NULL);
	if (raised <= 0 || news->reason != GATE_RATE_LIMITED)
		return raised < 0 ? -1 : 0;
	clock_format_iso(until, clock_wall_ms() + in_ms);
	return note_event(s, news->by, "rate_limited", "tttt", "loop_id",
	    news->by, "provider", news->provider, "until", until, "message",
	    news->message);
}

/* Inside the transaction. */
static int
close_gate(struct store *s, const struct gate_news *news)
{
	struct gate g = { 0 };
	int64_t in_ms;
	int closed = read_gate(s, news->provider, &g);
	enum gate_reason before = g.reason;
	bool tried = strcmp(g.probe_by, news->by) == 0 ||
	    (g.due && g.probe_by[0] == '\0');

	if (closed < 0)
		return -1;
	if (closed == 0 || tried)
		fail(&g, news, &in_ms);
	else if (!prolong(&g, news, &in_ms))
		return 0;
	if (write_gate(s, &g, news, in_ms) < 0)
		return -1;
	return tell(s, news, closed == 1 && before != g.reason, in_ms);
}

int
gates_close(struct store *s, const struct gate_news *news)
{
	return note_begin(s) < 0 ? -1 : store_end(s, close_gate(s, news));
}

/* 1 the loop is the one that tries, 0 somebody else is, -1. */
static int
take_probe(struct store *s, const char *provider, const char *loop_id)
{
	char now[CLOCK_ISO_SIZE], until[CLOCK_ISO_SIZE];
	int begun = store_begin(s);

	if (begun != 0)
		return begun < 0 ? -1 : 0;
	expiry_format(s, now, 0);
	expiry_format(s, until, GATE_PROBE_MS);
	return store_end(s,
	    statement_change(s,
		"UPDATE gates SET probe_by = ?2, probe_until = ?3"
		" WHERE provider = ?1"
		" AND ifnull(julianday(open_at) <= julianday(?4), 1)"
		" AND (probe_by IS NULL OR probe_by = ?2"
		" OR ifnull(probe_until, '') <= ?4)",
		"tttt", provider, loop_id, until, now));
}

int
gates_ask(struct store *s, const char *provider, const char *loop_id,
    struct gate *ret)
{
	struct gate g = { 0 };
	int closed = read_gate(s, provider, &g), taken = 0;

	if (closed < 0)
		return -1;
	if (closed == 1 && g.due &&
	    (g.probe_by[0] == '\0' || strcmp(g.probe_by, loop_id) == 0)) {
		taken = take_probe(s, provider, loop_id);
		if (taken < 0)
			return -1;
		if (taken == 1)
			(void)strlcpy(g.probe_by, loop_id, sizeof(g.probe_by));
	}
	g.probe = taken == 1;
	*ret = g;
	return closed == 0 || taken == 1;
}

static int
open_gate(struct store *s, const char *provider, const char *by)
{
	char cause[CAUSE_SIZE];
	int opened = statement_change(
	    s, "DELETE FROM gates WHERE provider = ?1", "t", provider);

	format_cause(cause, provider);
	if (opened > 0 && alerts_clear_within(s, by, cause) < 0)
		return -1;
	return opened;
}

/* Whether what the loop says of the provider is newer than the closing. */
static bool
may_open(const struct gate *g, const char *loop_id)
{
	return g->due || strcmp(g->probe_by, loop_id) == 0;
}

int
gates_passed(struct store *s, const char *provider, const char *loop_id)
{
	struct gate g;
	int closed = read_gate(s, provider, &g);

	if (closed <= 0 || !may_open(&g, loop_id))
		return closed < 0 ? -1 : 0;
	if (note_begin(s) < 0)
		return -1;
	closed = read_gate(s, provider, &g);
	if (closed == 1)
		closed =
		    may_open(&g, loop_id) ? open_gate(s, provider, loop_id) : 0;
	return store_end(s, closed);
}

int
gates_leave(struct store *s, const char *provider, const char *loop_id)
{
	return statement_run(s,
	    "UPDATE gates SET probe_by = NULL, probe_until = NULL"
	    " WHERE provider = ?1 AND probe_by = ?2",
	    "tt", provider, loop_id);
}

int
gates_open(struct store *s, const char *provider, const char *by)
{
	return note_begin(s) < 0 ? -1
				 : store_end(s, open_gate(s, provider, by));
}

int
gates_each(struct store *s,
    int (*each)(const struct gate *gate, void *argument), void *argument)
{
	char now[CLOCK_ISO_SIZE];
	struct sqlite3_stmt *q;
	struct gate g;
	int result;

	expiry_format(s, now, 0);
	q = statement_query(s, GATE " ORDER BY provider", "t", now);
	while ((result = next_gate(s, q, &g)) == 1 &&
	    (result = each(&g, argument)) == 0)
		continue;
	statement_end(q);
	return result;
}

const char *
gates_reason_words(enum gate_reason reason)
{
	static const char *const words[] = {
		[GATE_UNAVAILABLE] = "unavailable",
		[GATE_RATE_LIMITED] = "rate-limited",
		[GATE_AUTH] = "login needed",
	};

	return words[reason];
}

void
gates_describe(char buf[static GATE_TEXT_SIZE], const struct gate *gate)
{
	const char *words = gates_reason_words(gate->reason);
	char until[CLOCK_LOCAL_SIZE];

	clock_format_local(until, gate->until_ms);
	if (gate->probe_by[0] != '\0')
		(void)snprintf(buf, GATE_TEXT_SIZE, "%s (%s, %s tries it)",
		    words, gate->provider, gate->probe_by);
	else if (gate->reason == GATE_AUTH)
		(void)snprintf(buf, GATE_TEXT_SIZE,
		    "%s (%s: run '%s', then loopkeeper gates --open %s)", words,
		    gate->provider,
		    gate->login[0] != '\0' ? gate->login : gate->provider,
		    gate->provider);
	else if (gate->due)
		(void)snprintf(buf, GATE_TEXT_SIZE, "%s (%s, to be tried next)",
		    words, gate->provider);
	else
		(void)snprintf(buf, GATE_TEXT_SIZE, "%s (%s, %s %s)", words,
		    gate->provider,
		    gate->reason == GATE_RATE_LIMITED ? "until" : "next try at",
		    until);
}
