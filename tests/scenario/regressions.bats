# What has passed is run again on the integration branch, in a worktree of its
# own: what doesn't pass there any more is told, and chance blames nobody.

load lib

prepare() {
	need git
	REGRESSION=$FLEET/state/regression/trees/loop-1
}

# fleet [KEYS OF THE LOOP] [KEYS OF REGRESSIONS]: two tests that passed, A and
# B; each has written its own file. The monitor looks ten times a second.
fleet() {
	one_loop "${1:-}" <<-'SH'
		#!/bin/sh
		echo "$LOOPKEEPER_TEST_ID" > "$LOOPKEEPER_TEST_ID"
	SH
	{
		echo "monitor = { every = \"100ms\"; };"
		echo "regressions = { ${2:-} };"
	} >> "$LOOPKEEPER_CONFIG"
	lk add A --loop loop-1 --verify 'test -e A && test ! -e broken'
	lk add B --loop loop-1 --verify 'grep -q B B'
	background loop-1.log loopkeeper-loop -c "$LOOPKEEPER_CONFIG" loop-1
	local loop=$PID
	wait_until 30 test_is A passed
	wait_until 30 test_is B passed
	kill "$loop"
	wait_until 10 gone "$loop"
}

monitor() {
	background monitor.log loopkeeper-monitor -c "$LOOPKEEPER_CONFIG"
	MONITOR=$PID
}

stop_monitor() {
	kill "$MONITOR"
	wait_until 10 gone "$MONITOR"
}

# change COMMAND...: a commit on the branch by hand, in a clone.
change() {
	[[ -d $FLEET/clone ]] || check_out "$FLEET/clone"
	(cd "$FLEET/clone" && "$@" && git add -A && git commit -q -m "$*" &&
	    git push -q origin loopkeeper/main)
}

tip() {
	git -C "$FLEET/repository" rev-parse loopkeeper/main
}

sql_is() {
	local is
	is=$(sql "$2")
	[[ $is == "$1" ]] || fail "is: $is"
}

# verified_on COMMIT TEST...
verified_on() {
	local commit=$1 name
	shift
	for name; do
		sql_is "$commit" \
		    "SELECT verified_commit FROM tests WHERE id = '$name'" ||
		    return 1
	done
}

alerts_stand() {
	sql_is "$1" "SELECT count(*) FROM alerts
	    WHERE alert_type = '$2' AND acknowledged = 0"
}

field() {
	sql "SELECT json_extract(payload, '$.$1') FROM events
	    WHERE event_type = 'regression_detected'"
}

@test "a commit that breaks a passed test is told, once, until it passes again" {
	local good
	fleet
	monitor
	change touch harmless
	good=$(tip)
	wait_until 20 verified_on "$good" A B
	change touch broken
	wait_event "event_type = 'regression_detected'"
	[[ $(field test_id) == A && $(field loop_id) == loop-1 ]]
	[[ $(field cause) == commit ]]
	[[ $(field last_good_commit) == "$good" ]]
	[[ $(field failing_commit) == "$(tip)" ]]
	[[ $(field first_bad_commit) == "$(tip)" ]]
	[[ $(field blamed_author) == tester && -z $(field blamed_loop) ]]
	local bad
	bad=$(tip)
	grep "^# .* A on ${good:0:12}: " "$(field transcript)"
	grep '^# .* verify: exit 1' "$(field transcript)"
	wait_until 10 alerts_stand 1 regression
	wait_until 20 verified_on "$(tip)" B
	change touch harmless-too
	wait_until 20 verified_on "$(tip)" B
	test_is A passed
	change rm broken
	wait_event "event_type = 'regression_cleared' AND test_id = 'A'"
	wait_until 10 alerts_stand 0 regression
	events_are 1 "event_type = 'regression_detected'"
	events_are 1 "event_type = 'alert_raised'"
	run -3 lk timeline
	[[ $output == *"A of loop-1 doesn't pass on "*"; it did on \
${good:0:12}; it fails since ${bad:0:12}: \
$FLEET"*"A of loop-1 passes again: it is no regression any more"* ]]
	# Transcripts of what passed are of no use.
	[[ $(ls "$FLEET/state/regression/logs") == A-* ]]
	stop_monitor
}

