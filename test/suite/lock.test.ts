// SPDX-License-Identifier: Apache-2.0
// npm ci refuses a lock file that lacks a package, also one for another platform. npm install leaves those out when the
// registry it asks has them not; then they are added by hand (version, os, cpu, libc, optional).
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { suite, test } from 'node:test'

const ROOT = resolve(import.meta.dirname, '../..')

type Entry = {
  version?: string
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
}

function lackingIn(packages: Record<string, Entry>): string[] {
  return Object.entries(packages).flatMap(([place, entry]) =>
    Object.keys({ ...entry.dependencies, ...entry.devDependencies, ...entry.optionalDependencies })
      .filter((name) => !placesFor(place, name).some((at) => packages[at]?.version !== undefined))
      .map((name) => `${place}: ${name}`),
  )
}

/** Where Node would look for `name` from a package at `place`, innermost first. */
function placesFor(place: string, name: string): string[] {
  const folders = place === '' ? [] : place.split(/(?=\/node_modules\/)/)
  return Array.from({ length: folders.length + 1 }, (_, cut) =>
    [...folders.slice(0, folders.length - cut), `node_modules/${name}`].join('/').replaceAll('//', '/'),
  )
}

suite('lock file', () => {
  const lock: { packages: Record<string, Entry> } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'))

  test('names every package that another one needs, on every platform', () => {
    assert.ok(Object.keys(lock.packages).length > 100)
    assert.deepEqual(lackingIn(lock.packages), [])
  })

  test('and those that package.json names, at these versions', () => {
    const wanted: Entry = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
    const versions = { ...wanted.dependencies, ...wanted.devDependencies }
    for (const [name, version] of Object.entries(versions)) {
      assert.equal(lock.packages[`node_modules/${name}`]?.version, version, name)
    }
  })

  test('a lacking package is found', () => {
    assert.deepEqual(
      lackingIn({
        '': { dependencies: { a: '1' } },
        'node_modules/a': { version: '1', optionalDependencies: { 'a-win32': '1', b: '1' } },
        'node_modules/a/node_modules/b': { version: '1' },
      }),
      ['node_modules/a: a-win32'],
    )
  })
})
