// Finds views by what they ask: a statement and the query of a view are the same if their normal forms are, and their constants.

import { normalise } from '../../sql/index.ts'

/** What is alike: white space, comments, and the case of keywords do not count. Undefined for what cannot be read. */
function formOf(text: string): { readonly shape: string; readonly constants: string } | undefined {
  const { normalised, literals, ok } = normalise(text)
  return ok ? { shape: normalised, constants: JSON.stringify(literals.map((literal) => literal.text)) } : undefined
}

export class ViewShapes<View extends { readonly query: string }> {
  readonly #byShape = new Map<string, Map<View, string>>()

  add(view: View): void {
    const form = formOf(view.query)
    if (form === undefined) return
    const views = this.#byShape.get(form.shape) ?? new Map<View, string>()
    this.#byShape.set(form.shape, views.set(view, form.constants))
  }

  remove(view: View): void {
    const form = formOf(view.query)
    const views = form && this.#byShape.get(form.shape)
    if (form === undefined || views === undefined) return
    views.delete(view)
    if (views.size === 0) this.#byShape.delete(form.shape)
  }

  /** Those that ask just this, the oldest first. `shape` is the normal form of `text`; there are none of most. */
  find(shape: string, text: () => string): readonly View[] {
    const views = this.#byShape.get(shape)
    if (views === undefined) return []
    const constants = formOf(text())?.constants
    return [...views].filter(([, own]) => own === constants).map(([view]) => view)
  }
}
