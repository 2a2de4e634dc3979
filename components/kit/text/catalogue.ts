// SPDX-License-Identifier: Apache-2.0
// What people read: Fluent messages in files, one folder for each owner, one file for each language (`en.ftl`, `de.ftl`).
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { FluentBundle, FluentResource, type FluentVariable } from '@fluent/bundle'

export type TextArgs = Readonly<Record<string, string | number | Date>>

/**
 * What is to be said before anybody has chosen a language: an id of a catalogue with its arguments, some of which may be said in
 * words themselves.
 */
export type Message = { readonly id: string; readonly args?: Readonly<Record<string, string | Message>> }

export type Catalogue = {
  readonly languages: readonly string[]
  readonly ids: readonly string[]
  /** The text in the nearest language there is: `de-AT` reads `de`; one we do not have, '' and undefined read the fallback. */
  say(id: string, language: string | undefined, args?: TextArgs): string
  /** Which of our languages that is. */
  nearest(language: string | undefined): string
  /** The text in every language, for an answer that carries one `text` for each xml:lang. */
  inAll(id: string, args?: TextArgs): Record<string, string>
}

/** The words of a message, chosen where it is shown. */
export function inWords({ id, args = {} }: Message, text: Catalogue, language: string | undefined): string {
  const said = Object.entries(args).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : inWords(value, text, language),
  ])
  return text.say(id, language, Object.fromEntries(said))
}

/** The kit's own texts. */
export const KIT_TEXTS = new URL('./', import.meta.url)

/**
 * Reads every `LANGUAGE.ftl` in the folders. An unreadable line, an id said twice and an id that one language lacks are
 * thrown here; an unknown id or a missing argument is thrown by `say`: each is a mistake in the code, never in what was asked.
 */
export function createCatalogue(folders: readonly URL[], fallback = 'en'): Catalogue {
  const bundles = new Map<string, FluentBundle>()
  for (const folder of folders) for (const file of textFiles(folder)) addFile(bundles, file)
  const base = bundles.get(fallback)
  if (base === undefined) throw new Error(`no texts in the language ${fallback}`)
  const ids = [...base._messages.keys()].sort()
  for (const [language, bundle] of bundles) requireSame(ids, [...bundle._messages.keys()].sort(), language)
  const pick = (language: string | undefined) => bundles.get(nearest(language ?? '', bundles)) ?? base
  return {
    languages: [...bundles.keys()].sort(),
    ids,
    say: (id, language, args) => format(pick(language), id, args),
    nearest: (language) => nearest(language ?? '', bundles) || fallback,
    inAll: (id, args) => Object.fromEntries([...bundles].map(([one, bundle]) => [one, format(bundle, id, args)])),
  }
}

/** `LANGUAGE.ftl` files of a folder. */
export function textFiles(folder: URL): { language: string; path: string }[] {
  const path = fileURLToPath(folder)
  return readdirSync(path)
    .filter((name) => name.endsWith('.ftl'))
    .sort()
    .map((name) => ({ language: name.slice(0, -4), path: join(path, name) }))
}

function addFile(bundles: Map<string, FluentBundle>, file: { language: string; path: string }): void {
  const bundle = bundles.get(file.language) ?? new FluentBundle(file.language, { useIsolating: false })
  bundles.set(file.language, bundle)
  const source = readFileSync(file.path, 'utf8')
  const resource = new FluentResource(source)
  // FluentResource leaves out what it cannot read without a word; so what begins like a message must have become one.
  const begun = source.match(/^-?[a-zA-Z][\w-]*(?=\s*=)/gm) ?? []
  const read = new Set(resource.body.map((entry) => entry.id))
  const lost = begun.filter((id) => !read.has(id))
  if (lost.length > 0) throw new Error(`${file.path}: cannot be read: ${lost.join(', ')}`)
  const faults = bundle.addResource(resource)
  if (faults.length > 0) throw new Error(`${file.path}: ${faults.map((fault) => fault.message).join('; ')}`)
}

function requireSame(ids: readonly string[], own: readonly string[], language: string): void {
  const lacks = ids.filter((id) => !own.includes(id))
  const surplus = own.filter((id) => !ids.includes(id))
  if (lacks.length > 0) throw new Error(`the language ${language} lacks ${lacks.join(', ')}`)
  if (surplus.length > 0) throw new Error(`only the language ${language} has ${surplus.join(', ')}`)
}

// RFC 4647 §3.4 lookup: the tag is shortened from its end until it is one we have.
function nearest(language: string, bundles: ReadonlyMap<string, FluentBundle>): string {
  let tag = language.toLowerCase().replaceAll('_', '-')
  while (tag !== '' && !bundles.has(tag)) tag = tag.slice(0, Math.max(0, tag.lastIndexOf('-')))
  return tag
}

function format(bundle: FluentBundle, id: string, args: TextArgs = {}): string {
  const pattern = bundle.getMessage(id)?.value
  if (pattern === undefined || pattern === null) throw new Error(`no text ${id} in ${bundle.locales.join()}`)
  const faults: Error[] = []
  const text = bundle.formatPattern(pattern, args as Record<string, FluentVariable>, faults)
  if (faults.length > 0) throw new Error(`text ${id}: ${faults.map((fault) => fault.message).join('; ')}`)
  return text
}
