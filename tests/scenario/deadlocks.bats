# Workers and programs that wait for each other's locks in a circle: one of
# them lets go, the others go on by themselves, and nothing is lost.

load attempts

prepare() {
	need git cc make
	EXAMPLE=$LK_ROOT/examples/three-loops
}

# circle N: the example with N loops that work beside each other. Each worker
# at a loop's first test wants the file that the next loop's first test has
# locked, when all of them are there.
circle() {
	local loop loops='' number
	"$EXAMPLE/setup" "$FLEET/repository" 3>&-
	for loop in $(seq "$1"); do
		loops+="${loops:+, }{ name = \"loop-$loop\";
		    command = [ \"loopkeeper-loop\" ]; ready = \"notify\";
		    loop = { priority = $loop; }; }"
	done
	number=$1
	cat > "$FLEET/worker" <<-SH
		#!/bin/sh
		cat > "$FLEET/task-\$LOOPKEEPER_TEST_ID"
		set -- src/push.c src/size.c
		[ $number = 3 ] || set -- src/push.c src/trim.c
		case \$LOOPKEEPER_TEST_ID in
		CP-STR-001) want=\$1 ;;
		INF-VEC-001) want=\$2 ;;
		POL-FMT-001) want=src/trim.c ;;
		*) want= ;;
		esac
		if [ -n "\$want" ]; then
			[ -e "$FLEET/at-\$LOOPKEEPER_TEST_ID" ] ||
			    echo "as far as it got" > draft
			touch "$FLEET/at-\$LOOPKEEPER_TEST_ID"
			while [ \$(ls "$FLEET" | grep -c ^at-) -lt $number ]; do
				sleep 0.05
			done
			loopkeeper lock "\$want" --wait 2m --reason "its header" \
			    > "$FLEET/said-\$LOOPKEEPER_TEST_ID" 2>&1 || exit 1
			rm -f draft
		fi
		exec "$EXAMPLE/worker" < "$FLEET/task-\$LOOPKEEPER_TEST_ID"
	SH
	chmod 755 "$FLEET/worker"
	fleet_config <<-CONF
		loops = { repository = "$FLEET/repository"; pause = "0";
		  retry_delay = "0"; worker = [ "$FLEET/worker" ]; };
		defaults = { environment = ( "LOOPKEEPER_EXAMPLE_PACE=0.1" ); };
		components = ( $loops );
	CONF
	jq --argjson n "$1" '[.[] | select(.loop_id[5:] | tonumber <= $n)
	    | select(.depends_on // "" | startswith("CP") | not)]' \
	    "$EXAMPLE/tests.json" > "$FLEET/tests.json"
	lk import "$FLEET/tests.json" > /dev/null
	lk up -d
}

# victim LOOP TEST CYCLE: that attempt was ended and what it did kept, once.
victim() {
	local id
	sql_is "$1|$2|$3" "SELECT payload ->> 'victim', test_id,
	    payload ->> 'cycle' FROM events
	    WHERE event_type = 'deadlock_detected'"
	sql_is 1 "SELECT count(*) FROM events
	    WHERE event_type = 'deadlock_resolved'"
	sql_is "$2" "SELECT test_id FROM events
	    WHERE event_type = 'force_release' AND loop_id = '$1'"
	id=$(sql "SELECT id FROM attempts WHERE test_id = '$2' AND
	    loop_id = '$1' AND outcome = 'interrupted' AND state = 'parked'")
	[[ $(snapshot draft "$id") == "as far as it got" ]]
	used_up 1 "$2"
	lk deadlocks > "$FLEET/deadlocks"
	file_has "$FLEET/deadlocks" "$3, victim $1 ($2), resolved at "
	[[ $(wc -l < "$FLEET/deadlocks") == 1 ]]
	# Everybody can see from the events what was before what.
	sql_is 1 "SELECT (SELECT min(rowid) FROM events
	    WHERE event_type = 'file_unlocked' AND test_id = '$2') >
	    (SELECT rowid FROM events WHERE event_type = 'force_release')"
	lk timeline > "$FLEET/timeline"
	file_has "$FLEET/timeline" \
	    "$1 had to let go of its locks, and of $2, says "
	no_locks
	sql_is 0 "SELECT count(*) FROM wait_graph WHERE test_id IS NULL"
}

