# What components write reaches their logs, stamped, rotated, and once: also
# when the logger, their keeper or they themselves die.

load lib

# All that was logged of NAME on stream MARK (| or !), rotated files first,
# without stamps.
text_of() {
	local n
	for n in {20..1}; do
		cat "$FLEET/state/logs/$1.log.$n" 2> /dev/null || true
	done | cat - "$FLEET/state/logs/$1.log" |
	    awk -v mark="$2" 'substr($0, 26, 1) == mark { print substr($0, 28) }'
}

# Components write 1, 2, 3, ... until the file named stop is there.
counts='i=0; while [ ! -e stop ]; do i=$((i + 1)); echo $i; echo e$i >&2; done'

# The same at a pace at which nothing is rotated away.
counts_slowly=${counts/; echo e/; [ \$((i % 500)) != 0 ] || sleep 0.02; echo e}

counted() {
	local want
	want=$(text_of "$1" '|' | tail -n 1)
	diff <(seq "$want") <(text_of "$1" '|') &&
	    diff <(seq -f 'e%.0f' "$want") <(text_of "$1" '!')
}

@test "lines are stamped and marked, unfinished ones written at the end" {
	fleet_config <<-CONF
		components = ( { name = "talks"; command = [ "sh", "-c",
		    "echo out; echo err >&2; printf 'last words'; exit 1" ];
		    restart = { max_restarts = 1; window = "1h"; }; } );
	CONF
	lk up -d
	log_line='^2[0-9]{3}-[01][0-9]-[0-3][0-9]T[0-9:]{8}\.[0-9]{3}Z'
	wait_until 15 log_has talks "$log_line \\| out\$"
	wait_until 15 log_has talks "$log_line ! err\$"
	wait_until 15 log_has talks "$log_line \\|\\+last words\$"
}

@test "rotation by size, and as many as are to be kept" {
	fleet_config <<-CONF
		components = ( { name = "talks"; working_directory = "$FLEET";
		    command = [ "sh", "-c", "$counts" ];
		    log = { size = "100k"; keep = 2; }; } );
	CONF
	lk up -d
	wait_until 30 test -e "$FLEET/state/logs/talks.log.2"
	: > "$FLEET/stop"
	[[ ! -e $FLEET/state/logs/talks.log.3 ]]
}

@test "no line is missing or doubled when the logger is killed" {
	fleet_config <<-CONF
		components = ( { name = "talks"; working_directory = "$FLEET";
		    command = [ "sh", "-c",
		      "$counts_slowly; : > counted; sleep 1000" ];
		    log = { size = "10M"; keep = 20; }; } );
	CONF
	lk up -d
	wait_state logger running
	local pid
	for _ in {1..40}; do
		pid=$(pid_of logger)
		kill -9 "$pid"
		# Not to wait for the back-off.
		run lk start logger
		wait_until 15 has_pid_other_than logger "$pid"
	done
	: > "$FLEET/stop"
	wait_until 10 test -e "$FLEET/counted"
	wait_state logger running
	lk stop talks
	wait_state talks stopped
	lk down
	counted talks
}

@test "what was written while no logger was there is in the log" {
	fleet_config <<-CONF
		components = ( { name = "talks"; working_directory = "$FLEET";
		    command = [ "sh", "-c", "while [ ! -e say ]; do sleep 0.1;
		    done; echo said; sleep 1000" ]; } );
	CONF
	lk up -d
	wait_state talks running
	wait_state logger running
	kill -STOP "$(pid_of logger)"
	: > "$FLEET/say"
	kill -9 "$(pid_of logger)"
	wait_until 15 log_has talks '\| said$'
	[[ $(text_of talks '|') == said ]]
}

@test "a new keeper's output goes on in the same log" {
	fleet_config <<-CONF
		components = ( { name = "talks";
		    command = [ "sh", "-c", "echo I am \$\$; sleep 1000" ]; } );
	CONF
	lk up -d
	wait_state talks running
	local pid first
	first=$(pid_of talks)
	wait_until 15 log_has talks "I am $first\$"
	kill -9 "$(status_field talks keeper_pid)"
	wait_until 15 has_pid_other_than talks "$first"
	pid=$(pid_of talks)
	wait_until 15 log_has talks "I am $pid\$"
	log_has talks "I am $first\$"
}

@test "down waits for what is still to be written" {
	fleet_config <<-CONF
		components = ( { name = "talks"; command = [ "sh", "-c",
		    "trap 'seq 20000; exit 0' TERM; echo up; while :; do
		    sleep 0.1; done" ]; } );
	CONF
	lk up -d
	wait_until 15 log_has talks '\| up$'
	lk down
	[[ $(text_of talks '|') == $(echo up; seq 20000) ]]
}

@test "a log that can't be written holds nobody else up, and loses nothing" {
	mkdir -p "$FLEET/state/logs/talks.log"
	fleet_config <<-CONF
		components = ( { name = "talks";
		    command = [ "sh", "-c", "echo patience; sleep 1000" ]; },
		    { name = "other";
		    command = [ "sh", "-c", "echo hello; sleep 1000" ]; } );
	CONF
	lk up -d
	wait_until 15 log_has other '\| hello$'
	wait_until 15 log_has logger 'talks: cannot write'
	rmdir "$FLEET/state/logs/talks.log"
	wait_until 30 log_has talks '\| patience$'
	log_has logger 'written again'
}
