// SPDX-License-Identifier: Apache-2.0
// The real process policy in a folder of its own, with the test in the place of the XMPP server.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openFollower } from '../../components/kit/bus/file-follower.ts'
import type { Kept } from '../../components/kit/bus/journal.ts'
import { readFact, type Unknown } from '../../components/kit/facts/entries.ts'
import type { Fact } from '../../components/kit/facts/facts.ts'
import type { Element } from '../../components/kit/xml/element.ts'
import { type Component, startComponent } from '../harness/component.ts'
import { type ComponentServer, type Peer, startComponentServer } from '../harness/component-server.ts'
import { AT, SOURCE } from './cast.ts'

export const DOMAIN = 'policy.gatehouse.internal'
export const HOST = 'corp.example'

export type Stage = AsyncDisposable & {
  folder: string
  rulesFile: string
  /** The process and its stream; others after a restart. */
  policy: Component
  peer: Peer
  /** Stops the process in good order and starts it again. */
  restart(): Promise<void>
  server: ComponentServer
  /** Sends a screen from a host and gives the answer. */
  screen(children: string, said?: { from?: string; source?: string; done?: number }): Promise<Element>
  /** Every fact of the journal, read as a follower reads it. */
  facts(): Promise<(Fact | Unknown)[]>
}

export type StageOptions = {
  rules?: string
  /** Who may ask beside HOST and its rooms. */
  hosts?: readonly string[]
  settings?: string
  /** More of gatehouse.yaml. */
  shared?: string
  flags?: readonly string[]
  main?: string
  environment?: Readonly<Record<string, string>>
}

export const ALLOW_ALL = 'version: 1\notherwise: allow\nrules: []\n'

export async function startStage(options: StageOptions = {}): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-policy-'))
  await using opening = new AsyncDisposableStack()
  opening.defer(() => rmSync(folder, { recursive: true, force: true }))
  const server = opening.use(await startComponentServer({ domain: DOMAIN, secret: 'ssh' }))
  const rulesFile = join(folder, 'rules.yaml')
  mkdirSync(join(folder, 'journal'))
  writeFileSync(join(folder, 'secret'), 'ssh\n', { mode: 0o600 })
  writeFileSync(rulesFile, options.rules ?? ALLOW_ALL)
  writeFileSync(
    join(folder, 'gatehouse.yaml'),
    `server: { port: ${server.port}, hosts: [${HOST}] }\nfolders: { run: ${folder}/run, state: ${folder}/state }\n${options.shared ?? ''}`,
  )
  const hosts = [HOST, `rooms.${HOST}`, ...(options.hosts ?? [])].join(', ')
  const own = `secret_file: secret\nhosts: [${hosts}]\nrules: rules.yaml\nmetrics: { port: 0 }\n`
  const journal = /^journal:/mu.test(options.settings ?? '') ? '' : `journal: { folder: ${folder}/journal }\n`
  const file = join(folder, 'policy.yaml')
  writeFileSync(file, own + journal + (options.settings ?? '').replaceAll('FOLDER', folder))
  const component = {
    name: 'policy',
    file,
    logFolder: folder,
    ...(options.flags ? { flags: options.flags } : {}),
    ...(options.main ? { main: options.main } : {}),
    ...(options.environment ? { environment: options.environment } : {}),
  }
  const policy = opening.use(await startComponent(component))
  const peer = await server.accepted()
  const closing = opening.move()
  const stage: Stage = {
    folder,
    rulesFile,
    server,
    policy,
    peer,
    async restart() {
      await stage.policy.stop()
      const policy = await startComponent(component)
      closing.defer(() => policy.stop())
      Object.assign(stage, { policy, peer: await server.accepted() })
    },
    screen: (children, said = {}) =>
      stage.peer.ask('set', screenOf(children, said), { from: said.from ?? HOST, to: DOMAIN }),
    facts: () => readJournal(join(folder, 'journal')),
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  }
  return stage
}

export function screenOf(children: string, { source = SOURCE, done }: { source?: string; done?: number } = {}): string {
  const settled = done === undefined ? '' : ` done='${done}'`
  return `<screen xmlns='urn:gatehouse:screen:1' source='${source}'${settled}>${children}</screen>`
}

/** A question about a chat message with this body; `xml` puts another stanza in its place. */
export function ask(n: number, body: string, said: { attributes?: string; xml?: string; from?: string } = {}): string {
  const { attributes = '', from = 'alice@corp.example/desk' } = said
  const xml =
    said.xml ??
    `<message xmlns='jabber:client' from='${from}' to='bob@corp.example' type='chat' id='m${n}'><body>${body}</body></message>`
  return `<ask n='${n}' at='${AT}' ${attributes}><forwarded xmlns='urn:xmpp:forward:0'>${xml}</forwarded></ask>`
}

/** The verdicts of an answer by number: 'refuse rule condition', 'later', ... Empty: all allowed. */
export function verdicts(answer: Element): Record<string, string> {
  const found = answer.getChild('verdicts', 'urn:gatehouse:screen:1')?.getChildElements() ?? []
  return Object.fromEntries(
    found.map(({ attrs }) => [attrs.n ?? '', [attrs.action, attrs.rule, attrs.condition].filter(Boolean).join(' ')]),
  )
}

/** Type and condition of an error answer, or null. */
export function errorOf(answer: Element): string | null {
  const error = answer.getChild('error')
  return error ? `${error.attrs.type} ${error.getChildElements()[0]?.getName()}` : null
}

export async function readJournal(folder: string): Promise<(Fact | Unknown)[]> {
  if (readdirSync(folder).length === 0) return []
  await using follower = await openFollower(folder, 'test')
  const { last } = await follower.state()
  const kept: Kept[] = []
  const stop = new AbortController()
  if (last > 0) {
    for await (const batch of follower.follow(0, { limit: 1_000, signal: stop.signal })) {
      kept.push(...batch)
      if ((kept.at(-1)?.position ?? 0) >= last) break
    }
  }
  return kept.map(readFact)
}
