/* The fleet's start order, modes and circuit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/fleet.h"
#include "model/order.h"

#define NMEMBERS 4

struct fleet {
	struct component_config *configs[NMEMBERS];
	struct fleet_member members[NMEMBERS];
};

/* A component whose `after` is one name, or none where that is "". */
static struct component_config *
make_config(const char *name, const char *after)
{
	size_t text_size = strlen(after) + 2;
	struct component_config *c = calloc(1, sizeof(*c) + text_size);

	assert_non_null(c);
	(void)snprintf(c->name, sizeof(c->name), "%s", name);
	(void)snprintf(c->kind, sizeof(c->kind), "loop");
	c->size = (uint32_t)(sizeof(*c) + text_size);
	c->text_size = (uint32_t)text_size;
	(void)memcpy(c->text + 1, after, strlen(after));
	c->after =
	    (struct config_list){ .offset = 1, .count = after[0] != '\0' };
	c->restart.window_ms = 600000;
	return c;
}

static int
setup(void **state)
{
	static const char *const chain[NMEMBERS][2] = { { "a", "" },
		{ "b", "a" }, { "c", "b" }, { "d", "gone" } };
	struct fleet *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	for (size_t i = 0; i < NMEMBERS; i++) {
		f->configs[i] = make_config(chain[i][0], chain[i][1]);
		f->members[i].config = f->configs[i];
		component_init(&f->members[i].component, WANT_RUN, 1);
	}
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fleet *f = *state;

	for (size_t i = 0; i < NMEMBERS; i++)
		free(f->configs[i]);
	free(f);
	return 0;
}

static void
test_order(void **state)
{
	struct fleet *f = *state;
	struct order_edge edges[NMEMBERS];
	struct order order = { .edges = edges, .size = NMEMBERS };
	bool passes[NMEMBERS] = { false };
	bool down[NMEMBERS] = { false };
	uint16_t cycle[NMEMBERS];

	assert_int_equal(order_count(f->configs, NMEMBERS), 3);
	order_build(&order, f->configs, NMEMBERS);
	assert_int_equal(order.nedges, 2);
	assert_true(order_may_start(&order, 0, passes));
	assert_false(order_may_start(&order, 1, passes));
	assert_true(order_may_start(&order, 3, passes));
	passes[0] = true;
	assert_true(order_may_start(&order, 1, passes));
	assert_false(order_may_stop(&order, 0, down));
	assert_true(order_may_stop(&order, 2, down));
	down[1] = true;
	assert_true(order_may_stop(&order, 0, down));
	assert_int_equal(
	    order_find_cycle(&order, NMEMBERS, cycle, NMEMBERS), 0);
}

static void
test_cycle_is_found(void **state)
{
	/* d waits for a cycle of a, b and c without being part of it. */
	struct order_edge edges[] = { { 3, 0 }, { 0, 1 }, { 1, 2 }, { 2, 0 } };
	struct order order = { .edges = edges, .nedges = 4, .size = 4 };
	uint16_t cycle[NMEMBERS];

	(void)state;
	assert_int_equal(
	    order_find_cycle(&order, NMEMBERS, cycle, NMEMBERS), 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_not_equal(cycle[i], 3);
}

static void
test_mode_is_the_worst(void **state)
{
	struct fleet *f = *state;
	size_t reason;
	int64_t next_ms;

	f->configs[0]->mode_when_down = MODE_SLOW;
	f->configs[1]->mode_when_down = MODE_FILE_BASED;
	for (size_t i = 0; i < NMEMBERS; i++)
		fleet_note(&f->members[i], 1000);
	assert_int_equal(
	    fleet_mode(f->members, NMEMBERS, 1000, &reason, &next_ms),
	    MODE_NORMAL);
	assert_int_equal(reason, NMEMBERS);
	assert_int_equal(next_ms, 16000);
	assert_int_equal(
	    fleet_mode(f->members, NMEMBERS, 16000, &reason, &next_ms),
	    MODE_FILE_BASED);
	assert_int_equal(reason, 1);
	f->members[1].component.want = WANT_PAUSE; /* paused isn't missing */
	fleet_note(&f->members[1], 17000);
	assert_int_equal(
	    fleet_mode(f->members, NMEMBERS, 17000, &reason, &next_ms),
	    MODE_SLOW);
}

/* One that failed is missing until it is ready, however soon it is tried. */
static void
test_failed_is_missing_while_tried(void **state)
{
	struct fleet *f = *state;
	struct component *c = &f->members[0].component;
	size_t reason;
	int64_t next_ms;

	f->configs[0]->mode_when_down = MODE_SLOW;
	c->state = COMPONENT_FAILED;
	c->circuit = CIRCUIT_OPEN;
	fleet_note(&f->members[0], 1000);
	assert_int_equal(
	    fleet_mode(f->members, 1, 1000, &reason, &next_ms), MODE_SLOW);
	c->state = COMPONENT_STARTING;
	c->circuit = CIRCUIT_HALF_OPEN;
	fleet_note(&f->members[0], 2000);
	assert_int_equal(
	    fleet_mode(f->members, 1, 2000, &reason, &next_ms), MODE_SLOW);
	c->state = COMPONENT_RUNNING;
	fleet_note(&f->members[0], 3000);
	assert_int_equal(
	    fleet_mode(f->members, 1, 3000, &reason, &next_ms), MODE_NORMAL);
}

static void
kill_member(struct fleet_member *m, int code, int64_t now_ms)
{
	m->component.state = COMPONENT_BACKOFF;
	m->component.ndeaths++;
	m->component.level = 1;
	m->component.death = (struct component_death){
		.cause = CAUSE_EXIT, .code = code, .at_ms = now_ms
	};
}

static void
test_circuit_keeps_one_canary(void **state)
{
	struct fleet *f = *state;
	struct fleet_circuit circuit = { .kind = "loop" };

	for (size_t i = 0; i < NMEMBERS; i++)
		f->members[i].component.state = COMPONENT_RUNNING;
	kill_member(&f->members[0], 1, 5000);
	kill_member(&f->members[1], 2, 5000); /* another cause */
	kill_member(&f->members[2], 1, 5000);
	assert_false(fleet_judge(&circuit, f->members, NMEMBERS, 5000));
	kill_member(&f->members[3], 1, 5000);
	assert_true(fleet_judge(&circuit, f->members, NMEMBERS, 5000));
	assert_true(circuit.open);
	assert_int_equal(circuit.canary, 0);
	f->members[0].component.want = WANT_STOP;
	f->members[1].held = true; /* another one is tried already */
	assert_true(fleet_judge(&circuit, f->members, NMEMBERS, 6000));
	assert_int_equal(circuit.canary, 2);
	f->members[2].held = f->members[3].held = true;
	circuit.canary = NMEMBERS;
	assert_true(fleet_judge(&circuit, f->members, NMEMBERS, 6000));
	assert_int_equal(circuit.canary, 1);
	f->members[1].component.state = COMPONENT_RUNNING;
	assert_false(fleet_judge(&circuit, f->members, NMEMBERS, 7000));
	f->members[1].component.level = 0; /* it held */
	assert_true(fleet_judge(&circuit, f->members, NMEMBERS, 8000));
	assert_false(circuit.open);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_order, setup, teardown),
		cmocka_unit_test(test_cycle_is_found),
		cmocka_unit_test_setup_teardown(
		    test_mode_is_the_worst, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_failed_is_missing_while_tried, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_circuit_keeps_one_canary, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
