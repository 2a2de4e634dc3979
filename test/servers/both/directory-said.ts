// SPDX-License-Identifier: Apache-2.0
// A stream of Alice's on which something is said before she is logged in.
import { connect } from 'node:net'
import type { DirectoryHouse } from './directory-house.ts'
import { HOST, soon } from './house.ts'

/** Opens a stream as Alice, says something, and gives what fits of the answer. */
export async function said(house: DirectoryHouse, text: string, wanted: RegExp): Promise<string> {
  const socket = connect(house.ports.c2s, '127.0.0.1')
  socket.setEncoding('utf8')
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  let heard = ''
  let asked = false
  socket.on('error', reject)
  socket.on('close', () => reject(new Error(`the stream ended: ${heard}`)))
  socket.on('data', (chunk: string) => {
    heard += chunk
    if (!asked && heard.includes('</stream:features>')) {
      asked = true
      heard = ''
      socket.write(text)
    }
    const found = asked ? wanted.exec(heard) : null
    if (found !== null) resolve(found[0])
  })
  socket.write(
    `<?xml version='1.0'?><stream:stream from='alice@${HOST}' to='${HOST}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`,
  )
  try {
    return await soon(promise, `${wanted} in ${heard}`)
  } finally {
    socket.destroy()
  }
}
