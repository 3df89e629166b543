#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/confirm.h"

int
confirm(const char *question, bool yes)
{
	char answer[16] = "";

	if (yes)
		return CLI_DONE;
	if (isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1)
		return cli_error(CLI_USAGE,
		    "nobody can be asked whether that is meant: --yes if it "
		    "is");
	printf("%s? [y/N] ", question);
	(void)fflush(stdout);
	if (fgets(answer, sizeof(answer), stdin) != NULL &&
	    (answer[0] == 'y' || answer[0] == 'Y'))
		return CLI_DONE;
	return cli_error(CLI_FAILED, "nothing was changed");
}
