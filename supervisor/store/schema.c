#include <errno.h>
#include <string.h>

#include "store/note.h"
#include "store/schema.h"
#include "store/schema_table.h"
#include "store/scopes.h"
#include "store/statement.h"

#define NOW   "TEXT DEFAULT (" NOTE_NOW ")"
#define SQUID "TEXT PRIMARY KEY DEFAULT (lower(hex(randomblob(8))))"

/* A field of the payload as a column; other writers' payloads may be no JSON,
 * and must not make their rows impossible. */
#define FIELD(name)                                                     \
	name " TEXT GENERATED ALWAYS AS (CASE WHEN"                     \
	     " json_valid(payload) THEN json_extract(payload, '$." name \
	     "') END) VIRTUAL"

/* What CREATE TABLE says; it is taken apart by its commas for those who have
 * the table, but not all of its columns. */
static const char *const tables[] = {
	"loops (id TEXT PRIMARY KEY NOT NULL, name TEXT,"
	" priority INTEGER DEFAULT 5, branch TEXT,"
	" status TEXT DEFAULT 'stopped', current_test_id TEXT, pid INTEGER,"
	" created_at " NOW ", updated_at " NOW ")",

	"tests (id TEXT PRIMARY KEY NOT NULL,"
	" loop_id TEXT REFERENCES loops(id), category TEXT,"
	" status TEXT NOT NULL DEFAULT 'pending', attempts INTEGER DEFAULT 0,"
	" max_attempts INTEGER DEFAULT 3, last_result TEXT, depends_on TEXT,"
	" automatable INTEGER DEFAULT 1, notes TEXT, spec_content TEXT,"
	" last_attempt_at TEXT, passed_at TEXT, verified_at TEXT,"
	" created_at " NOW ", verify TEXT, worker TEXT, files TEXT,"
	" test_files TEXT, reason TEXT, sort_order INTEGER,"
	" allow_test_changes INTEGER DEFAULT 0, verified_commit TEXT,"
	" waiting INTEGER DEFAULT 0, retry_at TEXT, parked TEXT,"
	" runs INTEGER DEFAULT 0, flakes INTEGER DEFAULT 0, claimed_at TEXT,"
	" evidence TEXT, second_worker INTEGER DEFAULT 0,"
	" place INTEGER GENERATED ALWAYS AS"
	" (CAST(ifnull(sort_order, 0) AS INTEGER)) VIRTUAL)",

	"events (id TEXT PRIMARY KEY NOT NULL, timestamp " NOW " NOT NULL,"
	" source TEXT, event_type TEXT, payload TEXT DEFAULT '{}',"
	" correlation_id TEXT, priority INTEGER DEFAULT 5,"
	" acknowledged INTEGER DEFAULT 0, acknowledged_by TEXT,"
	" acknowledged_at TEXT, " FIELD("test_id") ", " FIELD(
	    "loop_id") ", " FIELD("component") ")",

	"subscriptions (id " SQUID ", subscriber TEXT, event_types TEXT,"
	" filter_sources TEXT, last_poll_at TEXT, active INTEGER DEFAULT 1)",

	"file_locks (file_path TEXT PRIMARY KEY NOT NULL,"
	" locked_by TEXT NOT NULL, locked_at " NOW ", lock_reason TEXT,"
	" expires_at TEXT, test_id TEXT, attempt_id TEXT,"
	" renewed INTEGER DEFAULT 0)",

	"wait_graph (waiter TEXT NOT NULL, holder TEXT NOT NULL,"
	" resource TEXT NOT NULL, waiting_since " NOW ", test_id TEXT,"
	" expires_at TEXT, PRIMARY KEY (waiter, holder, resource))",

	"passing_tests (test_id TEXT NOT NULL, commit_hash TEXT NOT NULL,"
	" passed_at " NOW ", PRIMARY KEY (test_id, commit_hash))",

	"checkpoints (id " SQUID ", loop_id TEXT, test_id TEXT, git_ref TEXT,"
	" checkpoint_type TEXT DEFAULT 'attempt', created_at " NOW ","
	" deleted_at TEXT)",

	"decisions (id TEXT PRIMARY KEY NOT NULL, decision_type TEXT,"
	" summary TEXT, options TEXT, default_option TEXT, context TEXT,"
	" timeout_minutes INTEGER DEFAULT 60,"
	" status TEXT NOT NULL DEFAULT 'pending', requested_at " NOW ","
	" requested_by TEXT, decided_at TEXT, decided_by TEXT, choice TEXT,"
	" comment TEXT, applied_at TEXT, seen_boot TEXT, seen_ms INTEGER)",

	"component_health (component TEXT PRIMARY KEY NOT NULL,"
	" last_heartbeat TEXT, status TEXT DEFAULT 'unknown', metadata TEXT)",

	"alerts (id " SQUID ", severity TEXT DEFAULT 'warning',"
	" alert_type TEXT, source TEXT, message TEXT, context TEXT,"
	" acknowledged INTEGER DEFAULT 0, acknowledged_by TEXT,"
	" acknowledged_at TEXT, created_at " NOW ")",

	"usage (id " SQUID ", loop_id TEXT, test_id TEXT,"
	" tokens_estimated INTEGER, duration_seconds REAL,"
	" files_modified TEXT, recorded_at " NOW ", cost_usd REAL,"
	" attempt_id TEXT, outcome TEXT)",

	"attempts (id TEXT PRIMARY KEY NOT NULL, epoch TEXT, test_id TEXT,"
	" loop_id TEXT, fence INTEGER, state TEXT DEFAULT 'claimed',"
	" outcome TEXT, lease_until TEXT, boot_id TEXT, pid INTEGER,"
	" pid_start INTEGER, base_commit TEXT, result_commit TEXT,"
	" snapshot_ref TEXT, transcript TEXT, tokens INTEGER, cost_usd REAL,"
	" started_at TEXT, ended_at TEXT, provider TEXT, session_id TEXT,"
	" repository TEXT, integration_branch TEXT,"
	" draining INTEGER DEFAULT 0, command TEXT,"
	" fingerprint TEXT, second_worker INTEGER DEFAULT 0,"
	" broken_test TEXT, stop_reason TEXT, take_up INTEGER DEFAULT 0)",

	"gates (provider TEXT PRIMARY KEY NOT NULL, reason TEXT NOT NULL,"
	" closed_at " NOW ", open_at TEXT NOT NULL,"
	" failures INTEGER DEFAULT 1, probe_by TEXT, probe_until TEXT,"
	" message TEXT, login TEXT)",

	"budget_raises (day TEXT NOT NULL, loop_id TEXT NOT NULL,"
	" usd REAL NOT NULL, PRIMARY KEY (day, loop_id))",

	"regressions (id " SQUID ", test_id TEXT NOT NULL, loop_id TEXT,"
	" status TEXT NOT NULL DEFAULT 'open', cause TEXT,"
	" failing_commit TEXT, last_good_commit TEXT, transcript TEXT,"
	" detected_at " NOW ", checked_at TEXT, closed_at TEXT,"
	" first_bad_commit TEXT, blamed_loop TEXT, blamed_test TEXT,"
	" blamed_attempt TEXT, blamed_transcript TEXT, decision_id TEXT,"
	" blamed_commits INTEGER, blamed_author TEXT, blamed_subject TEXT,"
	" blamed_revert INTEGER DEFAULT 0, output TEXT,"
	" confirmed INTEGER DEFAULT 0, rollback_error TEXT, enough INTEGER)",

	"conflicts (id TEXT PRIMARY KEY NOT NULL, files TEXT,"
	" first_loop TEXT, first_test TEXT, first_attempt TEXT,"
	" second_loop TEXT, second_test TEXT, second_attempt TEXT,"
	" paused_loop TEXT, status TEXT NOT NULL DEFAULT 'open',"
	" decision_id TEXT, outcome TEXT, detected_at " NOW ","
	" closed_at TEXT)",

	"meta (key TEXT PRIMARY KEY NOT NULL, value TEXT)",

	SCOPES_TABLE,
};
#define NTABLES (sizeof(tables) / sizeof(tables[0]))

