# What every scenario stands on: a fleet of its own in a directory of its
# own, a few verbs to look at it, and a teardown that proves that nothing of
# it is left. Scenarios use the command line as an operator would; they wait
# for facts, never for durations. A file of them begins with `load lib`; what
# each of its tests needs besides is in its prepare() and clean_up().

bats_require_minimum_version 1.5.0

LK_ROOT=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
BUILD=${BUILD:-build}
[[ $BUILD == /* ]] || BUILD=$LK_ROOT/$BUILD
LOOPKEEPER=${LOOPKEEPER:-$BUILD/bin/loopkeeper}
HELPERS=$BUILD/tests/helpers
# Limits are for a machine at rest; a sanitizer build is given more.
LK_PATIENCE=${LK_PATIENCE:-1}

setup() {
	need jq sqlite3
	setup_fleet
	prepare
}

teardown() {
	[[ -n ${FLEET:-} && -d $FLEET ]] || return 0
	[[ -n ${BATS_TEST_COMPLETED:-} ]] || show_fleet
	dismiss_foreigner
	end_background
	clean_up
	teardown_fleet
}

prepare() { :; }

clean_up() { :; }

# Makes $FLEET, a short path (a socket's has 108 bytes), and the environment
# in which `loopkeeper` means the build under test and this fleet's file.
setup_fleet() {
	FLEET=$(mktemp -d "${TMPDIR:-/tmp}/lk.XXXXXX")
	export FLEET HELPERS
	export LOOPKEEPER_CONFIG=$FLEET/loopkeeper.conf
	export PATH=$BUILD/bin:$PATH
	# No terminal, no colour, and no user's own settings.
	unset XDG_CONFIG_HOME NOTIFY_SOCKET
	# What make tells its own children is not for those of a test.
	unset MAKEFLAGS MAKEOVERRIDES MAKELEVEL MFLAGS TEST
	export NO_COLOR=1
	mkdir "$FLEET/state"
}

# Takes the programs that were built for tests: they wait, and are impatient,
# where the environment says so.
use_points() {
	LOOPKEEPER=$BUILD/points/bin/loopkeeper
	[[ -x $LOOPKEEPER ]] || skip "needs $LOOPKEEPER"
	PATH=$BUILD/points/bin:$PATH
}

# The fleet is a plain user's from now on: of whoever runs the tests, nobody's
# when that is root. Nobody may read the build, wherever it is, but may read
# this copy of it.
become_plain_user() {
	need setpriv
	PROGRAMS=$FLEET/programs
	mkdir "$PROGRAMS"
	cp "$BUILD"/bin/* "$HELPERS/escape" "$HELPERS/client" "$PROGRAMS"
	chmod 755 "$FLEET" "$PROGRAMS"
	AS=(env)
	if ((EUID == 0)); then
		AS=(setpriv --reuid=65534 --regid=65534 --clear-groups
		    env -u XDG_RUNTIME_DIR "HOME=$FLEET")
		chown 65534:65534 "$FLEET/state" "$FLEET"
	fi
	skip_unless "can't become nobody" "${AS[@]}" true
	lk() {
		"${AS[@]}" "$PROGRAMS/loopkeeper" -c "$LOOPKEEPER_CONFIG" \
		    "$@" 3>&-
	}
}

# Writes the configuration from standard input, below the state directory's
# line. How busy the machine is holds no loop up, unless it says max_load.
fleet_config() {
	local text loops='loops = { max_load = 0;'
	text=$(cat)
	if [[ $text == *max_load* || $text != *'loop = {'* ]]; then
		loops=
	elif [[ $text == *'loops = {'* ]]; then
		text=${text/'loops = {'/"$loops"}
		loops=
	fi
	cat > "$LOOPKEEPER_CONFIG" <<-CONF
		state_directory = "$FLEET/state";${loops:+ $loops \};}
		$text
	CONF
}

# sleepers NAME...: a configuration of components that do nothing.
sleepers() {
	local name comma=
	{
		echo 'components = ('
		for name; do
			echo "$comma{ name = \"$name\";" \
			    'command = [ "sleep", "1000" ]; }'
			comma=', '
		done
		echo ');'
	} | fleet_config
}

# example_fleet WORKER [LOOPS] [KEYS]: the example's three loops on its project,
# in $FLEET/work, with its tests, a monitor and a PM that look often; more keys
# of the loops, and of the whole.
example_fleet() {
	local example=$LK_ROOT/examples/three-loops name agents loops
	local often='monitor = { every = "200ms"; };'
	need git cc make
	"$example/setup" "$FLEET/work" 3>&-
	agents=$(for name in monitor pm; do
		echo "{ name = \"$name\"; command = [ \"loopkeeper-$name\" ];
		    ready = \"notify\"; }, "
	done)
	loops=$(for name in 1 2 3; do
		echo "{ name = \"loop-$name\"; command = [ \"loopkeeper-loop\" ];
		    ready = \"notify\"; loop = { priority = $name; }; }, "
	done)
	fleet_config <<-CONF
		loops = { repository = "$FLEET/work"; pause = "0";
		  retry_delay = "0"; worker = $1; ${2:-} };
		defaults = { environment = ( "LOOPKEEPER_EXAMPLE_PACE=0.1" ); };
		pm = { every = "200ms"; };
		${3:-$often}
		components = ( $agents ${loops%, } );
	CONF
	lk import "$example/tests.json" > /dev/null
}

# Runs loopkeeper on this fleet. Descriptor 3 is bats' own: a process that
# lives on with it would keep bats waiting.
lk() {
	"$LOOPKEEPER" -c "$LOOPKEEPER_CONFIG" "$@" 3>&-
}

# The same for sqlite3 on the fleet's database.
sql() {
	sqlite3 -batch -cmd '.timeout 10000' "$FLEET/state/coordination.db" \
	    "$@" 3>&-
}

# What stands in a list of components for all who work on the database.
agents() {
	repository "$FLEET/repository"
	cat <<-CONF
		{ name = "monitor"; command = [ "loopkeeper-monitor" ];
		  ready = "notify"; },
		{ name = "pm"; command = [ "loopkeeper-pm" ];
		  ready = "notify"; },
		{ name = "loop-1"; command = [ "loopkeeper-loop" ];
		  ready = "notify"; loop = { worker = [ "true" ];
		    repository = "$FLEET/repository"; }; }
	CONF
}

# git as nobody in particular, whoever runs the tests.
git() {
	command git -c user.name=tester -c user.email=tester@localhost \
	    -c init.defaultBranch=main -c commit.gpgSign=false "$@" 3>&-
}

# repository DIRECTORY: a git repository with one commit, if nothing is there.
repository() {
	[[ ! -d $1 ]] || return 0
	git init -q "$1"
	echo "a repository" > "$1/README"
	git -C "$1" add -A
	git -C "$1" commit -q -m "Begin"
}

# merged [DIRECTORY]: the tests whose commits are on the integration branch, the
# first one first.
merged() {
	git -C "${1:-$FLEET/repository}" log --reverse \
	    --format='%(trailers:key=Test,valueonly,separator=%x2C)' \
	    loopkeeper/main | grep . || true
}

# check_out DIRECTORY [REPOSITORY]: a clone of what was merged, to look at. Files
# that somebody is writing to the repository can't be linked (--no-local).
check_out() {
	git clone -q --no-local -b loopkeeper/main "${2:-$FLEET/repository}" "$1"
}

# one_loop [KEYS]: a configuration with loop-1, whose worker is the script on
# standard input. It runs in $WORK; verify runs elsewhere.
one_loop() {
	repository "$FLEET/repository"
	export WORK=$FLEET/state/loop-1/worktree
	cat > "$FLEET/worker"
	chmod 755 "$FLEET/worker"
	fleet_config <<-CONF
		loops = { retry_delay = "0"; };
		components = (
		  { name = "loop-1"; command = [ "loopkeeper-loop" ];
		    ready = "notify";
		    loop = { worker = [ "$FLEET/worker" ]; pause = "0";
		      repository = "$FLEET/repository"; ${1:-} }; }
		);
	CONF
}

# background FILE COMMAND...: runs it with its output added to FILE in $FLEET;
# $PID is its pid. What is still there at the end of the test is ended.
background() {
	local file=$1
	shift
	"$@" >> "$FLEET/$file" 2>&1 3>&- &
	PID=$!
	BACKGROUND+=("$PID")
}

BACKGROUND=()

end_background() {
	local pid
	for pid in "${BACKGROUND[@]}"; do
		# The pid of one that was waited for is another process's by now.
		[[ $(ps -o ppid= -p "$pid") -eq $BASHPID ]] || continue
		kill "$pid" 2> /dev/null || continue
		kill -CONT "$pid" 2> /dev/null || true
		wait_until 10 gone "$pid" || kill -9 "$pid" || true
	done
}

# From now on `faked COMMAND...` runs it and its children under libfaketime,
# which leaves them the monotonic clock. What they share belongs to a process of
# this test: else one that is killed leaves it behind, and those that come later
# can't start.
fake_clock() {
	local library
	need faketime
	[[ -z ${SANITIZE:-} ]] || skip "libfaketime hangs beside ASan"
	# The daemon that people run is static: nothing can be put before it.
	use_points
	library=$(ls /usr/lib/*/faketime/libfaketime.so.1)
	background faketime.log env LD_PRELOAD="$library" FAKETIME=+0d \
	    bash -c 'trap exit TERM; while :; do sleep 0.2; done'
	wait_until 10 test -e "/dev/shm/sem.faketime_sem_$PID"
	FAKE_CLOCK=(env LD_PRELOAD="$library"
	    FAKETIME_SHARED="/faketime_sem_$PID /faketime_shm_$PID"
	    FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1)
}

