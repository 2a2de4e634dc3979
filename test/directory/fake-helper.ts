// SPDX-License-Identifier: Apache-2.0
// Plays a server with mod_gatehouse_directory on some hosts, as deploy/servers/DIRECTORY.md has it: keeps what it is handed, and holds the
// component to the page (parts in order, one transfer at a time, known groups before who joins them).
import assert from 'node:assert/strict'
import { DIRECTORY } from '../../components/directory/protocol/state.ts'
import type { Element } from '../../components/kit/xml/element.ts'
import { type ComponentServer, type Peer, startComponentServer } from '../harness/component-server.ts'

export type Held = {
  id: string
  seq: number
  /** Address -> name and lock. */
  people: Map<string, { name: string; locked: string | undefined }>
  groups: Map<string, { name: string; shown: string; to: string[]; order: string; members: Set<string> }>
  walls: Map<string, Element>
  policy: Record<string, string | undefined>
}

export type Taken = { host: string; seq: number; base: number | null; parts: number; bytes: number }

export type FakeHelper = AsyncDisposable & {
  port: number
  domain: string
  held(host: string): Held
  /** Transfers that were taken whole, in order. */
  taken: Taken[]
  /** What was said on former accounts (XEP-0283), in order. */
  published: { what: string; jid: string; node: string; id: string; text: string }[]
  /** Resolves when so much was published. */
  hasPublished(count: number): Promise<void>
  /** Resolves when this host holds this version. */
  has(host: string, seq: number): Promise<Held>
  /** Answers the next set with this condition. */
  refuseNext(condition: string, type?: string): void
  /** Rooms of the server, in the order of their addresses: who is in them, owners with a star. One is told of in each answer. */
  rooms: Map<string, string[]>
  /** Who was put out of them, and what was said, in order. */
  putOut: string[]
  /** Resolves when so many were. */
  hasPutOut(count: number): Promise<void>
  /** Whether the server takes this for an address. */
  isAddress: (jid: string) => boolean
  /** Forgets what a host holds. */
  forget(host: string): void
  /** Called with each part before it is answered. */
  onPart: ((host: string, part: number) => void | Promise<void>) | null
  /** Ends the connection; the component comes again. */
  drop(): void
}

const EMPTY = (): Held => ({ id: '', seq: 0, people: new Map(), groups: new Map(), walls: new Map(), policy: {} })

