// SPDX-License-Identifier: Apache-2.0
// What the made-up IRC server does on each command.
import { authenticate, mechanisms } from './fake-irc-sasl.ts'
import { channelOf, FAKE_CAPS, type FakeClient, type FakeHouse } from './fake-ircd.ts'

export type Kept = {
  id: string
  at: number
  from: string
  text: string
  command: string
  tags: ReadonlyMap<string, string>
}

export type Channel = {
  readonly name: string
  readonly members: Set<FakeClient>
  readonly operators: Set<FakeClient>
  topic: string
  readonly history: Kept[]
}

export type Line = { tags: ReadonlyMap<string, string>; command: string; params: string[]; text: string }

/** What goes back on one command; one that had a label gets all of it under that label. */
export type Reply = (line: string) => void

export function obey(house: FakeHouse, client: FakeClient, text: string): void {
  const line = readLine(text)
  const batch = line.tags.get('batch')
  const open = batch === undefined ? undefined : client.batches.get(batch)
  if (open !== undefined) {
    open.lines.push({ text: line.params[1] ?? '', concat: line.tags.has('draft/multiline-concat'), tags: line.tags })
    return
  }
  const replies: string[] = []
  const begins = line.command === 'BATCH' && line.params[0]?.startsWith('+') === true
  // A batch of the client is answered when it ends, under the label that it began with.
  const ended = line.command === 'BATCH' ? client.batches.get(line.params[0]?.slice(1) ?? '') : undefined
  const label = client.caps.has('labeled-response') ? (ended?.label ?? line.tags.get('label') ?? null) : null
  const { cap } = house.options
  if (line.command === 'CAP' && cap !== undefined) {
    if (cap === 'unregistered') write(client, `:${house.name} 451 * CAP :You have not registered`)
    return
  }
  const command = COMMANDS[line.command]
  if (command === undefined) replies.push(`:${house.name} 421 ${client.nick} ${line.command} :Unknown command`)
  else command(house, client, line, (reply) => void replies.push(reply))
  if (!begins) flush(house, client, replies, label)
}

function flush(house: FakeHouse, client: FakeClient, replies: readonly string[], label: string | null): void {
  if (label === null) for (const reply of replies) write(client, reply)
  else if (replies.length === 0) write(client, `@label=${label} :${house.name} ACK`)
  else if (replies.length === 1) write(client, tagged(replies[0] ?? '', `label=${label}`))
  else if (/^(@\S+ )?(:\S+ )?BATCH \+/u.test(replies[0] ?? '')) {
    write(client, tagged(replies[0] ?? '', `label=${label}`))
    for (const reply of replies.slice(1)) write(client, reply)
  } else {
    const reference = `l${++house.number}`
    write(client, `@label=${label} :${house.name} BATCH +${reference} labeled-response`)
    for (const reply of replies) write(client, tagged(reply, `batch=${reference}`))
    write(client, `:${house.name} BATCH -${reference}`)
  }
}

type Command = (house: FakeHouse, client: FakeClient, line: Line, reply: Reply) => void

