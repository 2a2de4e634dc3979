// SPDX-License-Identifier: Apache-2.0
// Secrets of people at rest: AES-256-GCM with a key from a file. A sealed text says its version first.
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

export type Seal = {
  seal(text: string): string
  /** Null: sealed with another key, or changed. */
  open(sealed: string): string | null
}

const VERSION = '1'
const NONCE = 12
const TAG = 16

/** `secret`: as it stands in the file; the key is made of it. */
export function openSeal(secret: string): Seal {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'gatehouse transport secrets', 32))
  return {
    seal(text) {
      const nonce = randomBytes(NONCE)
      const cipher = createCipheriv('aes-256-gcm', key, nonce)
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return `${VERSION}.${Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64')}`
    },
    open(sealed) {
      const [version, text = ''] = sealed.split('.')
      const bytes = Buffer.from(text, 'base64')
      if (version !== VERSION || bytes.length < NONCE + TAG) return null
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE))
      decipher.setAuthTag(bytes.subarray(NONCE, NONCE + TAG))
      try {
        return Buffer.concat([decipher.update(bytes.subarray(NONCE + TAG)), decipher.final()]).toString('utf8')
      } catch {
        // The tag does not fit: another key, or somebody wrote in the file.
        return null
      }
    },
  }
}
