// SPDX-License-Identifier: Apache-2.0
// The generator of the table of look-alikes: what it makes of Unicode's data, and what it refuses. Where that data is at hand
// (GATEHOUSE_CONFUSABLES names a confusables.txt), the table in the tree is what it makes of it.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, test } from 'node:test'
import { CONFUSABLES } from '../../components/kit/text/confusables.ts'

const GENERATOR = resolve('deploy/confusables.mjs')
const TABLE = resolve('components/kit/text/confusables.ts')
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-confusables-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const HEAD = `\ufeff# confusables.txt
# Date: 2022-08-26, 16:49:08 GMT
# © 2022 Unicode®, Inc.
# Version: 15.0.0

`
const ENTRIES = `0430 ;\t0061 ;\tMA\t# ( а → a ) CYRILLIC SMALL LETTER A → LATIN SMALL LETTER A\t# 

1D41A ;\t0061 ;\tMA\t# ( 𝐚 → a ) MATHEMATICAL BOLD SMALL A → LATIN SMALL LETTER A\t# 
006D ;\t0072 006E ;\tMA\t# ( m → rn ) LATIN SMALL LETTER M → LATIN SMALL LETTER R, LATIN SMALL LETTER N\t# 
`
const GOOD = `${HEAD}${ENTRIES}\n# total: 3\n`

function generate(text: string) {
  const file = join(folder, 'confusables.txt')
  writeFileSync(file, text)
  const { status, stdout, stderr } = spawnSync(process.execPath, [GENERATOR, file], { encoding: 'utf8' })
  return { status, stdout, stderr: stderr.replace(file, 'confusables.txt').trim() }
}

test('a line for each prototype, with all that look like it', () => {
  const { status, stdout, stderr } = generate(GOOD)
  assert.deepEqual([status, stderr], [0, ''])
  assert.match(stdout, /^\/\/ SPDX-License-Identifier: Unicode-DFS-2016\n\/\/ © 2022 Unicode®, Inc\. Licence: /)
  assert.match(stdout, /\/\/ Unicode 15\.0\.0\nexport const CONFUSABLES = `\n0061=0430 1D41A\n0072 006E=006D\n`\n$/)
})

const damaged: readonly [what: string, text: string, wanted: RegExp][] = [
  ['nothing', '', /^confusables\.txt: .*version and copyright/],
  ['another file', 'hello\n', /^confusables\.txt: .*version and copyright/],
  [
    'a line of another kind',
    GOOD.replace('1D41A ;', '1D41A'),
    /^confusables\.txt:8: SOURCE ; PROTOTYPE ; MA is wanted/,
  ],
  ['a prototype that is cut', GOOD.replace('0072 006E ;', '0072 006'), /^confusables\.txt:9: SOURCE/],
  ['what is no code point', GOOD.replace('1D41A', '110000'), /^confusables\.txt:8: 110000 is no code point/],
  ['the same source twice', GOOD.replace('1D41A', '0430'), /^confusables\.txt:8: 0430 has a prototype already/],
  ['an end that is missing', GOOD.slice(0, GOOD.indexOf('006D')), /^confusables\.txt: 2 entries, .*missing/],
  ['a line that is missing', GOOD.replace(/1D41A.*\n/u, ''), /^confusables\.txt: 2 entries, .*total: 3/],
]
for (const [what, text, wanted] of damaged) {
  test(`${what} is refused, and nothing is written`, () => {
    const { status, stdout, stderr } = generate(text)
    assert.deepEqual([status, stdout], [2, ''])
    assert.match(stderr, wanted)
  })
}

test('a file that is not there, or is no text, is refused by name', () => {
  const missing = spawnSync(process.execPath, [GENERATOR, join(folder, 'none.txt')], { encoding: 'utf8' })
  assert.deepEqual([missing.status, missing.stdout], [2, ''])
  assert.match(missing.stderr, /none\.txt: a confusables\.txt of Unicode is wanted \(ENOENT\)/)
  writeFileSync(join(folder, 'binary'), Buffer.from([0xff, 0xfe, 0]))
  assert.equal(spawnSync(process.execPath, [GENERATOR, join(folder, 'binary')]).status, 2)
})

test('the table in the tree reads as the generator writes it, from the data to the file and back', () => {
  const entries = CONFUSABLES.trim()
    .split('\n')
    .flatMap((line) => {
      const [target = '', sources = ''] = line.split('=')
      return sources.split(' ').map((source) => `${source} ;\t${target} ;\tMA\t# x`)
    })
  const tree = readFileSync(TABLE, 'utf8')
  const version = /^\/\/ Unicode ([\d.]+)$/mu.exec(tree)?.[1]
  const { status, stdout } = generate(
    `${HEAD.replace('15.0.0', String(version))}${entries.join('\n')}\n# total: ${entries.length}\n`,
  )
  assert.equal(status, 0)
  assert.ok(stdout === tree, 'the table in the tree was changed by hand')
})

const data = process.env.GATEHOUSE_CONFUSABLES
test('the table in the tree is what the generator makes of the data of Unicode', {
  skip: data === undefined ? 'GATEHOUSE_CONFUSABLES names no confusables.txt' : false,
}, () => {
  const { status, stdout } = spawnSync(process.execPath, [GENERATOR, String(data)], {
    encoding: 'utf8',
    maxBuffer: 2 ** 24,
  })
  assert.equal(status, 0)
  assert.ok(stdout === readFileSync(TABLE, 'utf8'))
})
