// SPDX-License-Identifier: Apache-2.0

/** RFC 6120 §4.9.3: the stream error that says why text was refused. */
export type XmlCondition =
  | 'bad-format'
  | 'not-well-formed'
  | 'policy-violation'
  | 'restricted-xml'
  | 'unsupported-encoding'

/** Where it stood: `offset` in UTF-16 units from the start of the stream (or of the text), `line` and `column` from 1 and 0. */
export type XmlPlace = { offset: number; line: number; column: number }

/** What was read is not XML as XMPP allows it (RFC 6120 §11), or is over a limit. Carries a place and never the text itself. */
export class XmlFault extends Error {
  override name = 'XmlFault'
  readonly condition: XmlCondition
  readonly place: XmlPlace

  constructor(condition: XmlCondition, what: string, place: XmlPlace) {
    super(`${what} (line ${place.line}, column ${place.column})`)
    this.condition = condition
    this.place = place
  }
}
