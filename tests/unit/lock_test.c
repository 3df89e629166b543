/* Locks that say who lives, and where they can't be relied on. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scratch.h"
#include "system/lock.h"

/* A child that holds the lock, and says so. */
static pid_t
start_holder(int dirfd)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (lock_take(dirfd, "lock") < 0 || write(ready[1], "", 1) < 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	(void)close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
	return pid;
}

static void
test_lock_lives_as_long_as_its_holder(void **state)
{
	struct scratch at;
	pid_t pid;
	int fd;

	(void)state;
	scratch_make(&at, "/tmp");
	assert_int_equal(lock_holder(at.dir, "lock"), 0);
	pid = start_holder(at.dir);
	assert_int_equal(lock_holder(at.dir, "lock"), pid);
	errno = 0;
	assert_int_equal(lock_take(at.dir, "lock"), -1);
	assert_int_equal(errno, EAGAIN);
	/* One that is stopped still holds it. */
	assert_int_equal(kill(pid, SIGSTOP), 0);
	assert_int_equal(waitpid(pid, NULL, WUNTRACED), pid);
	assert_int_equal(lock_holder(at.dir, "lock"), pid);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(lock_holder(at.dir, "lock"), 0);
	fd = lock_take(at.dir, "lock");
	assert_true(fd >= 0);
	(void)close(fd);
	scratch_remove(&at);
}

/* The numbers as statfs(2) has them: few machines have all to mount. */
static void
test_network_file_systems_are_distrusted(void **state)
{
	static const int64_t local[] = { 0xef53, 0x58465342, 0x9123683e,
		0x01021994, 0x794c7630, 0x65735546 };
	struct statfs fs;

	(void)state;
	assert_string_equal(lock_distrusted(0x6969), "NFS");
	assert_string_equal(lock_distrusted(0x01021997), "9p");
	assert_string_equal(lock_distrusted(0x517b), "SMB");
	assert_string_equal(lock_distrusted(0xff534d42), "SMB");
	assert_string_equal(lock_distrusted(0xfe534d42), "SMB");
	/* Where a word has 32 bits its sign is the highest one's. */
	assert_string_equal(lock_distrusted((int32_t)0xff534d42), "SMB");
	for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++)
		assert_null(lock_distrusted(local[i]));
	assert_int_equal(statfs("/proc/self", &fs), 0);
	assert_null(lock_distrusted(fs.f_type));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lock_lives_as_long_as_its_holder),
		cmocka_unit_test(test_network_file_systems_are_distrusted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
