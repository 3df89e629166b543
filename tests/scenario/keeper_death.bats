# A keeper dies: its component dies with it, tree and all, and both are back;
# nobody else notices.

load lib

prepare() {
	fleet_config <<-CONF
		components = (
		  { name = "one"; command = [ "sleep", "1000" ]; },
		  { name = "lost"; command = [ "$HELPERS/escape",
		    "$FLEET/lost" ]; }
		);
	CONF
	lk up -d --wait
	wait_until 10 test -s "$FLEET/lost"
}

@test "its component and what that forked away are gone, and back" {
	local keeper lost one pid
	keeper=$(keeper_of lost)
	lost=$(< "$FLEET/lost")
	pid=$(pid_of lost)
	one=$(pid_of one)
	kill -9 "$keeper"
	wait_until 10 has_other keeper_pid lost "$keeper"
	wait_state lost running
	gone "$lost"
	gone "$pid"
	[[ $(pid_of one) == "$one" ]]
	wait_event "event_type = 'keeper_died' AND component = 'lost'"
	[[ $(count_events "event_type = 'keeper_died'") == 1 ]]
	[[ $(status_field lost restarts) == 1 ]]
}

@test "deaths, level and wish are carried on" {
	kill -9 "$(pid_of one)"
	wait_until 10 restarts_are one 1
	wait_state one running
	local keeper
	keeper=$(keeper_of one)
	kill -9 "$keeper"
	wait_until 10 has_other keeper_pid one "$keeper"
	wait_until 10 restarts_are one 2
	lk stop lost
	keeper=$(keeper_of lost)
	kill -9 "$keeper"
	wait_until 10 has_other keeper_pid lost "$keeper"
	wait_state lost stopped
	[[ $(pid_of lost) == null ]]
}

@test "a keeper that is told TERM stops its component and ends" {
	local keeper pid
	keeper=$(keeper_of one)
	pid=$(pid_of one)
	kill "$keeper"
	wait_until 10 gone "$keeper"
	gone "$pid"
	[[ $(count_events "event_type = 'keeper_died'") == 0 ]]
	lk start one
	state_is one running
	has_other keeper_pid one "$keeper"
}

@test "daemon, then keeper: both are back" {
	local keeper daemon lost
	keeper=$(keeper_of lost)
	daemon=$(status_field @ daemon_pid)
	lost=$(< "$FLEET/lost")
	kill -9 "$daemon"
	kill -9 "$keeper"
	wait_until 10 has_other keeper_pid lost "$keeper"
	wait_state lost running
	gone "$lost"
}

# Numbers of lines that were written and are in no log.
missing_lines() {
	cat "$FLEET"/state/logs/counts.log* |
	    sed -n 's/.*line \([0-9]*\)$/\1/p' | sort -nu |
	    awk '++n < $1 { print n "-" $1 - 1; n = $1 }'
}

written() {
	od -An -N8 -t u8 "$FLEET/count" | tr -d ' '
}

has_written() {
	(($(written) > $1))
}

daemon_holds_pipe() {
	find "/proc/$(status_field @ daemon_pid)/fd" -printf '%l\n' |
	    grep -qxF "$(readlink "/proc/$(pid_of counts)/fd/1")"
}

@test "keeper, then logger: what is in the pipes is not lost" {
	fleet_config <<-CONF
		components = ( { name = "counts"; command = [
		    "$HELPERS/numbered", "$FLEET/count", "2" ]; } );
	CONF
	lk reload
	wait_state counts running
	wait_until 10 test -s "$FLEET/state/logs/counts.log"
	local keeper logger daemon
	for daemon in same new; do
		keeper=$(keeper_of counts)
		logger=$(pid_of logger)
		# Lines that nobody reads any more; then those die who hold
		# them.
		kill -STOP "$logger"
		wait_until 10 has_written $(($(written) + 100))
		kill -9 "$keeper" "$logger"
		wait_until 10 has_other keeper_pid counts "$keeper"
		wait_until 10 has_pid_other_than logger "$logger"
		wait_state counts running
		[[ $daemon == new ]] || {
			# An adopted keeper's are held as well.
			kill -9 "$(status_field @ daemon_pid)"
			wait_event "event_type = 'daemon_restarted'"
			wait_until 10 daemon_holds_pipe
		}
	done
	wait_until 10 has_written $(($(written) + 100))
	lk down
	[[ -z $(missing_lines) ]] || fail "missing:" "$(missing_lines)"
}

@test "all keepers at once" {
	local keepers
	keepers=$(lk status --all --json |
	    jq -r '.components[] | .keeper_pid' | tr '\n' ' ')
	# shellcheck disable=SC2086 # a list of numbers
	kill -9 $keepers
	local pid
	for pid in $keepers; do
		wait_until 10 gone "$pid"
	done
	for pid in one lost recorder logger; do
		wait_state "$pid" running 20
	done
	wait_until 10 has_event "event_type = 'keeper_died'"
	wait_until 10 four_died
}

four_died() {
	[[ $(count_events "event_type = 'keeper_died'") == 4 ]]
}
