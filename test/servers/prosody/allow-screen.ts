// SPDX-License-Identifier: Apache-2.0
// A screen that keeps nothing: answers every IQ set with an empty result, by scanning strings only. The bench's do-nothing
// screen, and, with markers in the body (DENY, REPLACE, HOLD, LATER, MUTE), what the helper's own tests talk to.
import { createHash } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { pathToFileURL } from 'node:url'

export type AllowScreen = AsyncDisposable & {
  /** Everything the helper asked or told, whole IQs as text, when `keep` is set. */
  readonly seen: string[]
  /** Resolves with the first IQ that fits, among those seen and those to come. */
  saw(pattern: RegExp): Promise<string>
  /** The same with messages, such as errors of what was written. */
  heard(pattern: RegExp): Promise<string>
  readonly ended: Promise<void>
  /** Answers what was held by HOLD, LATER or MUTE; without a number everything. */
  release(): void
  write(xml: string): void
  close(): Promise<void>
}

export type AllowSettings = {
  port: number
  address?: string
  domain: string
  secret: string
  markers?: boolean
  keep?: boolean
  /** Breaks the connection as soon as a fitting IQ has come, without an answer to it. */
  dies?: RegExp
  /** Fitting IQs get no answer. */
  silent?: RegExp
  /** A host that gets `forbidden`. */
  stranger?: string
}

export async function openAllowScreen(settings: AllowSettings): Promise<AllowScreen> {
  const socket = connect(settings.port, settings.address ?? '127.0.0.1')
  socket.setNoDelay(true)
  const seen: string[] = []
  const messages: string[] = []
  const waiting = new Set<(stanza: string) => void>()
  const held: string[] = []
  const ended = new Promise<void>((done) => socket.once('close', () => done()))
  socket.on('error', () => {})
  let rest = await handshake(socket, settings)
  const look = (stanza: string, among: string[]) => {
    if (!settings.keep) return
    among.push(stanza)
    for (const one of waiting) one(stanza)
  }
  const wait = (pattern: RegExp, among: readonly string[]) => {
    const found = among.find((stanza) => pattern.test(stanza))
    if (found !== undefined) return Promise.resolve(found)
    return new Promise<string>((resolve) => {
      const one = (stanza: string) => {
        if (!among.includes(stanza) || !pattern.test(stanza)) return
        waiting.delete(one)
        resolve(stanza)
      }
      waiting.add(one)
    })
  }
  const answer = settings.markers ? (iq: string) => marked(iq, held, settings.domain) : allowed
  const decoder = new TextDecoder()
  const take = (chunk: Buffer) => {
    rest += decoder.decode(chunk, { stream: true })
    let out = ''
    for (;;) {
      const start = rest.indexOf('<iq')
      const message = settings.keep ? MESSAGE.exec(start < 0 ? rest : rest.slice(0, start)) : null
      if (message) {
        look(message[0], messages)
        rest = rest.slice(message.index + message[0].length)
        continue
      }
      const head = start < 0 ? -1 : rest.indexOf('>', start)
      if (head < 0) break
      // A question may hold an IQ: what the helper asks ends with its own closing tags.
      const close = rest.startsWith('><screen', head) ? '</screen></iq>' : '</iq>'
      if (rest.length < head + 8 && rest[head - 1] !== '/') break
      const end = rest[head - 1] === '/' ? head + 1 : rest.indexOf(close, head) + close.length
      if (end < head) break
      const iq = rest.slice(start, end)
      rest = rest.slice(end)
      look(iq, seen)
      if (settings.dies?.test(iq)) {
        socket.destroy()
        return
      }
      if (settings.silent?.test(iq)) continue
      const { type, from } = headOf(iq)
      if (type !== 'set') continue
      out += settings.stranger !== undefined && from === settings.stranger ? forbidden(iq) : answer(iq)
    }
    if (out !== '') socket.write(out)
  }
  socket.on('data', take)
  take(Buffer.alloc(0))
  return {
    seen,
    ended,
    saw: (pattern) => wait(pattern, seen),
    heard: (pattern) => wait(pattern, messages),
    release: () => void socket.write(held.splice(0).join('')),
    write: (xml) => void socket.write(xml),
    close: async () => {
      socket.destroy()
      await ended
    },
    [Symbol.asyncDispose]: async () => {
      socket.destroy()
      await ended
    },
  }
}

