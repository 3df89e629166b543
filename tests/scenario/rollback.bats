# What a loop has merged is undone by new commits: never half, never what
# others have built on, never without a word about what breaks.

load lib

BRANCH=loopkeeper/main

prepare() {
	need git
	export HOME=$FLEET GIT_CONFIG_NOSYSTEM=1
	REPOSITORY=$FLEET/repository
	git init -q -b main "$REPOSITORY"
	git -C "$REPOSITORY" config user.name Olaf
	git -C "$REPOSITORY" config user.email olaf@example.org
	printf 'one\ntwo\nthree\n' > "$REPOSITORY/shared"
	git -C "$REPOSITORY" add shared
	git -C "$REPOSITORY" commit -q -m Begin
	git -C "$REPOSITORY" branch "$BRANCH"
	configure
	sleepers_of_loops
}

# configure [KEYS]: two loops that merge into the same branch.
configure() {
	fleet_config <<-CONF
		loops = { worker = [ "true" ]; repository = "$REPOSITORY";
		  verify_limit = "20s"; ${1:-} };
		components = (
		  { name = "loop-1"; command = [ "sleep", "1000" ];
		    loop = { priority = 1; }; },
		  { name = "loop-2"; command = [ "sleep", "1000" ];
		    loop = { priority = 2; }; } );
	CONF
}

sleepers_of_loops() {
	lk add A-1 --loop loop-1 --verify "test -e a" --files a
	lk add A-2 --loop loop-1 --verify "test -e b" --files b
	lk add B-1 --loop loop-2 --verify "test -e c" --files c
}

in_branch() {
	git -C "$REPOSITORY" show "$BRANCH:$1"
}

tip() {
	git -C "$REPOSITORY" rev-parse "$BRANCH"
}

# merged LOOP TEST FILE TEXT: a commit on the branch as loops make it, and what
# the database then says of it. The operator's checkout isn't used. COMMIT is
# its hash.
merged() {
	local index=$FLEET/index tree blob
	blob=$(printf '%b' "$4" | git -C "$REPOSITORY" hash-object -w --stdin)
	GIT_INDEX_FILE=$index git -C "$REPOSITORY" read-tree "$BRANCH"
	GIT_INDEX_FILE=$index git -C "$REPOSITORY" update-index --add \
	    --cacheinfo "100644,$blob,$3"
	tree=$(GIT_INDEX_FILE=$index git -C "$REPOSITORY" write-tree)
	COMMIT=$(printf '%s\n\nLoop: %s\nTest: %s\nAttempt: 1\nEpoch: e\n' \
	    "Make $2 pass" "$1" "$2" |
	    git -C "$REPOSITORY" commit-tree "$tree" -p "$BRANCH")
	git -C "$REPOSITORY" update-ref "refs/heads/$BRANCH" "$COMMIT"
	sql "UPDATE tests SET status = 'passed', attempts = 1,
	    passed_at = '2026-01-07T02:14:00.000Z' WHERE id = '$2';
	    INSERT INTO passing_tests (test_id, commit_hash)
	    VALUES ('$2', '$COMMIT');"
}

# checkpoint_at LOOP TEST ID: as a loop notes it before an attempt.
checkpoint_at() {
	sql "INSERT INTO checkpoints (id, loop_id, test_id, git_ref,
	    checkpoint_type) VALUES ('$3', '$1', '$2', '$(tip)', 'attempt')"
}

says() {
	[[ $output == *"$1"* ]] || fail "no '$1' in:" "$output"
}

passing() {
	sql "SELECT count(*) FROM passing_tests WHERE test_id = '$1'"
}

# All of the operator's that must stay as it is, as one text.
operators() {
	(
		cd "$REPOSITORY" || exit
		git symbolic-ref HEAD
		git rev-parse main
		find . -path ./.git/objects -prune -o -path ./.git/refs -prune \
		    -o -path ./.git/logs -prune -o -path ./.git/loopkeeper \
		    -prune -o -path ./.git/worktrees -prune -o -type f -print0 |
		    sort -z | xargs -0 sha256sum
	)
}

