/*
 * stubborn: ignores every signal that may be ignored, and waits. Only SIGKILL
 * ends it.
 */
#include <signal.h>
#include <unistd.h>

int
main(void)
{
	int sig;

	for (sig = 1; sig < 32; sig++)
		signal(sig, SIG_IGN);
	for (;;)
		pause();
}
