// For the time of one act, which must not wait, trees touch their pages by another strategy than usual, if one is named (STR-5).

import type { Strategy } from '../eviction/index.ts'
import type { TreeName } from './layout.ts'
import type { Tree } from './tree.ts'

export function touching<T>(trees: Readonly<Record<TreeName, Tree>>, strategy: Strategy | undefined, act: () => T): T {
  if (strategy === undefined) return act()
  const all = Object.values(trees)
  const usual = all.map((tree) => tree.strategy)
  for (const tree of all) tree.strategy = strategy
  try {
    return act()
  } finally {
    for (const [index, tree] of all.entries()) tree.strategy = usual[index] as Strategy
  }
}
