// SPDX-License-Identifier: Apache-2.0
// XEP-0122: Data Forms Validation (1.0.2)
import { escapeAttribute } from '../xml/writer.ts'
import { NS } from '../xmpp/namespaces.ts'

/** What a client may look at before it submits; whoever reads the form checks again (§4.4). */
export type Validation = { datatype: 'xs:integer' | 'xs:decimal' | 'xs:dateTime'; range?: readonly [number, number] }

export function writeValidation({ datatype, range }: Validation): string {
  const method =
    range === undefined
      ? '<basic/>'
      : `<range min='${escapeAttribute(String(range[0]))}' max='${escapeAttribute(String(range[1]))}'/>`
  return `<validate xmlns='${NS.formValidation}' datatype='${datatype}'>${method}</validate>`
}
