// Stores beside a live one, as a restore would have put them there.

import { holdCommit } from '../../src/cache/blob/l2-hold.ts'
import type { L2Stage } from './blob.ts'
import type { FaultyDisk } from './faulty-disk.ts'

/** The last commit of a stage, as a store of that name in the directory `l2` of a disk: durable. */
export async function copyBeside(
  { l2, ...stage }: L2Stage,
  name: string,
  disk: FaultyDisk = stage.disk,
): Promise<void> {
  const { pin, held } = await holdCommit(l2)
  disk.makeDirectory(`l2/${name}`)
  for (const [file, bytes] of [
    ['l2.pager', pin.read(0, pin.size)],
    ['l2.ctl', held.control],
  ] as const) {
    const opened = disk.open(`l2/${name}/${file}`, { create: true })
    opened.write(bytes, 0)
    await opened.sync()
  }
  for (const directory of ['', 'l2', `l2/${name}`]) disk.syncDirectory(directory)
  pin.release()
}
