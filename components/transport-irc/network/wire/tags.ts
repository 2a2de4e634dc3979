// SPDX-License-Identifier: Apache-2.0
// IRCv3 message-tags: what stands between @ and the first space.

/** Of tags with one name the last holds; a tag without a value has ''. */
export function readTags(text: string): Map<string, string> {
  const tags = new Map<string, string>()
  for (const tag of text.split(';')) {
    const equals = tag.indexOf('=')
    const name = equals === -1 ? tag : tag.slice(0, equals)
    if (name !== '') tags.set(name, equals === -1 ? '' : unescaped(tag.slice(equals + 1)))
  }
  return tags
}

/** Throws a RangeError for a name that is none; every value can be written. */
export function writeTags(tags: ReadonlyMap<string, string>): string {
  const parts: string[] = []
  for (const [name, value] of tags) {
    if (!NAME.test(name)) throw new RangeError(`no name of a tag: ${JSON.stringify(name)}`)
    parts.push(value === '' ? name : `${name}=${escaped(value)}`)
  }
  return parts.join(';')
}

/** Milliseconds UTC of a server-time stamp; null: none, or not readable. */
export function readTime(stamp: string | undefined): number | null {
  if (stamp === undefined) return null
  const at = Date.parse(stamp)
  return Number.isNaN(at) ? null : at
}

const NAME = /^\+?(?:[A-Za-z0-9.-]+\/)?[A-Za-z0-9-]+$/
const ESCAPES: Readonly<Record<string, string>> = { ':': ';', s: ' ', '\\': '\\', r: '\r', n: '\n' }
const WRITTEN: Readonly<Record<string, string>> = {
  ';': '\\:',
  ' ': '\\s',
  '\\': '\\\\',
  '\r': '\\r',
  '\n': '\\n',
  '\0': '',
}

/** A backslash before anything else, or at the end, is dropped. */
function unescaped(value: string): string {
  if (!value.includes('\\')) return value
  return value.replace(/\\(.?)/gs, (_, letter: string) => ESCAPES[letter] ?? letter)
}

function escaped(value: string): string {
  return value.replace(/[; \\\r\n\0]/g, (letter) => WRITTEN[letter] ?? '')
}
