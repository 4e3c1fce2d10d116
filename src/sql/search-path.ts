// The setting search_path as a list of names, split as PostgreSQL splits it: commas between names, quotes keep them as they are.

/** `$user` stands for the role in force, if it is not quoted away by being another name. */
export function schemasOfPath(path: string, role: string): string[] {
  const names: string[] = []
  for (const [, quoted, plain] of path.matchAll(/\s*(?:"((?:[^"]|"")*)"|([^\s",]+))\s*(?:,|$)/g)) {
    const name = quoted?.replaceAll('""', '"') ?? (plain as string).toLowerCase()
    names.push(name === '$user' ? role : name)
  }
  return names
}
