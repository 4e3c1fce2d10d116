// What a pool of slots asks of an eviction policy. SIEVE answers it, and Clock2Q+.
//
// The policy hands out the slots; it knows nothing of what is in them but whether they were used again. A caller inserts
// only while it has fewer entries than its capacity; else it first asks for the victim and evicts it.

export interface EvictionPolicy {
  /** A slot for a new entry. Some policies remember keys that left and treat them differently when they come back. */
  insert(key: number): number
  /** The entry was asked for again. */
  hit(slot: number): void
  /** The slot that should leave next, of those that may; undefined if none may. Asked twice, it names the same slot. */
  victim(mayLeave: (slot: number) => boolean): number | undefined
  /** The victim leaves to make room. */
  evict(slot: number, key: number): void
  /** The entry leaves for a reason of its own: its page was freed. */
  remove(slot: number): void
  /** What went by this key is no more: if the key comes back, it is another's. Policies that remember nobody leave this out. */
  forget?(key: number): void
  /** Walks its lists and asserts their shape; for tests. */
  verify(): void
}
