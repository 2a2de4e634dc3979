// SPDX-License-Identifier: Apache-2.0
// What of an element a person could read, for whoever looks for words: all that is not of the shape in which programs write.
import type { Element } from '../xml/element.ts'

/** RFC 6120 §8.1. */
const OF_STANZAS = new Set(['to', 'from', 'id', 'type'])

/** Names of the protocols' attributes, and what programs write there. A value of another shape is a text, and so is any other name's. */
const SHAPES: ReadonlyMap<string, RegExp> = new Map(
  (
    [
      // Identifiers, addresses and words of a protocol: one token.
      [
        /^\S{1,256}$/,
        'id type from to by code role affiliation var node sid rid cid action creator initiator responder senders media thread ' +
          'algo algorithm hash ver rel key kex prekey prenonce',
      ],
      [
        /^[0-9.,:+TZ-]{1,40}$/,
        'stamp size width height length block-size seq version max-age expiry delivered count index first last begin end ' +
          'preKeyId signedPreKeyId zone',
      ],
      // Names of protocols.
      [/^[a-z][a-z0-9-]*[:.]\S{1,256}$/i, 'namespace profile'],
      [/^(?:application|audio|font|image|message|model|multipart|text|video)\/\S{1,80}$/i, 'mime-type'],
      [/^(?:utf-?(?:8|16|32)|us-ascii|iso-8859-\d\d?|windows-125\d)$/i, 'charset'],
      [/^[a-z]{1,8}(?:-[a-z0-9]{1,8})*$/i, 'xml:lang'],
      [/^(?:default|preserve)$/, 'xml:space'],
    ] as const
  ).flatMap(([shape, names]) => names.split(' ').map((name) => [name, shape] as const)),
)

/** Attributes whose value is a text. `isStanza`: of a stanza itself, where addresses, id and type are never one. */
export function readableAttributes({ attrs }: Element, isStanza: boolean): { name: string; value: string }[] {
  const readable: { name: string; value: string }[] = []
  for (const name of Object.keys(attrs)) {
    const value = attrs[name] ?? ''
    if (value.trim() === '' || name === 'xmlns' || name.startsWith('xmlns:')) continue
    if (isStanza && OF_STANZAS.has(name)) continue
    if (!SHAPES.get(name)?.test(value)) readable.push({ name, value })
  }
  return readable
}

/** Where pictures, keys and ciphertext stand. A long stretch of base64 there holds no words, though it can look so by chance. */
const BINARY = new Set(['data', 'BINVAL', 'payload', 'key', 'iv', 'openpgp', 'pubkey', 'encrypted', 'x', 'signature'])
const SHORTEST_BINARY = 64
/** Base64 is written in lines of 60 to 76 characters, or in one. */
const SHORTEST_LINE = 40

/** The element's own text without base64. A short line among long ones is a text; so is the last one, where it has letters and digits only. */
export function readableText(element: Element, text: string): string {
  if (text.length < SHORTEST_BINARY || !BINARY.has(element.getName()) || /[A-Za-z] [A-Za-z]/.test(text)) return text
  const lines = text
    .trim()
    .replace(/={1,2}$/, '=')
    .split(/[\r\n\t ]+/)
  if (!lines.every((line, at) => BASE64.test(line) || (at === lines.length - 1 && BASE64_END.test(line)))) return text
  const isText = (line: string, at: number) =>
    line.length < SHORTEST_LINE && (at < lines.length - 1 || /^[A-Za-z0-9]+$/.test(line))
  return lines.filter(isText).join('\n')
}

const BASE64 = /^[A-Za-z0-9+/]+$/
const BASE64_END = /^[A-Za-z0-9+/]*=$/

/**
 * XEP-0071: elements of XHTML that part words. All others do not, known or not: w<b>or</b>d, w<wbr/>ord and w<new>or</new>d are read as one
 * word, because what a client does not know it leaves out and shows what stands inside (XEP-0071 §8).
 */
export const PARTS_WORDS: ReadonlySet<string> = new Set(
  (
    'address article aside blockquote body br caption center dd details dialog dir div dl dt fieldset figcaption figure footer form ' +
    'h1 h2 h3 h4 h5 h6 head header hr html legend li main menu nav ol optgroup option p pre section summary table tbody td tfoot th ' +
    'thead title tr ul img object input select textarea video audio iframe'
  ).split(' '),
)