faked() {
	"${FAKE_CLOCK[@]}" "$@"
}

# foreigner SQL...: another program opens the database, does that, and stays;
# tell_foreigner SQL... goes on, dismiss_foreigner ends it.
foreigner() {
	mkfifo "$FLEET/commands"
	sqlite3 -batch "$FLEET/state/coordination.db" < "$FLEET/commands" \
	    > "$FLEET/answers" 2>&1 3>&- &
	FOREIGNER=$!
	exec {FOREIGNER_FD}> "$FLEET/commands"
	tell_foreigner '.timeout 10000' "$@" "SELECT 'so far';"
	wait_until 15 grep -q 'so far' "$FLEET/answers"
}

tell_foreigner() {
	printf '%s\n' "$@" >&"$FOREIGNER_FD"
}

dismiss_foreigner() {
	[[ -n ${FOREIGNER_FD:-} ]] || return 0
	exec {FOREIGNER_FD}>&-
	unset FOREIGNER_FD
	wait_until 10 gone "$FOREIGNER"
}

# beat_row NAME FORMAT: a program that knows nothing but the table, and has its
# own way to write a time.
beat_row() {
	while sleep 0.2; do
		sql "INSERT INTO component_health (component, last_heartbeat,
		    status) VALUES ('$1', strftime('$2', 'now'), 'healthy')
		    ON CONFLICT (component) DO UPDATE SET last_heartbeat =
		    excluded.last_heartbeat" || true
	done
}

