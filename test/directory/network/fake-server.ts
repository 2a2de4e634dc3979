// SPDX-License-Identifier: Apache-2.0
// An LDAP server that answers what a test tells it to: wrong, half, late, or never.
import { once } from 'node:events'
import net from 'node:net'
import { BerReader, BerWriter, PagedResultsControl, ProtocolOperation } from 'ldapts'

export type Asked = {
  messageId: number
  operation: 'bind' | 'search' | 'extended' | 'unbind' | 'other'
  /** Of a search. */
  base: string
  /** Of a paged search; '' on its first page. */
  cookie: string
  socket: net.Socket
}

export type FakeServer = AsyncDisposable & { url: string; port: number; asked: Asked[] }

/** `answer` sees every request that is no bind; binds are accepted, and so is what it leaves unanswered ('pass': the root entry). */
export async function startFake(answer: (asked: Asked) => void, bindCode = 0): Promise<FakeServer> {
  const asked: Asked[] = []
  const sockets = new Set<net.Socket>()
  const server = net.createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk: Buffer) => {
      for (let rest = chunk; rest.length > 0; ) {
        const reader = new BerReader(rest)
        reader.readSequence()
        const one = readRequest(rest.subarray(0, reader.offset + reader.length), socket)
        rest = rest.subarray(reader.offset + reader.length)
        asked.push(one)
        if (one.operation === 'bind')
          socket.write(done(one.messageId, ProtocolOperation.LDAP_RES_BIND, { code: bindCode }))
        else if (one.operation === 'search' && one.base === '') {
          socket.write(Buffer.concat([entry(one.messageId, '', { namingContexts: ['dc=x'] }), done(one.messageId)]))
        } else if (one.operation !== 'unbind') answer(one)
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    url: `ldap://127.0.0.1:${address.port}`,
    port: address.port,
    asked,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** A SearchResultEntry. */
export function entry(messageId: number, dn: string, values: Record<string, readonly (string | Buffer)[]>): Buffer {
  return message(messageId, (writer) => {
    writer.startSequence(ProtocolOperation.LDAP_RES_SEARCH_ENTRY)
    writer.writeString(dn)
    writer.startSequence()
    for (const [name, octets] of Object.entries(values)) {
      writer.startSequence()
      writer.writeString(name)
      writer.startSequence(ProtocolOperation.LBER_SET)
      for (const value of octets) writer.writeBuffer(Buffer.from(value), 4)
      writer.endSequence()
      writer.endSequence()
    }
    writer.endSequence()
    writer.endSequence()
  })
}

/** A person that openldap's layout knows. */
export function personEntry(messageId: number, number: number): Buffer {
  const uuid = `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`
  const uid = `u${number}`
  return entry(messageId, `uid=${uid},dc=x`, {
    entryUUID: [uuid],
    uid: [uid],
    cn: [uid],
    modifyTimestamp: ['20260101000000Z'],
  })
}

/** The end of an answer; a cookie, '' included, comes in the control of RFC 2696. */
export function done(
  messageId: number,
  operation: number = ProtocolOperation.LDAP_RES_SEARCH,
  { code = 0, text = '', cookie }: { code?: number; text?: string; cookie?: string } = {},
): Buffer {
  return message(messageId, (writer) => {
    writer.startSequence(operation)
    writer.writeEnumeration(code)
    writer.writeString('')
    writer.writeString(text)
    writer.endSequence()
    if (cookie === undefined) return
    writer.startSequence(ProtocolOperation.LDAP_CONTROLS)
    new PagedResultsControl({ value: { size: 0, cookie: Buffer.from(cookie) } }).write(writer)
    writer.endSequence()
  })
}

/** A SearchResultReference. */
export function reference(messageId: number, url: string): Buffer {
  return message(messageId, (writer) => {
    writer.startSequence(ProtocolOperation.LDAP_RES_SEARCH_REF)
    writer.writeString(url)
    writer.endSequence()
  })
}

function message(messageId: number, write: (writer: BerWriter) => void): Buffer {
  const writer = new BerWriter()
  writer.startSequence()
  writer.writeInt(messageId)
  write(writer)
  writer.endSequence()
  return writer.buffer
}

const OPERATIONS: Readonly<Record<number, Asked['operation']>> = {
  [ProtocolOperation.LDAP_REQ_BIND]: 'bind',
  [ProtocolOperation.LDAP_REQ_SEARCH]: 'search',
  [ProtocolOperation.LDAP_REQ_EXTENSION]: 'extended',
  [ProtocolOperation.LDAP_REQ_UNBIND]: 'unbind',
}

function readRequest(bytes: Buffer, socket: net.Socket): Asked {
  const reader = new BerReader(bytes)
  reader.readSequence()
  const messageId = reader.readInt() ?? -1
  const operation = OPERATIONS[reader.readSequence() ?? -1] ?? 'other'
  const end = reader.offset + reader.length
  const base = operation === 'search' ? (reader.readString() ?? '') : ''
  let cookie = ''
  if (operation === 'search' && end < bytes.length) {
    reader.offset = end
    reader.readSequence(ProtocolOperation.LDAP_CONTROLS)
    reader.readSequence()
    reader.readString()
    if (reader.peek() === 1) reader.readBoolean()
    const control = new PagedResultsControl()
    control.parse(new BerReader(reader.readString(4, true) ?? Buffer.alloc(0)))
    cookie = control.value?.cookie?.toString() ?? ''
  }
  return { messageId, operation, base, cookie, socket }
}
