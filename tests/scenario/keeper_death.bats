# A keeper dies: its component dies with it, tree and all, and both are back;
# nobody else notices.

setup() {
	load lib
	need jq sqlite3
	setup_fleet
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

teardown() {
	teardown_fleet
}

keeper_of() {
	status_field "$1" keeper_pid
}

has_other_keeper() {
	local pid
	pid=$(keeper_of "$1")
	[[ $pid =~ ^[1-9] && $pid != "$2" ]] || fail "keeper $pid"
}

@test "its component and what that forked away are gone, and back" {
	local keeper lost one pid
	keeper=$(keeper_of lost)
	lost=$(< "$FLEET/lost")
	pid=$(pid_of lost)
	one=$(pid_of one)
	kill -9 "$keeper"
	wait_until 10 has_other_keeper lost "$keeper"
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
	wait_until 10 has_other_keeper one "$keeper"
	wait_until 10 restarts_are one 2
	lk stop lost
	keeper=$(keeper_of lost)
	kill -9 "$keeper"
	wait_until 10 has_other_keeper lost "$keeper"
	state_is lost stopped
	[[ $(pid_of lost) == null ]]
}

restarts_are() {
	[[ $(status_field "$1" restarts) == "$2" ]]
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
	has_other_keeper one "$keeper"
}

@test "daemon, then keeper: both are back" {
	local keeper daemon lost
	keeper=$(keeper_of lost)
	daemon=$(status_field @ daemon_pid)
	lost=$(< "$FLEET/lost")
	kill -9 "$daemon"
	kill -9 "$keeper"
	wait_until 10 has_other_keeper lost "$keeper"
	wait_state lost running
	gone "$lost"
}

@test "keeper, then logger: no line of output is missing" {
	lk stop lost
	fleet_config <<-CONF
		components = ( { name = "one"; command = [ "$HELPERS/numbered",
		    "$FLEET/count", "1" ]; } );
	CONF
	lk reload
	wait_state one running
	local keeper logger
	keeper=$(keeper_of one)
	logger=$(pid_of logger)
	kill -9 "$keeper"
	kill -9 "$logger"
	wait_until 10 has_other_keeper one "$keeper"
	wait_until 10 has_pid_other_than logger "$logger"
	wait_state one running
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
