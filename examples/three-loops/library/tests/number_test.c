#include "check.h"

int
main(void)
{
	long n = 7;

	CHECK(pocket_number("42", 0, 100, &n) == 0 && n == 42);
	CHECK(pocket_number("-3", -5, 5, &n) == 0 && n == -3);
	CHECK(pocket_number("101", 0, 100, &n) == -1 && errno == ERANGE);
	CHECK(pocket_number("99999999999999999999", 0, 100, &n) == -1 &&
	    errno == ERANGE);
	CHECK(pocket_number("12x", 0, 100, &n) == -1 && errno == EINVAL);
	CHECK(pocket_number("", 0, 100, &n) == -1 && errno == EINVAL);
	CHECK(n == -3);
	return 0;
}