nothing_left_over() {
	[[ $(git -C "$REPOSITORY" worktree list | wc -l) == 1 ]]
	[[ -z $(ls "$FLEET/state/rollback" 2> /dev/null) ]]
	git -C "$REPOSITORY" fsck --no-dangling
}

@test "all of a loop's commits, newest first, and no one else's" {
	local before
	before=$(operators)
	merged loop-1 A-1 a 'a\n'
	local first=$COMMIT
	merged loop-2 B-1 c 'c\n'
	merged loop-1 A-2 b 'b\n'
	local second=$COMMIT
	run -0 lk rollback loop-1 --yes
	says "Make A-2 pass"
	says "verifying with 1 test that stays passed"
	says "2 commits reverted, 2 tests pending again; $BRANCH is at"
	run ! in_branch a
	run ! in_branch b
	[[ $(in_branch c) == c ]]
	# New commits on top: no history is rewritten.
	[[ $(git -C "$REPOSITORY" rev-parse "$BRANCH~2") == "$second" ]]
	run -0 git -C "$REPOSITORY" log -2 --format='%s|%(trailers:key=Loop,
	    valueonly,separator=)|%(trailers:key=Test,valueonly,separator=)|%(
	    trailers:key=Reverts,valueonly,separator=)' "$BRANCH"
	git -C "$REPOSITORY" log -1 --format=%B "$BRANCH" > "$FLEET/message"
	grep -qx "Revert \"Make A-1 pass\"" "$FLEET/message"
	grep -qx "Loop: loop-1" "$FLEET/message"
	grep -qx "Test: A-1" "$FLEET/message"
	grep -qx "Reverts: $first" "$FLEET/message"
	test_is A-1 pending
	test_is A-2 pending
	test_is B-1 passed
	[[ $(sql "SELECT attempts || reason FROM tests WHERE id = 'A-1'") == \
	    "0rolled back" ]]
	[[ $(passing A-1)$(passing A-2)$(passing B-1) == 001 ]]
	events_are 1 "event_type = 'rollback_triggered' AND loop_id = 'loop-1'
	    AND json_array_length(payload, '$.tests') = 2
	    AND json_extract(payload, '$.commits[0]') = '$second'
	    AND json_extract(payload, '$.git_ref') IS NULL"
	events_are 2 "event_type = 'test_reset'"
	[[ $(operators) == "$before" ]] || fail "$before" "$(operators)"
	nothing_left_over
	# Done is done.
	before=$(tip)
	run -0 lk rollback loop-1 --yes
	says "loop-1 has merged nothing that could be rolled back"
	[[ $(tip) == "$before" ]]
	# What passes again later can be rolled back again.
	merged loop-1 A-1 a 'again\n'
	run -0 lk rollback loop-1 --yes
	says "1 commit reverted, 1 test pending again"
}

