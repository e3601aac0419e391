#include <math.h>
#include <string.h>

#include "levels.h"

#define TABLE ctk_portable
#include "loops.h"
