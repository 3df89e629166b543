/* A configuration together with the memory that it lives in. */
#ifndef LOOPKEEPER_CONF_HOLDER_H
#define LOOPKEEPER_CONF_HOLDER_H

#include "conf/arena.h"
#include "conf/conf.h"

struct holder {
	struct conf conf; /* first: a pointer to it is one to the holder */
	struct arena arena;
};

#endif