@test "back to a checkpoint, which any beginning of its id names" {
	merged loop-1 A-1 a 'a\n'
	checkpoint_at loop-1 A-2 feed01
	merged loop-1 A-2 b 'b\n'
	checkpoint_at loop-2 B-1 beef02
	run -0 lk checkpoints loop-1
	says "feed01"
	says "attempt"
	[[ $output != *beef02* ]]
	run -0 lk checkpoints loop-1 --json
	jq -e '.[0].id == "feed01" and .[0].test_id == "A-2"' <<< "$output"
	run -1 lk rollback loop-1 --to beef --yes
	says "checkpoint beef02 is one of loop-2"
	run -1 lk rollback loop-1 --to 7777 --yes
	says "there is no checkpoint 7777"
	run -0 lk rollback loop-1 --to feed --yes
	says "1 commit reverted"
	run ! in_branch b
	[[ $(in_branch a) == a ]]
	test_is A-1 passed
	test_is A-2 pending
	has_event "event_type = 'rollback_triggered'
	    AND json_extract(payload, '$.git_ref') IS NOT NULL"
	run -3 lk timeline
	says "is rolled back to"
	# One by hand.
	run -0 lk checkpoint loop-1
	says "loop-1: checkpoint"
	[[ $(sql "SELECT git_ref FROM checkpoints
	    WHERE checkpoint_type = 'manual'") == "$(tip)" ]]
	run -0 lk checkpoints loop-1
	says "manual"
	# One of a history that is gone.
	sql "INSERT INTO checkpoints (id, loop_id, git_ref) VALUES ('c0',
	    'loop-1', '$(git -C "$REPOSITORY" commit-tree -m x "$(tip)^{tree}")')"
	run -1 lk rollback loop-1 --to c0 --yes
	says "isn't in the history of $BRANCH"
}

@test "one test's work alone, or one commit, whoever made it" {
	merged loop-1 A-1 a 'a\n'
	local first=$COMMIT other
	merged loop-1 A-2 b 'b\n'
	merged loop-2 B-1 c 'c\n'
	other=$COMMIT
	run -2 lk rollback loop-1 --only A-1 --to feed --yes
	run -1 lk rollback loop-1 --only A-7 --yes
	says "there is no test A-7"
	run -1 lk rollback loop-1 --commit 1234567 --yes
	says "there is no commit 1234567 in the history of $BRANCH"
	run -1 lk rollback loop-1 --commit "$other" --yes
	says "was made by loop-2: 'loopkeeper rollback loop-2 --commit"
	run -0 lk rollback loop-1 --only B-1 --yes
	says "loop-1 has merged nothing of B-1 that could be rolled back"
	sql "INSERT INTO regressions (test_id, loop_id, first_bad_commit,
	    output) VALUES ('B-1', 'loop-2', '$first', 'c is gone')"
	run -0 lk rollback loop-1 --only a-1 --yes
	says "1 commit reverted, 1 test pending again"
	run ! in_branch a
	[[ $(in_branch b) == b ]]
	test_is A-1 pending
	test_is A-2 passed
	# Who does it again knows why.
	[[ $(sql "SELECT evidence FROM tests WHERE id = 'A-1'") == *"\
as commit ${first:0:12}, and rolled back: B-1 fails with it"*": test -e c"*\
"c is gone" ]]
	has_event "event_type = 'rollback_triggered' AND test_id = 'A-1'"
	run -3 lk timeline
	says "is rolled back: only A-1"
	# Done is done, also for one commit.
	run -0 lk rollback loop-1 --commit "${first:0:10}" --yes
	says "nothing"
	run -1 lk rollback loop-1 --commit "$(tip)" --yes
	says "is a rollback itself"
	run -0 lk rollback loop-2 --commit "${other:0:10}" --yes
	run ! in_branch c
	test_is B-1 pending
	# What was done anew since stays done.
	merged loop-1 A-2 e 'e\n'
	first=$COMMIT
	merged loop-1 A-2 b 'more b\n'
	run -0 lk rollback loop-1 --commit "$first" --yes
	says "1 commit reverted, 0 tests pending again"
	run ! in_branch e
	test_is A-2 passed
	[[ $(passing A-2) == 2 ]]
	# But not for another test's sake.
	merged loop-1 A-2 e 'e\n'
	first=$COMMIT
	merged loop-1 A-1 f 'f\n'
	run -0 lk rollback loop-1 --commit "$first" --yes
	says "1 commit reverted, 1 test pending again"
	test_is A-2 pending
	# The operator's own.
	merged loop-1 A-1 a 'again\n'
	git -C "$REPOSITORY" worktree add -q "$FLEET/mine" "$BRANCH"
	echo mine > "$FLEET/mine/mine"
	git -C "$FLEET/mine" add mine
	git -C "$FLEET/mine" commit -q -m "By hand"
	git -C "$REPOSITORY" worktree remove "$FLEET/mine"
	first=$(tip)
	run -0 lk rollback loop-1 --commit "$first" --yes
	says "By hand"
	says "1 commit reverted, 0 tests pending again"
	run ! in_branch mine
	[[ $(in_branch a) == again ]]
	run -0 lk rollback loop-1 --commit "$first" --yes
	says "nothing"
}

@test "a rollback is undone, and undone it can be rolled back again" {
	merged loop-1 A-1 a 'a\n'
	local first=$COMMIT
	run -1 lk rollback loop-1 --undo "$first" --yes
	says "${first:0:12} wasn't rolled back from $BRANCH as one of loop-1"
	run -0 lk rollback loop-1 --only A-1 --yes
	run -2 lk rollback loop-1 --undo "$first" --only A-1
	run -1 lk rollback loop-2 --undo "$first" --yes
	sql "UPDATE tests SET status = 'in_progress', evidence = 'x'
	    WHERE id = 'A-1';
	    INSERT INTO attempts (id, test_id, loop_id, fence, state)
	    VALUES ('x', 'A-1', 'loop-1', 2, 'running')"
	run -0 lk rollback loop-1 --undo "${first:0:9}" --dry-run
	run ! in_branch a
	run -0 lk rollback loop-1 --undo "${first:0:9}" --yes
	says "verifying with 1 test that must have passed"
	says "${first:0:12} is back; $BRANCH is at"
	[[ $(in_branch a) == a ]]
	test_is A-1 passed
	[[ $(sql "SELECT outcome FROM attempts") == interrupted ]]
	[[ $(sql "SELECT ifnull(reason, '-') || ifnull(evidence, '-')
	    FROM tests WHERE id = 'A-1'") == -- ]]
	[[ $(sql "SELECT commit_hash FROM passing_tests") == "$first" ]]
	events_are 1 "event_type = 'rollback_undone' AND test_id = 'A-1'"
	run -3 lk timeline
	says "${first:0:12} of loop-1 is back, and A-1 passes, by"
	run -0 lk rollback loop-1 --undo "$first" --yes
	says "${first:0:12} is back already"
	# It died before the rows were written.
	sql "UPDATE tests SET status = 'pending'; DELETE FROM passing_tests"
	run -0 lk rollback loop-1 --undo "$first" --yes
	test_is A-1 passed
	[[ $(passing A-1) == 1 ]]
	# To and fro.
	run -0 lk rollback loop-1 --yes
	says "1 commit reverted, 1 test pending again"
	run ! in_branch a
	run -0 lk rollback loop-1 --undo "$first" --yes
	[[ $(in_branch a) == a ]]
	run -0 lk rollback loop-1 --commit "$first" --yes
	run ! in_branch a
	nothing_left_over
	# Its test has to pass.
	sql "UPDATE tests SET verify = 'false' WHERE id = 'A-1'"
	run -1 lk rollback loop-1 --undo "$first" --yes
	says "A-1 fails with the rollback undone: exit 1"
	run ! in_branch a
	test_is A-1 pending
	merged loop-1 A-1 d 'd\n'
	run -1 lk rollback loop-1 --undo "$first" --yes
	says "A-1 has passed anew since ${first:0:12} was rolled back"
}

@test "nobody is asked without a terminal; a dry run changes nothing" {
	merged loop-1 A-1 a 'a\n'
	local before
	before=$(tip)
	run -2 lk rollback loop-1
	says "Make A-1 pass"
	says "--yes if it is"
	run -0 lk rollback loop-1 --dry-run
	says "A-1  Make A-1 pass"
	says "1 would be reverted"
	run -1 lk rollback loop-7 --yes
	says "there is no loop loop-7"
	[[ $(tip) == "$before" ]]
	test_is A-1 passed
}

@test "on a terminal it asks" {
	need script
	merged loop-1 A-1 a 'a\n'
	local before
	before=$(tip)
	echo n > "$FLEET/no"
	echo y > "$FLEET/yes"
	script -qec "$LOOPKEEPER rollback loop-1" /dev/null \
	    < "$FLEET/no" > "$FLEET/asked" 3>&- || true
	grep -q "Roll back? \[y/N\]" "$FLEET/asked"
	grep -q "nothing was changed" "$FLEET/asked"
	[[ $(tip) == "$before" ]]
	script -qec "$LOOPKEEPER rollback loop-1" /dev/null \
	    < "$FLEET/yes" > "$FLEET/asked" 3>&-
	[[ $(tip) != "$before" ]]
}

@test "a conflict is named, with commit and files, and nothing changes" {
	merged loop-1 A-1 shared 'one\nTWO\nthree\n'
	local mine=$COMMIT before
	merged loop-2 B-1 shared 'one\nTWO and more\nthree\n'
	merged loop-1 A-2 b 'b\n'
	before=$(tip)
	local wish
	for wish in --yes --dry-run --force; do
		run -1 lk rollback loop-1 --yes "$wish"
		says "${mine:0:12} (A-1) can't be undone"
		says "shared; nothing was changed"
	done
	[[ $(tip) == "$before" ]]
	test_is A-1 passed
	test_is A-2 passed
	[[ $(count_events "event_type = 'rollback_triggered'") == 0 ]]
	nothing_left_over
}

@test "what would break is said with its last lines, and nothing changes" {
	merged loop-1 A-1 a 'a\n'
	merged loop-2 B-1 c 'c\n'
	local before
	before=$(tip)
	sql "UPDATE tests SET verify = 'echo needs a; test -e a',
	    files = '[\"a\"]' WHERE id = 'B-1'"
	run -1 lk rollback loop-1 --yes
	says "B-1, which passes now, fails with the rollback: exit 1"
	says "needs a"
	says "--force rolls back all the same"
	[[ $(tip) == "$before" ]]
	test_is A-1 passed
	nothing_left_over
	run -0 lk rollback loop-1 --yes --force
	says "going on all the same"
	test_is A-1 pending
	test_is B-1 passed
}

@test "what fails anyway, or by chance, blames nobody" {
	merged loop-1 A-1 a 'a\n'
	merged loop-2 B-1 c 'c\n'
	sql "UPDATE tests SET verify = 'false' WHERE id = 'B-1'"
	lk add B-2 --loop loop-2 --verify \
	    "test -e a || test -e $FLEET/once || { touch $FLEET/once; false; }"
	sql "UPDATE tests SET status = 'passed' WHERE id = 'B-2'"
	run -0 lk rollback loop-1 --yes
	says "B-1 fails without the rollback, too"
	says "B-2 fails by chance"
	test_is A-1 pending
}

@test "verify has a time, setup comes before it, and nothing of them is left" {
	configure 'verify_limit = "1s"; setup = "echo s >> $FLEET/setups";'
	sed -i 's/verify_limit = "20s";//' "$LOOPKEEPER_CONFIG"
	merged loop-1 A-1 a 'a\n'
	merged loop-2 B-1 c 'c\n'
	sql "UPDATE tests SET verify =
	    'test -e a || { setsid sleep 1000 & sleep 1000; }'
	    WHERE id = 'B-1'"
	run -1 lk rollback loop-1 --yes
	says "B-1, which passes now, fails with the rollback: over its time of 1s"
	[[ -s $FLEET/setups ]]
	nothing_left
	nothing_left_over
	configure 'setup = "echo no network; exit 4";'
	run -1 lk rollback loop-1 --yes
	says "setup fails with the rollback: exit 4"
	says "no network"
	test_is A-1 passed
}

@test "verify has what a loop's worktrees have: copies, shared folders, setup" {
	printf '.env\ncache\ndeps\n' > "$REPOSITORY/.git/info/exclude"
	echo secret > "$REPOSITORY/.env"
	configure 'copy = [ ".env" ]; shared = [ "cache" ];
	    setup = "mkdir -p deps; echo s >> $FLEET/setups";'
	merged loop-1 A-1 a 'a\n'
	merged loop-2 B-1 c 'c\n'
	sql "UPDATE tests SET verify =
	    'test -e c -a -L cache -a -d deps && grep secret .env'
	    WHERE id = 'B-1'"
	run -0 lk rollback loop-1 --yes
	test_is A-1 pending
	nothing_left
	# It is run again only where what it depends on differs.
	[[ $(wc -l < "$FLEET/setups") == 1 ]]
}

@test "setup that the rollback mends is no reason against it" {
	printf 'deps\n' > "$REPOSITORY/.git/info/exclude"
	configure 'setup = "rm -rf deps; test ! -e a && mkdir deps";
	    setup_when_changed = [ "a" ];'
	merged loop-1 A-1 a 'a\n'
	merged loop-2 B-1 c 'c\n'
	lk add B-2 --loop loop-2 --verify "test -d deps"
	sql "UPDATE tests SET verify = 'false' WHERE id = 'B-1';
	    UPDATE tests SET status = 'passed' WHERE id = 'B-2'"
	run -0 lk rollback loop-1 --yes
	says "verifying with 2 tests"
	says "B-1 can't pass without the rollback: setup fails there (exit 1)"
	# What the failing setup did is nothing that others run with.
	[[ $output != *B-2* ]]
	test_is A-1 pending
	nothing_left_over
}

@test "setup that fails by chance excuses nobody" {
	configure "setup_when_changed = [ \"a\" ];
	    setup = \"test ! -e a || test -e $FLEET/once ||
	        { touch $FLEET/once; false; }\";"
	merged loop-1 A-1 a 'a\n'
	merged loop-2 B-1 c 'c\n'
	sql "UPDATE tests SET verify = 'test -e a' WHERE id = 'B-1'"
	run -1 lk rollback loop-1 --yes
	says "B-1, which passes now, fails with the rollback: exit 1"
	[[ -e $FLEET/once ]]
	test_is A-1 passed
	nothing_left_over
}

@test "one that died halfway is finished by the next" {
	merged loop-1 A-1 a 'a\n'
	local first=$COMMIT
	merged loop-1 A-2 b 'b\n'
	run -0 lk rollback loop-1 --yes
	# The branch moved, and then the power was cut.
	sql "UPDATE tests SET status = 'passed', attempts = 1, reason = NULL
	    WHERE id = 'A-1';
	    INSERT INTO passing_tests (test_id, commit_hash)
	    VALUES ('A-1', '$first')"
	local before
	before=$(tip)
	run -0 lk rollback loop-1 --yes
	says "(reverted already)"
	says "0 commits reverted, 1 test pending again"
	[[ $(tip) == "$before" ]]
	test_is A-1 pending
	[[ $(passing A-1) == 0 ]]
}

@test "a rollback that is killed at any time is whole after the next" {
	local turn number
	for turn in {1..8}; do
		merged loop-1 A-1 a "$turn\n"
		merged loop-1 A-2 b "$turn\n"
		background rollback.log "$LOOPKEEPER" rollback loop-1 --yes
		sleep "0.0$turn" # wherever it is by then
		kill -9 "$PID" || true
		wait "$PID" || true
		run -0 lk rollback loop-1 --yes
		run ! in_branch a
		run ! in_branch b
		test_is A-1 pending
		test_is A-2 pending
		[[ $(passing A-1)$(passing A-2) == 00 ]]
		number=$(git -C "$REPOSITORY" log --format=%B "$BRANCH" |
		    grep -c '^Reverts: ')
		[[ $number == $((2 * turn)) ]]
		nothing_left_over
	done
}

@test "what a killed rollback leaves of verify and git is no hindrance" {
	merged loop-1 A-1 a 'a\n'
	merged loop-2 B-1 c 'c\n'
	touch "$FLEET/hang"
	sql "UPDATE tests SET verify = 'test ! -e $FLEET/hang ||
	    { setsid sleep 1000 & echo \$! > $FLEET/sleeper; wait; }'
	    WHERE id = 'B-1'"
	background rollback.log "$LOOPKEEPER" rollback loop-1 --yes
	wait_until 10 test -s "$FLEET/sleeper"
	kill -9 "$PID"
	wait_until 10 gone "$PID"
	local sleeper
	sleeper=$(< "$FLEET/sleeper")
	rm "$FLEET/hang"
	local admin
	admin=$(git -C "$FLEET/state/rollback/loop-1/worktree" \
	    rev-parse --git-dir)
	touch "$admin/index.lock"
	run -0 lk rollback loop-1 --yes
	says "ending a process that an earlier rollback left: sleep 1000"
	gone "$sleeper"
	test_is A-1 pending
	nothing_left_over
}

@test "a rollback that is interrupted amid verify takes all of it away" {
	merged loop-1 A-1 a 'a\n'
	merged loop-2 B-1 c 'c\n'
	local before signal code
	before=$(tip)
	sql "UPDATE tests SET verify =
	    'setsid sleep 1000 & echo x > $FLEET/runs; wait'
	    WHERE id = 'B-1'"
	for signal in INT TERM HUP; do
		rm -f "$FLEET/runs"
		# bash has what runs in the background ignore INT.
		background "rollback-$signal.log" env --default-signal=INT \
		    "$LOOPKEEPER" rollback loop-1 --yes --force
		wait_until 10 test -s "$FLEET/runs"
		kill -s "$signal" "$PID"
		wait_until 10 gone "$PID" # long before verify's time is over
		code=0
		wait "$PID" || code=$?
		((code == 128 + $(kill -l "$signal")))
		grep -q "interrupted: nothing was changed" \
		    "$FLEET/rollback-$signal.log"
		[[ $(tip) == "$before" ]]
		nothing_left
		nothing_left_over
	done
	test_is A-1 passed
	# Who is not to hear of it doesn't.
	sql "UPDATE tests SET verify = 'echo x > $FLEET/runs;
	    cat $FLEET/go' WHERE id = 'B-1'"
	mkfifo "$FLEET/go"
	rm "$FLEET/runs"
	background rollback.log env --ignore-signal=HUP \
	    "$LOOPKEEPER" rollback loop-1 --yes
	wait_until 10 test -s "$FLEET/runs"
	kill -s HUP "$PID"
	echo > "$FLEET/go"
	wait "$PID"
	run ! grep interrupted "$FLEET/rollback.log"
	test_is A-1 pending
}

@test "a branch that moves meanwhile: once more, on top of what came" {
	merged loop-1 A-1 a 'a\n'
	merged loop-2 B-1 c 'c\n'
	mkfifo "$FLEET/go"
	sql "UPDATE tests SET verify = 'test -e $FLEET/went ||
	    { touch $FLEET/verifying; cat $FLEET/go; touch $FLEET/went; }'
	    WHERE id = 'B-1'"
	background rollback.log "$LOOPKEEPER" rollback loop-1 --yes
	wait_until 10 test -e "$FLEET/verifying"
	merged loop-2 B-1 d 'd\n'
	echo > "$FLEET/go"
	wait "$PID"
	grep -q "has moved on meanwhile" "$FLEET/rollback.log"
	run ! in_branch a
	[[ $(in_branch c)$(in_branch d) == cd ]]
	test_is A-1 pending
	nothing_left_over
}

@test "whoever is merging is waited for and named" {
	merged loop-1 A-1 a 'a\n'
	mkdir -p "$REPOSITORY/.git/loopkeeper"
	background holder.log "$HELPERS/locker" \
	    "$REPOSITORY/.git/loopkeeper/merge.lock"
	local holder=$PID
	wait_until 10 grep -q locked "$FLEET/holder.log"
	background rollback.log "$LOOPKEEPER" rollback loop-1 --yes
	wait_until 10 grep -q "waiting for process $holder" \
	    "$FLEET/rollback.log"
	test_is A-1 passed
	kill "$holder"
	wait "$PID"
	test_is A-1 pending
}

@test "of two at once, the second finds what the first has done" {
	merged loop-1 A-1 a 'a\n'
	local first=$COMMIT holder pids=()
	mkdir -p "$REPOSITORY/.git/loopkeeper"
	background holder.log "$HELPERS/locker" \
	    "$REPOSITORY/.git/loopkeeper/rollback.lock"
	holder=$PID
	wait_until 10 grep -q locked "$FLEET/holder.log"
	# The operator's, and the PM's for a regression.
	for i in 1 2; do
		background "rollback-$i.log" "$LOOPKEEPER" rollback loop-1 \
		    --commit "$first" --yes
		pids+=("$PID")
		wait_until 10 grep -q "waiting for process $holder .*, which is\
 rolling back" "$FLEET/rollback-$i.log"
	done
	kill "$holder"
	for pid in "${pids[@]}"; do
		wait "$pid"
	done
	[[ $(git -C "$REPOSITORY" rev-parse "$BRANCH^") == "$first" ]]
	run ! in_branch a
	[[ $(cat "$FLEET"/rollback-?.log | grep -c "1 commit reverted") == 1 ]]
	[[ $(cat "$FLEET"/rollback-?.log | grep -c "has merged nothing") == 1 ]]
	events_are 1 "event_type = 'rollback_triggered'"
	events_are 1 "event_type = 'test_reset'"
	nothing_left_over
}

@test "a branch that is checked out isn't moved" {
	merged loop-1 A-1 a 'a\n'
	local before
	before=$(tip)
	git -C "$REPOSITORY" checkout -q "$BRANCH"
	run -75 lk rollback loop-1 --yes
	says "branch $BRANCH is checked out in $REPOSITORY"
	[[ $(tip) == "$before" ]]
	git -C "$REPOSITORY" checkout -q main
	git -C "$REPOSITORY" branch -q -D "$BRANCH"
	run -1 lk rollback loop-1 --yes
	says "there is no branch $BRANCH"
}

@test "a branch that is checked out while its tests run isn't moved" {
	merged loop-1 A-1 a 'a\n'
	merged loop-2 B-1 c 'c\n'
	local before
	before=$(tip)
	sql "UPDATE tests SET verify =
	    'git -C $REPOSITORY checkout -q $BRANCH && test -e c'
	    WHERE id = 'B-1'"
	run -75 lk rollback loop-1 --yes
	says "branch $BRANCH is checked out in $REPOSITORY"
	[[ $(tip) == "$before" ]]
	[[ -z $(git -C "$REPOSITORY" status --short) ]]
	test_is A-1 passed
	nothing_left_over
}

@test "the lock of a git that was killed is no hindrance" {
	merged loop-1 A-1 a 'a\n'
	touch -d '1 minute ago' "$REPOSITORY/.git/refs/heads/$BRANCH.lock"
	run -0 lk rollback loop-1 --yes
	test_is A-1 pending
	[[ -n $(ls "$REPOSITORY/.git/loopkeeper/aside") ]]
}

@test "skipped tests stay skipped; one that runs is taken away" {
	merged loop-1 A-1 a 'a\n'
	merged loop-1 A-2 b 'b\n'
	sql "UPDATE tests SET status = 'skipped' WHERE id = 'A-1';
	    UPDATE tests SET status = 'in_progress' WHERE id = 'A-2';
	    INSERT INTO attempts (id, test_id, loop_id, fence, state)
	    VALUES ('x', 'A-2', 'loop-1', 2, 'running')"
	run -0 lk rollback loop-1 --yes
	test_is A-1 skipped
	test_is A-2 pending
	[[ $(passing A-1) == 0 ]]
	[[ $(sql "SELECT outcome FROM attempts") == interrupted ]]
}