export async function startFakeHelper(domain: string, secret: string): Promise<FakeHelper> {
  const server: ComponentServer = await startComponentServer({ domain, secret })
  const hosts = new Map<string, Held>()
  const unfinished = new Map<string, { key: string; next: number; children: Element[]; bytes: number }>()
  const waiting = new Set<() => void>()
  const taken: Taken[] = []
  const inWork = new Map<string, number>()
  let refusal: { condition: string; type: string } | null = null
  let peer: Peer | null = null
  let stopped = false
  const fault = Promise.withResolvers<never>()
  fault.promise.catch(() => {})
  const helper: FakeHelper = {
    port: server.port,
    domain,
    taken,
    published: [],
    async hasPublished(count) {
      while (helper.published.length < count) await something()
    },
    held: (host) => hosts.get(host) ?? EMPTY(),
    async has(host, seq) {
      for (;;) {
        const held = hosts.get(host)
        if (held !== undefined && held.seq >= seq) return held
        await something()
      }
    },
    refuseNext(condition, type = 'cancel') {
      refusal = { condition, type }
    },
    rooms: new Map(),
    putOut: [],
    async hasPutOut(count) {
      while (helper.putOut.length < count) await something()
    },
    isAddress: () => true,
    forget: (host) => void hosts.delete(host),
    onPart: null,
    drop: () => peer?.destroy(),
    async [Symbol.asyncDispose]() {
      stopped = true
      await server.stop()
    },
  }
  void serve()
  return helper

  async function something(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    waiting.add(resolve)
    await Promise.race([promise, fault.promise])
    waiting.delete(resolve)
  }

  async function serve(): Promise<void> {
    while (!stopped) {
      const now = await server.accepted()
      peer = now
      unfinished.clear()
      void read(now)
    }
  }

  async function read(from: Peer): Promise<void> {
    for (;;) {
      const { element, raw } = await from.next()
      const host = element.attrs.to ?? ''
      const published = element.getChild('publish', DIRECTORY) ?? element.getChild('retract', DIRECTORY)
      if (published?.attrs.node === 'urn:xmpp:moved:1') {
        const { jid = '', node = '', id = '' } = published.attrs
        const text = published.getChild('moved')?.getChildText('new-jid') ?? ''
        helper.published.push({ what: published.getName(), jid, node, id, text })
        from.send(`<iq type='result' id='${element.attrs.id}' from='${host}' to='${domain}'/>`)
        for (const resolve of waiting) resolve()
        continue
      }
      const about = element.getChild('rooms', DIRECTORY) ?? element.getChild('leave', DIRECTORY)
      if (about !== undefined) {
        const payload = about.getName() === 'rooms' ? roomsBehind(about) : leave(about)
        from.send(`<iq type='result' id='${element.attrs.id}' from='${host}' to='${domain}'>${payload}</iq>`)
        for (const resolve of waiting) resolve()
        continue
      }
      // The rest of section 8, beside the transfers: nobody has an account here.
      if (element.attrs.type !== 'result' && element.getChild('state', DIRECTORY) === undefined) {
        const condition = helper.isAddress(element.getChildElements()[0]?.attrs.jid ?? '')
          ? 'item-not-found'
          : 'bad-request'
        const absent = `<error type='cancel'><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>`
        from.send(`<iq type='error' id='${element.attrs.id}' from='${host}' to='${domain}'>${absent}</iq>`)
        continue
      }
      // One thing at a time for each host.
      const busy = (inWork.get(host) ?? 0) + 1
      inWork.set(host, busy)
      void answer(from, element, raw, host, busy)
        .catch((error: unknown) => fault.reject(error))
        .finally(() => inWork.set(host, (inWork.get(host) ?? 1) - 1))
    }
  }

  function roomsBehind(asked: Element): string {
    const groups = asked.getChildElements().map(({ attrs }) => attrs.group)
    assert.ok(groups.length > 0, 'groups are asked about')
    const [first, ...rest] = [...helper.rooms].filter(([room]) => room > (asked.attrs.after ?? ''))
    if (first === undefined) return `<rooms xmlns='${DIRECTORY}'/>`
    const [room, people] = first
    const who = people.map((one) => {
      const jid = one.replace('*', '')
      return `<who jid='${jid}' affiliation='${one === jid ? 'none' : 'owner'}' there='true'/>`
    })
    const next = rest.length > 0 ? ` next='${room}'` : ''
    return `<rooms xmlns='${DIRECTORY}'${next}><room jid='${room}'>${who.join('')}</room></rooms>`
  }

  function leave({ attrs: { room = '', jid = '' }, ...one }: Element): string {
    helper.rooms.set(
      room,
      (helper.rooms.get(room) ?? []).filter((person) => person.replace('*', '') !== jid),
    )
    helper.putOut.push(`${room} ${jid} ${one.children.map(String).join('')}`)
    return ''
  }

  async function answer(to: Peer, iq: Element, raw: string, host: string, busy: number): Promise<void> {
    assert.equal(busy, 1, `${host} is asked something while it is at work`)
    const state = iq.getChild('state', DIRECTORY)
    assert.ok(state, raw)
    const reply = (type: string, payload: string) =>
      to.send(`<iq type='${type}' id='${iq.attrs.id}' from='${host}' to='${domain}'>${payload}</iq>`)
    if (iq.attrs.type === 'get') return reply('result', stateOf(host))
    if (refusal !== null) {
      const { condition, type } = refusal
      refusal = null
      unfinished.delete(host)
      return reply('error', `<error type='${type}'><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>`)
    }
    const { id = '', seq = '', base, part = '', last } = state.attrs
    const key = `${id} ${seq} ${base ?? ''}`
    await helper.onPart?.(host, Number(part))
    const held = hosts.get(host) ?? EMPTY()
    const begun = part === '1' ? { key, next: 1, children: [], bytes: 0 } : unfinished.get(host)
    if (
      begun === undefined ||
      begun.key !== key ||
      begun.next !== Number(part) ||
      (base !== undefined && (held.id !== id || held.seq !== Number(base)))
    ) {
      unfinished.delete(host)
      return reply('error', `<error type='cancel'><conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>`)
    }
    const children = state.getChildElements()
    assert.ok(children.length <= 1_000 && (children.length > 0 || last === 'true'), `${children.length} children`)
    assert.ok(Buffer.byteLength(raw) <= 128 * 1024, `${Buffer.byteLength(raw)} bytes`)
    if (!children.flatMap(addressesIn).every((jid) => helper.isAddress(jid))) {
      unfinished.delete(host)
      return reply('error', `<error type='modify'><bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>`)
    }
    begun.next += 1
    begun.children.push(...children)
    begun.bytes += raw.length
    unfinished.set(host, begun)
    if (last !== 'true') return reply('result', '')
    unfinished.delete(host)
    const now = base === undefined ? EMPTY() : held
    for (const child of begun.children) take(now, child)
    now.id = id
    now.seq = Number(seq)
    hosts.set(host, now)
    taken.push({
      host,
      seq: now.seq,
      base: base === undefined ? null : Number(base),
      parts: Number(part),
      bytes: begun.bytes,
    })
    reply('result', stateOf(host))
    for (const resolve of waiting) resolve()
  }

  function stateOf(host: string): string {
    const { id, seq, people, groups } = hosts.get(host) ?? EMPTY()
    return `<state xmlns='${DIRECTORY}' version='1' id='${id}' seq='${seq}' people='${people.size}' groups='${groups.size}' waiting='0' server='Fake 1' helper='1' features='roster lock walls publish vcard rooms'/>`
  }
}

