// SPDX-License-Identifier: Apache-2.0
// Makes dist/, what an installation runs: components/ as JavaScript with its texts beside. Node strips types of sources as well,
// but its stripper stays in the memory of every thread (47 MB for policy, 66 MB for archive, measured).
// Exits: as the compiler does.
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, globSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
const COMMAND_LINE = 'components/cli/main.js'

process.exitCode = build()

function build() {
  const dist = join(ROOT, 'dist')
  // Made aside (where no tool looks), so that a process that starts meanwhile finds the old or the new one whole.
  const made = join(ROOT, 'node_modules', `.dist-${process.pid}`)
  const old = `${made}-old`
  try {
    const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc')
    const { status } = spawnSync(
      process.execPath,
      [compiler, '--project', join(ROOT, '.ci/tsconfig.build.json'), '--outDir', made],
      { stdio: 'inherit' },
    )
    if (status !== 0) return status ?? 1
    for (const text of globSync('components/**/*.ftl', { cwd: ROOT })) cpSync(join(ROOT, text), join(made, text))
    const main = join(made, COMMAND_LINE)
    writeFileSync(main, `#!/usr/bin/env node\n${readFileSync(main, 'utf8')}`)
    chmodSync(main, 0o755)
    if (existsSync(dist)) renameSync(dist, old)
    renameSync(made, dist)
    return 0
  } finally {
    for (const folder of [made, old]) rmSync(folder, { recursive: true, force: true })
  }
}