const COMMANDS: Readonly<Record<string, Command>> = {
  CAP(house, client, { params: [verb = '', wanted = ''] }, reply) {
    const caps = capsOf(house, client)
    if (verb === 'LS') {
      client.negotiating = !client.registered
      const all = Object.entries(caps).map(([name, value]) => (value === '' ? name : `${name}=${value}`))
      const half = wanted === '302' ? Math.floor(all.length / 2) : 0
      if (half > 0) reply(`:${house.name} CAP ${client.nick} LS * :${all.slice(0, half).join(' ')}`)
      reply(`:${house.name} CAP ${client.nick} LS :${all.slice(half).join(' ')}`)
    } else if (verb === 'REQ') {
      client.negotiating = !client.registered
      const asked = wanted.trim().split(/\s+/u)
      const known = asked.every((one) => Object.hasOwn(caps, one.replace(/^-/u, '')))
      if (known) for (const one of asked) one.startsWith('-') ? client.caps.delete(one.slice(1)) : client.caps.add(one)
      reply(`:${house.name} CAP ${client.nick} ${known ? 'ACK' : 'NAK'} :${wanted.trim()}`)
    } else if (verb === 'END') {
      client.negotiating = false
      welcome(house, client, reply)
    }
  },
  NICK(house, client, { params: [nick = ''] }, reply) {
    if ([...house.clients].some((one) => one !== client && one.nick.toLowerCase() === nick.toLowerCase())) {
      reply(`:${house.name} 433 ${client.nick} ${nick} :Nickname is already in use`)
      return
    }
    if (client.registered) {
      const changed = `:${prefix(client)} NICK :${nick}`
      for (const one of neighbours(house, client)) write(one, changed)
      reply(changed)
    }
    client.nick = nick
    welcome(house, client, reply)
  },
  USER(house, client, { params: [user = ''] }, reply) {
    client.user = user
    welcome(house, client, reply)
  },
  PASS() {},
  PONG() {},
  PING: (house, _client, { params: [word = ''] }, reply) => reply(`:${house.name} PONG ${house.name} :${word}`),
  QUIT: (_house, client) => void client.socket.end(),
  AUTHENTICATE: authenticate,
  JOIN(house, client, { params: [names = ''] }, reply) {
    for (const name of names.split(',')) {
      const channel = channelOf(house, name)
      if (channel.members.has(client)) continue
      if (channel.members.size === 0) channel.operators.add(client)
      channel.members.add(client)
      const joined = `:${prefix(client)} JOIN ${channel.name}`
      for (const one of channel.members) if (one !== client) write(one, joined)
      reply(joined)
      if (channel.topic !== '') reply(`:${house.name} 332 ${client.nick} ${channel.name} :${channel.topic}`)
      if (client.caps.has('draft/read-marker')) reply(read(house, client, name))
      names_(house, client, channel, reply)
    }
  },
  PART(house, client, { params: [name = ''], text }, reply) {
    const channel = house.channels.get(name.toLowerCase())
    if (channel === undefined || !channel.members.has(client)) return
    const parted = `:${prefix(client)} PART ${channel.name} :${text}`
    for (const one of channel.members) if (one !== client) write(one, parted)
    reply(parted)
    channel.members.delete(client)
    channel.operators.delete(client)
  },
  NAMES: (house, client, { params: [name = ''] }, reply) => names_(house, client, channelOf(house, name), reply),
  WHO: (house, client, { params: [name = ''] }, reply) =>
    reply(`:${house.name} 315 ${client.nick} ${name} :End of WHO list`),
  WHOIS: (house, client, { params: [nick = ''] }, reply) =>
    reply(`:${house.name} 318 ${client.nick} ${nick} :End of WHOIS list`),
  AWAY: (house, client, { params }, reply) =>
    reply(`:${house.name} ${params.length === 0 ? '305' : '306'} ${client.nick} :As you say`),
  MODE: (house, client, { params: [name = '', modes] }, reply) => {
    if (modes === undefined) reply(`:${house.name} 324 ${client.nick} ${name} +`)
  },
  TOPIC(house, client, { params: [name = '', topic] }, reply) {
    const channel = channelOf(house, name)
    if (topic === undefined) return reply(`:${house.name} 331 ${client.nick} ${name} :No topic is set`)
    channel.topic = topic
    for (const one of channel.members) if (one !== client) write(one, `:${prefix(client)} TOPIC ${name} :${topic}`)
    reply(`:${prefix(client)} TOPIC ${name} :${topic}`)
  },
  PRIVMSG: say,
  NOTICE: say,
  TAGMSG: say,
  BATCH: batched,
  REDACT(house, client, { params: [target = '', id = '', reason = ''] }, reply) {
    const channel = house.channels.get(target.toLowerCase())
    const at = channel?.history.findIndex((one) => one.id === id) ?? -1
    if (channel === undefined || at < 0) {
      return reply(`:${house.name} FAIL REDACT UNKNOWN_MSGID ${target} ${id} :There is no such message`)
    }
    channel.history.splice(at, 1)
    const redacted = `:${prefix(client)} REDACT ${target} ${id} :${reason}`
    for (const one of channel.members)
      if (one !== client && one.caps.has('draft/message-redaction')) write(one, redacted)
    reply(redacted)
  },
  CHATHISTORY: history,
  REGISTER(house, _client, { params: [account = '', email = '', password = ''] }, reply) {
    const fail = (code: string) => reply(`:${house.name} FAIL REGISTER ${code} ${account} :Not so`)
    if (house.accounts.has(account)) return fail('ACCOUNT_EXISTS')
    if (email === '*') return fail('INVALID_EMAIL')
    house.signingUp.set(account, { password, code: '271828' })
    reply(`:${house.name} REGISTER VERIFICATION_REQUIRED ${account} :A mail went to ${email}`)
  },
  VERIFY(house, client, { params: [account = '', code = ''] }, reply) {
    const found = house.signingUp.get(account)
    if (found?.code !== code) return reply(`:${house.name} FAIL VERIFY INVALID_CODE ${account} :Not that one`)
    house.signingUp.delete(account)
    house.accounts.set(account, found.password)
    client.account = account
    reply(`:${house.name} 900 ${client.nick} ${prefix(client)} ${account} :You are now logged in as ${account}`)
    reply(`:${house.name} VERIFY SUCCESS ${account} :Welcome`)
  },
  MARKREAD(house, client, { params: [target = '', said = ''] }, reply) {
    const key = `${client.nick} ${target}`.toLowerCase()
    if (said.replace('timestamp=', '') > (house.read.get(key) ?? ''))
      house.read.set(key, said.replace('timestamp=', ''))
    reply(read(house, client, target))
  },
}

