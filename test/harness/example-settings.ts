// SPDX-License-Identifier: Apache-2.0
// An example settings file is a test as well: it names every setting, and with every line uncommented it gives exactly the
// defaults. How it is written: `#name: value` (or `#  name: value`, indented) is a setting; `# Text` and `  # Text` is prose.
// A setting without a default ends with `# example` and shows one. What the entries of a list may say stands in the prose above it.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'

type JsonSchema = {
  properties?: Record<string, JsonSchema>
  additionalProperties?: JsonSchema | boolean
  items?: JsonSchema
  anyOf?: JsonSchema[]
}

/** The file with every setting uncommented. */
export function uncommented(text: string): string {
  return each(text, () => true)
}

/** The file with only those settings uncommented that have no default (and the names of groups). */
export function onlyExamples(text: string): string {
  return each(text, (line) => /# example\b/.test(line) || /^\s*[\w.-]+:\s*$/.test(line))
}

/**
 * `read` gives what holds for a text of the file, or throws with its problems. `schema` is that of the file (`--schema`).
 * Settings that every component's file may have (`shared`) need not stand in the example when they are named in `leftOut`.
 */
export function assertExample<S>(
  path: string,
  schema: Record<string, unknown>,
  read: (text: string) => S,
  leftOut: readonly string[] = ['shared'],
): void {
  const text = readFileSync(path, 'utf8')
  const all = uncommented(text)
  assert.deepEqual(read(all), read(onlyExamples(text)), `${path}: every line uncommented gives exactly the defaults`)
  for (const name of settingNames(schema as JsonSchema)) {
    if (leftOut.includes(name.join('.'))) continue
    const last = name.at(-1) ?? ''
    const written = name.includes(ENTRY) ? `\\b${last}\\b` : `^\\s*(- )?${last}:`
    assert.match(all, new RegExp(written, 'm'), `${path}: names the setting ${name.join('.')}`)
  }
}

function each(text: string, take: (line: string) => boolean): string {
  const lines = text.split('\n').map((line) => {
    const isSetting = /^#(\S| {2,}\S)/.test(line)
    if (!isSetting) return line
    const bare = line.slice(1)
    return take(bare) ? bare : line
  })
  return lines.join('\n')
}

const ENTRY = '[]'

function settingNames(schema: JsonSchema, above: readonly string[] = []): string[][] {
  const here = Object.entries(schema.properties ?? {}).flatMap(([name, below]) => [
    [...above, name],
    ...settingNames(below, [...above, name]),
  ])
  const entries = schema.additionalProperties
  const named = typeof entries === 'object' ? settingNames(entries, [...above, '*']) : []
  const listed = [schema.items ?? [], schema.items?.anyOf ?? []].flat()
  return [...here, ...named, ...listed.flatMap((entry) => settingNames(entry, [...above, ENTRY]))]
}
