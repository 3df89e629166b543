-- Some months of it: times in both forms and in none, what was left out, texts
-- of all kinds, JSON that is none, ids of every form.
INSERT INTO loops VALUES
    ('loop-1', 'Critical Path', 1, 'loop-1/working', 'running', 'CP-UFS-002',
     4242, '2025-11-03 08:00:00', '2026-01-07 02:13:59'),
    ('loop-2', 'Infrastruktur – Zürich', 2, NULL, 'paused', NULL, NULL,
     '2025-11-03T08:00:00.000Z', NULL),
    ('Loop drei', 'Politur ✨', 3, '', 'error', '', NULL, NULL, 'yesterday');
INSERT INTO tests (id, loop_id, category, status, attempts, max_attempts,
    last_result, depends_on, automatable, notes, spec_content,
    last_attempt_at, passed_at, verified_at, created_at, difficulty) VALUES
    ('CP-UFS-001', 'loop-1', 'Critical Path', 'passed', 1, 3, 'ok', NULL, 1,
     NULL, 'Upload a file.', '2026-01-06 23:00:00', '2026-01-06 23:10:00',
     '2026-01-07T01:00:00Z', '2025-11-03 08:00:00', 0.5),
    ('CP-UFS-002', 'loop-1', 'Critical Path', 'in_progress', 2, 3,
     'Traceback (most recent call last):
  File "x.py", line 1
ÄÖÜ "quoted"', 'CP-UFS-001', 1, '["no", "schema"]', NULL,
     '2026-01-07 02:13:59', NULL, NULL, '2025-11-03 08:00:00', NULL),
    ('CP-UFS-003', 'loop-1', NULL, 'pending', 0, 5, NULL, 'CP-UFS-002', NULL,
     NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    ('CP-UFS-004', 'loop-1', 'Critical Path', 'pending', 0, 3, NULL, '', 1,
     NULL, 'Delete a file.', NULL, NULL, NULL, '2025-11-03 08:00:00', 2),
    ('tests/test_a.py::test_b[x-y]', 'loop-2', 'Infra', 'blocked', 3, 3,
     'no', 'no such test', 1, 'asked', NULL, '2026-01-05T10:00:00.123Z', NULL,
     NULL, '2025-11-03 08:00:00', NULL),
    ('INF AUTH 1', 'loop-2', 'Infra', 'failed', 3, 3, '', NULL, 0, '', '',
     '', NULL, NULL, '', NULL),
    ('größe', 'Loop drei', 'Politur', 'skipped', 0, 3, NULL, NULL, 1,
     'später', NULL, NULL, NULL, NULL, '2025-11-03 08:00:00', NULL);
INSERT INTO events (id, timestamp, source, event_type, payload,
    correlation_id, priority, acknowledged, acknowledged_by,
    acknowledged_at) VALUES
    ('0b1f0c4e-7f0e-4f57-9a2b-3f3f0a1d2c01', '2026-01-07 02:13:59', 'loop-1',
     'test_started', '{"loop_id": "loop-1", "test_id": "CP-UFS-002"}', NULL, 5,
     0, NULL, NULL),
    ('0b1f0c4e-7f0e-4f57-9a2b-3f3f0a1d2c02', '2026-01-07T02:14:00.123Z', 'pm',
     'decision_needed', '{"decision_id": "DEC-007"}',
     '0b1f0c4e-7f0e-4f57-9a2b-3f3f0a1d2c01', 1, 1, 'olaf',
     '2026-01-07 02:20:00'),
    ('42', '2026-01-07 02:15:00', 'monitor', 'moon_phase', 'waxing', NULL,
     NULL, NULL, NULL, NULL),
    ('e-4', '2026-01-07 02:15:01', 'monitor', 'numbers', '[1, 2]', 'é', 9, 0,
     NULL, NULL);
INSERT INTO subscriptions (subscriber, event_types, filter_sources, active)
    VALUES ('pm', '["file_conflict", "stuck_detected"]', NULL, 1),
    ('monitor', 'everything', '["loop-1"]', 0);
INSERT INTO file_locks VALUES
    ('src/upload.py', 'loop-1', '2026-01-07 02:13:59', 'CP-UFS-002',
     '2026-01-07 02:18:59', 'CP-UFS-002'),
    ('docs/größe.md', 'olaf', '2026-01-07 02:13:59', NULL, NULL, NULL);
INSERT INTO wait_graph VALUES
    ('loop-2', 'loop-1', 'src/upload.py', '2026-01-07 02:14:10');
INSERT INTO passing_tests VALUES
    ('CP-UFS-001', 'e83c5163316f89bfbde7d9ab23ca2e25604af290',
     '2026-01-06 23:10:00');
INSERT INTO checkpoints (loop_id, test_id, git_ref, checkpoint_type,
    created_at, deleted_at) VALUES
    ('loop-1', 'CP-UFS-001', 'refs/checkpoints/1', 'merge',
     '2026-01-06 23:10:00', NULL),
    ('loop-2', NULL, 'v1.0', 'manual', '2026-01-01T00:00:00Z',
     '2026-01-02 00:00:00');
INSERT INTO decisions VALUES
    ('DEC-007', 'architecture', 'Welche Bibliothek?',
     '[{"id": "A", "description": "requests"},
       {"id": "B", "description": "httpx – neuer"}]', 'A',
     '{"test_id": "CP-UFS-002"}', 60, 'pending', '2026-01-07 02:14:00', 'pm',
     NULL, NULL, NULL, NULL),
    ('DEC-006', 'architecture', 'No options that could be read', 'A or B',
     NULL, 'no context', NULL, 'pending', '2026-01-07T02:00:00Z', NULL,
     NULL, NULL, NULL, NULL),
    ('DEC-005', 'scope', 'Drop it?', '[]', NULL, NULL, 60, 'decided',
     '2026-01-05 10:00:00', 'pm', '2026-01-05 11:00:00', 'olaf', 'yes', 'ok');
INSERT INTO component_health VALUES
    ('monitor', '2026-01-07 02:15:00', 'healthy', '{"pid": 4240}'),
    ('loop-1', '2026-01-07T02:13:59.000Z', 'healthy', NULL),
    ('crystal ball', NULL, 'unknown', 'cloudy');
INSERT INTO alerts (severity, alert_type, source, message, context,
    acknowledged, created_at) VALUES
    ('critical', 'disk', 'monitor', 'Kaum noch Platz: 3 %', 'df', 0,
     '2026-01-07 02:00:00'),
    ('info', 'hello', 'monitor', 'begun', '{"cause": null}', 1, NULL);
INSERT INTO usage (loop_id, test_id, tokens_estimated, duration_seconds,
    files_modified, recorded_at) VALUES
    ('loop-1', 'CP-UFS-001', 15000, 612.5, '["src/upload.py"]',
     '2026-01-06 23:10:00'),
    ('loop-1', NULL, NULL, NULL, 'none', '2026-01-06T23:20:00Z');
INSERT INTO transcripts VALUES ('CP-UFS-001', 1, 'hello'), ('CP-UFS-001', 2,
    char(0x1F600) || ' done');
