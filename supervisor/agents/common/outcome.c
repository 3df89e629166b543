#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/common/json_file.h"
#include "agents/common/outcome.h"
#include "base/io.h"
#include "base/path.h"

#define FILE_SIZE 32768

/* What an attempt left and cost, as outcome_save() adds it since there is such
 * a thing. */
static json_t *
pack_facts(const struct attempt_end *end)
{
	return json_pack(
	    "{s:I, s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:I, s:s, s:s}",
	    "tokens", (json_int_t)end->tokens, "cost_micros",
	    (json_int_t)end->cost_micros, "session_id", end->session_id,
	    "provider", end->provider, "base_commit", end->base_commit,
	    "result_commit", end->result_commit, "snapshot_ref",
	    end->snapshot_ref, "files_modified", end->files_modified,
	    "draining", end->draining, "retry_delay_ms",
	    (json_int_t)end->retry_delay_ms, "fingerprint", end->fingerprint,
	    "broken_test", end->broken_test);
}

/* NULL for none. */
static json_t *
pack_refusal(const struct gate_news *news)
{
	if (news->provider == NULL)
		return NULL;
	return json_pack("{s:s, s:s, s:I, s:s*, s:s*}", "provider",
	    news->provider, "reason", gates_reason_words(news->reason),
	    "reset_wall_ms", (json_int_t)news->reset_wall_ms, "message",
	    news->message, "login", news->login);
}

int
outcome_save(const char *path, const struct outcome *outcome)
{
	const struct attempt_key *key = &outcome->key;
	const struct attempt_end *end = &outcome->end;

	/* json_pack() takes pack_facts() over, and passes its NULL on. */
	return json_file_replace(path,
	    json_pack("{s:s, s:s, s:I, s:s, s:s, s:i, s:s, s:b, s:s, s:I, s:i,"
		      " s:s, s:o, s:o*}",
		"id", key->id, "epoch", key->epoch, "fence",
		(json_int_t)key->fence, "test_id", key->test_id, "loop_id",
		key->loop_id, "attempt", key->attempt, "outcome",
		attempt_outcome_name(end->outcome), "parked", end->parked,
		"detail", end->detail, "duration_ms",
		(json_int_t)end->duration_ms, "max_attempts", end->max_attempts,
		"leftovers", end->leftovers, "facts", pack_facts(end),
		"refusal", pack_refusal(&outcome->refusal)),
	    true);
}

static int
copy(char *ret, size_t size, const char *text)
{
	return snprintf(ret, size, "%s", text) < (int)size ? 0 : -1;
}

/* NULL for a file of a loopkeeper that knew nothing of them. */
static int
read_facts(json_t *facts, struct attempt_end *end)
{
	const char *session = "", *provider = "", *base = "", *commit = "";
	const char *snapshot = "", *files = "", *print = "", *broken = "";
	json_int_t tokens = ATTEMPT_UNKNOWN, cost = ATTEMPT_UNKNOWN, delay = 0;
	int draining = 0;

	if (facts != NULL &&
	    json_unpack(facts,
		"{s:I, s:I, s:s, s:s, s:s, s:s, s:s, s:s, s?:b, s?:I, s?:s,"
		" s?:s}",
		"tokens", &tokens, "cost_micros", &cost, "session_id", &session,
		"provider", &provider, "base_commit", &base, "result_commit",
		&commit, "snapshot_ref", &snapshot, "files_modified", &files,
		"draining", &draining, "retry_delay_ms", &delay, "fingerprint",
		&print, "broken_test", &broken) < 0)
		return -1;
	end->tokens = tokens;
	end->cost_micros = cost;
	end->draining = draining != 0;
	end->retry_delay_ms = delay;
	if (copy(end->session_id, sizeof(end->session_id), session) < 0 ||
	    copy(end->provider, sizeof(end->provider), provider) < 0 ||
	    copy(end->base_commit, sizeof(end->base_commit), base) < 0 ||
	    copy(end->result_commit, sizeof(end->result_commit), commit) < 0 ||
	    copy(end->snapshot_ref, sizeof(end->snapshot_ref), snapshot) < 0 ||
	    copy(end->fingerprint, sizeof(end->fingerprint), print) < 0 ||
	    copy(end->broken_test, sizeof(end->broken_test), broken) < 0)
		return -1;
	return copy(end->files_modified, sizeof(end->files_modified), files);
}

static enum gate_reason
parse_reason(const char *words)
{
	static const enum gate_reason others[] = { GATE_AUTH,
		GATE_UNAVAILABLE };

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (strcmp(words, gates_reason_words(others[i])) == 0)
			return others[i];
	return GATE_RATE_LIMITED;
}