/* For queues of 100,000 tests and timelines of 1,000,000 events. */
static const char *const indices[] = {
	"tests_queue ON tests (loop_id, status, sort_order, id)",
	"tests_order ON tests (loop_id, place, id)",
	/* Without those that wait for others, however many these are. */
	("tests_ready ON tests (loop_id, place, id)"
	 " WHERE status = 'pending' AND waiting = 0"
	 " AND ifnull(automatable, 1) <> 0"),
	"tests_status ON tests (status, loop_id)",
	("tests_verified ON tests (verified_at, status, loop_id, id, files)"
	 " WHERE status = 'passed'"),
	"tests_dependency ON tests (depends_on) WHERE depends_on IS NOT NULL",
	("tests_waiting ON tests (depends_on, id)"
	 " WHERE waiting = 1 AND status = 'pending'"),
	("tests_tried ON tests (attempts)"
	 " WHERE status IN ('pending', 'in_progress') AND attempts > 0"),
	"tests_retry ON tests (loop_id, retry_at) WHERE retry_at IS NOT NULL",
	"events_time ON events (" SCHEMA_EVENT_TIME ")",
	"events_type ON events (event_type, " SCHEMA_EVENT_TIME ")",
	"events_test ON events (test_id, " SCHEMA_EVENT_TIME ")"
	" WHERE test_id IS NOT NULL",
	"events_loop ON events (loop_id, " SCHEMA_EVENT_TIME ")"
	" WHERE loop_id IS NOT NULL",
	"events_component ON events (component, " SCHEMA_EVENT_TIME ")"
	" WHERE component IS NOT NULL",
	"attempts_test ON attempts (test_id, fence)",
	"attempts_failed ON attempts (loop_id, ended_at)"
	" WHERE outcome <> 'passed'",
	"attempts_open ON attempts (loop_id) WHERE ended_at IS NULL",
	"file_locks_owner ON file_locks (locked_by)",
	"file_locks_test ON file_locks (test_id)",
	"wait_graph_holder ON wait_graph (holder)",
	"checkpoints_test ON checkpoints (test_id)",
	"checkpoints_loop ON checkpoints (loop_id, " SCHEMA_CHECKPOINT_TIME ")",
	"decisions_status ON decisions (status)",
	("decisions_test ON decisions (json_extract(context, '$.test_id'))"
	 " WHERE json_valid(context)"),
	("decisions_due ON decisions (id) WHERE applied_at IS NULL"
	 " AND status IN ('decided', 'auto_resolved')"),
	"conflicts_open ON conflicts (id) WHERE closed_at IS NULL",
	"conflicts_pair ON conflicts (first_attempt, second_attempt)",
	"tests_parked ON tests (parked) WHERE parked IS NOT NULL",
	"tests_flaky ON tests (flakes) WHERE flakes > 0",
	"regressions_open ON regressions (test_id) WHERE status = 'open'",
	"alerts_open ON alerts (acknowledged, created_at)",
	("alerts_cause ON alerts (json_extract(context, '$.cause'))"
	 " WHERE json_valid(context)"),
	/* Holds all that a budget's sums are made of. */
	"usage_spent ON usage (" SCHEMA_USAGE_TIME ", loop_id, outcome,"
	" cost_usd, tokens_estimated)",
	"usage_attempt ON usage (attempt_id) WHERE attempt_id IS NOT NULL",
	SCOPES_INDEX,
};
#define NINDICES (sizeof(indices) / sizeof(indices[0]))

