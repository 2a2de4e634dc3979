// SPDX-License-Identifier: Apache-2.0
// Secrets of people at rest: AES-256-GCM with a key from a file (NIST SP 800-38D). A sealed text says its version and its key first.
import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'

export type Seal = {
  /** `context`: whose it is and where, in words that say no secret. It opens with the same words only. */
  seal(text: string, context: string): string
  /** Null: sealed with a key that is not here, for another context, or changed. */
  open(sealed: string, context: string): string | null
  /** Sealed by the key that seals now; others are to be sealed anew before their key is taken out of the file. */
  isCurrent(sealed: string): boolean
}

const VERSION = '2'
const NONCE_BYTES = 12
const TAG_BYTES = 16
/** A key that could be guessed protects nothing. */
const KEY_CHARACTERS = 16

type Key = { name: string; bytes: Buffer }

/** The file of keys cannot be used; `line` counts from 1. */
export class SealFault extends Error {
  override name = 'SealFault'
  readonly line: number
  constructor(line: number) {
    super(`line ${line}: a key of at least ${KEY_CHARACTERS} characters is wanted`)
    this.line = line
  }
}

/** `keys`: a key a line, as it stands in the file. The first one seals, all of them open. Throws SealFault. */
export function openSeal(keys: string): Seal {
  const known = keys
    .split('\n')
    .map((text, index) => ({ text: text.trim(), line: index + 1 }))
    .filter(({ text }) => text !== '' && !text.startsWith('#'))
    .map(keyOf)
  const [current] = known
  if (current === undefined) throw new SealFault(1)
  return {
    seal(text, context) {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', current.bytes, nonce).setAAD(Buffer.from(context))
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return `${headOf(current)}${Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64')}`
    },
    open(sealed, context) {
      const key = known.find((one) => sealed.startsWith(headOf(one)))
      if (key === undefined) return null
      const bytes = Buffer.from(sealed.slice(headOf(key).length), 'base64')
      if (bytes.length < NONCE_BYTES + TAG_BYTES) return null
      const nonce = bytes.subarray(0, NONCE_BYTES)
      const decipher = createDecipheriv('aes-256-gcm', key.bytes, nonce, { authTagLength: TAG_BYTES })
      decipher.setAAD(Buffer.from(context)).setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES))
      try {
        const body = bytes.subarray(NONCE_BYTES + TAG_BYTES)
        return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8')
      } catch {
        // The tag does not fit: another context, or somebody wrote in the file.
        return null
      }
    },
    isCurrent: (sealed) => sealed.startsWith(headOf(current)),
  }
}

function keyOf({ text, line }: { text: string; line: number }): Key {
  if (text.length < KEY_CHARACTERS) throw new SealFault(line)
  const bytes = Buffer.from(hkdfSync('sha256', text, '', 'gatehouse transport secrets', 32))
  // Tells keys apart and says nothing of them.
  return { name: createHash('sha256').update('name of ').update(bytes).digest('hex').slice(0, 8), bytes }
}

function headOf({ name }: Key): string {
  return `${VERSION}.${name}.`
}
