// The loops of one processor level: included by one file for each, after TABLE has been given its name.
#pragma clang fp contract(fast)

#include "elementwise.h"
#include "exponential.h"
#include "softmax.h"

const struct table TABLE = {
#define LOOP(name) .name = name,
#include "names.h"
#undef LOOP
};
