#!/usr/bin/env python3
"""run_loop.py LOOP: works through the tests of a loop. What is to be done for
one stands in spec_content, as a command; it has passed when that exits with 0.
The file that a test changes stands in its notes, and is locked meanwhile."""

import subprocess
import sys
import time

from coordination import Coordination


class Loop(Coordination):
    def __init__(self, name):
        super().__init__(name)
        self.db.execute(
            "INSERT INTO loops (id, name) VALUES (?, ?)"
            " ON CONFLICT (id) DO NOTHING", (name, name))

    def say_paused(self, paused):
        self.db.execute(
            "UPDATE loops SET status = ?, updated_at = datetime('now')"
            " WHERE id = ?", ("paused" if paused else "running", self.name))

    def transaction(self, work, *arguments):
        self.db.execute("BEGIN IMMEDIATE")
        try:
            result = work(*arguments)
        except BaseException:
            self.db.execute("ROLLBACK")
            raise
        self.db.execute("COMMIT")
        return result

    def may_lock(self, path):
        """Takes the lock, or says for whom we wait."""
        holder = self.db.execute(
            "SELECT locked_by FROM file_locks WHERE file_path = ?"
            " AND locked_by <> ? AND expires_at > datetime('now')",
            (path, self.name)).fetchone()
        if holder:
            self.db.execute(
                "INSERT OR IGNORE INTO wait_graph (waiter, holder, resource,"
                " waiting_since) VALUES (?, ?, ?, datetime('now'))",
                (self.name, holder["locked_by"], path))
            return False
        self.db.execute(
            "DELETE FROM wait_graph WHERE waiter = ?", (self.name,))
        self.db.execute(
            "INSERT OR REPLACE INTO file_locks (file_path, locked_by,"
            " locked_at, lock_reason, expires_at) VALUES (?, ?,"
            " datetime('now'), 'working', datetime('now', '+5 minutes'))",
            (path, self.name))
        return True

    def claim(self):
        test = self.db.execute(
            "SELECT id, spec_content, notes FROM tests WHERE loop_id = ?"
            " AND status = 'pending' AND (depends_on IS NULL OR EXISTS"
            " (SELECT 1 FROM tests d WHERE d.id = tests.depends_on"
            " AND d.status = 'passed')) ORDER BY id LIMIT 1",
            (self.name,)).fetchone()
        if test is None or (test["notes"] and not self.may_lock(test["notes"])):
            return None
        self.db.execute(
            "UPDATE tests SET status = 'in_progress', attempts = attempts + 1,"
            " last_attempt_at = datetime('now') WHERE id = ?", (test["id"],))
        self.db.execute(
            "UPDATE file_locks SET test_id = ? WHERE file_path = ?",
            (test["id"], test["notes"]))
        self.db.execute(
            "UPDATE loops SET current_test_id = ? WHERE id = ?",
            (test["id"], self.name))
        self.db.execute(
            "INSERT INTO checkpoints (loop_id, test_id, git_ref,"
            " checkpoint_type, created_at) VALUES (?, ?, 'HEAD', 'attempt',"
            " datetime('now'))", (self.name, test["id"]))
        self.event("test_started", loop_id=self.name, test_id=test["id"])
        return test

    def finish(self, test, passed, seconds):
        status = "passed" if passed else "failed"
        self.db.execute(
            "UPDATE tests SET status = ?, last_result = ?, passed_at ="
            " CASE WHEN ? THEN datetime('now') END WHERE id = ?",
            (status, status, passed, test["id"]))
        if passed:
            self.db.execute(
                "INSERT OR REPLACE INTO passing_tests (test_id, commit_hash,"
                " passed_at) VALUES (?, 'HEAD', datetime('now'))",
                (test["id"],))
        self.db.execute(
            "INSERT INTO usage (loop_id, test_id, tokens_estimated,"
            " duration_seconds, files_modified, recorded_at)"
            " VALUES (?, ?, 1200, ?, '[\"src/a.py\"]', datetime('now'))",
            (self.name, test["id"], seconds))
        self.db.execute(
            "DELETE FROM file_locks WHERE locked_by = ?", (self.name,))
        self.db.execute(
            "UPDATE checkpoints SET deleted_at = datetime('now')"
            " WHERE test_id = ? AND deleted_at IS NULL", (test["id"],))
        self.db.execute(
            "UPDATE loops SET current_test_id = NULL WHERE id = ?",
            (self.name,))
        self.event(f"test_{status}", loop_id=self.name, test_id=test["id"])

    def step(self):
        test = self.transaction(self.claim)
        if test is None:
            return False
        begun = time.monotonic()
        worker = subprocess.Popen(["sh", "-c", test["spec_content"]])
        while worker.poll() is None:
            self.beat()
            time.sleep(0.1)
        self.transaction(self.finish, test, worker.returncode == 0,
                         time.monotonic() - begun)
        return True


if __name__ == "__main__":
    loop = Loop(sys.argv[1])
    loop.run(loop.step)
