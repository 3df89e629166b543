# What was spent and what is closed, from the command line, with a database
# that the test fills by hand.

load lib

ISO=%Y-%m-%dT%H:%M:%fZ
spendings=0

# fleet_with BUDGET: two loops that don't run.
fleet_with() {
	fleet_config <<-CONF
		budget = { $1 };
		components = (
		  { name = "loop-1"; command = [ "sleep", "1000" ];
		    loop = { worker = [ "true" ]; repository = "$FLEET"; }; },
		  { name = "loop-2"; command = [ "sleep", "1000" ];
		    loop = { worker = [ "true" ]; repository = "$FLEET"; }; } );
	CONF
	echo '[{"id": "T-1", "loop_id": "loop-1", "verify": "true"},
	    {"id": "T-2", "loop_id": "loop-2", "verify": "true"}]' \
	    > "$FLEET/tests.json"
	lk import "$FLEET/tests.json"
}

# spent LOOP USD OUTCOME [DAYS]: an attempt that ended so many days ago.
spent() {
	local id=$((++spendings))
	sql "INSERT INTO attempts (id, test_id, loop_id, outcome, ended_at)
	    VALUES ('$id', 'T-1', '$1', '$3', strftime('$ISO', 'now'));
	    INSERT INTO usage (loop_id, test_id, attempt_id, cost_usd,
	    tokens_estimated, recorded_at) VALUES ('$1', 'T-1', '$id', $2, 1000,
	    strftime('$ISO', 'now', '-${4:-0} days'))"
}

# says CODE PART... -- ARGUMENT...: exits so, and these are parts of what it
# prints.
says() {
	local code=$1 parts=() part
	shift
	while [[ $1 != -- ]]; do
		parts+=("$1")
		shift
	done
	shift
	run lk "$@"
	[[ $status == "$code" ]] || fail "exit $status, not $code: $*" "$output"
	for part in "${parts[@]}"; do
		[[ $output == *"$part"* ]] || fail "no '$part' in:" "$output"
	done
}

# row PATTERN: a line of the output is this, its blanks squeezed.
row() {
	tr -s ' ' <<< "$output" | grep -qE "$1" || fail "no '$1' in:" "$output"
}

@test "budget tells by day, loop and outcome, and what isn't known" {
	fleet_with 'day_usd = "20"; loop_day_usd = "5";'
	says 3 "all loops: 0.00 of 20.00 USD today, 20.00 left" \
	    "nothing was spent in the last 7 days" -- budget
	spent loop-1 1.25 passed
	spent loop-1 0.75 passed
	spent loop-1 NULL failed
	spent loop-1 NULL passed
	spent loop-2 0.004 timeout
	spent loop-2 3 passed 3
	spent loop-2 999 passed 9
	says 3 "all loops: 2.00 + 2 unknown of 20.00 USD today, at most 18.00" \
	    "loop-1: 2.00 + 2 unknown of 5.00 USD today, at most 3.00 left" \
	    "loop-2: 0.004000 of 5.00 USD today, 5.00 left" -- budget
	row '^DAY LOOP OUTCOME ATTEMPTS TOKENS USD'
	row '^[0-9-]{10} loop-1 failed 1 1000 unknown'
	row '^[0-9-]{10} loop-1 passed 3 3000 2.00 \+ 1 unknown'
	row '^[0-9-]{10} loop-2 timeout 1 1000 0.004'
	row '^[0-9-]{10} loop-2 passed 1 1000 3.00'
	[[ $output != *999* ]]
	{ lk budget --json || true; } 2> /dev/null | jq -e '
	    .today.limit_usd == 20 and .today.unknown == 2 and
	    (.loops | length == 2) and .loops[0].left_usd == 3 and
	    (.days[] | select(.outcome == "failed") |
	    .usd == null and .unknown == 1)'
}

@test "what an attempt has cost so far counts while it runs" {
	fleet_with 'day_usd = "2";'
	sql "INSERT INTO attempts (id, test_id, loop_id, cost_usd)
	    VALUES ('a', 'T-1', 'loop-1', 1.5)"
	says 3 "all loops: 1.50 of 2.00 USD today, 0.50 left" -- budget
	row 'loop-1 running 1 unknown 1.50'
}

@test "a raise holds for today, for all loops or one" {
	fleet_with 'day_usd = "20"; loop_day_usd = "5";'
	spent loop-1 6 passed
	says 3 "loop-1: 6.00 of 5.00 USD today, 0.00 left" -- budget
	says 0 "loop-1: 6.00 of 7.50 USD today, 1.50 left (raised by 2.50)" -- \
	    budget --raise 2.5 --loop loop-1
	says 0 "all loops: 6.00 of 30.00 USD today, 24.00 left" -- \
	    budget --raise '$10'
	says 3 "loop-2: 0.00 of 5.00 USD" -- budget
	says 3 "today's budget of loop-1 is raised by 2.5 USD" -- timeline
	sql "UPDATE budget_raises SET day = '2026-01-07'"
	says 3 "loop-1: 6.00 of 5.00 USD today" -- budget
}

