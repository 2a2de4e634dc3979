// SPDX-License-Identifier: Apache-2.0
// A raw client that remembers what it got, so that a test can wait for it.
import { type Login, type Managed, RawClient } from './raw-client.ts'
import { textOf } from './stanza-splitter.ts'

export type Listener = {
  client: RawClient
  readonly jid: string
  /** Every stanza so far, in order. */
  readonly seen: readonly string[]
  /** Resolves when the server has acknowledged a stanza of ours that fits. */
  acked(like: RegExp): Promise<void>
  /** Messages of ours that the server acknowledged, in order. */
  readonly acknowledged: readonly string[]
  /** The first stanza that fits, come or to come; rejects when the connection ends before. */
  next(like: RegExp): Promise<string>
  /** Bodies of the messages so far, in order. */
  bodies(): string[]
  /** Resolves when the server has handled everything sent before: it answers a ping. */
  fence(): Promise<void>
}

export async function listen(login: Login, previous: Managed | null = null): Promise<Listener> {
  const seen: string[] = []
  const acknowledged: string[] = []
  const waiting = new Set<(stanza: string) => void>()
  const ackWaiting = new Set<(stanza: string) => void>()
  const client = await RawClient.login(
    login,
    {
      stanza: (stanza) => {
        seen.push(stanza)
        for (const look of waiting) look(stanza)
      },
      acknowledged: (stanza) => {
        acknowledged.push(stanza)
        for (const look of ackWaiting) look(stanza)
      },
    },
    previous,
  )
  let fences = 0
  const wait = (list: readonly string[], waiting: Set<(stanza: string) => void>, like: RegExp) => {
    const found = list.find((stanza) => like.test(stanza))
    if (found !== undefined) return Promise.resolve(found)
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    const look = (stanza: string) => {
      if (like.test(stanza)) resolve(stanza)
    }
    waiting.add(look)
    const late = setTimeout(
      () => reject(new Error(`nothing like ${like} within 20 s; came: ${list.slice(-5).join('')}`)),
      20_000,
    )
    void client.ended.then(({ why }) => reject(new Error(`the connection ended: ${why}`)))
    return promise.finally(() => {
      waiting.delete(look)
      clearTimeout(late)
    })
  }
  const next = (like: RegExp) => wait(seen, waiting, like)
  return {
    client,
    acked: async (like) => void (await wait(acknowledged, ackWaiting, like)),
    jid: client.jid,
    seen,
    acknowledged,
    next,
    bodies: () => seen.flatMap((stanza) => (stanza.startsWith('<message') ? (textOf(stanza, 'body') ?? []) : [])),
    async fence() {
      fences += 1
      client.send(`<iq type='get' id='fence${fences}' to='${login.domain}'><ping xmlns='urn:xmpp:ping'/></iq>`)
      await next(new RegExp(`id=.fence${fences}.`))
    },
  }
}
