# `logs` on logs that lie there: it needs nobody but the files.

load lib

prepare() {
	fleet_config <<-CONF
		components = ( { name = "one"; command = [ "/bin/true" ]; },
		    { name = "other"; command = [ "/bin/true" ]; } );
	CONF
	LOGS=$FLEET/state/logs
	mkdir "$LOGS"
	export TZ=UTC
}

# put NAME FILE STAMP TEXT: one more line in a log.
put() {
	echo "2026-01-07T$3Z $4" >> "$LOGS/$1.log$2"
}

follow() {
	background followed "$LOOPKEEPER" logs -f "$@"
}

followed_is() {
	[[ $(< "$FLEET/followed") == "$1" ]] || fail "$(< "$FLEET/followed")"
}

@test "several logs come as one, by time, with names" {
	put one "" 02:14:00.100 "| first"
	put other "" 02:14:00.200 "! second"
	put one "" 02:14:00.300 "| third"
	run lk logs
	[[ $status == 0 ]]
	[[ $output == "one   | first"$'\n'"other ! second"$'\n'"one   | third" ]]
	run lk logs oth
	[[ $output == second ]]
}

@test "-n counts from the end, over rotated files" {
	for i in 1 2 3; do put one .2 "01:00:00.00$i" "| a$i"; done
	for i in 1 2 3; do put one .1 "02:00:00.00$i" "| b$i"; done
	for i in 1 2 3; do put one "" "03:00:00.00$i" "| c$i"; done
	run lk logs -n 2 one
	[[ $output == c2$'\n'c3 ]]
	run lk logs -n 7 one
	[[ $output == a3$'\n'b1$'\n'b2$'\n'b3$'\n'c1$'\n'c2$'\n'c3 ]]
	[[ $(lk logs -n 100 one | wc -l) == 9 ]]
	[[ -z $(lk logs -n 0 one) ]]
	put other "" 02:30:00.000 "| between"
	run lk logs -n 4
	[[ $output == "other | between"* ]]
}

@test "the last fifty lines are shown unless asked otherwise" {
	for i in {10..79}; do put one "" "01:00:00.0$i" "| $i"; done
	run lk logs one
	[[ ${#lines[@]} == 50 && ${lines[0]} == 30 && ${lines[49]} == 79 ]]
}

@test "--since begins at a time, in whichever file that is" {
	put one .2 01:00:00.000 "| a"
	put one .1 02:00:00.000 "| b"
	put one .1 02:30:00.000 "| c"
	put one "" 03:00:00.000 "| d"
	run lk logs --since 2026-01-07T02:15:00Z one
	[[ $output == c$'\n'd ]]
	run lk logs --since 2026-01-07T00:15:00Z -n 3 one
	[[ $output == b$'\n'c$'\n'd ]]
	[[ -z $(lk logs --since 1h one) ]]
	run lk logs --since yesterday one
	[[ $status == 2 && $output == *--since* ]]
}

@test "-t shows when and from where, --json all of it" {
	put one "" 02:14:00.100 "| whole"
	put one "" 02:14:00.200 "!+begun"
	run lk logs -t one
	[[ ${lines[0]} == "2026-01-07 02:14:00.100 | whole" ]]
	[[ ${lines[1]} == "2026-01-07 02:14:00.200 !+begun" ]]
	lk logs --json one | jq -es 'length == 2 and .[1] == {
	    timestamp: "2026-01-07T02:14:00.200Z", component: "one",
	    stream: "stderr", partial: true, text: "begun" }'
}

@test "a line that is being written is not shown yet" {
	put one "" 02:14:00.100 "| whole"
	printf '2026-01-07T02:14:00.200Z | beg' >> "$LOGS/one.log"
	[[ $(lk logs one) == whole ]]
	follow one
	wait_until 10 followed_is whole
	echo un >> "$LOGS/one.log"
	wait_until 10 followed_is whole$'\n'begun
}

@test "-f goes on over rotations and finds new logs" {
	put one "" 02:14:00.100 "| a"
	follow
	wait_until 10 followed_is "one | a"
	put one "" 02:14:00.200 "| b"
	wait_until 10 followed_is "one | a"$'\n'"one | b"
	put one "" 02:14:00.300 "| c"
	mv "$LOGS/one.log" "$LOGS/one.log.1"
	put one "" 02:14:00.400 "| d"
	mv "$LOGS/one.log.1" "$LOGS/one.log.2"
	mv "$LOGS/one.log" "$LOGS/one.log.1"
	put one "" 02:14:00.500 "| e"
	wait_until 10 followed_is "$(printf 'one | %s\n' a b c d e)"
	put other "" 02:14:00.600 "| f"
	wait_until 10 followed_is "$(printf 'one | %s\n' a b c d e)
other | f"
}

@test "-f ends when nobody reads any more" {
	put one "" 02:14:00.100 "| a"
	[[ $(lk logs -f one | head -n 1) == a ]]
}

@test "an unknown name, no logs at all, a component that left its log" {
	put gone "" 02:14:00.100 "| I was here"
	[[ $(lk logs gone) == "I was here" ]]
	run lk logs oter
	[[ $status == 1 && $output == *"did you mean other"* ]]
	run lk logs one
	[[ $status == 0 && $output == *"not written anything"* ]]
	rm -r "$LOGS"
	run lk logs
	[[ $status == 3 ]]
}