@test "what is mended while it is looked at is no regression" {
	fleet
	monitor
	change touch harmless
	wait_until 20 verified_on "$(tip)" A B
	sql "UPDATE tests SET verify = 'test -e A && test ! -e broken || {
	    touch $FLEET/waits; while test -e $FLEET/hold; do sleep 0.05; done
	    false; }' WHERE id = 'A'"
	touch "$FLEET/hold"
	change touch broken
	wait_until 20 test -e "$FLEET/waits"
	change rm broken
	rm "$FLEET/hold"
	wait_until 30 verified_on "$(tip)" A B
	events_are 0 "event_type = 'regression_detected'"
	# What isn't mended is told all the same.
	touch "$FLEET/hold"
	rm "$FLEET/waits"
	change touch broken
	local bad
	bad=$(tip)
	wait_until 20 test -e "$FLEET/waits"
	change touch something
	rm "$FLEET/hold"
	wait_event "event_type = 'regression_detected'"
	[[ $(field first_bad_commit) == "$bad" ]]
	stop_monitor
}

@test "what a loop has done that is gone by now is looked at, too" {
	fleet
	sql "INSERT INTO loops (id, status) VALUES ('gone', 'stopped'),
	    ('theirs', 'running');
	    UPDATE tests SET loop_id = 'gone' WHERE id = 'A';
	    INSERT INTO tests (id, loop_id, status, verify) VALUES
	    ('S', 'gone', 'passed', 'touch $FLEET/strange; false'),
	    ('X', 'theirs', 'passed', 'touch $FLEET/theirs; false')"
	monitor
	wait_until 20 verified_on "$(tip)" A B
	wait_until 20 test -e "$FLEET/strange"
	change touch broken
	wait_event "event_type = 'regression_detected'"
	wait_until 20 verified_on "$(tip)" B
	[[ $(field test_id) == A && $(field loop_id) == gone ]]
	[[ ! -e $FLEET/theirs ]]
	stop_monitor
}

@test "what a loop has done that is gone is looked at whatever setups there are" {
	fleet
	sed -i -e 's|^components = (|&{ name = "loop-2"; command = [ "true" ];\
		loop = { worker = [ "true" ]; setup = "true";\
		repository = "'"$FLEET"'/repository"; }; },|' \
	    "$LOOPKEEPER_CONFIG"
	sql "INSERT INTO loops (id, status) VALUES ('gone', 'stopped');
	    UPDATE tests SET loop_id = 'gone' WHERE id = 'A'"
	monitor
	change touch harmless
	wait_until 20 verified_on "$(tip)" A B
	stop_monitor
}

@test "what fails where it passed before, too, is no commit's doing" {
	touch "$FLEET/service"
	fleet
	sql "UPDATE tests SET verify = 'test -e $FLEET/service' WHERE id = 'A'"
	rm "$FLEET/service"
	monitor
	change touch harmless
	wait_event "event_type = 'regression_detected' AND test_id = 'A'"
	[[ $(field cause) == outside ]]
	wait_until 10 alerts_stand 1 regression
	touch "$FLEET/service"
	change touch harmless-too
	wait_event "event_type = 'regression_cleared' AND test_id = 'A'"
	stop_monitor
}

@test "commits that can't be run are blamed together with the first that can" {
	local good
	fleet 'setup = "test ! -e unset"; setup_when_changed = [ "unset" ];'
	monitor
	change touch one
	good=$(tip)
	wait_until 20 verified_on "$good" A B
	stop_monitor
	change touch unset
	change touch broken
	change rm unset
	change touch two
	monitor
	wait_event "event_type = 'regression_detected'" 30
	stop_monitor
	[[ $(field last_good_commit) == "$good" ]]
	[[ $(field first_bad_commit) == "$(git -C "$FLEET/clone" rev-parse \
	    HEAD~1)" ]]
	sql_is 3 "SELECT blamed_commits FROM regressions"
	run -3 lk regressions
	[[ $output == *"or one of the 2 commits before it, which can't be"* ]]
}

