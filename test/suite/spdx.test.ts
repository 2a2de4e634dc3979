// SPDX-License-Identifier: Apache-2.0
// Every source file names its licence in its first lines, and it is the one that its place asks for.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { suite, test } from 'node:test'

const ROOT = resolve(import.meta.dirname, '../..')
const SOURCES = /\.(ts|mts|mjs|cjs|js|lua|erl|hrl|spec|py|c|h|sh|sql|ftl|css|html)$|^\.ci\/run$/
/** Not ours to license, or nothing but data. */
const EXEMPT = /^(LICENSES\/|test\/golden\/)/

const places: readonly { place: RegExp; licence: string }[] = [
  { place: /^(deploy\/servers|test\/(servers|faults))\/prosody\/.*\.lua$/, licence: 'MIT' },
  { place: /^(deploy\/servers|test\/(servers|faults))\/ejabberd\/.*\.(erl|hrl|spec)$/, licence: 'GPL-2.0-or-later' },
  { place: /^components\/kit\/text\/confusables\.ts$/, licence: 'Unicode-DFS-2016' },
  { place: /./, licence: 'Apache-2.0' },
]

function sourcesOf(root: string): string[] {
  // What git would commit: tracked and new files, without what .gitignore names.
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root })
  return listed
    .toString()
    .split('\0')
    .filter((file) => SOURCES.test(file) && !EXEMPT.test(file))
}

/** null: fine; else what is wrong. */
function faultOf(file: string, text: string): string | null {
  const wanted = places.find(({ place }) => place.test(file))?.licence
  const found = /SPDX-License-Identifier: (\S+)/.exec(text.split('\n', 3).join('\n'))?.[1]
  return found === wanted ? null : `${file}: ${found ?? 'no SPDX line'} instead of ${wanted}`
}

suite('licences', () => {
  test('every source file names the licence of its place', () => {
    const files = sourcesOf(ROOT)
    assert.ok(files.includes('deploy/setup.mjs'), 'the files are really listed')
    const faults = files.flatMap((file) => {
      const text = textOf(file)
      return text === null ? [] : (faultOf(file, text) ?? [])
    })
    assert.deepEqual(faults, [])
  })

  test('a missing and a wrong line are found', () => {
    const mit = '-- SPDX-License-Identifier: MIT\n'
    assert.equal(faultOf('deploy/servers/prosody/mod_x/mod_x.lua', mit), null)
    assert.notEqual(faultOf('deploy/servers/ejabberd/src/mod_x.erl', mit), null)
    assert.notEqual(faultOf('components/x.ts', mit), null)
    assert.notEqual(faultOf('components/x.ts', 'export const x = 1\n'), null)
  })

  test('the text of each licence is here', () => {
    assert.match(readFileSync(join(ROOT, 'LICENSE'), 'utf8'), /Apache License\s+Version 2\.0/)
    assert.match(readFileSync(join(ROOT, 'LICENSES/MIT.txt'), 'utf8'), /^MIT License/)
    assert.match(
      readFileSync(join(ROOT, 'LICENSES/GPL-2.0-or-later.txt'), 'utf8'),
      /GNU GENERAL PUBLIC LICENSE\s+Version 2/,
    )
  })
})

/** null when a listed file is deleted in the working tree. */
function textOf(file: string): string | null {
  try {
    return readFileSync(join(ROOT, file), 'utf8')
  } catch (fault) {
    if (fault instanceof Error && 'code' in fault && fault.code === 'ENOENT') return null
    throw fault
  }
}