fail() {
	printf '%s\n' "$@" >&2
	return 1
}

skip_unless() {
	local reason=$1
	shift
	"$@" > /dev/null 2>&1 || skip "$reason"
}

need() {
	local tool
	for tool; do
		skip_unless "needs $tool" command -v "$tool"
	done
}

need_root() {
	((EUID == 0)) || skip "needs root"
}

now_ms() {
	local now=${EPOCHREALTIME/[.,]/}
	echo $((now / 1000))
}

# wait_until SECONDS COMMAND...: runs it every 20 ms until it succeeds; at the
# limit fails with what it said last.
wait_until() {
	local limit_ms=$(($1 * 1000 * LK_PATIENCE)) begun_ms out
	shift
	begun_ms=$(now_ms)
	while ! out=$("$@" 2>&1 3>&-); do
		if (($(now_ms) - begun_ms > limit_ms)); then
			fail "not within $((limit_ms / 1000)) s: $*" "$out"
			return 1
		fi
		sleep 0.02
	done
}

# status_field NAME FIELD: one field of a component in `status --json`;
# `status_field @ FIELD`: one of the fleet's.
status_field() {
	local filter='.components[] | select(.name == $name) | .[$field]'
	[[ $1 == @ ]] && filter='.fleet[$field]'
	{ lk status --json || true; } |
	    jq -r --arg name "$1" --arg field "$2" "$filter"
}

pid_of() {
	status_field "$1" pid
}

switches() {
	awk '/voluntary_ctxt_switches/ { n += $2 } END { print n }' \
	    "/proc/$1/status"
}

# sleeps NAME: it isn't woken within two seconds.
sleeps() {
	local before pid
	pid=$(pid_of "$1")
	before=$(switches "$pid")
	sleep 2
	[[ $(switches "$pid") == "$before" ]] ||
	    fail "$1: woken $(($(switches "$pid") - before)) times"
}

keeper_of() {
	status_field "$1" keeper_pid
}

# All components and their pids, to be compared.
all_pids() {
	lk status --all --json | jq -c '[.components[] | [.name, .pid]] | sort'
}

# Sees NAME in STATE, else says where it is.
state_is() {
	local state
	state=$(status_field "$1" state)
	[[ $state == "$2" ]] || fail "$1 is ${state:-unknown}, not $2"
}

wait_state() {
	wait_until "${3:-15}" state_is "$1" "$2"
}

# has_pid_other_than NAME PID: NAME has a running process that isn't PID.
has_pid_other_than() {
	has_other pid "$1" "$2"
}

# has_other FIELD NAME [PID]: that pid is there, and is not PID.
has_other() {
	local pid
	pid=$(status_field "$2" "$1")
	[[ $pid =~ ^[1-9][0-9]*$ && $pid != "${3:-}" ]] ||
	    fail "$2: $1 is $pid"
}

has_daemon() {
	has_other daemon_pid @
}

restarts_are() {
	local restarts
	restarts=$(status_field "$1" restarts)
	[[ $restarts == "$2" ]] || fail "$1 has $restarts restarts, not $2"
}

