// SPDX-License-Identifier: Apache-2.0
// XEP-0055: Jabber Search (1.3)
import type { Element } from '../xml/element.ts'
import { escapeAttribute, escapeText } from '../xml/writer.ts'
import { NS } from '../xmpp/namespaces.ts'
import { StanzaError } from '../xmpp/stanza-error.ts'
import { type Field, FormFault, readSubmitted, writeForm } from './data-forms.ts'

export const SEARCH = 'jabber:iq:search'

/** §2: the fields that clients without data forms know, in the order of the schema. Others have a name of their own, with x- (XEP-0068 §3.4). */
export const PLAIN_FIELDS = ['first', 'last', 'nick', 'email'] as const
type PlainField = (typeof PLAIN_FIELDS)[number]

export type SearchField = { var: string; label: string; description?: string }

/** `instructions` are shown by both kinds of client. */
export type SearchForm = { title: string; instructions: string; fields: readonly SearchField[] }

/** `kind` says in what the answer is to come: who asked with plain fields knows no data forms. */
export type SearchRequest = { kind: 'form' | 'plain'; said: ReadonlyMap<string, string> }

/** One that was found; `values` by the names of the columns. */
export type Found = { jid: string; values: Readonly<Record<string, string>> }

const MOST = { fields: 32, characters: 2_000 }
const FORM_TYPE: Field = { type: 'hidden', var: 'FORM_TYPE', values: [SEARCH] }

/** What can be asked for: the plain fields that are among it, and all of it as a form (§3). */
export function writeSearchForm({ title, instructions, fields }: SearchForm): string {
  const plain = PLAIN_FIELDS.filter((name) => fields.some((field) => field.var === name))
  const form = writeForm({
    type: 'form',
    title,
    instructions: [instructions],
    fields: [FORM_TYPE, ...fields.map((field): Field => ({ type: 'text-single', ...field }))],
  })
  return query(
    `<instructions>${escapeText(instructions)}</instructions>${plain.map((one) => `<${one}/>`).join('')}${form}`,
  )
}

/** What was filled in, without what is blank. Throws StanzaError: bad-request. */
export function readSearch(request: Element): SearchRequest {
  const x = request.getChild('x', NS.dataForms)
  if (x === undefined) return { kind: 'plain', said: readPlain(request) }
  const said = submitted(x)
  const type = said.get('FORM_TYPE')?.[0]
  // XEP-0068 §3.2: of another type it is a form of somebody else.
  if (type !== undefined && type !== SEARCH) throw new StanzaError('modify', 'bad-request', `FORM_TYPE is ${SEARCH}`)
  const filled = [...said].flatMap(([name, values]): [string, string][] => {
    const text = values.join(' ').trim()
    return name === 'FORM_TYPE' || text === '' ? [] : [[name, text]]
  })
  return { kind: 'form', said: new Map(filled) }
}

/** `set`: the element of XEP-0059, '' for none. Of nothing found a client with plain fields gets an empty query (§2). */
export function writeFound(
  kind: SearchRequest['kind'],
  columns: readonly SearchField[],
  found: readonly Found[],
  set = '',
): string {
  if (kind === 'plain') return query(`${found.map(writePlain).join('')}${set}`)
  const reported = columns.map(
    (column) =>
      `<field var='${escapeAttribute(column.var)}' type='${column.var === 'jid' ? 'jid-single' : 'text-single'}' label='${escapeAttribute(column.label)}'/>`,
  )
  const items = found.map(({ jid, values }) => {
    const fields = columns.map((column) => {
      const value = column.var === 'jid' ? jid : (values[column.var] ?? '')
      return `<field var='${escapeAttribute(column.var)}'><value>${escapeText(value)}</value></field>`
    })
    return `<item>${fields.join('')}</item>`
  })
  const type = `<field var='FORM_TYPE' type='hidden'><value>${SEARCH}</value></field>`
  return query(
    `<x xmlns='${NS.dataForms}' type='result'>${type}<reported>${reported.join('')}</reported>${items.join('')}</x>${set}`,
  )
}

function writePlain({ jid, values }: Found): string {
  const fields = PLAIN_FIELDS.map((name) => `<${name}>${escapeText(values[name] ?? '')}</${name}>`)
  return `<item jid='${escapeAttribute(jid)}'>${fields.join('')}</item>`
}

function readPlain(request: Element): Map<string, string> {
  const said = new Map<PlainField, string>()
  let left = MOST.characters
  for (const name of PLAIN_FIELDS) {
    const text = request.getChild(name, SEARCH)?.getText().trim() ?? ''
    left -= text.length
    if (left < 0) throw new StanzaError('modify', 'bad-request', 'too long')
    if (text !== '') said.set(name, text)
  }
  return said
}

function submitted(x: Element): ReadonlyMap<string, readonly string[]> {
  try {
    return readSubmitted(x, MOST)
  } catch (error) {
    if (error instanceof FormFault) throw new StanzaError('modify', 'bad-request', error.message)
    throw error
  }
}

function query(inside: string): string {
  return `<query xmlns='${SEARCH}'>${inside}</query>`
}
