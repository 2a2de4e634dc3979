// SPDX-License-Identifier: Apache-2.0
// The stanza with its words masked. id, from, to, type and origin-id stay as they are, and so does all else but the texts.
import { type Element, isElement } from '../../kit/xml/element.ts'
import { write } from '../../kit/xml/writer.ts'
import type { Masking } from '../domain/masking.ts'
import { readTexts } from './texts.ts'

/** `masking` as decided over the texts of this very stanza. The stanza is written and left as it was. */
export function writeReplacement(stanza: Element, masking: Masking): string {
  const kept = new Map<Element, (Element | string)[]>()
  const change = (element: Element, children: (Element | string)[]) => {
    if (!kept.has(element)) kept.set(element, element.children)
    element.children = children
  }
  try {
    for (const [place, { element, value, onReplace }] of readTexts(stanza).entries()) {
      if (onReplace === 'decoded') continue
      const text = masking[place]
      if (text === undefined) throw new Error('a masking belongs to the stanza it was decided over')
      if (text === null) {
        const parent = element.parent
        if (parent)
          change(
            parent,
            parent.children.filter((child) => child !== element),
          )
      } else if (text.value !== value) change(element, [text.value, ...element.children.filter(isElement)])
    }
    return write(stanza)
  } finally {
    for (const [element, children] of kept) element.children = children
  }
}
