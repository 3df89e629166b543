/*
 * bare N PROBE FILE: the least that can be called a supervisor, as a measure
 * for all others: forks N probes, waits, forks again whoever died. SIGTERM
 * ends them all, and it.
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t stopping;
static pid_t *pids;
static long npids;

/* Ends the children from within: whatever the loop waits for, one of them
 * wakes it. */
static void
stop(int sig)
{
	(void)sig;
	stopping = 1;
	for (long i = 0; i < npids; i++)
		if (pids[i] > 0)
			(void)kill(pids[i], SIGTERM);
}

static pid_t
start(const char *probe, const char *file, long at)
{
	char number[24];
	pid_t pid = fork();

	if (pid == -1)
		err(1, "fork");
	if (pid != 0)
		return pid;
	(void)snprintf(number, sizeof(number), "%ld", at);
	execl(probe, "probe", file, number, (char *)NULL);
	_exit(127);
}

int
main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = stop };
	pid_t pid;
	long i;

	if (argc != 4)
		errx(2, "usage: bare N PROBE FILE");
	npids = atol(argv[1]);
	if ((pids = calloc((size_t)npids, sizeof(*pids))) == NULL)
		err(1, NULL);
	sigaction(SIGTERM, &action, NULL);
	for (i = 0; i < npids; i++)
		pids[i] = start(argv[2], argv[3], i);
	while (!stopping) {
		if ((pid = waitpid(-1, NULL, 0)) == -1)
			continue;
		for (i = 0; i < npids && pids[i] != pid; i++)
			continue;
		if (i < npids)
			pids[i] = start(argv[2], argv[3], i);
	}
	for (i = 0; i < npids; i++)
		(void)kill(pids[i], SIGTERM);
	while (waitpid(-1, NULL, 0) != -1)
		continue;
	return 0;
}