@test "a raise of what isn't there changes nothing" {
	fleet_with 'day_usd = "20";'
	says 1 "budget.loop_day_usd isn't set in $LOOPKEEPER_CONFIG" -- \
	    budget --raise 10 --loop loop-1
	says 1 "loop-9" -- budget --raise 10 --loop loop-9
	says 2 "an amount of USD is expected" -- budget --raise lots
	says 2 "an amount of USD is expected" -- budget --raise=-3
	says 2 "an amount of USD is expected" -- budget --raise nan
	says 2 "usage" -- budget --loop loop-1
	[[ $(sql "SELECT count(*) FROM budget_raises") == 0 ]]
	fleet_with ''
	says 1 "there is no limit to raise: budget.day_usd" -- budget --raise 1
	says 3 "all loops: 0.00 USD today, no limit" -- budget
}

# gate PROVIDER REASON MODIFIER [LOGIN]: closed until then, amid a minute: what is
# printed is rounded to the second.
gate() {
	sql "INSERT INTO gates (provider, reason, open_at, message, login)
	    VALUES ('$1', '$2', strftime('%Y-%m-%dT%H:%M:30.000Z', 'now', '$3'),
	    '$1 says so', nullif('${4:-}', ''))"
}

@test "closed gates are told, and opened by hand" {
	local at
	fleet_with ''
	says 3 "no gate is closed" -- gates
	says 1 "isn't closed, nor that of any other" -- gates --open claude
	gate claude rate_limited '+90 minutes'
	gate codex auth '+1 minute' 'codex login'
	at=$(date -d "$(sql "SELECT open_at FROM gates
	    WHERE provider = 'claude'")" +%H:%M)
	says 3 "rate-limited (claude, until $at)" \
	    "login needed (codex: run 'codex login', then loopkeeper gates" -- \
	    status
	{ lk status --json || true; } 2> /dev/null | jq -e --arg at "$at" '
	    .gates[0].text == "rate-limited (claude, until \($at))" and
	    .gates[1].login == "codex login"'
	says 3 -- gates
	row '^PROVIDER STATE UNTIL REASON'
	row "^claude rate-limited $at claude says so"
	row '^codex login needed [0-9:]{5} codex says so'
	says 1 "gemini isn't closed; closed is that of: claude, codex" -- \
	    gates --open gemini
	says 0 "the gate of codex is open" -- gates --open codex
	[[ $(sql "SELECT group_concat(provider) FROM gates") == claude ]]
}

# left_behind [FACTS]: an attempt whose outcome lies in the spool.
left_behind() {
	local epoch
	epoch=$(sql "SELECT value FROM meta WHERE key = 'epoch'")
	sql "UPDATE tests SET status = 'in_progress' WHERE id = 'T-1';
	    INSERT INTO attempts (id, epoch, test_id, loop_id, fence, state)
	    VALUES ('a', '$epoch', 'T-1', 'loop-1', 1, 'running')"
	mkdir -p "$FLEET/state/spool"
	cat > "$FLEET/state/spool/loop-1.outcome" <<-JSON
		{ "id": "a", "epoch": "$epoch", "fence": 1, "test_id": "T-1",
		  "loop_id": "loop-1", "attempt": 1, "outcome": "passed",
		  "parked": false, "detail": "", "duration_ms": 1500,
		  "max_attempts": 3, "leftovers": ""${1:-} }
	JSON
	background loop.log "$BUILD/bin/loopkeeper-loop" \
	    -c "$LOOPKEEPER_CONFIG" loop-1
	wait_until 10 test_is T-1 passed
}

@test "an outcome in the spool brings its costs along" {
	fleet_with ''
	left_behind ', "facts": { "tokens": 1234, "cost_micros": 250000,
	    "session_id": "s-1", "provider": "claude", "base_commit": "b0",
	    "result_commit": "c1", "snapshot_ref": "refs/x",
	    "files_modified": "[\"a.c\"]" }'
	[[ $(sql "SELECT cost_usd, tokens_estimated, files_modified FROM usage
	    WHERE attempt_id = 'a'") == '0.25|1234|["a.c"]' ]]
	[[ $(sql "SELECT commit_hash FROM passing_tests") == c1 ]]
	[[ $(sql "SELECT session_id || provider || base_commit || snapshot_ref
	    FROM attempts") == s-1claudeb0refs/x ]]
}

@test "an outcome of an older loopkeeper, without costs, is written too" {
	fleet_with ''
	left_behind
	[[ $(sql "SELECT cost_usd IS NULL AND tokens_estimated IS NULL
	    FROM usage WHERE attempt_id = 'a'") == 1 ]]
}
