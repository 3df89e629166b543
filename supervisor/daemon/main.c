/*
 * loopkeeperd: guardian, daemon and keepers are one program. `loopkeeper up`
 * starts it; nobody types this.
 */
#include <bsd/unistd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/guardian.h"

int
main(int argc, char **argv)
{
	struct guardian_birth birth = { 0 };

	setproctitle_init(argc, argv, environ);
	if (argc != 4 || argv[2][0] != '/' || argv[3][0] != '/') {
		(void)fprintf(stderr,
		    "usage: loopkeeperd --guardian STATE_DIRECTORY CONFIG\n"
		    "Both absolute. Started by 'loopkeeper up'.\n");
		return 2;
	}
	birth.state_directory = argv[2];
	birth.config_path = argv[3];
	if (strcmp(argv[1], "--succeed") == 0)
		birth.successor_of = "its guardian died";
	else if (strcmp(argv[1], "--guardian") != 0)
		return 2;
	return guardian_run(&birth);
}
