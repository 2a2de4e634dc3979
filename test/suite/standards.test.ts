// SPDX-License-Identifier: Apache-2.0
// One truth about standards: doap.xml. The table in ARCHITECTURE.md is printed from it, and the code names the same versions.
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { doapOfTree, marked, ROOT, readDoap, standardsTable, tableOfTree } from './standards.ts'

suite('standards', () => {
  const standards = doapOfTree()

  test('every entry is whole, in order, and there once', () => {
    assert.ok(standards.length > 0)
    for (const one of standards) {
      assert.match(one.xep, /^XEP-\d{4}$/)
      assert.match(one.version, /^\d+(\.\d+)+$/, one.xep)
      assert.ok(['complete', 'partial'].includes(one.status), one.xep)
      assert.ok(one.title !== '' && one.use !== '', one.xep)
    }
    const names = standards.map(({ xep }) => xep)
    assert.deepEqual(names, [...new Set(names)].sort())
  })

  test('the table in ARCHITECTURE.md is the one printed from doap.xml', () => {
    assert.equal(
      tableOfTree(),
      marked(standardsTable(standards)),
      'node_modules/.bin/node test/suite/standards.ts --write',
    )
  })

  test('a file of kit/xep opens with its XEP as doap.xml has it', () => {
    const wanted = standards.map(({ xep, title, version }) => `// ${xep}: ${title} (${version})`)
    const wrong = globSync('components/kit/xep/*.ts', { cwd: ROOT }).flatMap((file) => {
      const first = linesOf(file).find((line) => !line.includes('SPDX-License-Identifier')) ?? ''
      return wanted.some((line) => first.startsWith(line)) ? [] : [`${file}: ${first}`]
    })
    assert.deepEqual(wrong, [])
  })

  test('where code names a version of a XEP, it is that of doap.xml', () => {
    const files = globSync(['components/**/*.ts', 'deploy/**/*.{ts,lua,md}'], { cwd: ROOT })
    const named = files.flatMap((file) => versionsNamed(linesOf(file).join('\n')).map((one) => ({ file, ...one })))
    assert.ok(
      named.some(({ xep }) => xep === 'XEP-0114'),
      'the files are really read',
    )
    const wrong = named.filter(({ xep, version }) => {
      const known = standards.find((one) => one.xep === xep)
      return known?.version !== version
    })
    assert.deepEqual(wrong, [])
  })

  test('a version that differs is found', () => {
    assert.deepEqual(versionsNamed('// XEP-0059: Result Set Management (1.0)\n// see XEP-0114 (1.5), XEP-0199'), [
      { xep: 'XEP-0059', version: '1.0' },
      { xep: 'XEP-0114', version: '1.5' },
    ])
    const doap = readFileSync(join(ROOT, 'doap.xml'), 'utf8').replaceAll(/(<xmpp:version>)[^<]+/g, '$19.9')
    assert.ok(readDoap(doap).every(({ version }) => version === '9.9'))
  })
})

function linesOf(file: string): string[] {
  return readFileSync(join(ROOT, file), 'utf8').split('\n')
}

function versionsNamed(text: string): { xep: string; version: string }[] {
  return [...text.matchAll(/(XEP-\d{4})(?:: [^()\n]+)? \((\d+(?:\.\d+)+)\)/g)].map(([, xep = '', version = '']) => ({
    xep,
    version,
  }))
}
