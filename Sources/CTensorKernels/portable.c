#include <math.h>
#include <string.h>

#include "table.h"

#define TABLE ctk_table_portable
#include "loops.h"