function read(house: FakeHouse, client: FakeClient, target: string): string {
  const at = house.read.get(`${client.nick} ${target}`.toLowerCase())
  return `:${house.name} MARKREAD ${target} ${at === undefined ? '*' : `timestamp=${at}`}`
}

function capsOf({ options, tlsPort }: FakeHouse, client: FakeClient): Record<string, string> {
  const sts = options.sts === undefined ? undefined : client.secure ? `duration=${options.sts}` : `port=${tlsPort}`
  return {
    ...(options.caps ?? FAKE_CAPS),
    ...(options.accounts === undefined ? {} : { sasl: mechanisms(options.mechanisms).join(',') }),
    ...(sts === undefined ? {} : { sts }),
  }
}

function welcome(house: FakeHouse, client: FakeClient, reply: Reply): void {
  if (client.registered || client.negotiating || client.nick === '*' || client.user === '') return
  client.registered = true
  const to = (numeric: string, rest: string) => reply(`:${house.name} ${numeric} ${client.nick} ${rest}`)
  to('001', ':Welcome')
  to('002', `:Your host is ${house.name}`)
  to('003', ':This server was made up for tests')
  to('004', `${house.name} fake o o`)
  const supports = [
    'CASEMAPPING=ascii',
    'CHANTYPES=#',
    'PREFIX=(ov)@+',
    'CHANMODES=b,k,l,imnt',
    'NICKLEN=30',
    'NETWORK=Fake',
  ]
  to('005', `${[...supports, ...(house.options.isupport ?? [])].join(' ')} :are supported by this server`)
  to('422', ':No message of the day')
}

function names_(house: FakeHouse, client: FakeClient, channel: Channel, reply: Reply): void {
  const all = [...channel.members].map((one) => `${channel.operators.has(one) ? '@' : ''}${one.nick}`)
  reply(`:${house.name} 353 ${client.nick} = ${channel.name} :${all.join(' ')}`)
  reply(`:${house.name} 366 ${client.nick} ${channel.name} :End of NAMES list`)
}

function say(house: FakeHouse, client: FakeClient, line: Line, reply: Reply) {
  const [target = '', text = ''] = line.params
  const channel = house.channels.get(target.toLowerCase())
  if (channel === undefined && target.startsWith('#')) {
    return reply(`:${house.name} 403 ${client.nick} ${target} :No such channel`)
  }
  const kept: Kept = {
    id: `fake${++house.number}`,
    at: Date.now(),
    from: prefix(client),
    text,
    command: line.command,
    tags: clientTags(line.tags),
  }
  if (line.command !== 'TAGMSG') channel?.history.push(kept)
  const to = channel === undefined ? [...house.clients].filter((one) => one.nick === target) : [...channel.members]
  for (const one of to)
    if (one !== client && (line.command !== 'TAGMSG' || one.caps.has('message-tags')))
      write(one, spoken(kept, one, target, client))
  if (client.caps.has('echo-message')) reply(spoken(kept, client, target, client))
}

/** draft/multiline: a batch of the client goes out as one to those who know it, line by line to the others. */
function batched(
  house: FakeHouse,
  client: FakeClient,
  { params: [reference = '', type = '', target = ''], tags }: Line,
  reply: Reply,
) {
  if (reference.startsWith('+')) {
    client.batches.set(reference.slice(1), { type, target, label: tags.get('label') ?? null, lines: [] })
    return
  }
  const batch = client.batches.get(reference.slice(1))
  client.batches.delete(reference.slice(1))
  if (batch === undefined) return
  const channel = channelOf(house, batch.target)
  const id = `fake${++house.number}`
  const text = batch.lines.map((one, at) => `${at === 0 || one.concat ? '' : '\n'}${one.text}`).join('')
  channel.history.push({ id, at: Date.now(), from: prefix(client), text, command: 'PRIVMSG', tags: new Map() })
  const time = `time=${new Date().toISOString()}`
  const told = (one: FakeClient): string[] => {
    if (!one.caps.has('draft/multiline')) {
      const lines = batch.lines.map((line) => `:${prefix(client)} PRIVMSG ${batch.target} :${line.text}`)
      return one.caps.has('message-tags')
        ? lines.map((line, at) => (at === 0 ? `@msgid=${id};${time} ${line}` : line))
        : lines
    }
    const own = `m${++house.number}`
    return [
      `@msgid=${id};${time} :${prefix(client)} BATCH +${own} draft/multiline ${batch.target}`,
      ...batch.lines.map(
        (line) =>
          `@batch=${own}${line.concat ? ';draft/multiline-concat' : ''} :${prefix(client)} PRIVMSG ${batch.target} :${line.text}`,
      ),
      `:${prefix(client)} BATCH -${own}`,
    ]
  }
  for (const one of channel.members) if (one !== client) for (const line of told(one)) write(one, line)
  if (client.caps.has('echo-message')) for (const line of told(client)) reply(line)
}

