# Tests from JSON files, new ones and those of the older loops.

load lib

prepare() {
	fleet_config <<-CONF
		components = (
		  { name = "loop-1"; command = [ "sleep", "1000" ];
		    title = "Critical Path"; loop = { priority = 1;
		      directory = "$FLEET/loop-1"; worker = [ "true" ]; }; },
		  { name = "loop-2"; command = [ "sleep", "1000" ];
		    loop = { priority = 7; directory = "$FLEET/loop-2";
		      worker = [ "true" ]; }; } );
	CONF
}

says() {
	[[ $output == *"$1"* ]] || fail "no '$1' in:" "$output"
}

@test "an array with the columns of tests" {
	cat > "$FLEET/t.json" <<-'JSON'
		[ { "id": "CP-2", "loop_id": "loop-1", "verify": "make check",
		    "files": ["src/*.c"], "depends_on": "cp-1",
		    "max_attempts": 5, "automatable": false },
		  { "id": "CP-1", "loop_id": "LOOP-1", "status": "passed",
		    "passed_at": "2026-01-07T02:14:00Z" },
		  { "id": "INF-1", "loop_id": "loop-2",
		    "status": "in_progress" } ]
	JSON
	run -0 lk import "$FLEET/t.json" --dry-run
	says "3 tests would be added, 0 were there already"
	[[ $(sql "SELECT count(*) FROM tests") == 0 ]]
	run -0 lk import "$FLEET/t.json"
	says "3 tests added"
	run -0 sql "SELECT id, loop_id, status, ifnull(depends_on, '-'),
	    ifnull(max_attempts, '-'), automatable, ifnull(files, '-')
	    FROM tests ORDER BY loop_id, sort_order"
	[[ ${lines[0]} == 'CP-2|loop-1|pending|CP-1|5|0|["src/*.c"]' ]]
	[[ ${lines[1]} == 'CP-1|loop-1|passed|-|-|1|-' ]]
	[[ ${lines[2]} == 'INF-1|loop-2|pending|-|-|1|-' ]]
	[[ $(sql "SELECT name, priority FROM loops ORDER BY id") == \
	    $'Critical Path|1\nloop-2|7' ]]
}

@test "a second import adds what is new and changes nothing else" {
	echo '[{"id":"A","loop_id":"loop-1"}]' > "$FLEET/t.json"
	lk import "$FLEET/t.json"
	sql "UPDATE tests SET status = 'passed', notes = 'kept'"
	sql "SELECT * FROM tests WHERE id = 'A'" > "$FLEET/before"
	echo '[{"id":"a","loop_id":"loop-2","status":"blocked"},
	    {"id":"B","loop_id":"loop-1","depends_on":"a"}]' > "$FLEET/t.json"
	run -0 lk import "$FLEET/t.json"
	says "1 test added, 1 was there already"
	sql "SELECT * FROM tests WHERE id = 'A'" | cmp - "$FLEET/before"
	[[ $(sql "SELECT depends_on FROM tests WHERE id = 'B'") == A ]]
	run -0 lk import "$FLEET/t.json"
	says "0 tests added, 2 were there already"
}

@test "test-state.json of the older loops" {
	cat > "$FLEET/old.json" <<-'JSON'
		{ "version": 3, "tests": {
		  "OLD-1": { "category": "ufs", "status": "passed",
		    "attempts": 1, "lastResult": { "ok": true },
		    "dependsOn": null, "automatable": true, "notes": "n",
		    "unheard": 1 },
		  "OLD-2": { "status": "in_progress", "attempts": 2,
		    "lastResult": "timeout", "dependsOn": ["OLD-1"],
		    "automatable": false } } }
	JSON
	run -1 lk import "$FLEET/old.json"
	says "OLD-1"
	says "--loop"
	run -0 lk import "$FLEET/old.json" --loop loop-2
	run -0 sql "SELECT id, loop_id, status, attempts, last_result,
	    ifnull(depends_on, '-'), automatable FROM tests ORDER BY id"
	[[ ${lines[0]} == 'OLD-1|loop-2|passed|1|{"ok":true}|-|1' ]]
	[[ ${lines[1]} == 'OLD-2|loop-2|pending|2|timeout|OLD-1|0' ]]
	echo '{"tests":[{"id":"OLD-3","status":"pending"}]}' > "$FLEET/old.json"
	run -0 lk import "$FLEET/old.json" --loop loop-1
	says "1 test added"
}

@test "all errors are shown and nothing is imported" {
	cat > "$FLEET/bad.json" <<-'JSON'
		[ { "id": "OK-1", "loop_id": "loop-1" },
		  { "id": "X-1", "loop_id": "loop-9", "verfy": "true" },
		  { "id": "X-1", "loop_id": "loop-1", "status": "done",
		    "attempts": -1, "depends_on": "nobody" },
		  { "id": "a/b", "loop_id": "loop-1" }, 5,
		  { "id": "Y-1", "loop_id": "loop-1", "depends_on": "Y-2" },
		  { "id": "Y-2", "loop_id": "loop-1", "depends_on": "Y-1" },
		  { "id": "Z-1", "loop_id": "loop-1",
		    "created_at": "yesterday", "files": [ 1 ] } ]
	JSON
	run -1 lk import "$FLEET/bad.json"
	says "test 2 (X-1): there is no column verfy; the nearest is verify"
	says "test 2 (X-1): there is no loop loop-9; the nearest is loop-1"
	says "test 3 (X-1): status must be"
	says "test 3 (X-1): attempts must be"
	says "test 3 (X-1): test 2 has the same id"
	says "test 3 (X-1): it depends on nobody"
	says "test 4: its id a/b is none"
	says "test 5: it must be an object"
	says "it depends, in the end, on itself"
	says "test 8 (Z-1): created_at"
	says "test 8 (Z-1): files"
	says "nothing was imported"
	[[ $(sql "SELECT count(*) FROM tests") == 0 ]]
	[[ $(sql "SELECT count(*) FROM loops") == 0 ]]
}

@test "what is no such file" {
	run -1 lk import "$FLEET/nothing.json"
	says "No such file"
	echo '[1,' > "$FLEET/t.json"
	run -1 lk import "$FLEET/t.json"
	says "t.json:2:"
	echo '{"a":1}' > "$FLEET/t.json"
	run -1 lk import "$FLEET/t.json"
	says "an array of tests"
	run -2 lk import
}

@test "a large import takes seconds" {
	jq -n '[range(20000) | { id: "T-\(.)", loop_id: "loop-1",
	    depends_on: (if . == 0 then null else "T-\(. - 1)" end) }]' \
	    > "$FLEET/t.json"
	run -0 timeout $((30 * LK_PATIENCE)) "$LOOPKEEPER" import \
	    "$FLEET/t.json"
	says "20000 tests added"
}
