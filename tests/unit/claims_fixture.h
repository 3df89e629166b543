/* What tests of claims and attempts share: a database with two loops. Whatever
 * goes wrong in here fails the test. */
#ifndef LOOPKEEPER_TESTS_CLAIMS_FIXTURE_H
#define LOOPKEEPER_TESTS_CLAIMS_FIXTURE_H

#include "store/claims.h"
#include "store_fixture.h"

extern const struct claim_request loop_1, loop_2;

/* For cmocka: as fixture_open(), with the two loops. */
int claims_setup(void **state);

/* Takes the next test, which is this one (NULL: there is none). */
struct attempt_key
takes(const struct claim_request *request, const char *test_id);

/* Ends it so, and sees what became of the test. */
void ends(const struct attempt_key *key, enum attempt_outcome outcome,
    bool parked, enum attempt_result expected);

#endif
