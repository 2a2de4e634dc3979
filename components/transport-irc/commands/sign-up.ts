// SPDX-License-Identifier: Apache-2.0
// An account of one's own on a network that lets programs make one, in two steps where the network wants a code.
import { type Args, type Asked, CommandError, EXIT, type Said } from '../../kit/process/command.ts'
import { connectedOf, type Desk, networkOf, row, userOf } from '../desk.ts'
import { faultOf } from '../sessions/fault.ts'
import { placeOf } from '../storage/memory.ts'
import { keep } from './login.ts'
import { refusalOf } from './own.ts'

/** So long a code is waited for, and of so many at once. */
const WAITS_MS = 3_600_000
const WAITING_MOST = 1_000

export async function* signUp(desk: Desk, args: Args, asked: Asked): AsyncGenerator<Said> {
  const person = userOf(desk, args, asked)
  const network = networkOf(desk, args, asked)
  const { connection } = connectedOf(desk, person, network, asked)
  const { language } = asked
  const text = (name: string) => (typeof args[name] === 'string' ? String(args[name]).trim() : null)
  const place = placeOf(person, network)
  const waiting = waitingOf(desk, place)
  const account = text('account') ?? waiting?.account ?? connection.nick
  const code = text('code')
  const secret = typeof args.password === 'string' ? args.password : null
  if (code === null && secret === null)
    throw new CommandError(desk.say('transport-irc-no-password', language), EXIT.usage)
  if (/[\0\r\n]/.test(`${secret}${account}${code}${text('email')}`) || /\s/.test(`${account}${code}${text('email')}`))
    throw new CommandError(desk.say('transport-irc-bad-password', language), EXIT.usage)
  await desk.record(asked.caller, 'transport-irc signup', { person, network, account })
  const told = await asking(desk, language, { person, network }, () =>
    code === null ? connection.signUp(account, text('email'), secret ?? '') : connection.confirm(account, code),
  )
  if (told.wantsCode) {
    if (desk.signingUp.size >= WAITING_MOST) desk.signingUp.clear()
    desk.signingUp.set(place, { account: told.account, secret: secret ?? '', at: desk.now() })
    yield row({ network, account: told.account, state: 'code' })
    const words = await desk.transport.words.read(person, network, told.text)
    if (words) yield { say: 'text', text: desk.say('transport-irc-signup-said', language, { words }) }
    yield { say: 'text', text: desk.say('transport-irc-signup-next', language) }
    return
  }
  const own = secret ?? (waiting?.account === account ? waiting.secret : null)
  desk.signingUp.delete(place)
  yield row({ network, account: told.account, state: 'registered' })
  if (own === null) yield { say: 'text', text: desk.say('transport-irc-signup-set-password', language) }
  else await keep(desk, person, network, { account: told.account, secret: own }, asked)
}

function waitingOf({ signingUp, now }: Desk, place: string) {
  const found = signingUp.get(place)
  if (found === undefined || now() - found.at < WAITS_MS) return found
  signingUp.delete(place)
  return undefined
}

async function asking<T>(
  desk: Desk,
  language: string,
  place: { person: string; network: string },
  act: () => Promise<T>,
): Promise<T> {
  try {
    return await act()
  } catch (error) {
    throw await refusalOf(desk, faultOf(error), language, place)
  }
}
