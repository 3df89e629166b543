/* The version that `loopkeeper version` and `status --json` tell. */
#ifndef LOOPKEEPER_CLI_VERSION_H
#define LOOPKEEPER_CLI_VERSION_H

#define VERSION "0.1.0"

#endif