@test "a commit that makes a test fail now and then is found, and undone" {
	fleet
	# Each other run, so that it isn't chance what is found.
	cat > "$FLEET/now-and-then" <<-SH
		#!/bin/sh
		test ! -e broken && exit
		echo x >> "$FLEET/runs"
		test "\$((\$(wc -l < "$FLEET/runs") % 2))" = 0
	SH
	chmod 755 "$FLEET/now-and-then"
	sql "UPDATE tests SET runs = 40, verify = '$FLEET/now-and-then'
	    WHERE id = 'A'"
	local bad
	change touch one
	change touch broken
	bad=$(tip)
	change touch two
	change touch three
	monitor
	wait_until 60 has_event "event_type = 'regression_detected'"
	stop_monitor
	[[ $(field cause) == sometimes && $(field first_bad_commit) == "$bad" ]]
	monitor
	# A pass or two are not the end of it.
	change touch four
	wait_until 20 verified_on "$(tip)" B
	events_are 0 "event_type = 'regression_cleared'"
	lk rollback loop-1 --commit "$bad" --yes
	wait_event "event_type = 'regression_cleared' AND test_id = 'A'" 30
	stop_monitor
}

# Its own merge comes while the sweep runs another test on the tip before it.
@test "a test that has passed on what was merged since is no regression" {
	fleet
	change touch fixed
	local fixed
	fixed=$(tip)
	git -C "$FLEET/clone" push -qf origin HEAD^:loopkeeper/main
	local merge="git -C $FLEET/repository update-ref"
	merge="$merge refs/heads/loopkeeper/main $fixed"
	sql "UPDATE tests SET verified_at = '2026-01-01', verify = '$merge',
	    verified_commit = NULL WHERE id = 'A';
	    UPDATE tests SET verified_at = '2026-01-02',
	    verify = 'test -e fixed', verified_commit = '$fixed'
	    WHERE id = 'B'"
	monitor
	wait_until 30 verified_on "$fixed" A B
	run ! log_has_line "fails by chance"
	events_are 0 "event_type = 'regression_detected'"
	stop_monitor
}

@test "a test that fails by chance blames nobody" {
	fleet
	sql "UPDATE tests SET verify = 'test -e $FLEET/ran ||
	    ! touch $FLEET/ran' WHERE id = 'A'"
	monitor
	change touch harmless
	wait_until 20 log_has_line "A fails by chance"
	wait_until 20 verified_on "$(tip)" A B
	events_are 0 "event_type = 'regression_detected'"
	stop_monitor
}

log_has_line() {
	grep -F "$1" "$FLEET/monitor.log"
}

# In the repository as the operator has it, ignored files are there.
@test "its worktree has setup, copies and shared folders, like a loop's" {
	repository "$FLEET/repository"
	printf 'deps\n.env\ncache\n' > "$FLEET/repository/.gitignore"
	git -C "$FLEET/repository" add -A
	git -C "$FLEET/repository" commit -q -m Ignore
	echo secret > "$FLEET/repository/.env"
	fleet 'copy = [ ".env" ]; shared = [ "cache" ];
	    setup = "mkdir -p deps; pwd >> $FLEET/setups";
	    setup_when_changed = [ "lock" ];'
	sql "UPDATE tests SET verify = 'test -d deps -a -L cache &&
	    grep secret .env && echo \$LOOPKEEPER_LOOP_INDEX >> $FLEET/indices'"
	monitor
	change touch harmless
	wait_until 20 verified_on "$(tip)" A B
	change touch lock
	wait_until 20 verified_on "$(tip)" A B
	[[ $(grep -cxF "$REGRESSION" "$FLEET/setups") == 2 ]]
	# What another loop may have at the same time isn't used.
	[[ $(sort -u "$FLEET/indices") == 2 ]]
	stop_monitor
	sed -i 's/mkdir -p deps;/exit 3;/' "$LOOPKEEPER_CONFIG"
	change touch one
	monitor
	wait_until 20 alerts_stand 1 regressions_unknown
	sql "SELECT message FROM alerts WHERE acknowledged = 0" |
	    grep -F "run again on loopkeeper/main: setup: exit 3"
	test_is A passed
	stop_monitor
	sed -i 's/exit 3;/mkdir -p deps;/' "$LOOPKEEPER_CONFIG"
	monitor
	wait_until 20 alerts_stand 0 regressions_unknown
	stop_monitor
}

