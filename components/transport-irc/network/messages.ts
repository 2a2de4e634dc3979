// SPDX-License-Identifier: Apache-2.0
// What somebody says: PRIVMSG, NOTICE, TAGMSG, REDACT, and the CTCP inside.
import { userOf } from './channels.ts'
import type { IrcMessage, IrcReaction, IrcUser } from './irc.ts'
import type { Session } from './session.ts'
import { readCtcp, writeCtcp } from './wire/ctcp.ts'
import { type Line, readSource, writeLine } from './wire/line.ts'
import { readTime } from './wire/tags.ts'

/** `answered`: the line was the answer to something of ours. */
export type Context = { label: string | null; historic: boolean; answered: boolean }

/** Null: nothing that is shown as a message. */
export function readMessage(session: Session, line: Line, { label, historic, answered }: Context): IrcMessage | null {
  const [to = '', text = ''] = line.params
  const ctcp = readCtcp(text)
  if (ctcp !== null && ctcp.name !== 'ACTION') {
    if (!historic) answerCtcp(session, line, ctcp)
    return null
  }
  const kind = ctcp !== null ? 'action' : line.command === 'NOTICE' ? 'notice' : 'privmsg'
  const replyTo = line.tags.get('+draft/reply') ?? line.tags.get('+reply')
  const told = common(session, line, to, label, historic)
  // Who talks to himself gets it twice.
  const elsewhere = told.own && !answered && !historic && !session.isOwn(told.target) && !session.asks.awaits(to)
  return {
    kind,
    ...told,
    elsewhere,
    text: ctcp === null ? text : ctcp.text,
    ...(replyTo === undefined || replyTo === '' ? {} : { replyTo }),
  }
}

export function tellMessage(session: Session, line: Line, context: Context): void {
  const message = readMessage(session, line, context)
  if (message === null) return
  // Before anybody is in, and from servers, it is the network that speaks.
  if (!message.isChannel && message.from.isServer && !message.own)
    session.tell('said', message.text, 'info', line.command)
  else session.tell('message', message)
}

/** TAGMSG: typing and reactions. */
export function tellTags(session: Session, line: Line, { label, historic }: Context): void {
  const [to = ''] = line.params
  const typing = line.tags.get('+typing') ?? line.tags.get('+draft/typing')
  const react = line.tags.get('+draft/react') ?? line.tags.get('+react')
  const unreact = line.tags.get('+draft/unreact') ?? line.tags.get('+unreact')
  const about = line.tags.get('+draft/reply') ?? line.tags.get('+reply')
  const text = react ?? unreact
  const told = common(session, line, to, label, historic)
  if (typing === 'active' || typing === 'paused' || typing === 'done') {
    if (!told.own && !historic && told.status === '') session.tell('typing', told.target, told.from.nick, typing)
  }
  if (text === undefined || text === '' || about === undefined || about === '') return
  const reaction: IrcReaction = { ...told, to: about, text, removed: react === undefined }
  session.tell('reaction', reaction)
}

export function tellRedacted(session: Session, line: Line): void {
  const [target = '', id = '', reason = ''] = line.params
  const by = readSource(line.source).nick
  if (id !== '') session.tell('redacted', session.isOwn(target) ? by : target, id, by, reason)
}

function common(session: Session, line: Line, to: string, label: string | null, historic: boolean) {
  const source = readSource(line.source)
  const { status, target } = splitTarget(session, to)
  const isChannel = session.isChannel(target)
  const account = line.tags.get('account')
  const own = session.isOwn(source.nick)
  return {
    from: { ...sender(session, source, account), isServer: source.isServer },
    own,
    label,
    target,
    isChannel,
    status,
    id: line.tags.get('msgid') ?? null,
    at: readTime(line.tags.get('time')),
    ...(account === undefined ? {} : { account }),
    historic,
    tags: line.tags,
  }
}

/** What the line says of the sender, and what is known beside it. */
function sender(
  session: Session,
  { nick, user, host }: ReturnType<typeof readSource>,
  account: string | undefined,
): IrcUser {
  const known = session.channels.attentive === 0 ? null : session.channels.user(nick)
  return {
    ...(known === null ? {} : userOf(known)),
    nick,
    ...(user === undefined ? {} : { user }),
    ...(host === undefined ? {} : { host }),
    ...(account === undefined ? {} : { account }),
  }
}

/** `@#channel` goes to those of a rank. */
export function splitTarget(session: Session, to: string): { status: string; target: string } {
  let at = 0
  while (at < to.length - 1 && session.isupport.statusSigns.includes(to[at] as string) && !session.isChannel(to)) {
    if (session.isChannel(to.slice(at))) break
    at += 1
  }
  const target = to.slice(at)
  return session.isChannel(target) ? { status: to.slice(0, at), target } : { status: '', target: to }
}

/** Some requests are answered, each seldom: a channel full of them is not to make us flood. DCC opens connections: it is left alone. */
function answerCtcp(session: Session, line: Line, { name, text }: { name: string; text: string }): void {
  const { nick, isServer } = readSource(line.source)
  if (session.isOwn(nick) || isServer) return
  if (line.command === 'NOTICE') {
    session.tell('said', `${nick}: ${name} ${text}`, 'info', 'CTCP', nick)
    return
  }
  const answer = ctcpAnswer(session, name, text)
  if (answer === null || session.ctcpReplies.take(1, session.world.clock.now()) > 0) return
  session.outbox?.send(writeLine('NOTICE', [nick, writeCtcp(name, answer)]), 'low')
}

function ctcpAnswer(session: Session, name: string, text: string): string | null {
  switch (name) {
    case 'PING':
      return text.slice(0, 100)
    case 'VERSION':
      return session.settings.version ?? null
    case 'TIME':
      return new Date(session.world.now()).toUTCString()
    case 'CLIENTINFO':
      return 'ACTION CLIENTINFO PING TIME VERSION'
    default:
      return null
  }
}
