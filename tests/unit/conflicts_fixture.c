#include <string.h>

#include "conflicts_fixture.h"

char *const conflict_files[] = { "src/a.c", "src/b.c", NULL };
struct attempt_key one, two;
struct conflict found;

int
conflicts_setup(void **state)
{
	(void)claims_setup(state);
	sql("INSERT INTO tests (id, loop_id, sort_order) VALUES"
	    " ('A', 'loop-1', 1), ('B', 'loop-2', 1), ('C', 'loop-2', 2)");
	one = takes(&loop_1, "A");
	two = takes(&loop_2, "B");
	sql("UPDATE attempts SET repository = '/r', integration_branch = "
	    "'main',"
	    " base_commit = 'b', snapshot_ref = 'refs/' || test_id, pid = 1");
	return 0;
}

void
conflict_is(const char *status)
{
	works(conflicts_next(store, "", &found) == 1 ? 0 : -1);
	assert_string_equal(found.status, status);
}

void
none_is_open(void)
{
	assert_int_equal(conflicts_next(store, "", &found), 0);
}

void
conflict_opens(void)
{
	assert_int_equal(
	    conflicts_open(store, one.id, two.id, conflict_files, "m"), 1);
	conflict_is("open");
}

void
conflict_pauses(void)
{
	conflict_opens();
	assert_int_equal(conflicts_pause(store, &found, "pm"), 1);
	conflict_is("paused");
}