@test "every branch that can't be swept is told" {
	fleet
	sed -i -e 's/pause = "0";/& setup = "exit 3";/' \
	    -e 's|^components = (|&{ name = "loop-2"; command = [ "true" ];\
		loop = { worker = [ "true" ]; setup = "exit 4";\
		repository = "'"$FLEET"'/repository"; }; },|' \
	    "$LOOPKEEPER_CONFIG"
	sql "INSERT INTO loops (id) VALUES ('loop-2');
	    INSERT INTO tests (id, loop_id, status, verify)
	    VALUES ('C', 'loop-2', 'passed', 'true')"
	monitor
	change touch harmless
	wait_until 20 alerts_stand 2 regressions_unknown
	sql "SELECT message FROM alerts WHERE acknowledged = 0" > "$FLEET/told"
	grep -F "setup: exit 3" "$FLEET/told"
	grep -F "setup: exit 4" "$FLEET/told"
	stop_monitor
}

@test "git that hangs is given up, and told" {
	fleet
	mkdir "$FLEET/bin"
	cat > "$FLEET/bin/git" <<-SH
		#!/bin/sh
		[ ! -e "$FLEET/hangs" ] || exec sleep 1000
		exec $(type -P git) "\$@"
	SH
	chmod +x "$FLEET/bin/git"
	use_points
	export LOOPKEEPER_GIT_LOOK_MS=300
	PATH=$FLEET/bin:$PATH monitor
	change touch harmless
	wait_until 20 verified_on "$(tip)" A B
	# So that it takes git to find the tip.
	git -C "$FLEET/repository" pack-refs --all
	touch "$FLEET/hangs"
	wait_until 20 alerts_stand 1 regressions_unknown
	sql "SELECT message FROM alerts WHERE acknowledged = 0" |
	    grep -F "git rev-parse: it didn't end within"
	rm "$FLEET/hangs"
	wait_until 30 alerts_stand 0 regressions_unknown
	stop_monitor
}

@test "without a merge all are run again after a while" {
	local first
	fleet "" 'every = "1s";'
	first=$(sql "SELECT min(verified_at) FROM tests")
	monitor
	wait_until 20 sql_is 2 "SELECT count(*) FROM tests
	    WHERE verified_at > '$first' AND verified_commit = '$(tip)'"
	stop_monitor
	[[ ! -d $FLEET/state/regression/logs ||
	    -z $(ls "$FLEET/state/regression/logs") ]]
}

@test "0 switches it off" {
	fleet "" 'every = "0";'
	monitor
	change touch broken
	stop_monitor
	[[ ! -e $REGRESSION ]]
	events_are 0 "event_type = 'regression_detected'"
}

@test "a monitor that is told to stop ends the test that it runs" {
	fleet
	sql "UPDATE tests SET verify = 'touch $FLEET/runs;
	    sleep 1000 & exec sleep 1000' WHERE id = 'A'"
	monitor
	change touch harmless
	wait_until 20 test -e "$FLEET/runs"
	stop_monitor
	[[ -z $(pgrep -f 'sleep 1000' -s 0) ]]
	test_is A passed
}

@test "one that is killed leaves nothing that stops the next" {
	fleet
	sql "UPDATE tests SET verify = 'test ! -e $FLEET/hang ||
	    { echo \$\$ > $FLEET/runs; sleep 1000; }' WHERE id = 'A'"
	touch "$FLEET/hang"
	monitor
	change touch harmless
	wait_until 20 test -s "$FLEET/runs"
	kill -9 "$MONITOR"
	wait_until 10 gone "$MONITOR"
	rm "$FLEET/hang"
	touch "$(git -C "$REGRESSION" rev-parse --git-dir)/index.lock"
	monitor
	wait_until 30 verified_on "$(tip)" A B
	wait_until 10 gone "$(< "$FLEET/runs")"
	stop_monitor
}

