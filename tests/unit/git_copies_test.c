/* What is copied to a checkout in which nobody works is as the operator has it,
 * whatever tests did to it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pristine_fixture.h"

static const char *const done_to_copies[] = {
	"cp -p ignored/env t; echo 123456 > ignored/env;"
	" touch -r t ignored/env",
	"cp -p deps/in/f t; echo bad > deps/in/f; touch -r t deps/in/f",
	"echo evil > deps/in/evil; mkdir deps/new; echo evil >"
	" deps/new/f",
	"ln -sfn in/f deps/link; chmod 755 deps/in/f",
	"rm -r deps; ln -s ../elsewhere deps",
	"rm -r deps ignored",
};

/* With a setup that works on what was copied, and without. */
static void
test_what_is_copied_is_as_the_operator_has_it(void **state)
{
	char *const copy[] = { (char[]){ "ignored/env" }, (char[]){ "deps" },
		NULL };
	static const char is[] =
	    "cd wt; cat ignored/env; find deps ! -name made -printf"
	    " '%p %y %m %l ' | sort; cat deps/in/f";

	sh("mkdir -p operator/deps/in; cd operator;"
	   "echo dep > deps/in/f; ln -s in deps/link");
	for (int has_setup = 1; has_setup >= 0; has_setup--) {
		struct provision p = provisioned(copy, none);
		struct worktree w = made("wt");
		char *before;

		if (has_setup == 0)
			p.setup = "";
		resets(&p, &w, "main", has_setup);
		if (has_setup > 0) {
			sh("echo made > wt/deps/made");
			gives(0,
			    provision_done(
				git, &p, &w, commit_of("main"), true));
		}
		before = strdup(git_said(is));
		assert_non_null(before);
		for (size_t i = 0;
		     i < sizeof(done_to_copies) / sizeof(done_to_copies[0]);
		     i++) {
			char command[256];

			print_message("%s\n", done_to_copies[i]);
			(void)snprintf(command, sizeof(command), "cd wt && %s",
			    done_to_copies[i]);
			sh(command);
			resets(&p, &w, "main", 0);
			says(before, is);
			if (has_setup > 0)
				says("made", "cat wt/deps/made");
		}
		/* What he changes is brought, each time. */
		sh("echo secreT > operator/ignored/env; echo > "
		   "operator/deps/his");
		resets(&p, &w, "main", 0);
		says("secreT", "test -e wt/deps/his; cat wt/ignored/env");
		sh("cd wt; cp -p ignored/env t; echo 123456 > ignored/env;"
		   "touch -r t ignored/env; echo evil > deps/his;"
		   "touch -r ../operator/deps/his deps/his");
		resets(&p, &w, "main", 0);
		says("secreT",
		    "cat wt/ignored/env wt/deps/his | head -n 1;"
		    "cmp operator/deps/his wt/deps/his");
		sh("rm operator/deps/his");
		gives(0, worktree_remove(git, &w));
		free(before);
		provision_free(&p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_is_copied_is_as_the_operator_has_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
