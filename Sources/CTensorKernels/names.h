// Every loop once, for whatever LOOP stands for where this is included.
LOOP(add)
LOOP(axpby)
LOOP(fill_rows)
LOOP(softmax_rows)
LOOP(causal_softmax_rows)
LOOP(softmax_vjp_rows)
LOOP(widen_f16)
LOOP(widen_bf16)
