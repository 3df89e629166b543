-- The database as the system before loopkeeper made it: its columns, and what
-- its own programs added beside them.
PRAGMA user_version = 3;

CREATE TABLE loops (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    priority INTEGER NOT NULL DEFAULT 5,
    branch TEXT,
    status TEXT NOT NULL DEFAULT 'stopped'
        CHECK (status IN ('running', 'stopped', 'paused', 'error')),
    current_test_id TEXT,
    pid INTEGER,
    created_at TEXT DEFAULT (datetime('now')),
    updated_at TEXT DEFAULT (datetime('now'))
);
CREATE TABLE tests (
    id TEXT PRIMARY KEY,
    loop_id TEXT NOT NULL REFERENCES loops(id),
    category TEXT,
    status TEXT NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'in_progress', 'passed', 'failed',
            'blocked', 'skipped')),
    attempts INTEGER NOT NULL DEFAULT 0,
    max_attempts INTEGER NOT NULL DEFAULT 3,
    last_result TEXT,
    depends_on TEXT,
    automatable BOOLEAN DEFAULT 1,
    notes TEXT,
    spec_content TEXT,
    last_attempt_at TEXT,
    passed_at TEXT,
    verified_at TEXT,
    created_at TEXT DEFAULT (datetime('now')),
    difficulty REAL -- nobody else's
);
CREATE TABLE events (
    id TEXT PRIMARY KEY,
    timestamp TEXT NOT NULL DEFAULT (datetime('now')),
    source TEXT NOT NULL,
    event_type TEXT NOT NULL,
    payload TEXT NOT NULL,
    correlation_id TEXT,
    priority INTEGER DEFAULT 5,
    acknowledged BOOLEAN DEFAULT 0,
    acknowledged_by TEXT,
    acknowledged_at TEXT
);
CREATE TABLE subscriptions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    subscriber TEXT NOT NULL,
    event_types TEXT NOT NULL,
    filter_sources TEXT,
    last_poll_at TEXT,
    active BOOLEAN DEFAULT 1
);
CREATE TABLE file_locks (
    file_path TEXT PRIMARY KEY,
    locked_by TEXT NOT NULL,
    locked_at TEXT NOT NULL DEFAULT (datetime('now')),
    lock_reason TEXT,
    expires_at TEXT,
    test_id TEXT
);
CREATE TABLE wait_graph (
    waiter TEXT NOT NULL,
    holder TEXT NOT NULL,
    resource TEXT NOT NULL,
    waiting_since TEXT DEFAULT (datetime('now')),
    PRIMARY KEY (waiter, holder, resource)
);
CREATE TABLE passing_tests (
    test_id TEXT NOT NULL,
    commit_hash TEXT NOT NULL,
    passed_at TEXT NOT NULL,
    PRIMARY KEY (test_id, commit_hash)
);
CREATE TABLE checkpoints (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    loop_id TEXT NOT NULL,
    test_id TEXT,
    git_ref TEXT NOT NULL,
    checkpoint_type TEXT NOT NULL
        CHECK (checkpoint_type IN ('attempt', 'merge', 'manual')),
    created_at TEXT DEFAULT (datetime('now')),
    deleted_at TEXT
);
CREATE TABLE decisions (
    id TEXT PRIMARY KEY,
    decision_type TEXT NOT NULL,
    summary TEXT NOT NULL,
    options TEXT NOT NULL,
    default_option TEXT,
    context TEXT,
    timeout_minutes INTEGER DEFAULT 60,
    status TEXT NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'decided', 'auto_resolved', 'expired')),
    requested_at TEXT DEFAULT (datetime('now')),
    requested_by TEXT,
    decided_at TEXT,
    decided_by TEXT,
    choice TEXT,
    comment TEXT
);
CREATE TABLE component_health (
    component TEXT PRIMARY KEY,
    last_heartbeat TEXT,
    status TEXT DEFAULT 'unknown'
        CHECK (status IN ('healthy', 'degraded', 'dead', 'unknown')),
    metadata TEXT
);
CREATE TABLE alerts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    severity TEXT NOT NULL
        CHECK (severity IN ('info', 'warning', 'error', 'critical')),
    alert_type TEXT NOT NULL,
    source TEXT NOT NULL,
    message TEXT NOT NULL,
    context TEXT,
    acknowledged BOOLEAN DEFAULT 0,
    acknowledged_by TEXT,
    acknowledged_at TEXT,
    created_at TEXT DEFAULT (datetime('now'))
);
CREATE TABLE usage (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    loop_id TEXT NOT NULL,
    test_id TEXT,
    tokens_estimated INTEGER,
    duration_seconds REAL,
    files_modified TEXT,
    recorded_at TEXT DEFAULT (datetime('now'))
);

CREATE TABLE transcripts (
    test_id TEXT, line INTEGER, text TEXT, PRIMARY KEY (test_id, line)
) WITHOUT ROWID;
CREATE INDEX idx_tests_status ON tests (status);
CREATE INDEX idx_events_timestamp ON events (timestamp);
CREATE VIEW open_tests AS
    SELECT t.id, l.name FROM tests t JOIN loops l ON l.id = t.loop_id
    WHERE t.status <> 'passed';
CREATE TRIGGER loops_touched AFTER UPDATE OF status ON loops BEGIN
    UPDATE loops SET updated_at = datetime('now') WHERE id = NEW.id;
END;