/* Its texts stay those of json, which may be NULL. */
static int
read_refusal(json_t *json, struct gate_news *news)
{
	json_int_t reset_wall_ms;
	const char *reason;

	if (json == NULL)
		return 0;
	if (json_unpack(json, "{s:s, s:s, s:I, s?:s, s?:s}", "provider",
		&news->provider, "reason", &reason, "reset_wall_ms",
		&reset_wall_ms, "message", &news->message, "login",
		&news->login) < 0)
		return -1;
	news->reason = parse_reason(reason);
	news->reset_wall_ms = reset_wall_ms;
	return 0;
}

/* As read_refusal(). */
static int
read_json(json_t *json, struct outcome *ret)
{
	const char *id, *epoch, *test_id, *loop_id, *outcome, *detail, *left;
	json_int_t fence, duration_ms;
	struct outcome o = { 0 };
	json_t *facts = NULL, *refusal = NULL;
	int parked;

	if (json_unpack(json,
		"{s:s, s:s, s:I, s:s, s:s, s:i, s:s, s:b, s:s, s:I, s:i, s:s,"
		" s?:o, s?:o}",
		"id", &id, "epoch", &epoch, "fence", &fence, "test_id",
		&test_id, "loop_id", &loop_id, "attempt", &o.key.attempt,
		"outcome", &outcome, "parked", &parked, "detail", &detail,
		"duration_ms", &duration_ms, "max_attempts",
		&o.end.max_attempts, "leftovers", &left, "facts", &facts,
		"refusal", &refusal) < 0 ||
	    copy(o.key.id, sizeof(o.key.id), id) < 0 ||
	    copy(o.key.epoch, sizeof(o.key.epoch), epoch) < 0 ||
	    copy(o.key.test_id, sizeof(o.key.test_id), test_id) < 0 ||
	    copy(o.key.loop_id, sizeof(o.key.loop_id), loop_id) < 0 ||
	    copy(o.end.detail, sizeof(o.end.detail), detail) < 0 ||
	    copy(o.end.leftovers, sizeof(o.end.leftovers), left) < 0 ||
	    !attempt_outcome_parse(outcome, &o.end.outcome) ||
	    read_facts(facts, &o.end) < 0 ||
	    read_refusal(refusal, &o.refusal) < 0)
		return -1;
	o.key.fence = fence;
	o.end.parked = parked != 0;
	o.end.duration_ms = duration_ms;
	*ret = o;
	return 0;
}

/* 1, and *ret_json is to be freed after *ret; 0 when there is none; -1 with
 * errno, EBADMSG where it can't be understood. */
static int
load(const char *path, struct outcome *ret, json_t **ret_json)
{
	char text[FILE_SIZE];
	json_t *json;

	if (io_read_file(AT_FDCWD, path, text, sizeof(text)) < 0)
		return errno == ENOENT ? 0 : -1;
	json = json_loads(text, 0, NULL);
	if (json == NULL || read_json(json, ret) < 0) {
		json_decref(json);
		errno = EBADMSG;
		return -1;
	}
	*ret_json = json;
	return 1;
}

/* The gate first: nothing is claimed before both are written. */
static int
write_outcome(
    struct store *s, struct outcome *o, enum attempt_result *ret_result)
{
	o->refusal.by = o->key.loop_id;
	if (o->refusal.provider != NULL && gates_close(s, &o->refusal) < 0)
		return -1;
	return attempts_end(s, &o->key, &o->end, ret_result);
}

int
outcome_apply(const char *path, struct store *s, struct log *log)
{
	enum attempt_result result;
	char bad[PATH_SIZE];
	struct outcome o;
	json_t *json;
	int found = load(path, &o, &json), written;

	if (found < 0) {
		log_line(log, "%s: %s; put aside as %s.bad", path,
		    strerror(errno), path);
		return path_format(bad, "%s.bad", path) < 0 ? -1
							    : rename(path, bad);
	}
	if (found == 0)
		return 0;
	written = write_outcome(s, &o, &result);
	json_decref(json);
	if (written < 0)
		return -1;
	outcome_remove(path);
	log_line(log, "%s: the outcome of an earlier run, %s, is %s",
	    o.key.test_id, attempt_outcome_name(o.end.outcome),
	    result == RESULT_NOTHING || result == RESULT_REPLACED
		? "out of date"
		: "written");
	return 0;
}

void
outcome_remove(const char *path)
{
	(void)unlink(path);
}