@test "of two loops that wait for each other the lower one lets go, and both pass" {
	circle 2
	wait_until 90 all_passed
	victim loop-2 INF-VEC-001 \
	    "loop-1 -(src/push.c)-> loop-2 -(src/trim.c)-> loop-1"
	file_has "$FLEET/said-CP-STR-001" \
	    "loop-1: locked src/push.c until its attempt ends"
	check_out "$FLEET/result"
	make -s -C "$FLEET/result" check-trim check-push
}

@test "of three loops in a circle one lets go, and all pass" {
	circle 3
	wait_until 90 all_passed
	victim loop-3 POL-FMT-001 "loop-1 -(src/push.c)-> loop-2 \
-(src/size.c)-> loop-3 -(src/trim.c)-> loop-1"
}

@test "a circle of programs that only know the tables is broken by the PM" {
	fleet_config <<-CONF
		components = (
		  { name = "pm"; command = [ "loopkeeper-pm" ];
		    ready = "notify"; }
		);
	CONF
	lk up -d --wait
	sql "INSERT INTO file_locks (file_path, locked_by) VALUES
	    ('a.py', 'red'), ('b.py', 'green');
	    INSERT INTO wait_graph (waiter, holder, resource, waiting_since)
	    VALUES ('red', 'green', 'b.py', '2026-01-07 02:14:00')"
	lk deadlocks | grep -q '^nobody waits in a circle'
	sql "INSERT INTO wait_graph (waiter, holder, resource, waiting_since)
	    VALUES ('green', 'red', 'a.py', '2026-01-07 02:15:00')"
	wait_event "event_type = 'force_release' AND component = 'green'
	    AND source = 'pm'" 30
	sql_is a.py "SELECT file_path FROM file_locks"
	sql_is red "SELECT waiter FROM wait_graph"
	lk deadlocks > "$FLEET/deadlocks"
	file_has "$FLEET/deadlocks" "green -(a.py)-> red -(b.py)-> green, \
victim green, resolved at "
	lk deadlocks --json | jq -e '.[0].victim == "green" and
	    (.[0].open | not) and length == 1'
}

@test "a circle that nobody has broken yet is shown as open" {
	sleepers other
	lk add T-1 --loop loop-1 --verify true || lk recover
	sql "INSERT INTO file_locks (file_path, locked_by) VALUES
	    ('a.py', 'red'), ('b.py', 'green');
	    INSERT INTO wait_graph (waiter, holder, resource, waiting_since)
	    VALUES ('red', 'green', 'b.py', '2026-01-07 02:14:00'),
	    ('green', 'red', 'a.py', '2026-01-07 02:15:00')"
	# They tell of others in their own way.
	sql "INSERT INTO events (id, source, event_type, payload) VALUES
	    ('e1', 'py', 'deadlock_detected', '{\"agents\": [\"a\"]}'),
	    ('e2', 'py', 'deadlock_resolved', '{}'),
	    ('e3', 'py', 'deadlock_resolved', 'no JSON')"
	run -3 lk deadlocks
	[[ ${lines[0]} == "green -(a.py)-> red -(b.py)-> green, victim green, \
open for "*d ]] || fail "$output"
	[[ ${lines[1]} == *"isn't running"* ]] || fail "$output"
	lk deadlocks --json > "$FLEET/deadlocks" || true
	jq -e 'length == 1 and .[0].open and
	    .[0].detected_at == "2026-01-07T02:15:00.000Z"' "$FLEET/deadlocks"
	sql "UPDATE wait_graph SET waiting_since = NULL"
	run -3 lk deadlocks
	[[ ${lines[0]} == *", open now" ]] || fail "$output"
}
