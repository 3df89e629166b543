# What a worker is started with is written down before it is.

load attempts

# intent FILTER: of the last attempt, as `show` tells it.
intent() {
	lk show T-1 --json | jq -r ".attempt_list[-1].command | $1"
}

# has_intent VALUE FILTER
has_intent() {
	local is
	is=$(intent "$2")
	[[ $is == "$1" ]] || fail "$is, not $1: $2"
}

@test "before a worker runs its row has its words, names of variables and limits" {
	one_loop 'silence_limit = "5m"; input_limit = "0";' <<-'SH'
		#!/bin/sh
		sqlite3 -cmd '.timeout 10000' "$FLEET/state/coordination.db" \
		    "SELECT state, command IS NOT NULL, pid IS NULL
		    FROM attempts" > "$FLEET/row"
		touch "$FLEET/worked"
	SH
	add_test T-1 'test -e "$FLEET/worked"'
	run_alone
	wait_until 15 test_is T-1 passed
	[[ $(< "$FLEET/row") =~ ^(spawning|running)'|1|'[01]$ ]]
	has_intent "$FLEET/worker" '.argv | join(" ")'
	has_intent "$WORK" .directory
	has_intent true '.environment | contains(["LOOPKEEPER_ATTEMPT_ID",
	    "GIT_TERMINAL_PROMPT", "PATH"])'
	# What it has in common with its loop is not told, nor any value.
	has_intent false '.environment | any(. == "FLEET" or contains("="))'
	has_intent '300000 null 7200000' \
	    '.limits | "\(.silence_ms) \(.input_ms) \(.time_ms)"'
	has_intent 'null null' '.limits | "\(.usd) \(.tokens)"'
}

@test "a long prompt among a worker's words isn't kept twice" {
	one_loop 'prompt = "prompt";' < /dev/null
	printf '{spec}' > "$FLEET/prompt"
	sed -i "s|worker = .*worker\" \];|worker = [ \"sh\", \"-c\", \
	    \"touch \$FLEET/worked\", \"a {prompt} z\", \"{spec} end\", \
	    \"b{spec}{spec}\" ];|" \
	    "$LOOPKEEPER_CONFIG"
	echo 'budget = { attempt_usd = 1.5; attempt_tokens = 1000; };' \
	    >> "$LOOPKEEPER_CONFIG"
	add_test T-1 'test -e "$FLEET/worked"' \
	    "$(jq -n '{spec_content: ("ü" * 5000)}')"
	run_alone
	wait_until 15 test_is T-1 passed
	has_intent 'a {prompt} z' '.argv[3]'
	has_intent '{prompt} end' '.argv[4]'
	has_intent true '.argv[5] | test("^b[{]prompt[}]ü+[.]{3}$")
	    and utf8bytelength <= 1000'
	has_intent '1.5 1000' '.limits | "\(.usd) \(.tokens)"'
}
