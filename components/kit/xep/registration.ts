// SPDX-License-Identifier: Apache-2.0
// XEP-0077: In-Band Registration (2.4)
// What a service asks of who registers with it, and what he says. With a data form, and in plain fields for clients that know none.
import type { Element } from '../xml/element.ts'
import { escapeText } from '../xml/writer.ts'
import { NS } from '../xmpp/namespaces.ts'
import { StanzaError } from '../xmpp/stanza-error.ts'
import { type Field, FormFault, readSubmitted, writeForm } from './data-forms.ts'

export const REGISTER = 'jabber:iq:register'

/** §14.1 names the plain fields there are; these are the ones that a gateway has a use for, in the order of the schema. */
const PLAIN = ['username', 'nick', 'password', 'name'] as const

export type RegistrationForm = {
  title: string
  instructions: string
  /** Those among them that have the name of a plain field are asked for so as well. */
  fields: readonly Field[]
  isRegistered: boolean
}

/** `values`: what was filled in, blanks included. */
export type RegistrationRequest = { kind: 'remove' } | { kind: 'submit'; values: ReadonlyMap<string, string> }

const MOST = { fields: 32, characters: 20_000 }
const FORM_TYPE: Field = { type: 'hidden', var: 'FORM_TYPE', values: [REGISTER] }

/** Payload of the result of a get. */
export function writeRegistration({ title, instructions, fields, isRegistered }: RegistrationForm): string {
  const plain = PLAIN.flatMap((name) => {
    const field = fields.find((one) => one.var === name)
    if (field === undefined) return []
    const [value = ''] = field.values ?? []
    // §3.1.2: what is known is filled in; what is secret is not said again.
    return [value === '' || field.type === 'text-private' ? `<${name}/>` : `<${name}>${escapeText(value)}</${name}>`]
  })
  const form = writeForm({ type: 'form', title, instructions: [instructions], fields: [FORM_TYPE, ...fields] })
  const registered = isRegistered ? '<registered/>' : ''
  return `<query xmlns='${REGISTER}'>${registered}<instructions>${escapeText(instructions)}</instructions>${plain.join('')}${form}</query>`
}

/** Throws StanzaError: bad-request. */
export function readRegistration(query: Element): RegistrationRequest {
  // §3.2: alone.
  if (query.getChild('remove', REGISTER) !== undefined) {
    if (query.getChildElements().length > 1) throw new StanzaError('modify', 'bad-request', 'remove stands alone')
    return { kind: 'remove' }
  }
  const x = query.getChild('x', NS.dataForms)
  if (x === undefined) return { kind: 'submit', values: plainOf(query) }
  try {
    const said = readSubmitted(x, MOST)
    const type = said.get('FORM_TYPE')?.[0]
    if (type !== undefined && type !== REGISTER) throw new FormFault(`FORM_TYPE is ${REGISTER}`)
    return {
      kind: 'submit',
      values: new Map([...said].filter(([name]) => name !== 'FORM_TYPE').map(([name, all]) => [name, all.join('\n')])),
    }
  } catch (fault) {
    if (fault instanceof FormFault) throw new StanzaError('modify', 'bad-request', fault.message)
    throw fault
  }
}

function plainOf(query: Element): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  for (const child of query.getChildElements()) {
    if (child.getNS() !== REGISTER || child.getText().length > MOST.characters) continue
    values.set(child.getName(), child.getText())
  }
  return values
}
