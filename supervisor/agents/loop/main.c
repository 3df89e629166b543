/* loopkeeper-loop [-c FILE] [NAME]: works through the queue of one loop. */
#include "agents/loop/runner.h"

int
main(int argc, char **argv)
{
	static struct runner runner;
	int code = runner_open(&runner, argc, argv);

	if (code == 0)
		code = runner_run(&runner);
	runner_close(&runner);
	return code;
}
