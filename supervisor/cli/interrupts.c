#include "cli/interrupts.h"

static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
#define NSIGNALS (sizeof(signals) / sizeof(signals[0]))

int
interrupts_hold(struct interrupts *i)
{
	struct sigaction action;

	*i = (struct interrupts){ .is_held = false };
	(void)sigemptyset(&i->held);
	for (size_t s = 0; s < NSIGNALS; s++) {
		if (sigaction(signals[s], NULL, &action) < 0)
			return -1;
		if (action.sa_handler != SIG_IGN)
			(void)sigaddset(&i->held, signals[s]);
	}
	i->is_held = sigprocmask(SIG_BLOCK, &i->held, &i->before) == 0;
	return i->is_held ? 0 : -1;
}

bool
interrupts_came(const struct interrupts *i)
{
	sigset_t pending;

	if (!i->is_held || sigpending(&pending) < 0)
		return false;
	for (size_t s = 0; s < NSIGNALS; s++)
		if (sigismember(&i->held, signals[s]) == 1 &&
		    sigismember(&pending, signals[s]) == 1)
			return true;
	return false;
}

void
interrupts_release(const struct interrupts *i)
{
	if (i->is_held)
		(void)sigprocmask(SIG_SETMASK, &i->before, NULL);
}
