// What was read back is not what was written: a miss, a counter and an event, never an answer (L2-33).

export class Damage extends Error {
  override readonly name = 'Damage'
}

export function sound(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Damage(message)
}
