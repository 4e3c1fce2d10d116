// May a query over the same rows give another answer when they are come upon in another order? By the words in it, which may say so where it does not.
//
// The order changes with the plan (ANALYZE, a parallel worker, the size of a table) and with the table's file (CLUSTER, VACUUM FULL): nobody tells of these.

const picksOrLists =
  /\b(?:limit|fetch|offset|distinct\s+on|over|\w*agg(?:_strict)?|any_value|tablesample|mode|first_value|last_value|nth_value)\b|\b(?:array|json_array)\s*\(/i

/** Of floats they are not the same in every order. */
const adds = /\b(?:sum|avg|stddev\w*|variance|var_\w+|corr|covar_\w+|regr_\w+)\s*\(/i
/** Behind these nobody sees that it was one. */
const converts = /::|\b(?:cast|round|trunc|to_char|format|concat\w*|\w*json\w*)\b|\|\|/i

/** Of the texts of a query, its views and policies. */
export function mayHangOnOrder(texts: readonly string[]): boolean {
  const all = texts.join('\n')
  return picksOrLists.test(all) || (adds.test(all) && converts.test(all))
}
