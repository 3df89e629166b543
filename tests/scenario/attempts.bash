# What scenarios of single attempts stand on: a repository, a queue, a loop
# that runs alone as in a terminal, and what can be seen of an attempt in the
# database and in git. A file of them begins with `load attempts`.

load lib

prepare() {
	need git
	repository "$FLEET/repository"
}

# git in the operator's repository.
in_repository() {
	git -C "$FLEET/repository" "$@"
}

# commit NAME... : files of that content, committed by the operator where he is.
commit() {
	local name
	for name; do
		mkdir -p "$(dirname "$FLEET/repository/$name")"
		echo "$name" > "$FLEET/repository/$name"
		in_repository add -f "$name"
	done
	in_repository commit -q -m "Add $*"
}

# add_tests: from JSON lines, without the brackets.
add_tests() {
	jq -s . > "$FLEET/tests.json"
	lk import "$FLEET/tests.json" > /dev/null
}

# add_test ID VERIFY [JSON]: one of loop-1.
add_test() {
	jq -n --arg id "$1" --arg verify "$2" --argjson more "${3:-"{}"}" \
	    '[{id: $id, loop_id: "loop-1", verify: $verify} + $more]' \
	    > "$FLEET/tests.json"
	lk import "$FLEET/tests.json" > /dev/null
}

# run_alone [NAME]: sets LOOP to its pid.
run_alone() {
	background "${1:-loop-1}.log" loopkeeper-loop \
	    -c "$LOOPKEEPER_CONFIG" "${1:-loop-1}"
	LOOP=$PID
}

stop_alone() {
	kill "${1:-$LOOP}"
	wait_until 20 gone "${1:-$LOOP}"
}

# Its whole tree, the hard way; what is left of it is for its successor.
kill_alone() {
	kill -9 "${1:-$LOOP}"
	wait_until 10 gone "${1:-$LOOP}"
}

exists() {
	[[ -e $1 ]] || fail "no $1"
}

# file_has FILE TEXT
file_has() {
	grep -qF -- "$2" "$1" || fail "$(cat "$1" 2>&1)"
}

# sql_is VALUE SQL...
sql_is() {
	local is
	is=$(sql "${@:2}")
	[[ $is == "$1" ]] || fail "$is, not $1: ${*:2}"
}

all_passed() {
	local left
	left=$(sql "SELECT id, status, reason FROM tests
	    WHERE status <> 'passed'")
	[[ -z $left ]] || fail "not passed:" "$left"
}

# attempt FIELD [TEST]: of its last attempt.
attempt() {
	sql "SELECT $1 FROM attempts WHERE test_id = '${2:-T-1}'
	    ORDER BY fence DESC LIMIT 1"
}

# The last attempt's outcome and detail: "failed: verify: exit 1".
last_end() {
	sql "SELECT payload ->> 'outcome' || ': ' || ifnull(payload ->>
	    'detail', '') FROM events WHERE event_type = 'attempt_ended'
	    AND test_id = '${1:-T-1}' ORDER BY rowid DESC LIMIT 1"
}

# ended NUMBER [TEST]: so many of its attempts have.
ended() {
	sql_is "$1" "SELECT count(*) FROM attempts WHERE ended_at IS NOT NULL
	    AND test_id = '${2:-T-1}'"
}

# used_up NUMBER [TEST]: so many attempts count against it.
used_up() {
	sql_is "$1" "SELECT attempts FROM tests WHERE id = '${2:-T-1}'"
}

no_locks() {
	sql_is 0 "SELECT count(*) FROM file_locks"
}

tip() {
	in_repository rev-parse loopkeeper/main
}

# commits_of TEST: on the integration branch, by their trailers.
commits_of() {
	in_repository log --format='%(trailers:key=Test,valueonly,separator=)' \
	    loopkeeper/main | grep -cx -- "$1" || true
}

# merged_once TEST: one attempt has passed, and one commit is its.
merged_once() {
	local commit
	sql_is 1 "SELECT count(*) FROM attempts WHERE test_id = '$1'
	    AND outcome = 'passed'"
	[[ $(commits_of "$1") == 1 ]] || fail "$(commits_of "$1") commits of $1"
	commit=$(sql "SELECT result_commit FROM attempts WHERE test_id = '$1'
	    AND outcome = 'passed'")
	in_repository merge-base --is-ancestor "$commit" loopkeeper/main
	test_is "$1" passed
}

# merged_exactly TEST: and that attempt's trailers are on that commit.
merged_exactly() {
	local id commit
	merged_once "$1"
	IFS='|' read -r id commit < <(sql "SELECT id, result_commit FROM attempts
	    WHERE test_id = '$1' AND outcome = 'passed'")
	[[ $(in_repository show -s --format='%(trailers)' "$commit") == \
	    $(printf '%s\n' "Loop: $(attempt loop_id "$1")" "Test: $1" \
	    "Attempt: $id" "Epoch: $(attempt epoch "$1")") ]] ||
	    fail "$(in_repository show -s "$commit")"
}

never_merged() {
	[[ $(commits_of "$1") == 0 ]] || fail "$1 is merged"
	sql_is 0 "SELECT count(*) FROM attempts WHERE test_id = '$1'
	    AND outcome = 'passed'"
}

# operator_commits NAME [BASE]: a file on the integration branch, by hand.
operator_commits() {
	local index=$FLEET/index base=${2:-loopkeeper/main} tree hash
	hash=$(echo "$1" | in_repository hash-object -w --stdin)
	rm -f "$index"
	GIT_INDEX_FILE=$index in_repository read-tree "$base"
	GIT_INDEX_FILE=$index in_repository update-index --add \
	    --cacheinfo "100644,$hash,$1"
	tree=$(GIT_INDEX_FILE=$index in_repository write-tree)
	in_repository update-ref refs/heads/loopkeeper/main "$(
	    in_repository commit-tree -m "Add $1" -p "$base" "$tree")"
}

# snapshot PATH [ATTEMPT]: what is kept of that file.
snapshot() {
	in_repository show "refs/loopkeeper/attempts/${2:-$(attempt id)}:$1"
}

# kept PATH... : the last attempt's snapshot has these files.
kept() {
	local path
	for path; do
		snapshot "$path" > /dev/null || fail "$path isn't kept"
	done
}

# alerts_are NUMBER TYPE: so many of that type were ever raised.
alerts_are() {
	sql_is "$1" "SELECT count(*) FROM alerts WHERE alert_type = '$2'"
}

# alert_stands TYPE 1|0: whether one stands now.
alert_stands() {
	sql_is "$2" "SELECT count(*) FROM alerts WHERE alert_type = '$1'
	    AND context ->> 'cleared_at' IS NULL"
}
