// SPDX-License-Identifier: Apache-2.0
// A small component, once on the kit and once on the bare library, so that one scenario can be played to both. Run as a program
// (`subject.ts kit|bare PORT`) it tells on standard output, a JSON line each, what happened to it.
// It answers <echo xmlns='urn:test'>TEXT</echo> at once with the same, and <hold xmlns='urn:test'/> when a message says <release/>.
import { type Component, component } from '@xmpp/component'
import { createRouter } from '../../../components/kit/router/create-router.ts'
import type { Router } from '../../../components/kit/router/router.ts'
import { openStream } from '../../../components/kit/stream/open-stream.ts'
import type { StreamOptions } from '../../../components/kit/stream/options.ts'
import type { Stream } from '../../../components/kit/stream/stream.ts'
import { type Element, xml } from '../../../components/kit/xml/element.ts'
import { write } from '../../../components/kit/xml/writer.ts'

export const DOMAIN = 'p.example'
export const SECRET = 'test'

export type Line = { event: string; fields?: Readonly<Record<string, unknown>> }

export function kitSubject(
  port: number,
  tell: (line: Line) => void,
  more: Partial<StreamOptions> = {},
): { router: Router<Stream>; stream: Stream; release(): void } {
  const say = (event: string, fields?: Readonly<Record<string, unknown>>) => tell({ event, ...(fields && { fields }) })
  const log = { info: say, warn: say, error: say }
  let release: () => void = () => {}
  let released = new Promise<void>((resolve) => {
    release = resolve
  })
  const router = createRouter(
    {
      domain: DOMAIN,
      identity: { category: 'component', type: 'generic' },
      software: { name: 'subject', version: '1' },
      log,
      answerWithinMs: 60_000,
      routes: [
        { type: 'set', namespace: 'urn:test', name: 'echo', order: 'arrival', answer: ({ payload }) => write(payload) },
        {
          type: 'set',
          namespace: 'urn:test',
          name: 'hold',
          order: 'arrival',
          answer: async ({ payload }) => {
            tell({ event: 'held' })
            await released
            return write(payload)
          },
        },
      ],
      message() {
        release()
        released = new Promise((resolve) => {
          release = resolve
        })
      },
    },
    (events) =>
      openStream(
        {
          host: '127.0.0.1',
          port,
          domain: DOMAIN,
          secret: SECRET,
          log,
          backoff: { firstMs: 10, mostMs: 50 },
          ...more,
        },
        events,
      ),
  )
  return { router, stream: router.stream, release: () => release() }
}

/** As its documentation shows it, with nothing of ours. */
export function bareSubject(port: number, tell: (line: Line) => void): { entity: Component; release(): void } {
  const entity = component({ service: `xmpp://127.0.0.1:${port}`, domain: DOMAIN, password: SECRET })
  let release: () => void = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  const copy = (element: Element) => xml('echo', { xmlns: 'urn:test' }, element.getText())
  entity.on('error', (error: Error) => tell({ event: 'error', fields: { error: String(error) } }))
  entity.on('online', () => tell({ event: 'stream up' }))
  entity.on('disconnect', () => tell({ event: 'stream down' }))
  entity.on('stanza', (stanza: Element) => {
    if (stanza.name === 'message') release()
  })
  entity.iqCallee.set('urn:test', 'echo', ({ element }) => copy(element))
  entity.iqCallee.set('urn:test', 'hold', async ({ element }) => {
    tell({ event: 'held' })
    await released
    return copy(element)
  })
  entity.start().catch((error: unknown) => tell({ event: 'start rejected', fields: { error: String(error) } }))
  return { entity, release: () => release() }
}

if (import.meta.main) {
  const [, , kind, port] = process.argv
  let most = 0
  const tell = (line: Line) => process.stdout.write(`${JSON.stringify(line)}\n`)
  setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss())
  }, 50).unref()
  // A line on standard input asks for figures.
  let counts: () => unknown = () => ({})
  process.stdin.on('data', () =>
    tell({ event: 'figures', fields: { rssMost: Math.max(most, process.memoryUsage.rss()), counts: counts() } }),
  )
  process.stdin.on('end', () => process.exit())
  if (kind === 'kit') {
    const { stream } = kitSubject(Number(port), tell)
    counts = () => stream.counts
  } else {
    let handled = 0
    const { entity } = bareSubject(Number(port), tell)
    entity.on('stanza', () => {
      handled++
    })
    counts = () => ({ received: handled })
  }
}
