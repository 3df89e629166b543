#include "claims_fixture.h"

const struct claim_request loop_1 = { .loop_id = "loop-1", .max_attempts = 3 };
const struct claim_request loop_2 = { .loop_id = "loop-2", .max_attempts = 3 };

int
claims_setup(void **state)
{
	(void)fixture_open(state);
	assert_int_equal(
	    claims_begin(store, "loop-1", "One", 1, "", &repairs), 0);
	assert_int_equal(
	    claims_begin(store, "loop-2", "Two", 2, "", &repairs), 0);
	return 0;
}

struct attempt_key
takes(const struct claim_request *request, const char *test_id)
{
	struct claim claim = { 0 };
	struct attempt_key key;
	int taken = claims_take(store, request, &claim, NULL);

	if (taken < 0)
		fail_msg("%s", store_error(store));
	assert_int_equal(taken, test_id != NULL);
	if (test_id != NULL)
		assert_string_equal(claim.key.test_id, test_id);
	key = claim.key;
	claims_free(&claim);
	return key;
}

void
ends(const struct attempt_key *key, enum attempt_outcome outcome, bool parked,
    enum attempt_result expected)
{
	struct attempt_end end = { .outcome = outcome,
		.parked = parked,
		.detail = "verify: exit 2",
		.max_attempts = 3 };
	enum attempt_result result = RESULT_NOTHING;

	if (attempts_end(store, key, &end, &result) < 0)
		fail_msg("%s", store_error(store));
	assert_int_equal(result, expected);
}
