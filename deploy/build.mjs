// SPDX-License-Identifier: Apache-2.0
// Makes dist/, what an installation runs: components/ as JavaScript, each program in a few files, with its texts beside. Node strips types
// of sources as well, but its stripper stays in the memory of every thread (47 MB for policy, 66 MB for archive, measured), and five
// hundred files are half a second of work at each start.
// Exits: 0, or 1 when a source cannot be read.
import { chmodSync, cpSync, existsSync, globSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
const COMMAND_LINE = 'components/cli/main.js'
/** What node starts by name: programs, the modules of threads, and what a process starts to read aside. */
const ENTRIES = ['components/*/main.ts', 'components/**/*-worker.ts', 'components/**/*-process.ts']
/** Not in one file: it loads a library of its own. */
const APART = ['sharp']
/** CommonJS within an ES module asks for node's own modules by this. */
const REQUIRE =
  "import { createRequire as requireFor } from 'node:module'; const require = requireFor(import.meta.url);"

process.exitCode = await main()

async function main() {
  const dist = join(ROOT, 'dist')
  // Made aside (where no tool looks), so that a process that starts meanwhile finds the old or the new one whole.
  const made = join(ROOT, 'node_modules', `.dist-${process.pid}`)
  const old = `${made}-old`
  try {
    const { metafile } = await build({
      absWorkingDir: ROOT,
      entryPoints: ENTRIES.flatMap((pattern) => globSync(pattern, { cwd: ROOT })),
      outbase: ROOT,
      outdir: made,
      chunkNames: 'components/shared/[name]-[hash]',
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      target: 'node24',
      external: APART,
      banner: { js: REQUIRE },
      legalComments: 'none',
      metafile: true,
      plugins: [{ name: 'places', setup: keepPlaces }],
    })
    for (const text of globSync('components/**/*.ftl', { cwd: ROOT })) cpSync(join(ROOT, text), join(made, text))
    writeFileSync(join(made, 'LICENSES.txt'), licences(metafile))
    const main = join(made, COMMAND_LINE)
    writeFileSync(main, `#!/usr/bin/env node\n${readFileSync(main, 'utf8')}`)
    chmodSync(main, 0o755)
    if (existsSync(dist)) renameSync(dist, old)
    renameSync(made, dist)
    return 0
  } catch (fault) {
    // What is wrong with a source is said already.
    if (!Array.isArray(fault?.errors)) throw fault
    return 1
  } finally {
    for (const folder of [made, old]) rmSync(folder, { recursive: true, force: true })
  }
}

/** A source that looks beside itself, for a text or a thread's module, finds there what was made of it, wherever its own code went. */
function keepPlaces({ onLoad }) {
  onLoad({ filter: /[/\\]components[/\\].*\.ts$/ }, ({ path }) => {
    const source = readFileSync(path, 'utf8')
    if (!source.includes('import.meta')) return { contents: source, loader: 'ts' }
    const name = `/${relative(ROOT, path).replace(/\.ts$/, '.js')}`
    const place = `(import.meta.url.slice(0, import.meta.url.lastIndexOf('/components/')) + ${JSON.stringify(name)})`
    return { contents: source.replaceAll('import.meta.url', () => place), loader: 'ts' }
  })
}

/** Of every package of which something is in there. */
function licences({ inputs }) {
  const folders = new Set()
  for (const file of Object.keys(inputs)) {
    const [folder] = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file) ?? []
    if (folder !== undefined) folders.add(folder)
  }
  const each = [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8'))
    const [file] = globSync('{LICEN[CS]E,licen[cs]e}*', { cwd: join(ROOT, folder) })
    const text = file === undefined ? '' : `\n${readFileSync(join(ROOT, folder, file), 'utf8').trim()}\n`
    return `${name} ${version}: ${license}\n${text}`
  })
  return `Other people's work in these files, and the terms under which it may be used.\n\n${each.join(`\n${'-'.repeat(78)}\n\n`)}`
}