# Since LAST.
looked_at_again() {
	local now
	now=$(sql "SELECT checked_at FROM regressions")
	[[ -n $now && $now != "${LAST:-}" ]] || fail "not since ${LAST:-}"
}

@test "a regression is looked at again, and keeps its transcript" {
	fleet "" 'every = "500ms";'
	monitor
	change touch broken
	wait_event "event_type = 'regression_detected'"
	wait_until 20 looked_at_again
	LAST=$(sql "SELECT checked_at FROM regressions")
	wait_until 20 looked_at_again
	stop_monitor
	grep '^# .* verify: exit 1' "$(field transcript)"
	events_are 1 "event_type = 'regression_detected'"
}

@test "a regression isn't over because a loop has looked at it" {
	fleet
	monitor
	change touch broken
	wait_event "event_type = 'regression_detected'"
	stop_monitor
	lk add C --loop loop-1 --verify 'test -e C'
	background loop-1.log loopkeeper-loop -c "$LOOPKEEPER_CONFIG" loop-1
	wait_until 30 test_is C passed
	monitor
	wait_until 20 verified_on "$(tip)" B
	wait_until 20 looked_at_again
	stop_monitor
	events_are 0 "event_type = 'regression_cleared'"
}

@test "a regression that hangs keeps nobody else from being looked at" {
	fleet 'verify_limit = "1s";' 'every = "1s"; time_limit = "500ms";'
	sql "UPDATE tests SET verify = 'test ! -e broken || sleep 100'
	    WHERE id = 'A'"
	sql "UPDATE tests SET verify = 'test ! -e broken-too' WHERE id = 'B'"
	monitor
	change touch broken
	wait_event "event_type = 'regression_detected' AND test_id = 'A'" 40
	change touch broken-too
	wait_event "event_type = 'regression_detected' AND test_id = 'B'" 40
	stop_monitor
}

