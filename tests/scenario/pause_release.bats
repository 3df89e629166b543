# `pause all` lets the database go: nobody has it open, nothing lies beside
# it, and it may be replaced with cp. `resume all` notices.

load lib

prepare() {
	fleet_config <<-CONF
		components = (
		  { name = "one"; command = [ "sleep", "1000" ]; },
		  { name = "row"; command = [ "sleep", "1000" ];
		    heartbeat = { source = "database"; timeout = "1h"; }; } );
	CONF
	lk up -d
	wait_state one running
	wait_state row running
	wait_event "event_type = 'component_started' AND component = 'row'"
}

openers() {
	find /proc/[0-9]*/fd -lname "$FLEET/state/coordination.db*" 2> /dev/null
}

is_released() {
	[[ -z $(openers) ]] || fail "open: $(openers)"
	[[ ! -e $FLEET/state/coordination.db-wal ]]
	[[ ! -e $FLEET/state/coordination.db-shm ]]
}

epoch() {
	sql "SELECT value FROM meta WHERE key = 'epoch'"
}

@test "pause all releases it, resume all takes it back" {
	local before pid
	before=$(epoch)
	pid=$(pid_of one)
	run lk pause all
	[[ $status == 0 ]]
	is_released
	run lk tests
	[[ $status == 1 ]]
	[[ $output == *"paused: the database is released (since "* ]]
	[[ $output == *", by "*"); resume first"* ]]
	is_released
	# Status needs none of it.
	lk status | grep -q row
	# What happens meanwhile is kept, and told afterwards.
	kill -9 "$pid"
	wait_until 5 has_pid_other_than one "$pid"
	is_released
	lk resume all
	wait_state row running
	[[ $(epoch) == "$before" ]]
	wait_event "event_type = 'component_crashed' AND component = 'one'"
}

@test "a backup copied over it in place is noticed, strays are moved aside" {
	local before
	sqlite3 "$FLEET/state/coordination.db" ".backup '$FLEET/backup.db'"
	before=$(epoch)
	sql "INSERT INTO loops (id, name) VALUES ('loop-9', 'later');
	    INSERT INTO tests (id, loop_id, status)
	    VALUES ('X-1', 'loop-9', 'in_progress')"
	lk pause all
	is_released
	cp "$FLEET/backup.db" "$FLEET/state/coordination.db"
	echo stray > "$FLEET/state/coordination.db-wal"
	lk resume all
	wait_state row running
	[[ $(sql "SELECT count(*) FROM loops WHERE id = 'loop-9'") == 0 ]]
	[[ $(epoch) != "$before" ]]
	[[ $(sql 'PRAGMA integrity_check') == ok ]]
	grep -q stray "$FLEET"/state/coordination.db.stray-*-wal
	wait_event "event_type = 'resumed'"
}

@test "the release survives a death of the recorder and of everything" {
	local recorder
	lk pause all
	recorder=$(pid_of recorder)
	kill -9 "$recorder"
	wait_until 10 has_pid_other_than recorder "$recorder"
	wait_state recorder running
	is_released
	kill_everything
	lk up -d
	wait_state recorder running
	is_released
	run lk tests
	[[ $status == 1 && $output == *"resume first"* ]]
	lk resume all
	wait_state row running
	lk tests
}

@test "a foreign opener is named, and the release waits for it" {
	foreigner 'SELECT count(*) FROM tests;'
	run lk pause all
	[[ $status == 1 ]]
	[[ $output == *"$FOREIGNER"* ]]
	dismiss_foreigner
	run lk pause all
	[[ $status == 0 ]]
	is_released
}
