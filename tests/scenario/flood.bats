# A child that floods its output slows no other.

load lib

@test "others start, write and beat while one floods" {
	fleet_config <<-CONF
		components = (
		  { name = "flood"; command = [ "yes" ];
		    log = { size = "1M"; keep = 1; }; },
		  { name = "binary"; command = [ "cat", "/dev/zero" ];
		    log = { size = "1M"; keep = 1; }; },
		  { name = "talks"; after = [ "flood" ];
		    command = [ "sh", "-c",
		      "i=0; while :; do i=\$((i + 1)); echo line \$i;
		      sleep 0.05; done" ]; }
		);
	CONF
	lk up -d
	wait_until 20 test -e "$FLEET/state/logs/flood.log.1"
	wait_until 20 test -e "$FLEET/state/logs/binary.log.1"
	for i in 10 20 30; do
		wait_until 20 log_has talks "line $i\$"
	done
	state_is flood running
	state_is logger running
	# The pipe is full most of the time, and it lost nothing of it.
	# The last line may just be in the making.
	run bash -c "head -n -1 '$FLEET/state/logs/flood.log' | cut -c 28- |
	    grep -vx y"
	[[ $status == 1 && -z $output ]]
	lk stop flood
	wait_state flood stopped
	wait_until 20 log_has talks "line 60\$"
}
