// SPDX-License-Identifier: Apache-2.0
// Clients of slixmpp (Debian's python3-slixmpp), all in one Python process, ordered about by JSON lines.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'

const PYTHON = '/usr/bin/python3'
const DRIVER = resolve(import.meta.dirname, 'slixmpp_driver.py')

/** Null when slixmpp can be used here, else what is missing. */
export function slixmppLack(): string | null {
  const tried = spawnSync(PYTHON, ['-c', 'import slixmpp'], { encoding: 'utf8' })
  return tried.status === 0 ? null : 'python3-slixmpp is not installed'
}

export type SlixmppLogin = {
  jid: string
  address: string
  port: number
  password?: string
  /** XEP-0198 with resumption. */
  management?: boolean
  /** XEP-0115 and 0084: wants to be told of avatars. */
  pep?: boolean
}

export type SlixmppClient = {
  /** Full JID. */
  readonly jid: string
  send(xml: string): Promise<void>
  /** The first stanza, as text, that fits and that nobody has waited for yet. Rejects after `seconds` (15). */
  wait(like: RegExp, seconds?: number): Promise<string>
  /**
   * That nothing like this came: a ping to the server goes out, and when its answer is there everything sent before has been
   * handled by the server for this client.
   */
  nothing(like: RegExp): Promise<void>
  /** Asks for an acknowledgement (XEP-0198). */
  requestAcknowledgement(): Promise<void>
  /** The connection is cut without a word. */
  break(): Promise<void>
  resume(): Promise<'resumed' | 'new'>
  logout(): Promise<void>
  /** XEP-0050, by the plugin of slixmpp: nodes and names of the commands that an address shows. */
  commands(jid: string): Promise<Readonly<Record<string, string>>>
  /** XEP-0055 and 0059, by the plugins: fields of the form, and one page of those who fit. */
  search(
    jid: string,
    values: Readonly<Record<string, string>>,
    page?: { max?: number; after?: string },
  ): Promise<ToldSearch>
  /** XEP-0054, by the plugin; `photo`: SHA-1 of its bytes, '' for none. */
  card(jid: string): Promise<{ name: string; photo: string }>
  /** One step of a command; `values` fill in its form. */
  command(jid: string, node: string, step?: CommandStep): Promise<ToldCommand>
}

export type CommandStep = {
  action?: string
  session?: string
  values?: Readonly<Record<string, string>>
  lang?: string
}

/** What slixmpp makes of the answer; of a refusal only `refused` and `text` are there. */
export type ToldCommand = {
  refused?: string
  text?: string
  status: string
  session: string
  actions: string[]
  /** [type, text] */
  notes: [string, string][]
  title: string
  labels: Readonly<Record<string, string>>
  types: Readonly<Record<string, string>>
  required: string[]
  values: Readonly<Record<string, unknown>>
  columns: string[]
  rows: Readonly<Record<string, string>>[]
}

export type ToldSearch = {
  fields: string[]
  columns: string[]
  rows: Readonly<Record<string, string>>[]
  count: number
}

export type Slixmpp = AsyncDisposable & { login(login: SlixmppLogin): Promise<SlixmppClient> }

type Said = {
  id: number
  ok: boolean
  why?: string
  stanza?: string
  stanzas?: string[]
  jid?: string
  how?: string
  commands?: Readonly<Record<string, string>>
  told?: ToldCommand
  found?: ToldSearch
  card?: { name: string; photo: string }
}

export function startSlixmpp(): Slixmpp {
  const child = spawn(PYTHON, [DRIVER], { stdio: ['pipe', 'pipe', 'inherit'] })
  const orders = new Orders(child)
  let names = 0
  return {
    async login({ jid, address, port, password = 'x', management = false, pep = false }) {
      names += 1
      const name = `c${names}`
      const first = await orders.give({ do: 'login', name, jid, password, host: address, port, sm: management, pep })
      const full = first.jid ?? jid
      const unread = async () => (await orders.give({ do: 'unread', name })).stanzas ?? []
      let pings = 0
      return {
        jid: full,
        send: async (xml) => void (await orders.give({ do: 'send', name, xml })),
        wait: async (like, seconds = 8) =>
          (await orders.give({ do: 'wait', name, like: source(like), seconds })).stanza ?? '',
        async nothing(like) {
          pings += 1
          const id = `fence-${name}-${pings}`
          const ping = `<iq xmlns='jabber:client' type='get' id='${id}' to='${full.split('@')[1]?.split('/')[0]}'><ping xmlns='urn:xmpp:ping'/></iq>`
          await orders.give({ do: 'send', name, xml: ping })
          await orders.give({ do: 'wait', name, like: id, seconds: 15 })
          const found = (await unread()).find((stanza) => like.test(stanza))
          if (found !== undefined) throw new Error(`nothing like ${like} was expected, and this came: ${found}`)
        },
        requestAcknowledgement: async () => void (await orders.give({ do: 'ack', name })),
        break: async () => void (await orders.give({ do: 'break', name })),
        resume: async () => ((await orders.give({ do: 'resume', name })).how === 'resumed' ? 'resumed' : 'new'),
        logout: async () => void (await orders.give({ do: 'logout', name })),
        search: async (jid, values, page = {}) =>
          (await orders.give({ do: 'search', name, jid, values, ...page })).found as ToldSearch,
        card: async (jid) => (await orders.give({ do: 'card', name, jid })).card as { name: string; photo: string },
        commands: async (jid) => (await orders.give({ do: 'commands', name, jid })).commands ?? {},
        command: async (jid, node, step = {}) =>
          (await orders.give({ do: 'command', name, jid, node, ...step })).told as ToldCommand,
      }
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end()
      if (child.exitCode === null && child.signalCode === null) {
        const late = setTimeout(() => child.kill('SIGKILL'), 5_000)
        await once(child, 'close')
        clearTimeout(late)
      }
    },
  }
}

class Orders {
  readonly #child: ChildProcess
  readonly #open = new Map<number, { resolve(said: Said): void; reject(why: Error): void }>()
  #last = 0

  constructor(child: ChildProcess) {
    this.#child = child
    if (child.stdout === null) throw new Error('the driver has no output')
    createInterface({ input: child.stdout }).on('line', (line) => {
      const said = JSON.parse(line) as Said
      const waiting = this.#open.get(said.id)
      this.#open.delete(said.id)
      if (said.ok) waiting?.resolve(said)
      else waiting?.reject(new Error(`slixmpp: ${said.why}`))
    })
    child.once('close', () => {
      for (const waiting of this.#open.values()) waiting.reject(new Error('the slixmpp driver ended'))
    })
  }

  give(order: Record<string, unknown>): Promise<Said> {
    this.#last += 1
    const id = this.#last
    const { promise, resolve, reject } = Promise.withResolvers<Said>()
    this.#open.set(id, { resolve, reject })
    this.#child.stdin?.write(`${JSON.stringify({ id, ...order })}\n`)
    return promise
  }
}

/** Python reads the plain forms of regular expressions that the tests use in the same way. */
function source(like: RegExp): string {
  return like.source.replaceAll('\\/', '/')
}
