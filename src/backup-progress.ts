// The line a terminal shows while a backup or restore runs: how far it is, how fast, and how long it will take.
//
//   backup   42 %  [############----------------]  420 MB of 1.0 GB  120 MB/s  0:05 left

import type { BackupProgress, BackupVerb } from './backup-order.ts'

/** What we need of standard error; tests hand in their own. */
export interface Terminal {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

/** Drawn at most so often. */
const frameMs = 100
/** The rate is that of the last seconds: a store that became slow should not be promised the speed it had. */
const rateWindowMs = 5000

interface Sample {
  readonly atMs: number
  readonly bytesDone: number
}

export class ProgressLine {
  readonly #verb: BackupVerb
  readonly #terminal: Terminal
  readonly #nowMs: () => number
  #samples: Sample[] = []
  #drawnAtMs = Number.NEGATIVE_INFINITY
  #isDrawn = false

  constructor(verb: BackupVerb, terminal: Terminal, nowMs: () => number) {
    this.#verb = verb
    this.#terminal = terminal
    this.#nowMs = nowMs
  }

  show({ bytes, bytesDone }: BackupProgress): void {
    if (bytes === 0) return
    const atMs = this.#nowMs()
    if (atMs - this.#drawnAtMs < frameMs && bytesDone < bytes) return
    this.#drawnAtMs = atMs
    this.#samples.push({ atMs, bytesDone })
    this.#samples = this.#samples.filter((sample) => atMs - sample.atMs <= rateWindowMs)
    const bytesPerSecond = rateOf(this.#samples)
    const width = (this.#terminal.columns || 80) - 1
    const line = progressText({ verb: this.#verb, bytes, bytesDone, bytesPerSecond, width })
    this.#terminal.write(`\r${line}\x1b[K`)
    this.#isDrawn = true
  }

  /** Takes the line away: what comes is the result. */
  clear(): void {
    if (this.#isDrawn) this.#terminal.write('\r\x1b[K')
    this.#isDrawn = false
  }
}

interface ProgressFacts extends BackupProgress {
  readonly verb: BackupVerb
  /** Undefined: too early to tell. */
  readonly bytesPerSecond: number | undefined
  /** Characters of a line. */
  readonly width: number
}

/** What does not fit is left out from the right; the bar takes what room there is. */
export function progressText({ verb, bytes, bytesDone, bytesPerSecond, width }: ProgressFacts): string {
  const fraction = Math.min(1, bytesDone / bytes)
  const head = `${verb}  ${String(Math.floor(fraction * 100)).padStart(3)} %`
  const facts = [`${sizeText(Math.min(bytesDone, bytes))} of ${sizeText(bytes)}`]
  if (fraction === 1) facts.push(verb === 'backup' ? 'finishing' : 'checking')
  else if (bytesPerSecond !== undefined && bytesPerSecond > 0) {
    facts.push(`${sizeText(bytesPerSecond)}/s`, `${timeText((bytes - bytesDone) / bytesPerSecond)} left`)
  }
  const tail = facts.join('  ')
  const room = Math.min(40, width - head.length - tail.length - 6)
  if (room < 5) return `${head}  ${tail}`.slice(0, Math.max(0, width))
  const filled = Math.round(room * fraction)
  return `${head}  [${'#'.repeat(filled)}${'-'.repeat(room - filled)}]  ${tail}`
}

function rateOf(samples: readonly Sample[]): number | undefined {
  const first = samples[0]
  const last = samples.at(-1)
  if (first === undefined || last === undefined || last.atMs - first.atMs < 2 * frameMs) return undefined
  return ((last.bytesDone - first.bytesDone) * 1000) / (last.atMs - first.atMs)
}

function sizeText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}

function timeText(seconds: number): string {
  const whole = Math.ceil(seconds)
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60]
  const two = (value: number): string => String(value).padStart(2, '0')
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`
}