function history(house: FakeHouse, _client: FakeClient, { params }: Line, reply: Reply) {
  const [verb = '', target = '', first = '', second = '', third = ''] = params
  const all = house.channels.get(target.toLowerCase())?.history ?? []
  const at = (criterion: string): number => {
    const [kind, value = ''] = criterion.split('=')
    return kind === 'timestamp' ? Date.parse(value) : (all.find((one) => one.id === value)?.at ?? 0)
  }
  const limit = Number(verb === 'BETWEEN' ? third : second)
  const before = all.filter((one) => one.at < at(first))
  const after = all.filter((one) => one.at > at(first))
  const found: Readonly<Record<string, () => readonly Kept[]>> = {
    LATEST: () => (first === '*' ? all : after).slice(-limit),
    BEFORE: () => before.slice(-limit),
    AFTER: () => after.slice(0, limit),
    AROUND: () => [
      ...before.slice(-Math.ceil(limit / 2)),
      ...all.filter((one) => one.at >= at(first)).slice(0, Math.floor(limit / 2)),
    ],
    BETWEEN: () => all.filter((one) => one.at > at(first) && one.at < at(second)).slice(0, limit),
  }
  const chosen = found[verb]?.()
  if (chosen === undefined) return reply(`:${house.name} FAIL CHATHISTORY UNKNOWN_COMMAND ${verb} :Unknown command`)
  const reference = `h${++house.number}`
  reply(`:${house.name} BATCH +${reference} chathistory ${target}`)
  for (const one of chosen) {
    const [line = ''] = one.text.split('\n')
    reply(
      `@batch=${reference};msgid=${one.id};time=${new Date(one.at).toISOString()} :${one.from} ${one.command} ${target} :${line}`,
    )
  }
  reply(`:${house.name} BATCH -${reference}`)
}

function spoken(kept: Kept, to: FakeClient, target: string, from: FakeClient): string {
  const tags = to.caps.has('message-tags')
    ? [
        `msgid=${kept.id}`,
        `time=${new Date(kept.at).toISOString()}`,
        ...(from.account === null ? [] : [`account=${from.account}`]),
        ...[...kept.tags].map(([name, value]) => (value === '' ? name : `${name}=${value}`)),
      ]
    : []
  const said = kept.command === 'TAGMSG' ? `TAGMSG ${target}` : `${kept.command} ${target} :${kept.text}`
  return `${tags.length === 0 ? '' : `@${tags.join(';')} `}:${kept.from} ${said}`
}

function neighbours(house: FakeHouse, client: FakeClient): Set<FakeClient> {
  const shared = [...house.channels.values()].filter((one) => one.members.has(client))
  return new Set(shared.flatMap((one) => [...one.members]).filter((one) => one !== client))
}

function clientTags(tags: ReadonlyMap<string, string>): Map<string, string> {
  return new Map([...tags].filter(([name]) => name.startsWith('+')))
}

export function prefix({ nick, user }: FakeClient): string {
  return `${nick}!${user}@fake`
}

function tagged(line: string, tag: string): string {
  return line.startsWith('@') ? `@${tag};${line.slice(1)}` : `@${tag} ${line}`
}

function write({ socket }: FakeClient, line: string): void {
  if (socket.writable) socket.write(`${line}\r\n`)
}

function readLine(text: string): Line {
  const [, tags = '', rest = ''] = /^(?:@(\S*) +)?(?::\S* +)?(.*)$/u.exec(text) ?? []
  const split = rest.indexOf(' :')
  const head = split < 0 ? rest : rest.slice(0, split)
  const [command = '', ...params] = head.trim().split(/ +/u)
  const last = split < 0 ? [] : [rest.slice(split + 2)]
  const all = [...params, ...last]
  return {
    tags: new Map(
      tags
        .split(';')
        .filter((one) => one !== '')
        .map((one): [string, string] => {
          const [name = '', ...value] = one.split('=')
          return [name, value.join('=')]
        }),
    ),
    command: command.toUpperCase(),
    params: all,
    text: last[0] ?? '',
  }
}
