# A session that is continued finds its work in the files again, as far as that
# can be: on top of what was merged meanwhile, whatever the worker had done with
# git, and however the attempt before ended.

load attempts

prepare() {
	need git
	repository "$FLEET/repository"
	commit old base
	mkdir "$FLEET/bin"
	cp -r "$LK_ROOT/config/workers" "$FLEET/workers"
	ln -s "$LK_ROOT/config/prompt.txt" "$FLEET/prompt.txt"
	# Its arguments are a line of `runs`; what it does today stands in `day`.
	cat > "$FLEET/bin/claude" <<-'SH'
		#!/bin/bash
		cat > /dev/null
		echo "$*" >> "$FLEET/runs"
		[[ -e $FLEET/mute ]] ||
		    echo '{"type":"system","subtype":"init","session_id":"s-1"}'
		. "$FLEET/day"
		echo '{"type":"result","subtype":"success","is_error":false}'
	SH
	chmod 755 "$FLEET/bin/claude"
	export PATH=$FLEET/bin:$PATH
	configure
}

# configure [KEYS]: of the loop.
configure() {
	fleet_config <<-CONF
		components = ( { name = "loop-1"; ready = "notify";
		    command = [ "loopkeeper-loop" ];
		    loop = { worker = "claude"; pause = "0";
		      retry_delay = "0"; ${1:-}
		      repository = "$FLEET/repository"; }; } );
	CONF
}

# day COMMANDS
day() {
	echo "$1" > "$FLEET/day"
}

prompt_of() {
	local transcript
	transcript=$(attempt transcript)
	cat "${transcript%.log}.prompt"
}

# interrupt COMMANDS: an attempt that has done this is broken off.
interrupt() {
	day "$1; touch \"\$FLEET/begun\"; exec sleep 1000"
	run_alone
	wait_until 20 exists "$FLEET/begun"
	# It has told its session, too.
	wait_until 20 sql_is s-1 "SELECT session_id FROM attempts"
	stop_alone
	[[ $(attempt outcome) == interrupted ]]
}

# go_on COMMANDS
go_on() {
	day "$1"
	run_alone
	wait_until 20 all_passed
	stop_alone
}

was_continued() {
	[[ $(wc -l < "$FLEET/runs") == 2 ]] || fail "$(< "$FLEET/runs")"
	tail -n 1 "$FLEET/runs" | grep -q -- "--resume s-1"
}

@test "what a session had done is in the files again, on what was merged since" {
	add_test T-1 "test -e done"
	interrupt 'echo 1 > one; git add one; git commit -q -m One
		git rm -q old; echo changed > base; mkdir d; echo 2 > d/two'
	operator_commits theirs
	go_on 'git status --porcelain -uall > "$FLEET/status"
		git log -1 --format=%s > "$FLEET/head"; touch done'
	was_continued
	[[ $(cat "$FLEET/status") == $' M base\n D old\n?? d/two\n?? one' ]]
	[[ $(cat "$FLEET/head") == "Add theirs" ]]
	prompt_of | grep -q "You go on with your session"
	[[ $(in_repository diff --name-status HEAD loopkeeper/main) == \
	    $(printf '%s\t%s\n' M base A d/two A 'done' D old A one A theirs) ]]
}

@test "a session whose work doesn't apply any more isn't continued" {
	add_test T-1 "test -e done"
	interrupt 'echo mine > f; echo mine > g'
	operator_commits f
	go_on 'git status --porcelain > "$FLEET/status"; touch done'
	[[ -z $(cat "$FLEET/status") ]]
	run tail -n 1 "$FLEET/runs"
	[[ $output != *--resume* ]]
	file_has "$(attempt transcript)" \
	    "session s-1 isn't continued: what it had done conflicts"
	# It lies where it was kept.
	[[ $(snapshot g "$(sql "SELECT id FROM attempts WHERE fence = 1")") == \
	    mine ]]
}

