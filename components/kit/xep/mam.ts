// SPDX-License-Identifier: Apache-2.0
// XEP-0313: Message Archive Management (1.1.3)
import type { Element } from '../xml/element.ts'
import { escapeAttribute, escapeText } from '../xml/writer.ts'
import { NS } from '../xmpp/namespaces.ts'
import { StanzaError } from '../xmpp/stanza-error.ts'
import { writeForm } from './data-forms.ts'
import { type Paging, RESULT_SETS, readPaging } from './result-sets.ts'

export const MAM = 'urn:xmpp:mam:2'
export const MAM_EXTENDED = 'urn:xmpp:mam:2#extended'
const DELAY = 'urn:xmpp:delay'

/** Times are milliseconds UTC. `flip`: the page is told newest first (§4.1.4.1, flipping). */
export type MamQuery = {
  queryId: string
  with?: string
  start?: number
  end?: number
  ids?: readonly string[]
  afterId?: string
  beforeId?: string
  paging: Paging
  flip: boolean
}

const MOST_IDS = 500

/** Never more than `most` messages are given. Throws StanzaError: bad-request; feature-not-implemented for a field that is not known (§4.1.5). */
export function readMamQuery(query: Element, most: number): MamQuery {
  const said: Omit<MamQuery, 'paging' | 'queryId' | 'flip'> = {}
  for (const field of query.getChild('x', NS.dataForms)?.getChildren('field', NS.dataForms) ?? []) {
    const values = field.getChildren('value', NS.dataForms).map((one) => one.getText())
    const [value = ''] = values
    switch (field.attrs.var) {
      case 'FORM_TYPE':
        if (value !== MAM) throw bad('the form is another one')
        break
      case 'with':
        said.with = value
        break
      case 'start':
        said.start = timeOf(value)
        break
      case 'end':
        said.end = timeOf(value)
        break
      case 'ids':
        if (values.length > MOST_IDS) throw bad('too many ids')
        said.ids = values
        break
      case 'after-id':
        said.afterId = value
        break
      case 'before-id':
        said.beforeId = value
        break
      default:
        throw new StanzaError('cancel', 'feature-not-implemented', {}, { cause: 'a field that is not known' })
    }
  }
  return {
    ...said,
    queryId: query.attrs.queryid ?? '',
    paging: readPaging(query, most) ?? { max: most, from: 'start' },
    flip: query.getChild('flip-page', MAM) !== undefined,
  }
}

/** §4.1.5: the fields that can be asked for. */
export function writeMamFields(): string {
  return `<query xmlns='${MAM}'>${writeForm({
    type: 'form',
    fields: [
      { type: 'hidden', var: 'FORM_TYPE', values: [MAM] },
      { type: 'jid-single', var: 'with' },
      { type: 'text-single', var: 'start' },
      { type: 'text-single', var: 'end' },
      { type: 'text-single', var: 'before-id' },
      { type: 'text-single', var: 'after-id' },
      { type: 'text-multi', var: 'ids' },
    ],
  })}</query>`
}

/** What stands in the message that brings one result; `stanza` declares its own namespace. */
export function writeMamResult(queryId: string, id: string, at: number, stanza: string): string {
  const query = queryId === '' ? '' : ` queryid='${escapeAttribute(queryId)}'`
  return `<result xmlns='${MAM}'${query} id='${escapeAttribute(id)}'><forwarded xmlns='${NS.forward}'>${writeDelay(at)}${stanza}</forwarded></result>`
}

export function writeFin(page: { ids: readonly string[]; complete: boolean; count: number; index: number }): string {
  const [first, last] = [page.ids[0], page.ids.at(-1)]
  const ends =
    first === undefined || last === undefined
      ? ''
      : `<first index='${page.index}'>${escapeText(first)}</first><last>${escapeText(last)}</last>`
  return `<fin xmlns='${MAM}'${page.complete ? " complete='true'" : ''}><set xmlns='${RESULT_SETS}'>${ends}<count>${page.count}</count></set></fin>`
}

/** §4.2.1: where the archive begins and ends. */
export function writeMetadata(ends: readonly { id: string; at: number }[]): string {
  const [first, last] = ends
  if (first === undefined || last === undefined) return `<metadata xmlns='${MAM}'/>`
  const one = (name: string, { id, at }: { id: string; at: number }) =>
    `<${name} id='${escapeAttribute(id)}' timestamp='${stamp(at)}'/>`
  return `<metadata xmlns='${MAM}'>${one('start', first)}${one('end', last)}</metadata>`
}

/** XEP-0203: Delayed Delivery (2.0) */
export function writeDelay(at: number, from?: string): string {
  const who = from === undefined ? '' : ` from='${escapeAttribute(from)}'`
  return `<delay xmlns='${DELAY}'${who} stamp='${stamp(at)}'/>`
}

/** XEP-0082. */
export function stamp(at: number): string {
  return new Date(at).toISOString()
}

/** XEP-0082; throws StanzaError: bad-request. */
export function timeOf(text: string): number {
  if (!/^\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/.test(text.trim()))
    throw bad('a time of XEP-0082 is wanted')
  const at = Date.parse(text.trim())
  if (Number.isNaN(at)) throw bad('a time of XEP-0082 is wanted')
  return at
}

function bad(cause: string): StanzaError {
  return new StanzaError('modify', 'bad-request', {}, { cause })
}
