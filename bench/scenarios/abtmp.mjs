import { compare } from '../parts/measure.mjs'
import {
  cycle,
  freshKeys,
  freshPointRequest,
  pointRequests,
  preparedPointSelect,
  setupFor,
} from '../parts/workloads.mjs'
export const summary = 'ab'
export async function run(context) {
  const bins = JSON.parse(process.env.BINS)
  const larders = []
  const nf = JSON.parse(process.env.NFS ?? '[]')
  for (const [i, b] of bins.entries()) {
    process.env.LARDER_BIN = b
    process.env.NF = nf[i] ?? ''
    larders.push(await context.startLarder(['--result-ttl', '1h']))
  }
  for (const mode of ['prepared'])
    for (const kind of (process.env.KINDS ?? 'hit,fresh').split(',')) {
      const setup = setupFor(mode, preparedPointSelect)
      if (kind === 'fresh' && mode === 'simple') continue
      const batches = pointRequests(
        mode,
        Array.from({ length: 100 }, (_, i) => i),
      )
      const side = (label, { address, pid }) => ({
        label,
        address,
        pid,
        setup,
        ...(kind === 'hit'
          ? { workload: () => cycle(batches) }
          : freshKeys(freshPointRequest(mode), context.itemCount)),
      })
      const c = await compare(
        context,
        larders.map((l, i) => side(i + (nf[i] ?? '') + bins[i], l)),
        { connectionCount: 8 },
      )
      for (let i = 0; i < bins.length; i++)
        console.log(
          mode,
          kind,
          bins[i],
          nf[i] ?? '',
          'cpu',
          c.median(i, 'cpuUs').toFixed(2),
          'vs first',
          c.ratio(i, 0, 'cpuUs').toFixed(3),
          c
            .spread(i, 0, 'cpuUs')
            .map((x) => x.toFixed(2))
            .join('-'),
        )
    }
  for (const [i, l] of larders.entries()) {
    await l.stop()
    if (process.env.OUT) (await import('node:fs')).writeFileSync(process.env.OUT + i, l.output())
  }
  return []
}
export async function check() {}
