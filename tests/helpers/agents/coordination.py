"""What agents of the system before loopkeeper share: they know the database,
the columns that their own schema has, and nothing of who started them."""

import json
import os
import sqlite3
import time
import uuid


class Coordination:
    def __init__(self, name):
        self.name = name
        self.db = sqlite3.connect(
            os.environ["LOOPKEEPER_DB"], timeout=30, isolation_level=None)
        self.db.row_factory = sqlite3.Row
        self.beat()
        # What was asked before we began still holds.
        self.seen = 0
        self.paused = False
        self.poll()

    def beat(self, status="healthy"):
        self.db.execute(
            "INSERT INTO component_health (component, last_heartbeat, status,"
            " metadata) VALUES (?, datetime('now'), ?, ?)"
            " ON CONFLICT (component) DO UPDATE SET"
            " last_heartbeat = datetime('now'), status = excluded.status,"
            " metadata = excluded.metadata",
            (self.name, status, json.dumps({"beats": time.monotonic()})))

    def event(self, event_type, **payload):
        self.db.execute(
            "INSERT INTO events (id, timestamp, source, event_type, payload)"
            " VALUES (?, datetime('now'), ?, ?, ?)",
            (str(uuid.uuid4()), self.name, event_type, json.dumps(payload)))

    def poll(self):
        """Obeys what others ask of us by events."""
        for row in self.db.execute(
                "SELECT rowid AS number, event_type, payload FROM events"
                " WHERE rowid > ? AND event_type IN"
                " ('pause_requested', 'resume_requested') ORDER BY rowid",
                (self.seen,)).fetchall():
            self.seen = row["number"]
            payload = json.loads(row["payload"])
            if self.name in (payload.get("component"), payload.get("loop_id")):
                self.paused = row["event_type"] == "pause_requested"

    def run(self, step, every=0.2):
        """Calls step() for ever, but not while we are paused."""
        said = None
        while True:
            self.poll()
            self.beat()
            if self.paused != said:
                said = self.paused
                self.say_paused(said)
            if self.paused or not step():
                time.sleep(every)

    def say_paused(self, paused):
        """Without a row of our own in loops there is nowhere to say it."""
