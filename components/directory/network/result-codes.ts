// SPDX-License-Identifier: Apache-2.0
// What a server answers when it does not do what it was asked (RFC 4511 §4.1.9, appendix A), as the reasons of a SourceFault.
import type { MessageResponse } from 'ldapts'
import { type FaultReason, SourceFault } from '../domain/source.ts'

const REASONS: Readonly<Record<number, FaultReason>> = {
  3: 'limit',
  4: 'limit',
  11: 'limit',
  7: 'refused',
  8: 'refused',
  13: 'refused',
  48: 'refused',
  49: 'refused',
  50: 'refused',
  10: 'referred',
  51: 'away',
  52: 'away',
}

export const NO_SUCH_OBJECT = 32

/** Of those that a wrong setting brings, what they mean; many servers say no more than the number. */
const MEANINGS: Readonly<Record<number, string>> = {
  8: 'it wants TLS, or another way to bind',
  13: 'it wants TLS',
  [NO_SUCH_OBJECT]: 'there is no such entry',
  48: 'it does not let one bind so',
  49: 'bind: dn or the password in password_file is wrong',
  50: 'bind: dn has not the right to read this',
}

/** Null when the server did what it was asked. Whatever else it says, what came before is no answer. */
export function faultOf({ status, errorMessage, matchedDN }: MessageResponse, url: string): SourceFault | null {
  if (status === 0) return null
  const reason = REASONS[status] ?? 'bad-answer'
  const more = [
    MEANINGS[status] ?? '',
    errorMessage,
    status === NO_SUCH_OBJECT && matchedDN !== '' ? `only ${matchedDN} exists` : '',
  ]
  const said = more.filter((text) => text !== '').join('; ')
  return new LdapFault(reason, status, `${url}: result ${status}${said === '' ? '' : `: ${said}`}`)
}

export class LdapFault extends SourceFault {
  readonly code: number
  constructor(reason: FaultReason, code: number, message: string) {
    super(reason, message)
    this.code = code
  }
}