@test "an attempt that ran no worker doesn't hide the session before it" {
	add_test T-1 'touch "$FLEET/looks"; while [ -e "$FLEET/hold" ]; do
	    sleep 0.05; done; test -e done'
	interrupt 'echo 1 > one'
	rm "$FLEET/looks"
	touch "$FLEET/hold"
	run_alone
	wait_until 20 exists "$FLEET/looks"
	stop_alone
	ended 2
	rm "$FLEET/hold"
	go_on 'test -e one && touch done'
	was_continued
}

@test "a continuation that is broken off before it says anything is continued" {
	add_test T-1 "test -e one && test -e done"
	interrupt 'echo 1 > one'
	touch "$FLEET/mute"
	day 'touch "$FLEET/resumed"; exec sleep 1000'
	run_alone
	wait_until 20 exists "$FLEET/resumed"
	stop_alone
	ended 2
	[[ $(attempt outcome) == interrupted ]]
	rm "$FLEET/mute"
	go_on 'touch done'
	[[ $(wc -l < "$FLEET/runs") == 3 ]] || fail "$(< "$FLEET/runs")"
	[[ $(grep -c -- "--resume s-1" "$FLEET/runs") == 2 ]] ||
	    fail "$(< "$FLEET/runs")"
}

# pause_after_test: what the command line writes down, for a loop that runs
# alone.
pause_after_test() {
	printf 'loop-1\tdraining\tolaf\t%s\t\n' "$(date -u +%FT%TZ)" \
	    > "$FLEET/state/wanted"
}

is_file_based() {
	jq -e '.mode == "file-based"' "$FLEET/state/loop-1/specs/health.json"
}

@test "that it failed in a pause isn't lost with the database and the loop" {
	add_test T-1 'cat one; test -e done'
	echo normal > "$FLEET/mode"
	export LOOPKEEPER_MODE_FILE=$FLEET/mode
	day 'echo half of it > one; touch "$FLEET/begun"
		while [ ! -e "$FLEET/go" ]; do sleep 0.05; done'
	run_alone
	wait_until 20 exists "$FLEET/begun"
	echo file-based > "$FLEET/mode"
	wait_until 20 is_file_based
	pause_after_test
	touch "$FLEET/go"
	wait_until 20 exists "$FLEET/state/spool/loop-1.outcome"
	kill_alone
	rm "$FLEET/state/wanted"
	echo normal > "$FLEET/mode"
	go_on 'touch done'
	was_continued
	prompt_of | grep -q "half of it"
	sql_is failed,passed "SELECT group_concat(outcome) FROM
	    (SELECT outcome FROM attempts ORDER BY fence)"
}

# cut_off KEYS: an attempt that hangs in a pause is ended by one of the clocks.
cut_off() {
	configure "$1"
	add_test T-1 "test -e done"
	day "$(declare -f pause_after_test); pause_after_test
		exec sleep 1000"
	run_alone
	wait_until 20 ended 1
	stop_alone
	rm "$FLEET/state/wanted"
	sql_is 1 "SELECT draining FROM attempts"
	configure
	go_on 'touch done'
}

@test "a session whose time was over in a pause is continued" {
	cut_off 'time_limit = "1s";'
	was_continued
}

@test "a session that fell silent in a pause isn't continued" {
	cut_off 'silence_limit = "1s";'
	run tail -n 1 "$FLEET/runs"
	[[ $output != *--resume* ]]
}

@test "an attempt by hand in a paused loop is no reason to go on with it" {
	add_test T-1 "test -e done"
	day 'true'
	pause_after_test
	run -1 lk run-one T-1
	sql_is 'failed|s-1|0' "SELECT outcome, session_id, draining FROM attempts"
	rm "$FLEET/state/wanted"
	go_on 'touch done'
	run tail -n 1 "$FLEET/runs"
	[[ $output != *--resume* ]]
}