export function handshake(socket: Socket, settings: Pick<AllowSettings, 'domain' | 'secret'>): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.once('connect', () =>
      socket.write(
        `<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='${settings.domain}'>`,
      ),
    )
    let text = ''
    const take = (chunk: Buffer) => {
      text += chunk.toString()
      const id = /<stream:stream[^>]* id=['"]([^'"]+)/.exec(text)?.[1]
      if (id !== undefined && !text.includes('<handshake')) {
        socket.write(
          `<handshake>${createHash('sha1')
            .update(id + settings.secret)
            .digest('hex')}</handshake>`,
        )
        text = text.replace(/<stream:stream[^>]*>/, '')
      }
      // The helper speaks as soon as the component is there: its first question may stand in the same piece.
      const done = /<handshake\s*\/>|<\/handshake>/.exec(text)
      if (done) {
        socket.off('data', take)
        resolve(text.slice(done.index + done[0].length))
      }
    }
    socket.on('data', take)
    socket.once('close', () => reject(new Error('the server closed the component stream')))
  })
}

/** With at most one more in it. */
const MESSAGE =
  /<message (?:(?!<\/?message\b)[\s\S])*(?:<message (?:(?!<\/message>)[\s\S])*<\/message>(?:(?!<\/message>)[\s\S])*)?<\/message>/
const HEAD = /^<iq type='(set)' from='([^']*)' to='([^']*)' id='([^']*)'/

/** Prosody's helper writes the attributes always in one order; ejabberd has an order of its own. */
function headOf(iq: string): { type: string; from: string; to: string; id: string } {
  const [, type, from = '', to = '', id = ''] = HEAD.exec(iq) ?? []
  if (type !== undefined) return { type, from, to, id }
  const head = iq.slice(0, iq.indexOf('>'))
  const attribute = (name: string) => new RegExp(` ${name}=(['"])(.*?)\\1`).exec(head)?.[2] ?? ''
  return { type: attribute('type'), from: attribute('from'), to: attribute('to'), id: attribute('id') }
}

function forbidden(iq: string): string {
  const { from, to, id } = headOf(iq)
  return `<iq type='error' from='${to}' to='${from}' id='${id}'><error type='auth'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`
}

function allowed(iq: string): string {
  const { from, to, id } = headOf(iq)
  return `<iq type='result' from='${to}' to='${from}' id='${id}'/>`
}

function marked(iq: string, held: string[], domain: string): string {
  const { from, id } = headOf(iq)
  if (/POISON/.test(iq))
    return `<iq type='error' from='${domain}' to='${from}' id='${id}'><error type='modify'><bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`
  if (/MUTE/.test(iq)) {
    held.push(allowed(iq))
    return ''
  }
  let verdicts = ''
  let late = ''
  for (const [, n, stanza] of iq.matchAll(
    /<ask (?=[^>]*?\bn='(\d+)')[^>]*><forwarded[^>]*>(.*?)<\/forwarded><\/ask>/gs,
  )) {
    if (n === undefined || stanza === undefined) continue
    const refuse = `<verdict n='${n}' action='refuse' rule='marker' condition='policy-violation'><text xml:lang='en'>no such word</text></verdict>`
    if (stanza.includes('LATER')) {
      verdicts += `<verdict n='${n}' action='later'/>`
      late += `<verdict n='${n}' action='${stanza.includes('DENY') ? "refuse' condition='policy-violation" : 'allow'}'/>`
    } else if (stanza.includes('DENY')) verdicts += refuse
    else if (stanza.includes('ODD')) verdicts += `<verdict n='${n}' action='shrug'/>`
    else if (stanza.includes('FORGE'))
      verdicts += `<verdict n='${n}' action='replace' rule='marker'><forwarded xmlns='urn:xmpp:forward:0'>${stanza.replace(/ to='[^']*'/, " to='else@where'")}</forwarded></verdict>`
    else if (stanza.includes('REPLACE'))
      verdicts += `<verdict n='${n}' action='replace' rule='marker'><forwarded xmlns='urn:xmpp:forward:0'>${stanza.replaceAll(/(>[^<]*)REPLACE/g, '$1[masked]')}</forwarded></verdict>`
  }
  if (late !== '') {
    const source = /source='([^']*)'/.exec(iq)?.[1] ?? ''
    held.push(
      `<iq type='set' from='${domain}' to='${from}' id='late${held.length}'><verdicts xmlns='urn:gatehouse:screen:1' source='${source}'>${late}</verdicts></iq>`,
    )
  }
  const answer =
    verdicts === ''
      ? allowed(iq)
      : `<iq type='result' from='${domain}' to='${from}' id='${id}'><verdicts xmlns='urn:gatehouse:screen:1'>${verdicts}</verdicts></iq>`
  if (!/HOLD/.test(iq)) return answer
  held.push(answer)
  return ''
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [, , port, domain, secret] = process.argv
  if (port === undefined || domain === undefined || secret === undefined)
    throw new Error('allow-screen.ts PORT DOMAIN SECRET')
  const screen = await openAllowScreen({ port: Number(port), domain, secret })
  process.once('SIGTERM', () => void screen.close())
  process.stdout.write('ready\n')
  await screen.ended
}
