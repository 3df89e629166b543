#!/usr/bin/env python3
"""pm_agent.py NAME: asks what is to become of a test that failed, and does
what is answered. It names its questions in its own way, and knows answers that
nobody else does."""

import json
import sys
import uuid

from coordination import Coordination

OPTIONS = [
    {"id": "try-once-more", "description": "back into the queue"},
    {"id": "leave-it-as-failed-for-now", "description": "nothing"},
]


class Manager(Coordination):
    def ask(self):
        for test in self.db.execute(
                "SELECT id, loop_id FROM tests WHERE status = 'failed'"
                " AND NOT EXISTS (SELECT 1 FROM decisions WHERE"
                " decision_type = 'failed_test' AND requested_by = ?"
                " AND context LIKE '%\"' || tests.id || '\"%')",
                (self.name,)).fetchall():
            decision = f"question-{uuid.uuid4()}"
            self.db.execute(
                "INSERT INTO decisions (id, decision_type, summary, options,"
                " default_option, context, requested_at, requested_by)"
                " VALUES (?, 'failed_test', ?, ?, ?, ?, datetime('now'), ?)",
                (decision, f"{test['id']} failed. And now?",
                 json.dumps(OPTIONS), OPTIONS[1]["id"],
                 json.dumps({"test_id": test["id"]}), self.name))
            self.event("decision_needed", decision_id=decision,
                       test_id=test["id"], loop_id=test["loop_id"])

    def obey(self):
        for decision in self.db.execute(
                "SELECT context, choice FROM decisions WHERE"
                " decision_type = 'failed_test' AND requested_by = ?"
                " AND status IN ('decided', 'auto_resolved')",
                (self.name,)).fetchall():
            if decision["choice"] == OPTIONS[0]["id"]:
                self.db.execute(
                    "UPDATE tests SET status = 'pending'"
                    " WHERE id = ? AND status = 'failed'",
                    (json.loads(decision["context"])["test_id"],))

    def step(self):
        self.ask()
        self.obey()
        return False


if __name__ == "__main__":
    manager = Manager(sys.argv[1])
    manager.run(manager.step)
