// SPDX-License-Identifier: Apache-2.0
// An account of one's own with the services of a network (IRCv3 draft/account-registration): asked for, and with the code that they sent.
import { IrcFault, type SignedUp } from './irc.ts'
import type { Session } from './session.ts'

export const ACCOUNT_REGISTRATION = 'draft/account-registration'

export function signUp(session: Session, account: string, email: string | null, password: string): Promise<SignedUp> {
  return ask(session, 'REGISTER', [account, email ?? '*', password], account)
}

export function confirm(session: Session, account: string, code: string): Promise<SignedUp> {
  return ask(session, 'VERIFY', [account, code], account)
}

async function ask(session: Session, command: string, params: readonly string[], account: string): Promise<SignedUp> {
  if (!session.caps.has(ACCOUNT_REGISTRATION)) throw new IrcFault('unsupported', ACCOUNT_REGISTRATION)
  let told: SignedUp | null = null
  await session.asks.ask({
    command,
    params,
    about: [account],
    endsItself: true,
    read(line) {
      if (line.command !== command) return null
      const [what = '', name = '', text = ''] = line.params
      if (what !== 'SUCCESS' && what !== 'VERIFICATION_REQUIRED') return null
      told = { account: name, wantsCode: what !== 'SUCCESS', text }
      return 'done'
    },
  })
  if (told === null) throw new IrcFault('other', `${command}: no answer`)
  return told
}
