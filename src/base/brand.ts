// Branded types: two numbers of different meaning that the compiler will not let anybody swap.

declare const brand: unique symbol

export type Brand<T, Name extends string> = T & { readonly [brand]: Name }
