// SPDX-License-Identifier: Apache-2.0
// Cuts what a server sends to a client into top-level elements by looking for tags only. Cheap, and right for servers that
// escape '<' and '>' everywhere (Prosody and ejabberd do); it is a measuring tool, not a parser.

/**
 * Gives a function that takes the text as it comes. `take` gets each whole top-level element; the stream header is handed to
 * `opened`, and `closed` is called at the end tag of the stream.
 */
export function splitter(told: {
  opened(header: string): void
  take(stanza: string): void
  closed(): void
}): (text: string) => void {
  let rest = ''
  let depth = 0
  let from = 0
  let at = 0
  return (text) => {
    rest = from === 0 ? rest + text : rest.slice(from) + text
    at -= from
    from = 0
    for (;;) {
      const open = rest.indexOf('<', at)
      if (open < 0) break
      const end = rest.indexOf('>', open)
      if (end < 0) break
      at = end + 1
      // Between stanzas a server may send white space to see whether we are there.
      if (depth === 0) from = open
      const second = rest.charCodeAt(open + 1)
      if (second === QUESTION) {
        from = at
      } else if (second === SLASH) {
        depth -= 1
        if (depth === 0) {
          told.take(rest.slice(from, at))
          from = at
        } else if (depth < 0) {
          told.closed()
          return
        }
      } else if (rest.charCodeAt(end - 1) === SLASH) {
        if (depth === 0) {
          told.take(rest.slice(from, at))
          from = at
        }
      } else if (depth === 0 && rest.startsWith('<stream:stream', open)) {
        told.opened(rest.slice(open, at))
        from = at
      } else {
        depth += 1
      }
    }
    if (from === rest.length) {
      rest = ''
      from = 0
      at = 0
    }
  }
}

const QUESTION = 0x3f
const SLASH = 0x2f

/** Value of an attribute of the first tag, unescaped; null when it has none. */
export function attribute(stanza: string, name: string): string | null {
  const end = stanza.indexOf('>')
  for (const quote of ["'", '"']) {
    const start = stanza.indexOf(` ${name}=${quote}`)
    if (start < 0 || start > end) continue
    const first = start + name.length + 3
    return unescaped(stanza.slice(first, stanza.indexOf(quote, first)))
  }
  return null
}

/** Text of the first element with that name; null when there is none. */
export function textOf(stanza: string, name: string): string | null {
  const found = new RegExp(`<${name}(?:\\s[^>]*)?(?:/>|>([^<]*)</${name}>)`).exec(stanza)
  return found === null ? null : unescaped(found[1] ?? '')
}

export function unescaped(text: string): string {
  if (!text.includes('&')) return text
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&apos;', "'")
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&')
}

export function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll("'", '&apos;')
    .replaceAll('"', '&quot;')
}
