/*
 * escape FILE: does all that a process can do to be lost. Forks twice, makes
 * a session of its own, clears its environment and its name, closes every
 * descriptor and ignores what may be ignored. FILE gets one line, the pid of
 * the one that got away; the first process stays as well.
 */
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void
hide(const char *path)
{
	static char *const names[] = { "nobody-knows-me", NULL };
	static char *const nothing[] = { NULL };
	FILE *out;

	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	if ((out = fopen(path, "we")) == NULL)
		err(1, "%s", path);
	fprintf(out, "%d\n", (int)getpid());
	if (fclose(out) != 0 || chdir("/") == -1)
		err(1, "%s", path);
	closefrom(0);
	execve("/proc/self/exe", names, nothing);
	_exit(1);
}

int
main(int argc, char **argv)
{
	pid_t pid;

	if (argc == 2) {
		if ((pid = fork()) == -1)
			err(1, "fork");
		if (pid == 0) {
			if (setsid() == -1 || (pid = fork()) == -1)
				_exit(1);
			if (pid == 0)
				hide(argv[1]);
			_exit(0);
		}
		if (waitpid(pid, NULL, 0) == -1)
			err(1, "waitpid");
	}
	for (;;)
		pause();
}
