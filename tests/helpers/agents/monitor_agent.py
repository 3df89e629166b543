#!/usr/bin/env python3
"""monitor_agent.py NAME: raises an alert for each test that failed."""

import json
import sys

from coordination import Coordination


class Monitor(Coordination):
    def step(self):
        for test in self.db.execute(
                "SELECT id, loop_id FROM tests WHERE status = 'failed'"
                " AND NOT EXISTS (SELECT 1 FROM alerts WHERE source = ?"
                " AND context LIKE '%\"' || tests.id || '\"%')",
                (self.name,)).fetchall():
            self.db.execute(
                "INSERT INTO alerts (severity, alert_type, source, message,"
                " context, created_at) VALUES ('warning', 'failed_test', ?,"
                " ?, ?, datetime('now'))",
                (self.name, f"{test['id']} failed",
                 json.dumps({"test_id": test["id"]})))
            self.event("alert_raised", loop_id=test["loop_id"],
                       test_id=test["id"], message=f"{test['id']} failed")
        return False


if __name__ == "__main__":
    monitor = Monitor(sys.argv[1])
    monitor.run(monitor.step)
