# The black box of the last death.

load lib

@test "why tells cause, decision, last output of both streams" {
	# A busy logger would take one run's last word and the next one's first
	# for one line.
	local log=$FLEET/state/logs/fails.log
	fleet_config <<-CONF
		components = ( { name = "fails"; command = [ "sh", "-c",
		    "until [ ! -e $FLEET/ran ] || grep -q gasp $log; do
		    sleep 0.05; done; touch $FLEET/ran;
		    echo working; echo cannot go on >&2; printf gasp; exit 3" ];
		    restart = { max_restarts = 1; window = "1h";
		      retry_every = "1h"; }; } );
	CONF
	lk up -d
	wait_state fails failed
	run lk why fails
	[[ $status == 0 ]]
	[[ $output == *"fails died at "*": exit 3"* ]]
	[[ $output == *decision* && $output == *because* ]]
	[[ $output == *"death 2 within 1h"* ]]
	[[ $output == *"| working"* && $output == *"! cannot go on"* ]]
	[[ $output == *"gasp"* ]]
	[[ $output == *"now "*failed* ]]
	# Each run wrote each line once, as soon as the logger has caught up.
	wait_until 15 said_twice working
	lk why fails --json | jq -e '.died and .cause == "exit" and .code == 3
	    and .deaths_in_window == 2 and .circuit == "open" and
	    ([.output[] | select(.stream == "stderr") | .text] | last) ==
	    "cannot go on"'
}

said_twice() {
	[[ $(lk why fails | grep -c "$1\$") == 2 ]] || fail "$(lk why fails)"
}

@test "why finds the death behind much that was written after it" {
	local stamp

	fleet_config <<-CONF
		components = ( { name = "fails"; command = [ "sh", "-c",
		    "echo farewell; exit 3" ]; restart = { policy = "never"; };
		    } );
	CONF
	lk up -d
	wait_until 15 died
	wait_until 15 grep -q farewell "$FLEET/state/logs/fails.log"
	stamp=$(date -u -d '+1 minute' +%Y-%m-%dT%H:%M:%S.000Z)
	yes "$stamp | later" | head -n 12000 >> "$FLEET/state/logs/fails.log"
	run lk why fails
	[[ $output == *"| farewell"* && $output != *later* ]]
}

@test "why needs no logger for the last words" {
	fleet_config <<-CONF
		components = ( { name = "fails"; working_directory = "$FLEET";
		    command = [ "sh", "-c", "while [ ! -e die ]; do sleep 0.1;
		    done; echo farewell; kill -9 \$\$" ];
		    restart = { policy = "never"; }; } );
	CONF
	lk up -d
	wait_state fails running
	wait_state logger running
	kill -STOP "$(pid_of logger)"
	: > "$FLEET/die"
	wait_until 15 died
	run lk why fails
	[[ $output == *"signal 9"* && $output == *"| farewell"* ]]
	kill -CONT "$(pid_of logger)"
}

died() {
	lk why fails --json | jq -e .died
}

@test "why doesn't take two runs' lines for one, alike as they are" {
	fleet_config <<-CONF
		components = ( { name = "fails"; working_directory = "$FLEET";
		    command = [ "sh", "-c", "echo working;
		    while [ ! -e die ]; do sleep 0.05; done; rm die; exit 3" ];
		    restart = { max_restarts = 1; window = "1h";
		      retry_every = "1h"; }; } );
	CONF
	lk up -d
	wait_until 15 grep -q working "$FLEET/state/logs/fails.log"
	kill -STOP "$(pid_of logger)"
	: > "$FLEET/die"
	wait_until 15 has_restarts fails 1
	: > "$FLEET/die"
	wait_state fails failed
	kill -CONT "$(pid_of logger)"
	wait_until 15 said_twice working
}

has_restarts() {
	[[ $(status_field "$1" restarts) == "$2" ]]
}

@test "why of a start that failed names the step" {
	local name
	mkdir "$FLEET/place"
	fleet_config <<-CONF
		defaults = { working_directory = "$FLEET/place";
		    restart = { max_restarts = 1; window = "1h"; }; };
		components = (
		  { name = "fails"; command = [ "/bin/true" ]; },
		  { name = "tells"; command = [ "/bin/true" ];
		    ready = "notify"; } );
	CONF
	lk up -d
	rmdir "$FLEET/place"
	for name in fails tells; do
		run lk restart "$name"
		wait_state "$name" failed
		run lk why "$name"
		[[ $output == *chdir* && $output == *"No such file"* ]] ||
		    fail "$output"
	done
}

@test "why says plainly that nothing died, and works when all is down" {
	fleet_config <<-CONF
		components = ( { name = "lives"; command = [ "sleep", "1000" ];
		    }, { name = "fails"; command = [ "/bin/false" ];
		    restart = { max_restarts = 1; window = "1h"; }; } );
	CONF
	run lk why fails
	[[ $status == 3 ]]
	lk up -d
	wait_state lives running
	wait_state fails failed
	run lk why lives
	[[ $status == 0 && $output == *"lives has never died; it is "* ]]
	lk why lives --json | jq -e '.died == false'
	run lk why nobody
	[[ $status == 1 ]]
}

@test "why shows what a stuck one was doing" {
	fleet_config <<-CONF
		components = ( { name = "hangs"; ready = "notify";
		    command = [ "$HELPERS/client", "hang" ];
		    heartbeat = { timeout = "1s"; };
		    restart = { max_restarts = 1; window = "1h";
		      retry_every = "1h"; }; } );
	CONF
	lk up -d
	wait_until 30 stuck_twice
	run lk why hangs
	[[ $output == *"no heartbeat"* && $output == *"processes of its tree"* ]]
	[[ $output == *client* ]]
}

stuck_twice() {
	lk why hangs --json |
	    jq -e '.cause == "stuck" and .deaths_in_window == 2'
}

@test "why shows what one was doing that didn't become ready" {
	fleet_config <<-CONF
		components = ( { name = "slow"; ready = "notify";
		    command = [ "sleep", "4321" ]; start_timeout = "300ms";
		    restart = { policy = "never"; }; } );
	CONF
	lk up -d
	wait_state slow stopped
	run lk why slow
	[[ $output == *"not ready"* && $output == *"sleep 4321"* ]] ||
	    fail "$output"
}

@test "why names the test that was open, and what was repaired" {
	need git
	repository "$FLEET/repository"
	fleet_config <<-CONF
		components = ( { name = "loop-1";
		    command = [ "loopkeeper-loop" ]; ready = "notify";
		    restart = { policy = "never"; };
		    loop = { worker = [ "sleep", "1000" ];
		      repository = "$FLEET/repository"; }; } );
	CONF
	echo '[{ "id": "CP-1", "loop_id": "loop-1", "verify": "false" }]' \
	    > "$FLEET/tests.json"
	lk import "$FLEET/tests.json"
	lk up -d
	wait_event "event_type = 'test_started'" 30
	kill -9 "$(pid_of loop-1)"
	wait_event "event_type = 'test_reset'" 30
	run lk why loop-1
	[[ $output == *"test "*CP-1* && $output == *repaired* ]]
	lk why loop-1 --json | jq -e '.test == "CP-1" and
	    ([.repairs[].event_type] | index("test_reset") != null)'
}