mode_is() {
	[[ $(< "$FLEET/state/run/mode") == "$1" ]] ||
	    fail "$(< "$FLEET/state/run/mode")"
}

# log_has NAME PATTERN
log_has() {
	grep -qE -- "$2" "$FLEET/state/logs/$1.log" ||
	    fail "$(tail -n 5 "$FLEET/state/logs/$1.log" 2>&1)"
}

# test_is ID STATUS
test_is() {
	local is
	is=$(sql "SELECT status FROM tests WHERE id = '$1'")
	[[ $is == "$2" ]] || fail "$1 is ${is:-nowhere}, not $2"
}

# count_events WHERE: events in the database that match.
count_events() {
	sql "SELECT count(*) FROM events WHERE $1"
}

# wait_events NUMBER WHERE: so many such events are in the database; the
# recorder needs a moment for each.
wait_events() {
	wait_until 15 events_are "$1" "$2"
}

events_are() {
	local number
	number=$(count_events "$2")
	[[ $number == "$1" ]] || fail "$number events, not $1: $2"
}

# wait_event WHERE [SECONDS]: at least one such event is in the database.
wait_event() {
	wait_until "${2:-15}" has_event "$1"
}

has_event() {
	[[ $(count_events "$1") -gt 0 ]] || fail "no event: $1"
}

gone() {
	# In this order: it may end between the two looks.
	[[ $(ps -o stat= -p "$1") == Z* || ! -d /proc/$1 ]] ||
	    fail "still there: $(ps -o pid=,ppid=,stat=,args= -p "$1")"
}

# Pids of every process that belongs to this fleet: it names the directory in
# its command line or environment, works in it, or holds something in it, in
# the run directory or in a cgroup of the run directory's name open.
fleet_processes() {
	local found run pid
	run=${FLEET_RUN:-$(readlink -f "$FLEET/state/run" || true)}
	# The tools are gone when all of it is here; this test's shells are not.
	found=$({
		grep -lasF -- "$FLEET" /proc/[0-9]*/cmdline \
		    /proc/[0-9]*/environ || true
		find /proc/[0-9]*/{cwd,fd} -maxdepth 1 \
		    \( -lname "$FLEET*" ${run:+-o -lname "$run*"} \) \
		    2> /dev/null
	} | cut -d/ -f3 | sort -nu)
	for pid in $found; do
		[[ -d /proc/$pid ]] || continue
		is_ours "$pid" || echo "$pid"
	done
}

# This test's own shell or one of the shells above or below it. A bare return
# would tell, below the trap that ends a failed test, what failed there.
is_ours() {
	local pid=$1
	[[ $pid == "$$" || $pid == "$BASHPID" || $pid == "$PPID" ]] && return 0
	while ((pid > 1)); do
		[[ $pid == "$$" ]] && {
			[[ $(< "/proc/$1/comm") == bash ]]
			return $?
		}
		pid=$(ps -o ppid= -p $((pid))) || return 1
	done
	return 1
}

# Everything at once, as in a power cut: nobody has the time to put anything
# right.
kill_everything() {
	local pids signal
	for signal in STOP STOP KILL; do
		mapfile -t pids < <(fleet_processes)
		kill -"$signal" "${pids[@]}"
	done
	wait_until 10 nothing_left
}

# A process that ended while it was looked at is not left over.
nothing_left() {
	local left
	left=$(fleet_processes)
	[[ -n $left ]] || return 0
	# ps fails when none of them is left by now.
	left=$(ps -o pid,ppid,stat,wchan:16,args -p "${left//$'\n'/,}" || true)
	(($(wc -l <<< "$left") == 1)) || fail "left over:" "$left"
}

# Ends the fleet and proves that nothing of it is left. A process left over
# fails the test and is killed.
teardown_fleet() {
	local failed=0
	FLEET_RUN=$(readlink -f "$FLEET/state/run" || true)
	: > "$FLEET/down.out"
	if [[ -f $LOOPKEEPER_CONFIG ]]; then
		lk down --now > "$FLEET/down.out" 2>&1 || true
	fi
	wait_until 5 nothing_left || {
		failed=1
		cat "$FLEET/down.out"
		fleet_processes | xargs -r kill -9 || true
	}
	[[ $FLEET_RUN == */loopkeeper* ]] && rm -rf "$FLEET_RUN"
	rm -rf "$FLEET"
	return "$failed"
}

# What one wants to see of a fleet whose test failed. Standard output of a
# teardown is shown by bats only then.
show_fleet() {
	local file
	echo "--- status"
	lk status --all 2>&1 | head -40 || true
	for file in "$FLEET"/*.log "$FLEET"/state/*.log \
	    "$FLEET"/state/run/*.log "$FLEET"/state/logs/*.log; do
		[[ -s $file ]] || continue
		echo "--- ${file#"$FLEET"/}"
		tail -n 30 "$file"
	done
}
