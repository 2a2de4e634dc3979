// SPDX-License-Identifier: Apache-2.0
// XEP-0004: Data Forms (2.13.2)
import type { Element } from '../xml/element.ts'
import { escapeAttribute, escapeText } from '../xml/writer.ts'
import { NS } from '../xmpp/namespaces.ts'
import { type Validation, writeValidation } from './form-validation.ts'

export type FieldType =
  | 'boolean'
  | 'fixed'
  | 'hidden'
  | 'jid-single'
  | 'list-single'
  | 'text-multi'
  | 'text-private'
  | 'text-single'

export type Field = {
  type: FieldType
  var: string
  label?: string
  /** What it is for, where the label does not say all. */
  description?: string
  required?: boolean
  values?: readonly string[]
  options?: readonly { label: string; value: string }[]
  validation?: Validation
}

/** Rows of a result, each with a value for each column, in order. */
export type Table = { columns: readonly { var: string; label: string }[]; rows: readonly (readonly string[])[] }

export type Form = {
  type: 'form' | 'result'
  title?: string
  instructions?: readonly string[]
  fields?: readonly Field[]
  table?: Table
}

/** The form as XML text. Line breaks in what is one line (§3) become blanks. */
export function writeForm({ type, title, instructions = [], fields = [], table }: Form): string {
  return [
    `<x xmlns='${NS.dataForms}' type='${type}'>`,
    title === undefined ? '' : `<title>${line(title)}</title>`,
    ...instructions.map((one) => `<instructions>${line(one)}</instructions>`),
    ...fields.map(writeField),
    table === undefined ? '' : writeTable(table),
    '</x>',
  ].join('')
}

/** A form that is filled in (§3.3), of the FORM_TYPE that XEP-0068 wants. */
export function writeSubmitted(formType: string, values: Readonly<Record<string, string | readonly string[]>>): string {
  const fields = Object.entries(values).map(
    ([name, said]) =>
      `<field var='${escapeAttribute(name)}'>${[said]
        .flat()
        .map((one) => `<value>${escapeText(one)}</value>`)
        .join('')}</field>`,
  )
  return `<x xmlns='${NS.dataForms}' type='submit'><field var='FORM_TYPE' type='hidden'><value>${escapeText(formType)}</value></field>${fields.join('')}</x>`
}

/** What is wrong with a submitted form: it is none of this protocol. */
export class FormFault extends Error {
  override name = 'FormFault'
}

/**
 * Values by field of a submitted form; of a field that stands there twice the first counts. §3.1: fields that nobody asked for are
 * the reader's to ignore. `atMost`: fields, and characters of all values. Throws FormFault.
 */
export function readSubmitted(
  x: Element,
  atMost: { fields: number; characters: number },
): ReadonlyMap<string, readonly string[]> {
  // XEP-0050 §3.5.1 (Use of Data Forms): `cancel` is to be taken for `submit`.
  if (x.attrs.type !== 'submit' && x.attrs.type !== 'cancel') throw new FormFault('a form of type submit is wanted')
  const said = new Map<string, readonly string[]>()
  let left = atMost.characters
  let count = 0
  for (const field of x.getChildElements()) {
    if (!field.is('field', NS.dataForms)) continue
    count += 1
    if (count > atMost.fields) throw new FormFault('too many fields')
    const values: string[] = []
    for (const value of field.getChildElements()) {
      if (!value.is('value', NS.dataForms)) continue
      const text = value.getText()
      left -= text.length + 1
      if (left < 0) throw new FormFault('too long')
      values.push(text)
    }
    const name = field.attrs.var
    if (name !== undefined && !said.has(name)) said.set(name, values)
  }
  return said
}

function writeField({
  type,
  label,
  description,
  required,
  values = [],
  options = [],
  validation,
  ...field
}: Field): string {
  const attributes = `var='${escapeAttribute(field.var)}' type='${type}'${label === undefined ? '' : ` label='${escapeAttribute(oneLine(label))}'`}`
  const inside = [
    description === undefined ? '' : `<desc>${line(description)}</desc>`,
    required === true ? '<required/>' : '',
    validation === undefined ? '' : writeValidation(validation),
    ...values.map((value) => `<value>${escapeText(value)}</value>`),
    ...options.map(
      (one) => `<option label='${escapeAttribute(one.label)}'><value>${escapeText(one.value)}</value></option>`,
    ),
  ].join('')
  return inside === '' ? `<field ${attributes}/>` : `<field ${attributes}>${inside}</field>`
}

function writeTable({ columns, rows }: Table): string {
  const reported = columns.map(
    (one) => `<field var='${escapeAttribute(one.var)}' type='text-single' label='${escapeAttribute(one.label)}'/>`,
  )
  const items = rows.map((row) => {
    const fields = columns.map(
      (one, index) => `<field var='${escapeAttribute(one.var)}'><value>${escapeText(row[index] ?? '')}</value></field>`,
    )
    return `<item>${fields.join('')}</item>`
  })
  return `<reported>${reported.join('')}</reported>${items.join('')}`
}

function line(text: string): string {
  return escapeText(oneLine(text))
}

function oneLine(text: string): string {
  return text.replace(/\s*[\r\n]+\s*/g, ' ')
}
