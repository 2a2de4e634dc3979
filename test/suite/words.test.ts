// SPDX-License-Identifier: Apache-2.0
// The project stands by itself: no path of one machine, no private registry, no document that is not here, no number of a list kept elsewhere.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { suite, test } from 'node:test'

const ROOT = resolve(import.meta.dirname, '../..')
const PUBLIC_REGISTRY = 'https://registry.npmjs.org/'

const words: readonly { says: string; pattern: RegExp; planted: string }[] = [
  {
    says: 'a path that only one machine has',
    pattern: /(?<![\w.*])\/(work|root|home|Users)\/[\w.]/,
    planted: ['', 'home', 'me', 'x'].join('/'),
  },
  {
    says: 'a number of a list kept elsewhere',
    pattern: /\b(issue|ticket|milestone|sprint)s? (show |no\. ?|#)?\d/i,
    planted: ['see issue', '7'].join(' '),
  },
  {
    says: 'the private folder of one user',
    pattern: /\/tmp\/[\w-]*(jobs|session)/i,
    planted: ['', 'tmp', 'my_jobs'].join('/'),
  },
]

function textFiles(): { file: string; text: string }[] {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: ROOT })
  return listed
    .toString()
    .split('\0')
    .filter((file) => file !== '' && !/^(package-lock\.json|LICENSE.*)$/.test(file) && existsSync(join(ROOT, file)))
    .map((file) => ({ file, text: readFileSync(join(ROOT, file), 'utf8') }))
    .filter(({ text }) => !text.includes('\0'))
}

function linesWith(pattern: RegExp, files: readonly { file: string; text: string }[]): string[] {
  return files.flatMap(({ file, text }) =>
    text.split('\n').flatMap((line, at) => (pattern.test(line) ? [`${file}:${at + 1}: ${line.trim()}`] : [])),
  )
}

/** Names of documents in a text, such as deploy/servers/PROTOCOL.md; not those inside a web address. */
function documentsNamed(text: string): string[] {
  return [...text.matchAll(/(?<![\w/.:-])((?:\.{0,2}\/)?(?:[\w-]+\/)*[A-Z][A-Z_-]+\.md)\b/g)].flatMap(
    ([, name]) => name ?? [],
  )
}

function isBeside(file: string, name: string): boolean {
  return [ROOT, join(ROOT, dirname(file))].some((folder) => existsSync(join(folder, name)))
}

suite('words', () => {
  const files = textFiles()

  test('the files are really listed', () => {
    assert.ok(files.some(({ file }) => file === 'package.json'))
  })

  for (const { says, pattern, planted } of words) {
    test(`nowhere stands ${says}`, () => {
      assert.deepEqual(
        linesWith(pattern, [{ file: 'planted', text: planted }]).length,
        1,
        'the pattern finds a planted line',
      )
      assert.deepEqual(linesWith(pattern, files), [])
    })
  }

  test('what every transport needs has no word of one network', () => {
    const ofOne = /\b(ircv?3?d?|privmsg|ctcp|dcc|isupport|nickserv|channels?|znc)\b|irc-/i
    const planted = [{ file: 'planted', text: 'as IRCv3 has it\nin the #channel\nof whoIs(nick)' }]
    assert.equal(linesWith(ofOne, planted).length, 2)
    const shared = files.filter(({ file }) => file.startsWith('components/kit/transport/'))
    assert.ok(shared.length > 50)
    assert.deepEqual(linesWith(ofOne, shared), [])
  })

  test('packages come from the public registry', () => {
    const lock: { packages: Record<string, { resolved?: string }> } = JSON.parse(
      readFileSync(join(ROOT, 'package-lock.json'), 'utf8'),
    )
    const addresses = Object.values(lock.packages).flatMap(({ resolved }) => resolved ?? [])
    assert.ok(Object.keys(lock.packages).length > 1)
    assert.deepEqual(
      addresses.filter((address) => !address.startsWith(PUBLIC_REGISTRY)),
      [],
    )
    assert.ok(!existsSync(join(ROOT, '.npmrc')), 'no registry of our own')
  })

  test('a document that is named is here', () => {
    assert.deepEqual(documentsNamed('see deploy/PAGE.md and (./PAGE.md), not https://x.example/PAGE.md'), [
      'deploy/PAGE.md',
      './PAGE.md',
    ])
    // A bare name, such as PROTOCOL.md, may stand anywhere.
    const pages = new Set(files.map(({ file }) => basename(file)))
    const missing = files
      .filter(({ file }) => file !== 'test/suite/words.test.ts')
      .flatMap(({ file, text }) =>
        documentsNamed(text)
          .filter((name) => !(name.includes('/') ? isBeside(file, name) : pages.has(name)))
          .map((name) => `${file}: ${name}`),
      )
    assert.deepEqual(missing, [])
  })
})
