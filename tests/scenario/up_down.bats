# One command starts the fleet, one ends it, and each is safe to repeat.

load lib

plain_config() {
	fleet_config <<-CONF
		components = (
		  { name = "one"; command = [ "sleep", "1000" ]; },
		  { name = "two"; command = [ "sleep", "1000" ];
		    after = [ "one" ]; }
		);
	CONF
}

@test "up -d starts all that is configured, down leaves nothing" {
	plain_config
	run lk up -d
	[[ $status == 0 ]] || fail "$output"
	wait_state one running
	wait_state two running
	wait_state recorder running
	wait_state logger running
	lk down
	wait_until 5 nothing_left
	[[ ! -L $FLEET/state/run ]]
	[[ -z $(ls "$FLEET/state/spool") ]]
	[[ $(count_events "event_type = 'supervisor_started'") == 1 ]]
	[[ $(count_events "event_type = 'supervisor_stopped'") == 1 ]]
	# Also what came when the recorder itself was on its way out.
	[[ $(count_events "event_type = 'component_stopped'") == 4 ]]
	[[ $(sql "PRAGMA integrity_check") == ok ]]
}

@test "up --wait returns when all are ready" {
	fleet_config <<-CONF
		components = ( { name = "late"; ready = "notify";
		    command = [ "/bin/sh", "-c",
		      "sleep 0.5; systemd-notify --ready; exec sleep 1000" ];
		    notify_access = "tree"; } );
	CONF
	lk up -d --wait
	state_is late running
}

@test "up on a fleet that lives says so and changes nothing" {
	plain_config
	lk up -d
	wait_state two running
	local one guardian
	one=$(pid_of one)
	guardian=$(status_field @ guardian_pid)
	run lk up -d
	[[ $status == 0 && $output == *"running already"*$guardian* ]] ||
	    fail "$output"
	run lk up
	[[ $status == 0 && $output == *"running already"* ]] || fail "$output"
	[[ $(pid_of one) == "$one" ]]
	[[ $(status_field @ guardian_pid) == "$guardian" ]]
}

@test "a second supervisor is refused, and names the first" {
	plain_config
	lk up -d
	wait_state one running
	local guardian
	guardian=$(status_field @ guardian_pid)
	run "$BUILD/bin/loopkeeperd" --guardian "$FLEET/state" \
	    "$LOOPKEEPER_CONFIG" 3>&-
	[[ $status == 1 && $output == *"already running"*$guardian* ]] ||
	    fail "$status: $output"
	[[ $(status_field @ guardian_pid) == "$guardian" ]]
}

@test "down on what doesn't run is no error, steering it is 3" {
	plain_config
	run lk down
	[[ $status == 0 && $output == *"not running"* ]]
	run lk down --now
	[[ $status == 0 && $output == *"not running"* ]]
	run lk restart one
	[[ $status == 3 ]] || fail "$output"
	run lk pause all
	[[ $status == 3 ]] || fail "$output"
	run lk reload
	[[ $status == 3 ]] || fail "$output"
}

@test "a faulty configuration starts nothing" {
	fleet_config <<-CONF
		components = ( { name = "one"; command = [ "sleep", "1" ];
		    after = [ "none" ]; } );
	CONF
	run lk up -d
	[[ $status == 1 && $output == *none* ]] || fail "$output"
	wait_until 5 nothing_left
}

@test "up --dry-run prints what would start, and starts nothing" {
	plain_config
	run lk up --dry-run
	[[ $status == 0 ]]
	[[ $output == *"one: start: "*"sleep 1000"* ]] || fail "$output"
	[[ $output == *"two: start after one: "* ]] || fail "$output"
	wait_until 5 nothing_left
}

up_in_background() {
	background up.log "$LOOPKEEPER" -c "$LOOPKEEPER_CONFIG" up "$@"
	UP=$PID
}

@test "in the foreground it prints events; TERM is down" {
	plain_config
	up_in_background
	wait_state two running
	wait_until 10 grep -q 'two is ready' "$FLEET/up.log"
	kill "$UP"
	wait "$UP"
	wait_until 5 nothing_left
}

@test "up says who can't be given a keeper, and starts the others" {
	local names
	mapfile -t names < <(seq -f 'c%g' 1 40)
	sleepers "${names[@]}"
	ulimit -n 64
	run lk up -d
	[[ $status == 0 ]]
	[[ $output == *"a keeper for c40: Too many open files"* ]] ||
	    fail "$output"
	wait_state c1 running
}