/* What is true of tests.waiting: for another test, or for the decision or the
 * end of the conflict that parked names. */
#define WAITS                                                  \
	"(parked IS NOT NULL OR (ifnull(depends_on, '') <> ''" \
	" AND NOT EXISTS (SELECT 1 FROM tests d"               \
	" WHERE d.id = tests.depends_on AND d.status = 'passed')))"
#define SET_WAITING(which)                                       \
	"UPDATE tests SET waiting = " WAITS " WHERE (" which ")" \
	" AND waiting IS NOT " WAITS

/* What is true of usage.outcome: what became of the attempt. */
#define SET_OUTCOME(which)                                             \
	"UPDATE usage SET outcome = (SELECT a.outcome FROM attempts a" \
	" WHERE a.id = usage.attempt_id) WHERE " which

/* When tests.status became in_progress. */
#define SET_CLAIMED(which) \
	"UPDATE tests SET claimed_at = " NOTE_NOW " WHERE " which

/* Whoever writes to tests, usage or attempts keeps it true. */
static const char *const triggers[] = {
	"tests_added AFTER INSERT ON tests BEGIN " SET_WAITING(
	    "id = NEW.id OR depends_on = NEW.id") "; END",

	"tests_changed AFTER UPDATE OF id, status, depends_on, parked ON tests"
	" WHEN (OLD.status IS 'passed') <> (NEW.status IS 'passed')"
	" OR OLD.id IS NOT NEW.id OR OLD.depends_on IS NOT NEW.depends_on"
	" OR OLD.parked IS NOT NEW.parked"
	" BEGIN " SET_WAITING(
	    "id = NEW.id OR depends_on IN (OLD.id, NEW.id)") "; END",

	"tests_deleted AFTER DELETE ON tests BEGIN " SET_WAITING(
	    "depends_on = OLD.id") "; END",

	/* Other programs tell the second, if anything. */
	"tests_claimed AFTER UPDATE OF status ON tests"
	" WHEN NEW.status = 'in_progress' AND OLD.status IS NOT 'in_progress'"
	" AND NEW.claimed_at IS OLD.claimed_at"
	" BEGIN " SET_CLAIMED("id = NEW.id") "; END",

	"tests_added_claimed AFTER INSERT ON tests"
	" WHEN NEW.status = 'in_progress' AND NEW.claimed_at IS NULL"
	" BEGIN " SET_CLAIMED("id = NEW.id") "; END",

	"tests_settled AFTER UPDATE OF status ON tests"
	" WHEN NEW.retry_at IS NOT NULL AND NEW.retry_at IS OLD.retry_at"
	" BEGIN UPDATE tests SET retry_at = NULL WHERE id = NEW.id; END",

	"tests_mended AFTER UPDATE OF status ON tests"
	" WHEN NEW.evidence IS NOT NULL AND NEW.status IN ('passed', 'skipped')"
	" BEGIN UPDATE tests SET evidence = NULL WHERE id = NEW.id; END",

	"tests_unparked AFTER UPDATE OF status ON tests WHEN NEW.parked IS NOT"
	" NULL AND NEW.status NOT IN ('pending', 'in_progress')"
	" BEGIN UPDATE tests SET parked = NULL WHERE id = NEW.id; END",

	SCOPES_ADDED,
	SCOPES_CHANGED,
	SCOPES_DELETED,

	"usage_added AFTER INSERT ON usage WHEN NEW.attempt_id IS NOT NULL"
	" BEGIN " SET_OUTCOME("id = NEW.id") "; END",

	"usage_changed AFTER UPDATE OF attempt_id ON usage"
	" BEGIN " SET_OUTCOME("id = NEW.id") "; END",

	"attempts_judged AFTER UPDATE OF outcome ON attempts"
	" BEGIN " SET_OUTCOME("attempt_id = NEW.id") "; END",
};
#define NTRIGGERS (sizeof(triggers) / sizeof(triggers[0]))