@test "a setup that fails on an old commit spoils nothing on the tip" {
	repository "$FLEET/repository"
	echo deps > "$FLEET/repository/.gitignore"
	echo 1 > "$FLEET/repository/lock"
	git -C "$FLEET/repository" add -A
	git -C "$FLEET/repository" commit -q -m Ignore
	fleet "setup = \"rm -rf deps; test ! -e $FLEET/yanked ||
	    test \$(cat lock) = 2 && mkdir deps\";
	    setup_when_changed = [ \"lock\" ];"
	sql "UPDATE tests SET verify = 'test -d deps && test ! -e broken'
	    WHERE id = 'A'"
	sql "UPDATE tests SET verify = 'test -d deps' WHERE id = 'B'"
	touch "$FLEET/yanked"
	change sh -c 'echo 2 > lock; touch broken'
	monitor
	wait_event "event_type = 'regression_detected' AND test_id = 'A'" 40
	wait_until 20 verified_on "$(tip)" B
	stop_monitor
	sql_is A "SELECT test_id FROM regressions"
}

@test "tests with names that are alike have transcripts of their own" {
	fleet
	sql "UPDATE tests SET id = 'x/A', verify = 'test ! -e broken'
	    WHERE id = 'A'"
	sql "UPDATE tests SET id = 'x_A' WHERE id = 'B'"
	monitor
	change touch broken
	wait_event "event_type = 'regression_detected' AND test_id = 'x/A'"
	wait_until 20 verified_on "$(tip)" x_A
	stop_monitor
	grep -F 'x/A on' "$(field transcript)"
}

status_tells() {
	{ lk status --json 2> /dev/null || true; } | grep -qF "$1"
}

@test "with hold_claims nothing but the fix is claimed while one is open" {
	fleet "" 'hold_claims = true;'
	cat > "$FLEET/worker" <<-SH
		#!/bin/sh
		while ! test -e "$FLEET/go"; do sleep 0.05; done
		rm -f broken
		echo "\$LOOPKEEPER_TEST_ID" > "\$LOOPKEEPER_TEST_ID"
	SH
	monitor
	change touch broken
	wait_event "event_type = 'regression_detected'"
	lk add C --loop loop-1 --verify 'test -e C'
	# It isn't for its place that A comes first.
	sql "UPDATE tests SET sort_order = 100 WHERE id = 'A'"
	lk up -d
	wait_until 20 status_tells "idle: A fails on loopkeeper/main since \
$(tip | cut -c 1-12): nothing else is claimed (regressions.hold_claims)"
	sql_is 0 "SELECT count(*) FROM attempts WHERE test_id = 'C'"
	lk reset A
	wait_until 20 test_is A in_progress
	# It is no less broken for that.
	touch "$FLEET/go"
	wait_until 20 test_is C passed
	sql_is 1 "SELECT min(c.started_at) >= a.passed_at FROM tests a,
	    attempts c WHERE a.id = 'A' AND c.test_id = 'C'"
	wait_event "event_type = 'regression_cleared'"
	sql_is 1 "SELECT g.closed_at >= t.passed_at FROM regressions g
	    JOIN tests t ON t.id = g.test_id"
	stop_monitor
}

# fixes TEST... : they are pending, and mend what the branch is broken by.
fixes() {
	local name
	echo 'regressions = { hold_claims = true; };' >> "$LOOPKEEPER_CONFIG"
	for name; do
		lk add "$name" --loop loop-1 --verify "$(cat "$FLEET/verify-$name")"
		sql "INSERT INTO regressions (test_id, loop_id, failing_commit)
		    VALUES ('$name', 'loop-1', 'abc')"
	done
	background loop-1.log loopkeeper-loop -c "$LOOPKEEPER_CONFIG" loop-1
}

@test "a fix that waits for a lock is not claimed again and again" {
	one_loop 'slow_pause = "100ms";' <<-SH
		#!/bin/sh
		test "\$LOOPKEEPER_TEST_ID" = A || exec touch B
		touch shared.c
	SH
	cat > "$FLEET/verify-A" <<-SH
		test -e shared.c || exit 1
		touch "$FLEET/verifying"
		while test ! -e "$FLEET/verified"; do sleep 0.05; done
	SH
	echo 'test -e B' > "$FLEET/verify-B"
	fixes A B
	wait_until 20 test -e "$FLEET/verifying"
	sql "INSERT INTO file_locks (file_path, locked_by, expires_at)
	    VALUES ('shared.*', 'loop-2', datetime('now', '1 hour'))"
	touch "$FLEET/verified"
	# The other one's turn comes meanwhile.
	wait_until 20 test_is B passed
	lk add C --loop loop-1 --verify true
	wait_until 20 grep -q '"pending": 2' \
	    "$FLEET/state/loop-1/specs/health.json"
	sql_is 1 "SELECT count(*) FROM attempts WHERE test_id = 'A'"
	sql_is 0 "SELECT count(*) FROM attempts WHERE test_id = 'C'"
	sql "DELETE FROM file_locks WHERE locked_by = 'loop-2'"
	wait_until 20 test_is A passed
	wait_until 20 test_is C passed
}

@test "a fix that backs off doesn't keep another fix from being tried" {
	one_loop 'retry_delay = "8m";' <<-'SH'
		#!/bin/sh
		touch "$LOOPKEEPER_TEST_ID"
	SH
	echo false > "$FLEET/verify-A"
	echo 'test -e B' > "$FLEET/verify-B"
	fixes A B
	wait_until 20 test_is B passed
	sql_is 1 "SELECT count(*) FROM attempts WHERE test_id = 'A'"
}

@test "a regression whose test is skipped is over" {
	fleet
	monitor
	change touch broken
	wait_event "event_type = 'regression_detected'"
	lk skip A
	wait_event "event_type = 'regression_cleared'
	    AND payload ->> 'result' = 'skipped'"
	lk regressions --all | grep -F "A of loop-1: over (skipped), found"
	{ lk summary || true; } |
	    grep -F "A of loop-1 had failed; that is over (skipped)"
	wait_until 10 alerts_stand 0 regression
	stop_monitor
}
