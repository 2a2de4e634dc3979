// SPDX-License-Identifier: Apache-2.0
// What a person logs in with on a network.
import { type Args, type Asked, CommandError, EXIT, type Said } from '../../kit/process/command.ts'
import type { LoginChange } from '../../kit/transport/people/keep.ts'
import { type Desk, isForAnother, networkOf, personOf, row, userOf } from '../desk.ts'
import { makeCertificate } from '../sessions/certificate.ts'
import { refusalOf } from './own.ts'

/**
 * What a person may have said at each login: to the services by their own commands, and modes without words. Nothing that people there
 * read: at the command line no rule is asked about it.
 */
const PERSONAL_LINE =
  /^(?:(?:NS|NICKSERV|HS|HOSTSERV|AS|AUTHSERV) \S.*|(?:CS|CHANSERV) (?:OP|HALFOP|VOICE|UP|INVITE|UNBAN) \S+|MODE \S+ [+-][A-Za-z+-]*)$/i
const NAME_MOST = 50

export async function* nick(desk: Desk, args: Args, asked: Asked): AsyncGenerator<Said> {
  const person = userOf(desk, args, asked)
  const network = networkOf(desk, args, asked)
  const wanted = String(args.nick).trim()
  const wrong = desk.networks.wrongNick(network, wanted)
  if (wrong !== null)
    throw new CommandError(desk.say('transport-irc-wrong-nick', asked.language, { nick: wanted }), EXIT.usage)
  await desk.record(asked.caller, 'transport-irc nick', { person, network, nick: wanted })
  const session = desk.networks.of(person, network)?.session
  try {
    if (session?.isUp) await session.rename(wanted)
  } catch (error) {
    throw await refusalOf(desk, error, asked.language, { person, network })
  }
  await keep(desk, person, network, { nick: wanted }, asked)
  yield row({ network, nick: session?.isUp ? session.nick : wanted })
}

/** Who may not use the gateway any more may still take away what is kept of him. */
export async function* password(desk: Desk, args: Args, asked: Asked): AsyncGenerator<Said> {
  const person = (args.remove === true ? personOf : userOf)(desk, args, asked)
  const network = networkOf(desk, args, asked)
  const secret = typeof args.password === 'string' ? args.password : null
  if (args.remove === true) await keep(desk, person, network, { secret: null, account: null }, asked)
  else {
    if (secret === null) throw new CommandError(desk.say('transport-irc-no-password', asked.language), EXIT.usage)
    if (/[\0\r\n]/.test(secret))
      throw new CommandError(desk.say('transport-irc-bad-password', asked.language), EXIT.usage)
    const account = typeof args.account === 'string' ? args.account.trim() : null
    await keep(desk, person, network, { secret, ...(account === null ? {} : { account }) }, asked)
  }
  const { account, hasSecret } = await desk.logins.shown(person, network)
  yield row({ network, account, password: hasSecret ? 'set' : null })
  if (desk.networks.of(person, network) !== null)
    yield { say: 'text', text: desk.say('transport-irc-at-next-connect', asked.language) }
}

/** Makes one, and shows its fingerprint, which the services of the network are told. */
export async function* certificate(desk: Desk, args: Args, asked: Asked): AsyncGenerator<Said> {
  const person = (args.remove === true ? personOf : userOf)(desk, args, asked)
  const network = networkOf(desk, args, asked)
  if (args.remove === true) {
    await keep(desk, person, network, { certificate: null }, asked)
    yield row({ network, fingerprint: null })
    return
  }
  const { key, cert, fingerprint } = makeCertificate(person, desk.now())
  await keep(desk, person, network, { certificate: { key, cert } }, asked)
  yield row({ network, fingerprint })
  yield { say: 'text', text: desk.say('transport-irc-certificate-next', asked.language, { fingerprint }) }
}

export async function* settings(desk: Desk, args: Args, asked: Asked): AsyncGenerator<Said> {
  const isChanged = args.reset !== true && (args.name !== undefined || args.afterwards !== undefined)
  const person = (isChanged ? userOf : personOf)(desk, args, asked)
  const network = networkOf(desk, args, asked)
  const text = (name: string) => (typeof args[name] === 'string' ? { [name]: args[name] } : {})
  const lines = typeof args.afterwards === 'string' ? linesOf(args.afterwards) : null
  if (lines !== null && (lines.length > 20 || lines.some((line) => line.length > 400 || !PERSONAL_LINE.test(line))))
    throw new CommandError(desk.say('transport-irc-not-such-lines', asked.language), EXIT.usage)
  if (typeof args.name === 'string' && args.name.length > NAME_MOST)
    throw new CommandError(desk.say('transport-irc-name-too-long', asked.language, { most: NAME_MOST }), EXIT.usage)
  const change: LoginChange =
    args.reset === true
      ? { nick: null, name: null, afterwards: null }
      : { ...text('name'), ...(lines === null ? {} : { afterwards: lines }) }
  const isAny = Object.keys(change).length > 0
  // People there read a name, and at the command line no rule is asked about it: it is on record.
  if (isAny || isForAnother(args, asked))
    await desk.record(asked.caller, 'transport-irc settings', { person, network, name: change.name ?? null })
  if (isAny) await keep(desk, person, network, change, asked)
  const held = await desk.logins.shown(person, network)
  const what: Readonly<Record<string, unknown>> = {
    network,
    nick: held.nick,
    account: held.account,
    password: held.hasSecret ? 'set' : null,
    certificate: held.hasCertificate ? 'set' : null,
    name: held.name,
    // They may log in with a password.
    afterwards: held.afterwards.length,
  }
  for (const [name, value] of Object.entries(what)) yield row({ what: name, value })
}

/** Several lines stand one below the other, or parted by | where there is one line only. */
function linesOf(said: string): string[] {
  return said
    .split(/[\r\n]+|\s\|\s/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

export async function keep(
  desk: Desk,
  person: string,
  network: string,
  change: LoginChange,
  { language }: Asked,
): Promise<void> {
  try {
    if ((await desk.logins.set(person, network, change)) === 'kept') return
  } catch (error) {
    throw await refusalOf(desk, error, language, { person, network })
  }
  throw new CommandError(desk.say('transport-irc-no-key', language), EXIT.fault)
}