/* An older schema's may do something else. */
static int
make_trigger(struct store *s, const char *trigger)
{
	if (schema_run(s, "DROP TRIGGER IF EXISTS %.*s",
		(int)strcspn(trigger, " "), trigger) < 0)
		return -1;
	return schema_run(s, "CREATE TRIGGER %s", trigger);
}

/* Leaves user_version to another program that numbers its own tables by it. */
static int
extend(struct store *s, bool is_ours)
{
	for (size_t i = 0; i < NTABLES; i++)
		if (schema_extend_table(s, tables[i]) < 0)
			return -1;
	for (size_t i = 0; i < NINDICES; i++)
		if (schema_run(s, "CREATE INDEX IF NOT EXISTS %s", indices[i]) <
		    0)
			return -1;
	for (size_t i = 0; i < NTRIGGERS; i++)
		if (make_trigger(s, triggers[i]) < 0)
			return -1;
	if (schema_run(s, "%s", SET_WAITING("1")) < 0 ||
	    schema_run(s, "%s",
		SET_CLAIMED("status = 'in_progress' AND claimed_at IS"
			    " NULL")) < 0 ||
	    schema_run(s, "%s", SET_OUTCOME("attempt_id IS NOT NULL")) < 0 ||
	    schema_run(s, "%s", SCOPES_ADD("1")) < 0 ||
	    /* Of an older schema; the one above is instead of it. */
	    schema_run(s, "DROP INDEX IF EXISTS usage_day") < 0 ||
	    (is_ours &&
		schema_run(s, "PRAGMA user_version = %d", SCHEMA_VERSION) < 0))
		return -1;
	return schema_run(s,
	    "INSERT OR REPLACE INTO meta (key, value) VALUES ('schema', '%d')",
	    SCHEMA_VERSION);
}

/*
 * 1 whole, 0 something may be missing, -1 with errno. user_version may be
 * another program's, and says something else then: it is ours if it is 0 or
 * what our own key in table meta says.
 */
static int
is_whole(struct store *s, bool *ret_is_ours)
{
	int version, schema = 0, result;

	if (statement_get(s, "PRAGMA user_version", ">n", &version) < 0)
		return -1;
	result = schema_has(s, "meta", "key");
	if (result == 1)
		result = statement_get(s,
		    "SELECT value FROM meta WHERE key = 'schema'", ">n",
		    &schema);
	if (result >= 0 && schema > SCHEMA_VERSION)
		return store_refuse(s, EPROTO,
		    "%s: made by a newer loopkeeper (schema %d, this one "
		    "knows %d): use that one",
		    s->path, schema, SCHEMA_VERSION);
	*ret_is_ours = version == 0 || version == schema;
	return result < 0 ? -1 : schema == SCHEMA_VERSION;
}

int
schema_extend(struct store *s)
{
	bool is_ours = false;
	int whole = is_whole(s, &is_ours);

	if (whole != 0)
		return whole < 0 ? -1 : 0;
	if (statement_run(s, "BEGIN IMMEDIATE", "") < 0)
		return -1;
	whole = is_whole(s, &is_ours); /* another opener may have been faster */
	s->extended = whole == 0 && !s->created;
	return store_end(s,
	    whole == 0	    ? extend(s, is_ours)
		: whole < 0 ? -1
			    : 0);
}
