// Door of `cache/blob`: the tiered byte cache.

export {}
