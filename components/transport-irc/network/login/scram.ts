// SPDX-License-Identifier: Apache-2.0
// SCRAM-SHA-256 (RFC 5802, RFC 7677), without channel binding. The server has to prove that it knows the password as well.
import { createHash, createHmac, pbkdf2, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import type { SaslClient } from './sasl-client.ts'

/** RFC 7677 §4 asks for 4096 or more; a server could ask for so many that we never answer. */
const ITERATIONS = { least: 4096, most: 1_000_000 }

export function scramClient(account: string, secret: string, nonce: string): SaslClient {
  const bare = `n=${prepared(account).replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${nonce}`
  let expected: Buffer | null = null
  let proved = false
  return {
    get proved() {
      return proved
    },
    first: async () => Buffer.from(`n,,${bare}`),
    async next(challenge) {
      const said = challenge.toString()
      if (expected !== null) {
        const fields = fieldsOf(said)
        if (fields.e !== undefined) throw new Error(`refused: ${fields.e}`)
        const signature = Buffer.from(fields.v ?? '', 'base64')
        if (signature.length !== expected.length || !timingSafeEqual(signature, expected))
          throw new Error('the server does not know the password')
        proved = true
        return Buffer.alloc(0)
      }
      const { r = '', s = '', i = '', m } = fieldsOf(said)
      if (m !== undefined) throw new Error('an extension that has to be understood')
      if (!r.startsWith(nonce) || r.length === nonce.length) throw new Error('a foreign nonce')
      const iterations = /^[1-9][0-9]{0,9}$/.test(i) ? Number(i) : 0
      if (iterations < ITERATIONS.least || iterations > ITERATIONS.most) throw new Error(`${i} iterations`)
      const salt = Buffer.from(s, 'base64')
      if (salt.length === 0) throw new Error('no salt')
      const salted = await derive(prepared(secret), salt, iterations, 32, 'sha256')
      const clientKey = hmac(salted, 'Client Key')
      const end = `c=biws,r=${r}`
      const all = `${bare},${said},${end}`
      const mask = hmac(createHash('sha256').update(clientKey).digest(), all)
      expected = hmac(hmac(salted, 'Server Key'), all)
      const proof = Buffer.from(clientKey.map((byte, index) => byte ^ (mask[index] ?? 0)))
      return Buffer.from(`${end},p=${proof.toString('base64')}`)
    },
  }
}

const derive = promisify(pbkdf2)

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

/** SASLprep (RFC 4013) as far as it changes what people type: other spaces are spaces, invisible letters are nothing, NFKC. */
function prepared(text: string): string {
  return text
    .replace(/[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/g, ' ')
    .replace(/\u00ad|\u034f|\u1806|[\u180b-\u180d]|[\u200c\u200d]|\u2060|[\ufe00-\ufe0f]|\ufeff/g, '')
    .normalize('NFKC')
}

function fieldsOf(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(text.split(',').map((field) => [field.slice(0, 1), field.slice(2)]))
}
