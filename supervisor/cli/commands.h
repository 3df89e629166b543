/*
 * Every command's function, one line each, in the order of the table in
 * commands.c. argv[0] is the command's name; the result is an exit code of
 * cli.h.
 */
#ifndef LOOPKEEPER_CLI_COMMANDS_H
#define LOOPKEEPER_CLI_COMMANDS_H

#include "cli/cli.h"

/* look */
int status_run(struct cli *cli, int argc, char **argv);
int summary_run(struct cli *cli, int argc, char **argv);
int health_run(struct cli *cli, int argc, char **argv);
int timeline_run(struct cli *cli, int argc, char **argv);
int logs_run(struct cli *cli, int argc, char **argv);
int why_run(struct cli *cli, int argc, char **argv);
int tests_run(struct cli *cli, int argc, char **argv);
int show_run(struct cli *cli, int argc, char **argv);
int transcript_run(struct cli *cli, int argc, char **argv);
int decisions_run(struct cli *cli, int argc, char **argv);
int conflicts_run(struct cli *cli, int argc, char **argv);
int budget_run(struct cli *cli, int argc, char **argv);
int gates_run(struct cli *cli, int argc, char **argv);
int alerts_run(struct cli *cli, int argc, char **argv);
int locks_run(struct cli *cli, int argc, char **argv);
int deadlocks_run(struct cli *cli, int argc, char **argv);
int regressions_run(struct cli *cli, int argc, char **argv);
int checkpoints_run(struct cli *cli, int argc, char **argv);

/* steer */
int up_run(struct cli *cli, int argc, char **argv);
int down_run(struct cli *cli, int argc, char **argv);
int start_run(struct cli *cli, int argc, char **argv);
int stop_run(struct cli *cli, int argc, char **argv);
int restart_run(struct cli *cli, int argc, char **argv);
int pause_run(struct cli *cli, int argc, char **argv);
int resume_run(struct cli *cli, int argc, char **argv);
int reload_run(struct cli *cli, int argc, char **argv);
int decide_run(struct cli *cli, int argc, char **argv);
int ack_run(struct cli *cli, int argc, char **argv);
int skip_run(struct cli *cli, int argc, char **argv);
int run_one_run(struct cli *cli, int argc, char **argv);
int reset_run(struct cli *cli, int argc, char **argv);
int order_run(struct cli *cli, int argc, char **argv);
int move_run(struct cli *cli, int argc, char **argv);
int depends_run(struct cli *cli, int argc, char **argv);
int priority_run(struct cli *cli, int argc, char **argv);
int wait_run(struct cli *cli, int argc, char **argv);
int heartbeat_run(struct cli *cli, int argc, char **argv);
int event_run(struct cli *cli, int argc, char **argv);
int lock_run(struct cli *cli, int argc, char **argv);
int unlock_run(struct cli *cli, int argc, char **argv);
int checkpoint_run(struct cli *cli, int argc, char **argv);
int check_commit_run(struct cli *cli, int argc, char **argv);

/* repair */
int recover_run(struct cli *cli, int argc, char **argv);
int force_unlock_run(struct cli *cli, int argc, char **argv);
int rollback_run(struct cli *cli, int argc, char **argv);

/* set up */
int check_config_run(struct cli *cli, int argc, char **argv);
int add_run(struct cli *cli, int argc, char **argv);
int import_run(struct cli *cli, int argc, char **argv);
int version_run(struct cli *cli, int argc, char **argv);
int help_run(struct cli *cli, int argc, char **argv);

#endif