@test "TERM or INT to guardian or daemon is down, and so is TERM to all" {
	plain_config
	local signal who pids
	for signal in TERM INT; do
		for who in guardian daemon; do
			lk up -d --wait
			kill "-$signal" "$(status_field @ "${who}_pid")"
			wait_until 10 nothing_left
		done
	done
	lk up -d --wait
	mapfile -t pids < <(fleet_processes)
	# Some end before their turn comes.
	kill "${pids[@]}" || true
	wait_until 10 nothing_left
	[[ $(count_events "event_type = 'supervisor_stopped'") == 5 ]]
	[[ $(count_events "event_type IN ('component_crashed', 'keeper_died',
	    'daemon_restarted')") == 0 ]]
}

@test "a closed terminal turns the foreground into up -d" {
	need script
	plain_config
	# The terminal of script(1) goes away with it.
	script -qec "$LOOPKEEPER -c $LOOPKEEPER_CONFIG up" /dev/null \
	    > /dev/null 2>&1 < /dev/null 3>&- &
	local script=$!
	wait_state two running
	local one
	one=$(pid_of one)
	kill -9 "$script"
	wait_until 10 no_up_runs
	[[ $(pid_of one) == "$one" ]]
	state_is two running
}

no_up_runs() {
	! pgrep -f "$LOOPKEEPER_CONFIG up\$" > "$FLEET/ups" ||
	    fail "$(cat "$FLEET/ups")"
}

@test "up --attach follows the guardian, through its death, to its end" {
	plain_config
	up_in_background --attach
	local guardian
	wait_state two running
	guardian=$(status_field @ guardian_pid)
	kill -9 "$guardian"
	wait_until 10 has_other guardian_pid @ "$guardian"
	[[ -d /proc/$UP ]]
	kill -TERM "$UP"
	wait "$UP"
	wait_until 5 nothing_left
}

@test "stop, start and restart wait for what they say" {
	plain_config
	lk up -d --wait
	local pid
	pid=$(pid_of one)
	lk stop one --reason "for the test"
	state_is one stopped
	gone "$pid"
	grep -q "^one	stopped	.*	for the test$" "$FLEET/state/wanted"
	lk stop one
	lk start one
	state_is one running
	pid=$(pid_of one)
	lk restart one
	state_is one running
	[[ $(pid_of one) != "$pid" ]]
	[[ $(status_field one restarts) == 0 ]]
}

@test "what was stopped stays so through down and up" {
	plain_config
	lk up -d --wait
	lk stop one
	lk down
	lk up -d --wait
	state_is one stopped
	state_is two running
	lk start one
	state_is one running
}

@test "a start that can't succeed says why, and fails" {
	fleet_config <<-CONF
		components = ( { name = "bad"; command = [ "/bin/false" ];
		    ready = "notify"; restart = { delay = "10s"; }; } );
	CONF
	lk up -d
	wait_state bad backoff
	run lk start bad
	[[ $status == 1 && $output == *"exit 1"* ]] || fail "$output"
}

@test "up --wait ends when what is missing can't be kept up" {
	fleet_config <<-CONF
		components = (
		  { name = "bad"; command = [ "/bin/false" ]; ready = "notify";
		    restart = { delay = "10ms"; max_restarts = 1; }; },
		  { name = "one"; command = [ "sleep", "1000" ]; } );
	CONF
	run lk up -d --wait
	[[ $status == 1 && $output == *"bad is failed ("* ]] || fail "$output"
	state_is one running
}

@test "down of a supervisor that somebody has stopped" {
	sleepers one
	lk up -d --wait
	kill -STOP "$(status_field @ guardian_pid)" \
	    "$(status_field @ daemon_pid)"
	lk down
	wait_until 5 nothing_left
}

@test "names that don't exist change nothing" {
	plain_config
	lk up -d --wait
	run lk stop one nosuch
	[[ $status == 1 && $output == *nosuch* ]] || fail "$output"
	state_is one running
	[[ ! -s $FLEET/state/wanted ]]
}

@test "a process that ignores TERM is killed, tree and all" {
	fleet_config <<-CONF
		components = ( { name = "one"; stop_timeout = "300ms";
		    command = [ "/bin/sh", "-c",
		      "trap '' TERM; sleep 1000 & echo \$! > $FLEET/pid; wait" ];
		    } );
	CONF
	lk up -d --wait
	wait_until 5 test -s "$FLEET/pid"
	lk down
	gone "$(< "$FLEET/pid")"
	wait_until 5 nothing_left
}

@test "the README's line for crontab works in cron's environment" {
	local line
	line=$(sed -n 's/^    @reboot //p' "$LK_ROOT/README.md")
	[[ $line == "/usr/local/bin/loopkeeper -c /home/me/"*" up -d" ]]
	line=${line/\/usr\/local\/bin\/loopkeeper/$LOOPKEEPER}
	line=${line/\/home\/me\/loopkeeper.conf/$LOOPKEEPER_CONFIG}
	fleet_config <<-CONF
		components = ( { name = "monitor"; ready = "notify";
		    command = [ "loopkeeper-monitor" ]; },
		  { name = "one"; command = [ "sleep", "1000" ]; } );
	CONF
	# What it prints is mailed when all who could print have ended.
	(
		cd / && env -i HOME="$FLEET" LOGNAME="$(id -un)" \
		    SHELL=/bin/sh PATH=/usr/bin:/bin /bin/sh -c "$line" \
		    < /dev/null 2>&1 | timeout 60 cat > "$FLEET/mail"
	) 3>&-
	grep -q 'started' "$FLEET/mail" || fail "$(< "$FLEET/mail")"
	wait_state monitor running
	wait_state one running
	lk down
}

@test "a state directory on a network file system is refused" {
	need strace
	sleepers one
	# The kernel's answer, changed on its way: the type of NFS is 0x6969.
	local nfs=6969000000000000
	skip_unless "may not trace" strace -o /dev/null -e trace=statfs \
	    -e "inject=statfs:poke_exit=@arg2=$nfs" stat -f /
	local code=0
	# The leak checker would trace it as well.
	ASAN_OPTIONS=detect_leaks=0 timeout -s KILL 20 strace -f -o "$FLEET/trace" -e trace=statfs \
	    -e "inject=statfs:poke_exit=@arg2=$nfs" \
	    "$BUILD/bin/loopkeeperd" --guardian "$FLEET/state" \
	    "$LOOPKEEPER_CONFIG" > "$FLEET/refusal" 2>&1 3>&- || code=$?
	[[ $code == 1 ]] || fail "$code" "$(< "$FLEET/refusal")"
	grep -q "$FLEET/state lies on NFS" "$FLEET/refusal"
	[[ ! -e $FLEET/state/run ]]
	nothing_left
}
