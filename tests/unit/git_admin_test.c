/* The admin directories of worktrees, as others see them who work on the
 * repository meanwhile. */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "git_fixture.h"

/* Looks at all that the repository has, as a push, a fetch or a gc does, until
 * it is refused or killed. */
static pid_t
look_at_everything(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		assert_int_equal(chdir(at(".")), 0);
		(void)execlp("bash", "bash", "-c",
		    "while git -C $R rev-list --all && git -C $R worktree list;"
		    " do :; done > /dev/null 2> looked",
		    (char *)NULL);
		_exit(127);
	}
	return pid;
}

static void
test_nobody_sees_one_half_made(void **state)
{
	pid_t pid = look_at_everything();
	char name[16];
	int status;

	for (int i = 0; i < 50; i++) {
		(void)snprintf(name, sizeof(name), "wt%d", i);
		(void)made(name);
	}
	(void)kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status))
		fail_msg("%s", git_said("cat looked"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nobody_sees_one_half_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
