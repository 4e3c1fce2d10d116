// Which rows one answer depends on, and whether they have changed since it was asked for: as row-templates.ts says of its statement, with its
// parameters.
//
// Whatever cannot be said in values leaves the answer at the relations as a whole. That is so for NULLs, for values written in a way that is not
// known here (sql/row-values.ts), and for answers that live in L2: what is compared there are relations.

import type { ShapeFacts, StatementText } from '../cache/plans/index.ts'
import { type Parameter, readParameters } from '../cache/results/index.ts'
import {
  type ColumnPin,
  type DatabaseEpochs,
  type Footprint,
  quarantined,
  type Relation,
  unmoved,
} from '../invalidation/index.ts'
import { elementsOfBinary, elementsOfText, type Family, type Source, valueOfBinary, valueOfText } from '../sql/index.ts'
import { type RowTemplate, rowTemplate, type TemplatePin } from './row-templates.ts'
import type { Services } from './services.ts'

interface AnswerRows {
  readonly footprints: readonly Footprint[]
  /** What hits look at in place of the relations. */
  readonly guards: readonly Relation[]
}

/** Undefined if the answer depends on its relations as a whole. */
export function answerRows(
  { plans, epochs, store, feeds }: Services,
  text: StatementText,
  parameters: string,
  facts: ShapeFacts,
): AnswerRows | undefined {
  if (facts.tables === undefined || store.snapshot.invalidationPrecision === 'relation') return undefined
  if (!feeds.tellsRows(text.shape.database)) return undefined
  const database = epochs.database(text.shape.database)
  const template = templateOf(text, facts, () => plans.footprintOf(text), database)
  const given = template === undefined ? undefined : readParameters(parameters)
  if (template === undefined || given === undefined) return undefined
  const footprints: Footprint[] = []
  let cost = 0
  for (const { rows, group, pins } of template.parts) {
    const bound: ColumnPin[] = []
    for (const pin of pins) {
      const one = bind(pin, given)
      // One that is not needed to find it by only makes it more precise.
      if (one === undefined && group.columns.includes(pin.column)) return undefined
      if (one !== undefined) bound.push(one)
    }
    const one = group.costOf(bound)
    if (one === undefined) return undefined
    cost += one
    footprints.push({ rows, group, pins: bound })
  }
  // Without room it is found by its relations, which costs nothing.
  return epochs.graph.makeRoom(cost) ? { footprints, guards: template.guards } : undefined
}

function templateOf(
  text: StatementText,
  facts: ShapeFacts,
  read: () => ReturnType<Services['plans']['footprintOf']>,
  epochs: DatabaseEpochs,
): RowTemplate | undefined {
  const known = text.rows as { readonly facts: ShapeFacts; readonly template: RowTemplate | undefined } | undefined
  if (known?.facts === facts) return known.template
  const raw = read()
  const template = raw === undefined ? undefined : rowTemplate(raw, text, facts, epochs)
  for (const { rows } of template?.parts ?? []) epochs.onRowsWanted?.(rows.relation)
  text.rows = { facts, template }
  return template
}

/** True if what an answer was read from may have changed since `start`, or is about to be seen to have changed. */
export function crossed(
  epochs: DatabaseEpochs,
  relations: readonly Relation[],
  rows: AnswerRows | undefined,
  start: number,
  broken: ReadonlySet<string>,
): boolean {
  // A commit of ours that holds nothing back, because a feed will tell of it: of these it will not.
  if (relations.some(({ commits, isUnfed }) => commits > 0 && isUnfed)) return true
  const minds = !broken.has('R4-quarantine')
  if (rows === undefined) return (minds && quarantined(epochs, relations)) || !unmoved(epochs, relations, start)
  const { footprints } = rows
  const others = relations.filter((relation) => !footprints.some((one) => one.rows.relation === relation))
  if ((minds && quarantined(epochs, others)) || !unmoved(epochs, others, start)) return true
  return footprints.some((one) => {
    if (minds && !broken.has('rows-quarantine') && one.rows.isQuarantined(one.pins)) return true
    return broken.has('rows-fill') ? one.group.guard.stamp > start : one.rows.hasMoved(one, start)
  })
}

function bind({ column, family, test }: TemplatePin, parameters: readonly Parameter[]): ColumnPin | undefined {
  switch (test.kind) {
    case 'in': {
      const values = test.values.map((source) => givenValue(family, source, parameters))
      return values.every((value) => value !== undefined) ? { column, values } : undefined
    }
    case 'any': {
      const values = arrayOf(family, test.array, parameters)
      return values === undefined ? undefined : { column, values }
    }
    case 'range': {
      const [low, high] = [test.low, test.high].map((source) =>
        source === undefined ? undefined : givenValue(family, source, parameters),
      )
      if ((test.low !== undefined && low === undefined) || (test.high !== undefined && high === undefined)) return
      return { column, low: bigintOf(low), high: bigintOf(high) }
    }
  }
}

function bigintOf(value: string | undefined): bigint | undefined {
  return value === undefined ? undefined : BigInt(value)
}

function givenValue(family: Family, source: Source, parameters: readonly Parameter[]): string | undefined {
  if (source.kind === 'constant') return valueOfText(family, source.literal.text)
  const given = parameters[source.number - 1]
  if (given?.bytes === undefined) return undefined
  return given.isBinary ? valueOfBinary(family, given.bytes) : valueOfText(family, given.bytes.toString())
}

function arrayOf(family: Family, source: Source, parameters: readonly Parameter[]): string[] | undefined {
  const given = source.kind === 'parameter' ? parameters[source.number - 1] : undefined
  if (given?.bytes === undefined) return undefined
  return given.isBinary ? elementsOfBinary(family, given.bytes) : elementsOfText(family, given.bytes.toString())
}
