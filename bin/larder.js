#!/usr/bin/env node
// The command `larder`: checks that it can run here, then hands over to the built command line (src/cli.ts).

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 15)) {
  process.stderr.write(`larder: Node ${process.versions.node} is too old\nhint: Install Node 20.15 or newer.\n`)
  process.exit(1)
}

try {
  const { main } = await import('../dist/cli.js')
  await main(process.argv.slice(2))
} catch (error) {
  if (error.code !== 'ERR_MODULE_NOT_FOUND' || !error.message.includes('dist')) throw error
  process.stderr.write(
    `larder: it is not built: ${error.message.split('\n')[0]}\nhint: Run npm run build, or npm start.\n`,
  )
  process.exit(1)
}
