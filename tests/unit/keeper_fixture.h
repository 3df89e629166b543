/*
 * A keeper with a real component: the test is its daemon. Its program is the
 * component too, when it is started with a word of what to do. Whatever goes
 * wrong in here, or takes too long, fails the test.
 */
#ifndef LOOPKEEPER_TESTS_KEEPER_FIXTURE_H
#define LOOPKEEPER_TESTS_KEEPER_FIXTURE_H

#include <sys/types.h>

#include "base/path.h"
#include "control/message.h"
#include "keeper/keeper.h"
#include "model/component.h"
#include "scratch.h"
#include "system/status.h"

#define PATIENCE_MS 20000

struct fixture {
	struct scratch at;    /* with the run directory, on tmpfs */
	char self[PATH_SIZE]; /* this program */
	struct keeper_birth birth;
	int fd; /* to the keeper */
	pid_t keeper;
	struct status_record record; /* what it said last */
	struct component c;
	struct component_config *config; /* of CONFIG_SIZE_MAX bytes */
};

/* For cmocka: *state is a fixture without a keeper yet. */
int keeper_set_up(void **state);
int keeper_tear_down(void **state);

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, keeper_set_up, keeper_tear_down)

/* What main() returns: the component where there is a word of what to do, else
 * the tests. */
int
keeper_main(int argc, char **argv, const struct CMUnitTest *tests, size_t n);

/* The configuration of "web": of any command; of this program, which speaks
 * sd_notify; more words at its end. */
struct component_config *
make_config(struct fixture *f, const char *const *command);
struct component_config *
make_client(struct fixture *f, const char *what, const char *argument);
struct config_list
add_list(struct component_config *c, const char *const *words);

/* What a daemon says: any message without more, its wish, the configuration. */
void tell(struct fixture *f, enum message_type type);
void want(struct fixture *f, enum component_want w);
void configure(struct fixture *f);

/* Takes one message into f->record and f->c; waits for such a one. */
enum message_type take(struct fixture *f);
void wait_state(struct fixture *f, enum component_state state);
void wait_restarts(struct fixture *f, uint64_t restarts);

/* A keeper is born; and told all it needs; and its component is ready. */
void give_birth(struct fixture *f);
void start(struct fixture *f);
void start_ready(struct fixture *f);

/* A component that does nothing. Returns its pid. */
pid_t start_sleeper(struct fixture *f);

/* Waits for the end of a child. Returns its status. */
int end_status(pid_t pid);

/* The text of a file in run/c/web, good until the next call; waits until it
 * has these words. */
const char *read_text(struct fixture *f, const char *name);
void wait_file(struct fixture *f, const char *name, const char *words);

#endif