function addressesIn(child: Element): string[] {
  const pairs = child.getChildElements().flatMap(({ attrs }) => ('a' in attrs ? [attrs.a ?? '', attrs.b ?? ''] : []))
  const text = child.getText().split(/\s+/)
  return [child.attrs.jid ?? '', ...pairs, ...text].filter((jid) => jid !== '')
}

function take(held: Held, child: Element): void {
  const { attrs } = child
  const jids = child
    .getText()
    .split(/\s+/)
    .filter((jid) => jid !== '')
  const group = () => {
    const found = held.groups.get(attrs.group ?? '')
    assert.ok(found, `${child.name} of a group that is not there: ${attrs.group}`)
    return found
  }
  switch (child.getName()) {
    case 'policy':
      held.policy = { ...attrs }
      return
    case 'person':
      assert.match(attrs.jid ?? '', /^[^@/\s]+@[^@/\s]+$/)
      held.people.set(attrs.jid ?? '', { name: attrs.name ?? '', locked: attrs.locked })
      return
    case 'gone':
      held.people.delete(attrs.jid ?? '')
      for (const one of held.groups.values()) one.members.delete(attrs.jid ?? '')
      return
    case 'group': {
      if (attrs.gone === 'true') return void held.groups.delete(attrs.id ?? '')
      const to = child.getChildElements().map((one) => one.attrs.group ?? '')
      held.groups.set(attrs.id ?? '', {
        name: attrs.name ?? '',
        shown: attrs.shown ?? 'members',
        to,
        order: attrs.order ?? '0',
        members: held.groups.get(attrs.id ?? '')?.members ?? new Set(),
      })
      return
    }
    case 'join':
      assert.ok(jids.length <= 2_000)
      for (const jid of jids) group().members.add(jid)
      return
    case 'part':
      for (const jid of jids) group().members.delete(jid)
      return
    case 'wall':
      if (attrs.gone === 'true') held.walls.delete(attrs.id ?? '')
      else held.walls.set(attrs.id ?? '', child)
      return
    default:
      assert.fail(`unknown element ${child.name}`)
  }
}
