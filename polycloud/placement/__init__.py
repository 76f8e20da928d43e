"""Where everything should run: one joint model of compute, data, transfer and promises, its optimum and its proof."""
